"""An exported language model, loaded by another process that knows nothing of nlpkit, against the model."""

import numpy as np
import tensorflow as tf

from nlpkit.errors import VerificationError
from nlpkit.export.generator_module import DEFAULTS
from nlpkit.export.verify import TOLERANCE, check_difference, read_saved_model, verification_texts
from nlpkit.generation.texts import prompt_ids, texts_behind
from nlpkit.generation.writer import Writer
from nlpkit.text.vocabulary import END

# Characters of the longest text, tokens written behind each, texts side by side, and steps of the state.
LONGEST, NEW_TOKENS, BATCH, STEPS = 400, 12, 8, 8
OVER_LONG = 2000  # characters of a text by itself
LIKELY = {"temperature": 0.0, "top_k": 0, "top_p": 1.0, "seed": 1}
DRAWN = {"temperature": 0.8, "top_k": 9, "top_p": 0.9, "seed": 3}

_GENERATE = """
found |= {"score": [], "text": [], "written": [], "logits": []}
def decoded(written):
    return [text.decode("utf-8") for text in written["text"].numpy()]
for texts in given["texts"]:
    found["score"] += ask("score", text=texts)["score"].numpy().tolist()
    written = ask("generate", prompt=texts, **given["likely"])
    found["text"].append(decoded(written))
    found["written"].append(written["score"].numpy().tolist())
found["drawn"] = decoded(ask("generate", prompt=given["texts"][0], **given["drawn"]))
found["default"] = decoded(ask("serving_default", text=given["texts"][0][:1]))
found["ids"] = ask("ids", token_ids=given["prompts"], **given["likely"])["token_ids"].numpy().tolist()
state = ask("init", **given["sizes"])
for token in given["token_ids"]:
    state = signatures["step"](token_ids=tf.constant([token]), **state)
    found["logits"] += state.pop("logits").numpy().tolist()
"""


def generator_texts():
    """Real texts of many lengths, with an empty one and several scripts among them.

    Returns:
        List of str.

    Example:
        >>> from nlpkit.export.verify_generator import generator_texts
        >>> texts = generator_texts()
        >>> "" in texts, max(map(len, texts))
        (True, 400)
    """
    texts = verification_texts()
    return [text[:LONGEST] for text in texts[:-8:6] + texts[-8:]]


def over_long_text():
    """A text that is longer than what most models were trained on.

    Returns:
        str.

    Example:
        >>> from nlpkit.export.verify_generator import over_long_text
        >>> len(over_long_text())
        2000
    """
    return verification_texts()[-1][:OVER_LONG]


def verify_generator(folder, text_to_ids, network, texts, prefix=""):
    """Loads a SavedModel in a separate process without nlpkit, and compares what it says of texts.

    Log-probabilities may differ by 1e-5 per token, of texts and of what it writes, its logits step by step by 1e-5, of
    large ones relative to the largest, and what it writes, drawn and not, not at all.

    Args:
        folder: Path of the SavedModel.
        text_to_ids: `TextToIds`.
        network: `GeneratorNetwork`.
        texts: List of str; the last is read by itself.
        prefix: str. As of `read_saved_model`. Defaults to nothing.

    Returns:
        float. The largest difference of a log-probability, per token of its text.

    Raises:
        VerificationError: If it cannot be loaded, holds an op of one device or of XLA, or differs.
    """
    steps = [END, *range(4, 3 + STEPS)]
    *others, last = texts
    batches = [*(others[start : start + BATCH] for start in range(0, len(others), BATCH)), [last]]
    prompts = [prompt_ids(text_to_ids, tf.constant(batch)) for batch in batches]
    given = {
        "texts": batches,
        "prompts": prompts[0].numpy().tolist(),
        "likely": {"max_new_tokens": NEW_TOKENS, **LIKELY},
        "drawn": {"max_new_tokens": NEW_TOKENS, **DRAWN},
        "sizes": {"batch_size": 1, **({} if network.carries_state else {"max_length": STEPS})},
        "token_ids": [token % network.vocabulary_size for token in steps],
    }
    answer = read_saved_model(folder, _GENERATE, given, text_to_ids.needs_tensorflow_text, prefix)
    logits = _logits(network, given["token_ids"])
    check_difference("logits of `step`", answer["logits"], logits, TOLERANCE * max(1.0, np.abs(logits).max()))
    scores, lengths = _scores(text_to_ids, network, texts)
    difference = np.abs(np.array(answer["score"]) - scores) / lengths
    check_difference(
        "log-probability per token", np.array(answer["score"]) / lengths, scores / lengths, TOLERANCE
    )
    _compare_written(answer, text_to_ids, Writer(network), batches, prompts)
    return float(difference.max())


def _logits(network, token_ids):
    """The logits after each token, one step after the other."""
    step, state, found = tf.function(network.step), network.initial_state(1, len(token_ids)), []
    for token in token_ids:
        logits, state = step(tf.constant([token]), state)
        found.append(logits[0].numpy())
    return np.stack(found)


def _scores(text_to_ids, network, texts):
    """The log-probability of each text, from the logits of all tokens at once, and its number of tokens."""

    @tf.function(input_signature=[tf.TensorSpec((1, None), tf.int32)])
    def score(ids):
        inputs = tf.concat([tf.fill((1, 1), END), ids[:, :-1]], axis=1)
        log_probabilities = tf.nn.log_softmax(network(inputs, training=False))
        return tf.reduce_sum(tf.gather(log_probabilities, ids, batch_dims=2))

    rows = [text_to_ids([text]) for text in texts]
    rows = [ids[:, : tf.math.count_nonzero(ids)] for ids in rows]
    return np.array([score(ids) for ids in rows]), np.array([ids.shape[1] for ids in rows])


def _compare_written(answer, text_to_ids, writer, batches, prompts):
    """Compares what each signature writes: of all prompts the likeliest, of the first batch something drawn."""

    def check(found, texts, rows, **options):
        written = writer.write(rows, **options)
        behind = texts_behind(text_to_ids, rows, written.token_ids).numpy()
        for prompt, text, right in zip(texts, found, (each.decode() for each in behind), strict=True):
            if text != right:
                raise VerificationError(
                    f"The SavedModel goes on with the text {prompt[-80:]!r} by {text!r}, the Keras model by {right!r}. "
                    "It was removed."
                )
        return written

    check(answer["drawn"], batches[0], prompts[0], max_new_tokens=NEW_TOKENS, **DRAWN)
    check(answer["default"], batches[0][:1], prompts[0][:1], **DEFAULTS)
    likely = [
        check(*parts, max_new_tokens=NEW_TOKENS, temperature=0)
        for parts in zip(answer["text"], batches, prompts, strict=True)
    ]
    if not np.array_equal(answer["ids"], likely[0].token_ids):
        raise VerificationError(
            "The signature `ids` of the SavedModel writes other ids than the Keras model. It was removed."
        )
    for found, expected in zip(answer["written"], likely, strict=True):
        given, right = (np.array(scores) / NEW_TOKENS for scores in (found, expected.score))
        check_difference("log-probability of what is written", given, right, TOLERANCE)
