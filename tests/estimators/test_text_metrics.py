import math
import sys

import pytest
import sacrebleu

from nlpkit.errors import InputError
from nlpkit.estimators.text_metrics import text_metrics

PREDICTED = ["A man sleeps on a red sofa.", "Two dogs run over grass", "Ein Vogel", "nothing like it"]
REFERENCES = ["A man is sleeping on a red sofa.", "Two dogs run over the grass", "Ein Vogel", "A child eats"]


def test_bleu_and_chrf_are_those_of_sacrebleu():
    found = text_metrics(PREDICTED, REFERENCES)
    assert found["bleu"] == sacrebleu.corpus_bleu(PREDICTED, [REFERENCES]).score
    assert found["chrf"] == sacrebleu.corpus_chrf(PREDICTED, [REFERENCES]).score
    version = f"version:{sacrebleu.__version__}"
    assert found["bleu_signature"] == f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|{version}"
    assert found["chrf_signature"] == f"nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|{version}"
    assert found["texts"] == 4 and found["exact_match"] == 25


def test_values_worked_out_by_hand():
    found = text_metrics(["a b c d e"], ["a b c d f g"])
    # Of the 5, 4, 3, 2 sequences of 1 to 4 words 4, 3, 2, 1 are in the reference, which is one word longer.
    assert found["bleu"] == pytest.approx(100 * math.exp(1 - 6 / 5) * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    assert found["rouge1"] == pytest.approx(100 * 2 * 4 / (5 + 6))
    assert found["rouge2"] == pytest.approx(100 * 2 * 3 / (4 + 5))
    assert found["rougeL"] == pytest.approx(100 * 2 * 4 / (5 + 6))
    assert found["exact_match"] == 0


def test_chrf_worked_out_by_hand():
    # Of one, two and three letters the texts share 2 of 3, 1 of 2 and 0 of 1; there is nothing longer.
    assert text_metrics(["abc"], ["abd"])["chrf"] == pytest.approx(100 * (2 / 3 + 1 / 2 + 0) / 3)


def test_of_several_references_the_best_counts():
    groups = [[other, right] for other, right in zip(reversed(REFERENCES), REFERENCES, strict=True)]
    found, single = text_metrics(PREDICTED, groups), text_metrics(PREDICTED, REFERENCES)
    streams = [list(stream) for stream in zip(*groups, strict=True)]
    assert found["bleu"] == sacrebleu.corpus_bleu(PREDICTED, streams).score
    assert found["chrf"] == sacrebleu.corpus_chrf(PREDICTED, streams).score
    assert found["bleu_signature"].startswith("nrefs:2|")
    assert found["exact_match"] == single["exact_match"] == 25
    assert all(found[name] >= single[name] > 0 for name in ("rouge1", "rouge2", "rougeL"))


def test_texts_may_differ_in_their_number_of_references():
    predicted = ["the red cat sat down", "one dog ran"]
    found = text_metrics(predicted, [["the red cat sat"], ["no", "one dog ran home", "one dog ran"]])
    same = text_metrics(predicted, [["the red cat sat"] * 3, ["no", "one dog ran home", "one dog ran"]])
    assert found["bleu_signature"].startswith("nrefs:var|")
    assert {name: value for name, value in found.items() if "signature" not in name} == pytest.approx(
        {name: value for name, value in same.items() if "signature" not in name}
    )


def test_spaces_at_the_ends_do_not_matter_to_exact_match():
    assert text_metrics([" 62", "6 2"], ["62 ", "62"])["exact_match"] == 50


def test_nothing_predicted_is_a_prediction():
    found = text_metrics(["", ""], ["a word", ""])
    assert (found["bleu"], found["rouge1"], found["exact_match"]) == (0, 0, 50)


def test_the_extra_is_named_where_sacrebleu_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(InputError, match=r"need sacrebleu.*Run: pip install 'nlpkit\[text-to-text\]'"):
        text_metrics(["a"], ["a"])


@pytest.mark.parametrize(
    ("predicted", "references", "message"),
    [
        ("a", ["a"], "`predicted` must be a list of texts. Received: str"),
        ([], [], "`predicted` must hold at least one text"),
        (["a"], "a", "`references` must be a list of str, or a list of lists of str. Received: str"),
        (["a"], None, "`references` must be a list of str, or a list of lists of str. Received: NoneType"),
        (["a"], ["a", "b"], "one list of texts, for each text of `predicted`. Received: 2 for 1 texts"),
        (["a", "b"], ["a", []], "`references` of text 1 must hold at least one text"),
        (["a", "b"], [["a", 3], "b"], "`references` of text 0 must be a list of texts .str.. Received: 3 of"),
        (["a"], [None], "`references` of text 0 must be a list of texts. Received: NoneType"),
    ],
)
def test_texts_that_cannot_be_compared(predicted, references, message):
    with pytest.raises(InputError, match=message):
        text_metrics(predicted, references)
