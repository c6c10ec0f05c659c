"""An exported text-to-text model or captioner, loaded by another process without nlpkit, against the model."""

import numpy as np
import tensorflow as tf

from nlpkit.errors import VerificationError
from nlpkit.export.verify import TOLERANCE, check_difference, read_saved_model
from nlpkit.export.verify_generator import generator_texts, over_long_text
from nlpkit.layers.decoder_stack import DecoderStack
from nlpkit.text.vocabulary import START

# Characters of a target that is measured, tokens written of each, texts side by side, and
# steps of the state.
TARGET, NEW_TOKENS, BATCH, STEPS = 100, 12, 8, 8
# Images side by side, and their size where it is open.
IMAGES = (6, 7), (1, 50)

_TRANSLATE = """
found |= {"written": [], "score": [], "logits": []}
for name, inputs in given["searches"]:
    answer = ask(name, **inputs)
    found["written"] += zip([text.decode("utf-8") for text in answer["text"].numpy()], answer["score"].numpy().tolist())
for source, targets in given["pairs"]:
    found["score"] += ask("score", target=targets, **source)["score"].numpy().tolist()
if "ids" in given:
    found["ids"] = ask("ids", source_ids=given["ids"])["score"].numpy().tolist()
state = ask("init", **given["first"], **given["sizes"])
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
    return [*batches, ([over_long_text()], targets[:1])]


def captions_to_compare(shape):
    """Images of noise, a black one among them, and real texts as captions; then one image by itself.

    Args:
        shape: Tuple. Shape of the images, as `EncoderDecoderNetwork.source_shape` has it. Where a size is open, that of
            the last image is another one.

    Returns:
        List of tuples of a uint8 or float32 array and a list of captions.

    Example:
        >>> from nlpkit.export.verify_text_to_text import captions_to_compare
        >>> [images.shape for images, _ in captions_to_compare((None, None, 5))]
        [(6, 7, 5), (1, 50, 5)]
    """
    draw, captions, batches = np.random.default_rng(0), pairs_to_compare()[0][1], []
    for number, open_size in IMAGES:
        images = draw.normal(size=(number, *(size or open_size for size in shape[1:]))).astype("float32")
        if len(shape) == 4:
            images = np.clip(127 + 60 * images, 0, 255).astype("uint8")
        images[1:2] = 0
        batches.append((images, captions[:number]))
    return batches


def verify_text_to_text(folder, model, pairs, beam_size, sources, prefix=""):
    """Loads a SavedModel in a separate process without nlpkit, and compares what it says of texts or images.

    Log-probabilities may differ by 1e-5 per token, scores and the logits of single steps by 1e-5, of large ones
    relative to them, and what is written not at all, unless the model itself has another target of the same score.

    Args:
        folder: Path of the SavedModel.
        model: Fitted `TextToText` or `ImageCaptioner`.
        pairs: Batches as `pairs_to_compare` or `captions_to_compare` gives them.
        beam_size: int. That of the SavedModel.
        sources: `FromTexts` or `FromImages`. What it reads.
        prefix: str. As of `read_saved_model`. Defaults to nothing.

    Returns:
        float. The largest difference of a log-probability, per token of its target.

    Raises:
        VerificationError: If it cannot be loaded, holds an op of one device or of XLA, or differs.
    """
    searches, first, name = _searches(pairs, beam_size, sources.verb), pairs[0][0][:1], sources.given.name
    read, _ = sources.read(tf.constant(first))
    token_ids = [token % model.network_.vocabulary_size for token in (START, *range(-1, STEPS - 2))]
    given = {
        "searches": [(signature, {name: _plain(given), **few}) for signature, given, few, _ in searches],
        "pairs": [({name: _plain(given)}, targets) for given, targets in pairs],
        "first": {name: _plain(first)},
        "sizes": {"max_length": STEPS} if isinstance(model.network_.decoder, DecoderStack) else {},
        "token_ids": token_ids,
    }
    if not model.network_.reader.takes_features:
        given["ids"] = _plain(read.numpy())
    needs_text = any(getattr(model, f"{side}_").needs_tensorflow_text for side in model.sides())
    answer = read_saved_model(folder, _TRANSLATE, given, needs_text, prefix)
    logits = model.network_([read, tf.constant([token_ids])])[0].numpy()
    check_difference("logits of `step`", answer["logits"], logits, TOLERANCE * max(1.0, np.abs(logits).max()))
    _check_targets(model, searches, answer["written"], sources)
    if "ids" in given:
        best = model.predict_nbest(first, n=1, beam_size=beam_size)[0][0]["score"]
        check_difference("score of `ids`", answer["ids"], [best], _limit(best))
    scores, lengths = _scores(model, pairs)
    found = np.array(answer["score"])
    check_difference("log-probability per token", found / lengths, scores / lengths, TOLERANCE)
    return float(np.abs((found - scores) / lengths).max())


def _plain(sources):
    """Sources as JSON has them."""
    return sources.tolist() if isinstance(sources, np.ndarray) else sources


def _searches(pairs, beam_size, verb):
    """What is asked for: signatures, sources, further inputs, and options of `predict_nbest` that stand for them."""
    few = {"max_new_tokens": NEW_TOKENS, "length_penalty": 1.0}
    without = {**few, "length_penalty": 0.0}
    beams, one = {"n": beam_size, "beam_size": beam_size}, {"n": 1, "beam_size": 1}
    first = pairs[0][0]
    return [
        *((verb, sources, few, {**beams, **few}) for sources, _ in pairs),
        (verb, first, without, {**beams, **without}),
        ("greedy", first, few, {**one, **few}),
        ("serving_default", first[:2], {}, beams),
    ]


def _scores(model, pairs):
    """The log-probability of each target, and its number of tokens."""
    scores = np.concatenate([model.score(*pair) for pair in pairs])
    return scores, model.target_.encode([text for _, targets in pairs for text in targets]).lengths


def _check_targets(model, searches, written, sources):
    """Raises unless each target is the model's; see `_check_target`."""
    written = iter(written)
    for signature, given, _, options in searches:
        found = model.predict_nbest(given, **options)
        for number, (source, likely) in enumerate(zip(given, found, strict=True), start=1):
            _check_target(sources.called(source, number, signature), *next(written), likely)


def _check_target(source, text, score, likely):
    """Raises unless a target is the best one of the model, or another one of the same score."""
    best, limit = likely[0], _limit(score)
    same = [found for found in likely if found["text"] == text and abs(found["score"] - score) <= limit]
    if not same or not abs(best["score"] - score) <= limit:
        raise VerificationError(
            f"The SavedModel writes {text!r} with a score of {score:.6g} for the {source}, the Keras model "
            f"{best['text']!r} with {best['score']:.6g}. It was removed."
        )


def _limit(score):
    return TOLERANCE * max(1.0, abs(score))
