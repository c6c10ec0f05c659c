"""An exported language model, loaded by another process that knows nothing of nlpkit, against the model."""

import numpy as np
import tensorflow as tf

from nlpkit.errors import VerificationError
from nlpkit.export.verify import TOLERANCE, check_difference, read_saved_model, verification_texts
from nlpkit.generation.texts import prompt_ids, texts_behind
from nlpkit.generation.writer import Writer
from nlpkit.text.vocabulary import END

# Characters of the longest text, tokens written behind each, texts side by side, and steps of the state.
LONGEST, NEW_TOKENS, BATCH, STEPS = 400, 12, 8, 8
OVER_LONG = 2000  # characters of a text by itself

_GENERATE = """
found |= {"score": [], "text": [], "written": [], "logits": []}
for texts in given["texts"]:
    found["score"] += ask("score", text=texts)["score"].numpy().tolist()
    written = ask("generate", prompt=texts, seed=1, temperature=0.0, top_k=0, top_p=1.0, **given["options"])
    found["text"] += [text.decode("utf-8") for text in written["text"].numpy()]
    found["written"] += written["score"].numpy().tolist()
assert sorted(ask("serving_default", text=[""])) == ["score", "text"]
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
    large ones relative to the largest, and what it writes with a temperature of 0 not at all.

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
    given = {
        "texts": batches,
        "options": {"max_new_tokens": NEW_TOKENS},
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
    written, likely = _continuations(text_to_ids, network, batches)
    for prompt, found, expected in zip(texts, answer["text"], written, strict=True):
        if found != expected:
            raise VerificationError(
                f"The SavedModel goes on with the text {prompt[-80:]!r} by {found!r}, the Keras model by {expected!r}. "
                "It was removed."
            )
    found = np.array(answer["written"]) / NEW_TOKENS
    check_difference("log-probability of what is written", found, likely / NEW_TOKENS, TOLERANCE)
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


def _continuations(text_to_ids, network, batches):
    """What the network writes behind each text with a temperature of 0, and its log-probabilities."""
    writer, texts, scores = Writer(network), [], []
    for batch in batches:
        rows = prompt_ids(text_to_ids, tf.constant(batch))
        found = writer.write(rows, max_new_tokens=NEW_TOKENS, temperature=0)
        texts += [text.decode() for text in texts_behind(text_to_ids, rows, found.token_ids).numpy()]
        scores.append(found.score)
    return texts, np.concatenate(scores)
