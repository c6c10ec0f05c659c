"""BLEU, chrF, ROUGE and exact match of predicted texts."""

from statistics import fmean

from nlpkit.errors import InputError
from nlpkit.estimators.labelled_texts import check_texts
from nlpkit.estimators.rouge import MEASURES, rouge


def text_metrics(predicted, references):
    """Compares predicted texts with reference texts; a text may have several references, as many as it likes.

    BLEU and chrF are sacrebleu's, of the whole corpus, with the signature to report beside them; ROUGE is the mean
    over the texts, each with its best reference; exact match is the part of the texts that equal a reference, spaces
    at both ends left out.

    Args:
        predicted: list of str.
        references: list of str, or list of lists of str: the references of each text.

    Returns:
        dict: `bleu`, `chrf`, `rouge1`, `rouge2`, `rougeL` (F1) and `exact_match`, floats from 0 to 100;
        `bleu_signature` and `chrf_signature`, str; `texts`, int.

    Raises:
        InputError: If sacrebleu is not installed, the numbers of texts differ, or anything is no str.

    Example:
        >>> from nlpkit.estimators.text_metrics import text_metrics
        >>> found = text_metrics(["A man sleeps.", "Two dogs"], [["A man sleeps."], ["Two cats", "A dog"]])
        >>> found["exact_match"], round(found["rouge1"], 1), found["bleu_signature"][:8]
        (50.0, 75.0, 'nrefs:va')

    Reference:
        [Post, 2018](https://aclanthology.org/W18-6319/); [Popović, 2015](https://aclanthology.org/W15-3049/);
        [Lin, 2004](https://aclanthology.org/W04-1013/)
    """
    metrics = import_sacrebleu().metrics
    predicted, references = _check(predicted, references)
    streams = _streams(references)
    bleu, chrf = metrics.BLEU(), metrics.CHRF()
    result = {
        "bleu": bleu.corpus_score(predicted, streams).score,
        "bleu_signature": str(bleu.get_signature()),
    }
    result |= {
        "chrf": chrf.corpus_score(predicted, streams).score,
        "chrf_signature": str(chrf.get_signature()),
    }
    scores = [rouge(text, group) for text, group in zip(predicted, references, strict=True)]
    result |= {name: 100 * fmean(score[name] for score in scores) for name in MEASURES}
    exact = (text.strip() in map(str.strip, group) for text, group in zip(predicted, references, strict=True))
    return {**result, "exact_match": 100 * fmean(exact), "texts": len(predicted)}


def import_sacrebleu():
    """The library behind BLEU and chrF; call it before work whose result it has to measure.

    Returns:
        The module `sacrebleu`.

    Raises:
        InputError: If it is not installed.
    """
    try:
        import sacrebleu
    except ImportError as error:
        raise InputError(
            "BLEU and chrF need sacrebleu, which is not installed. Run: pip install 'nlpkit[text-to-text]'"
        ) from error
    return sacrebleu


def _check(predicted, references):
    """Both as lists, the references of each text as a list of str."""
    predicted = check_texts(predicted, "`predicted`")
    if isinstance(references, str | bytes) or not hasattr(references, "__len__"):
        raise InputError(
            "`references` must be a list of str, or a list of lists of str. "
            f"Received: {type(references).__name__}"
        )
    if len(references) != len(predicted):
        raise InputError(
            "`references` must have one text, or one list of texts, for each text of `predicted`. "
            f"Received: {len(references)} for {len(predicted)} texts"
        )
    groups = [[group] if isinstance(group, str) else group for group in references]
    return predicted, [
        check_texts(group, f"`references` of text {number}") for number, group in enumerate(groups)
    ]


def _streams(references):
    """sacrebleu's form of the references: the first of each text, the second of each text, and so on."""
    longest = max(map(len, references))
    return [
        [group[place] if place < len(group) else None for group in references] for place in range(longest)
    ]
