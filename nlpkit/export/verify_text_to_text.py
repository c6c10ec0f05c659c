"""An exported text-to-text model, loaded by another process that knows nothing of nlpkit, against the model."""

import numpy as np
import tensorflow as tf

from nlpkit.errors import VerificationError
from nlpkit.export.target_texts import read_sources
from nlpkit.export.verify import TOLERANCE, check_difference, read_saved_model, verification_texts
from nlpkit.export.verify_generator import generator_texts
from nlpkit.layers.decoder_stack import DecoderStack
from nlpkit.text.vocabulary import START

# Characters of a target that is measured and of the over-long source, tokens written of each, texts side by side, and
# steps of the state.
TARGET, OVER_LONG, NEW_TOKENS, BATCH, STEPS = 100, 2000, 12, 8, 8

_TRANSLATE = """
found |= {"written": [], "score": [], "logits": []}
for name, inputs in given["searches"]:
    answer = ask(name, **inputs)
    found["written"] += zip([text.decode("utf-8") for text in answer["text"].numpy()], answer["score"].numpy().tolist())
for texts, targets in given["pairs"]:
    found["score"] += ask("score", text=texts, target=targets)["score"].numpy().tolist()
found["ids"] = ask("ids", source_ids=given["source_ids"])["score"].numpy().tolist()
state = ask("init", text=given["first"], **given["sizes"])
state.pop("words", None)
for token in given["token_ids"]:
    state = signatures["step"](token_ids=tf.constant([token]), **state)
    found["logits"] += state.pop("logits").numpy().tolist()
"""


def pairs_to_compare():
    """Real texts of many lengths, several scripts and an empty one among them, then an over-long one by itself.

    Returns:
        List of tuples of a list of sources and a list of targets.

    Example:
        >>> from nlpkit.export.verify_text_to_text import pairs_to_compare
        >>> batches = pairs_to_compare()
        >>> any("" in texts for texts, _ in batches), [len(text) for text in batches[-1][0]]
        (True, [2000])
    """
    texts = generator_texts()
    targets = [text[:TARGET] for text in reversed(texts)]
    batches = [
        (texts[start : start + BATCH], targets[start : start + BATCH])
        for start in range(0, len(texts), BATCH)
    ]
    return [*batches, ([verification_texts()[-1][:OVER_LONG]], targets[:1])]


def verify_text_to_text(folder, model, pairs, beam_size):
    """Loads a SavedModel in a separate process without nlpkit, and compares what it says of texts.

    Log-probabilities may differ by 1e-5 per token, scores and the logits of single steps by 1e-5, of large ones
    relative to them, and what is written not at all, unless the model itself has another target of the same score.

    Args:
        folder: Path of the SavedModel.
        model: Fitted `TextToText`.
        pairs: Batches as `pairs_to_compare` gives them.
        beam_size: int. That of the SavedModel.

    Returns:
        float. The largest difference of a log-probability, per token of its target.

    Raises:
        VerificationError: If it cannot be loaded, holds an op of one device or of XLA, or differs.
    """
    searches, first = _searches(pairs, beam_size), pairs[0][0][:1]
    ids, _ = read_sources(model.source_, model.network_, tf.constant(first))
    token_ids = [token % model.network_.vocabulary_size for token in (START, *range(-1, STEPS - 2))]
    given = {
        "searches": [(name, inputs) for name, inputs, _ in searches],
        "pairs": pairs,
        "source_ids": ids.numpy().tolist(),
        "first": first,
        "sizes": {"max_length": STEPS} if isinstance(model.network_.decoder, DecoderStack) else {},
        "token_ids": token_ids,
    }
    needs_text = model.source_.needs_tensorflow_text or model.target_.needs_tensorflow_text
    answer = read_saved_model(folder, _TRANSLATE, given, needs_text)
    logits = model.network_([ids, tf.constant([token_ids])])[0].numpy()
    check_difference("logits of `step`", answer["logits"], logits, TOLERANCE * max(1.0, np.abs(logits).max()))
    sources = [source for _, inputs, _ in searches for source in inputs["text"]]
    expected = [
        likely for _, inputs, options in searches for likely in model.predict_nbest(inputs["text"], **options)
    ]
    for source, found, likely in zip(sources, answer["written"], expected, strict=True):
        _check_target(source, *found, likely)
    best = model.predict_nbest(first, n=1, beam_size=beam_size)[0][0]["score"]
    check_difference("score of `ids`", answer["ids"], [best], _limit(best))
    scores, lengths = _scores(model, pairs)
    found = np.array(answer["score"])
    check_difference("log-probability per token", found / lengths, scores / lengths, TOLERANCE)
    return float(np.abs((found - scores) / lengths).max())


def _searches(pairs, beam_size):
    """What is asked for: signatures, their inputs, and options of `TextToText.predict_nbest` that they stand for."""
    few = {"max_new_tokens": NEW_TOKENS, "length_penalty": 1.0}
    beams, one = {"n": beam_size, "beam_size": beam_size}, {"n": 1, "beam_size": 1}
    shortest = sorted(pairs[0][0], key=len)[:2]
    return [
        *(("translate", {"text": texts, **few}, {**beams, **few}) for texts, _ in pairs),
        (
            "translate",
            {"text": pairs[0][0], **few, "length_penalty": 0.0},
            {**beams, **few, "length_penalty": 0.0},
        ),
        ("greedy", {"text": pairs[0][0], **few}, {**one, **few}),
        ("serving_default", {"text": shortest}, beams),
    ]


def _scores(model, pairs):
    """The log-probability of each target, and its number of tokens; the over-long source by itself."""
    together = [[text for batch in pairs[:-1] for text in batch[side]] for side in (0, 1)]
    scores = np.concatenate([model.score(*together), model.score(*pairs[-1])])
    targets = [*together[1], *pairs[-1][1]]
    return scores, model.target_.encode(targets).lengths


def _check_target(source, text, score, likely):
    """Raises unless a target is the best one of the model, or another one of the same score."""
    best, limit = likely[0], _limit(score)
    same = [found for found in likely if found["text"] == text and abs(found["score"] - score) <= limit]
    if not same or not abs(best["score"] - score) <= limit:
        raise VerificationError(
            f"The SavedModel writes {text!r} with a score of {score:.6g} for the text {source[-80:]!r}, the Keras "
            f"model {best['text']!r} with {best['score']:.6g}. It was removed."
        )


def _limit(score):
    return TOLERANCE * max(1.0, abs(score))
