"""A language model as a TFLite file: ids in, what follows them out; the whole search is inside."""

import numpy as np
import tensorflow as tf

from nlpkit.export.generator_module import go_on, log_probabilities
from nlpkit.export.lite_graphs import called, stepped, traced
from nlpkit.export.lite_task import LiteTask, vocabulary_files
from nlpkit.export.portable import portable_model
from nlpkit.export.quantization import NONE
from nlpkit.export.state_signatures import named, step_signature
from nlpkit.export.tflite import write_tflite
from nlpkit.export.verify_generator import generator_texts, over_long_text
from nlpkit.generation.texts import prompt_ids
from nlpkit.layers.dense_array import dense_arrays
from nlpkit.text.vocabulary import END
from nlpkit.training.documents import inputs_of

ROW = tf.TensorSpec([1, None], tf.int32, name="token_ids")
OPTIONS = {
    "max_new_tokens": tf.TensorSpec([], tf.int32),
    "temperature": tf.TensorSpec([], tf.float32),
    "top_k": tf.TensorSpec([], tf.int32),
    "top_p": tf.TensorSpec([], tf.float32),
    "seed": tf.TensorSpec([], tf.int32),
    "first_row": tf.TensorSpec([], tf.int32),
}
# What the comparison writes with, drawn and not drawn, and how many steps it takes one by one.
# A `top_p` that no number of 20 equally likely tokens has: there the last bit would decide.
DRAWN = {"max_new_tokens": 12, "temperature": 0.8, "top_k": 20, "top_p": 0.87, "seed": 1, "first_row": 2}
LIKELY = {**DRAWN, "temperature": 0.0}
STEPS = 8


class GeneratorLite:
    """The graphs of a language model over the ids of one text.

    Args:
        network: `GeneratorNetwork`.

    Example:
        >>> from nlpkit.export.generator_lite import GeneratorLite
        >>> from nlpkit.models import build_generator
        >>> sorted(GeneratorLite(build_generator(9, units=4)).signatures())
        ['generate', 'init', 'score', 'step']
    """

    def __init__(self, network):
        self.network = network

    def signatures(self):
        """The functions that are exported.

        Returns:
            dict from names to traced functions.
        """
        init = traced(self.init, **({} if self.network.carries_state else {"max_length": OPTIONS["top_k"]}))
        return {
            "generate": traced(self.generate, token_ids=ROW, **OPTIONS),
            "score": traced(self.score, token_ids=ROW),
            "init": init,
            "step": step_signature(self.network.step, init, self.network.initial_state(1, 1)),
        }

    def generate(self, token_ids, **options):
        """Goes on with a text; see `nlpkit.export.generator_module.go_on`.

        Args:
            token_ids: int32 tensor of shape `(1, time)`.
            **options: Scalar tensors.

        Returns:
            dict of `token_ids`, int32 `(1, max_new_tokens)`, and `score`, float32 `(1,)`.
        """
        found = go_on(self.network, token_ids, **options)
        return {"token_ids": found.token_ids, "score": found.score}

    def score(self, token_ids):
        """The log-probability of a text.

        Args:
            token_ids: int32 tensor of shape `(1, time)`, its end included.

        Returns:
            dict of `score`, float32 `(1,)`.
        """
        # By the logits of all tokens: the loss of an adaptive softmax has operations that TFLite lacks.
        likely = tf.nn.log_softmax(self.network(inputs_of(token_ids), training=False))
        return {"score": tf.reduce_sum(tf.gather(likely, token_ids, batch_dims=2), axis=1)}

    def init(self, max_length=None):
        """The state before the first step.

        Args:
            max_length: int32 scalar tensor. Steps that a Transformer has room for. Defaults to `None`.

        Returns:
            dict of tensors.
        """
        return named(self.network.initial_state(1, max_length))


def export_generator_tflite(folder, text_to_ids, network, quantization=NONE, quality=None):
    """Writes `model.tflite`, and proves it before it is there.

    Its signatures, of one text at a time:

    - `generate`: `token_ids`, int32 `(1, time)`, the end, id 3, and the prompt, and the scalars `max_new_tokens`
      (int32), `temperature` (float32), `top_k` (int32), `top_p` (float32), `seed` and `first_row` (int32; both are
      what chance depends on) → `token_ids`, int32 `(1, max_new_tokens)`, padded with 0, and `score`, float32 `(1,)`.
    - `score`: `token_ids`, int32 `(1, time)`, with the end → `score`, the log-probability.
    - `init`: nothing, for a Transformer `max_length` (int32) → `state_0`, `state_1`, …
    - `step`: `token_ids`, int32 `(1,)`, and the state → `logits`, float32 `(1, vocabulary)`, and the next state.

    A zip behind the model holds the vocabulary, and `nlpkit.json`, by which `nlpkit.lite.load` makes ids of texts.

    Args:
        folder: Path of the model folder.
        text_to_ids: `TextToIds` that adds the end to each text.
        network: `GeneratorNetwork`.
        quantization: `Quantization`. Defaults to none.
        quality: `Quality`. Defaults to `None`: not measured.

    Returns:
        `ExportResult`.

    Raises:
        InputError: If an operation has no counterpart in TFLite.
        VerificationError: If the file differs from the model; an earlier file stays.

    Example:
        ```python
        import tempfile
        from nlpkit.export import export_generator_tflite
        from nlpkit.models import build_generator
        from nlpkit.text import text_to_ids

        text = text_to_ids("byte", end=True)
        result = export_generator_tflite(tempfile.mkdtemp(), text, build_generator(text.vocabulary_size, units=8))
        print(result.path, result.max_difference)
        ```
    """
    return write_tflite(folder, generator_task(text_to_ids, network), quantization, quality)


def generator_task(text_to_ids, network, dense=False):
    """What a language model hands over for formats without strings.

    Args:
        text_to_ids: `TextToIds` that adds the end to each text.
        network: `GeneratorNetwork`.
        dense: bool. Whether loops hold dense arrays; see `dense_arrays`. Defaults to `False`.

    Returns:
        `LiteTask` with the signatures of `GeneratorLite`.
    """
    portable = portable_model(network)
    with dense_arrays(dense):
        signatures = GeneratorLite(portable).signatures()
    spec = {"task": "generator", "text": text_to_ids.settings(), "stateful": False}
    texts = [*generator_texts(), over_long_text()]
    steps = [token % network.vocabulary_size for token in range(END, END + STEPS)]
    # Of a recurrent network it has no inputs, and gives zeros.
    first = (
        []
        if network.carries_state
        else [called("init", GeneratorLite(network).init, max_length=np.int32(STEPS))]
    )
    calls = [
        *_written(text_to_ids, network, texts),
        *_scored(text_to_ids, network, texts),
        *first,
        *stepped(network.step, network.initial_state(1, STEPS), steps),
    ]
    return LiteTask(portable, signatures, spec, vocabulary_files(text_to_ids), calls)


def _written(text_to_ids, network, texts):
    """What the network itself writes behind each text, drawn and not."""
    write = traced(GeneratorLite(network).generate, token_ids=ROW, **OPTIONS)
    for number, text in enumerate(texts):
        row = prompt_ids(text_to_ids, tf.constant([text]))
        for options in (LIKELY, DRAWN)[: 2 if number % 4 == 0 else 1]:
            options = {name: tf.constant(value, OPTIONS[name].dtype) for name, value in options.items()}
            yield called("generate", write, token_ids=row, **options)


def _scored(text_to_ids, network, texts):
    """The log-probability of each text, as the network itself finds it in evaluation."""

    def score(token_ids):
        return {"score": log_probabilities(network, token_ids)}

    measure = traced(score, token_ids=ROW)
    for text in texts:
        yield called("score", measure, token_ids=text_to_ids([text]))
