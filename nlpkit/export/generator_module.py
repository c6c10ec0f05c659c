"""The graphs of an exported language model: texts written and measured, and its steps one by one."""

import tensorflow as tf

from nlpkit.export.state_signatures import named, step_signature
from nlpkit.generation import generate, sampling_filters
from nlpkit.generation.texts import prompt_ids, texts_behind
from nlpkit.layers.joined_weights import joined_weights
from nlpkit.training.documents import inputs_of

# What `serving_default` writes with: the defaults of `TextGenerator.generate`, and a seed so that answers repeat.
DEFAULTS = {"max_new_tokens": 100, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "seed": 0}
TEXTS = tf.TensorSpec([None], tf.string, name="text")
OPTIONS = [
    tf.TensorSpec([None], tf.string, name="prompt"),
    tf.TensorSpec([], tf.int32, name="max_new_tokens"),
    tf.TensorSpec([], tf.float32, name="temperature"),
    tf.TensorSpec([], tf.int32, name="top_k"),
    tf.TensorSpec([], tf.float32, name="top_p"),
    tf.TensorSpec([], tf.int32, name="seed"),
]
IDS = [tf.TensorSpec([None, None], tf.int32, name="token_ids"), *OPTIONS[1:]]


class GeneratorModule(tf.Module):
    """The graphs of an exported generator.

    Options out of their range do no harm in the graphs: less than no tokens are none, a `temperature` or `top_p` of 0
    or less takes the most likely token, and a `top_k` of 0 or less leaves all.

    Args:
        text_to_ids: `TextToIds`.
        network: `GeneratorNetwork`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.export.generator_module import GeneratorModule
        >>> from nlpkit.models import build_generator
        >>> from nlpkit.text import text_to_ids
        >>> text = text_to_ids("byte", end=True)
        >>> module = GeneratorModule(text, build_generator(text.vocabulary_size, units=4))
        >>> sorted(module.signatures()), sorted(module.continue_text(tf.constant(["a"])))
        (['generate', 'ids', 'init', 'score', 'serving_default', 'step'], ['score', 'text'])
    """

    def __init__(self, text_to_ids, network):
        super().__init__()
        self.text_to_ids, self.network = text_to_ids, network

    def signatures(self):
        """The functions that are exported.

        Returns:
            dict from the names of the signatures to functions.
        """
        init = self._init()
        return {
            "serving_default": self.continue_text,
            "generate": self.generate,
            "ids": self.from_ids,
            "score": self.score,
            "init": init,
            "step": step_signature(self.network.step, init, self.network.initial_state(1, 1)),
        }

    @tf.function(input_signature=[TEXTS], autograph=False)
    def continue_text(self, text):
        """Goes on with texts: the signature `serving_default`."""
        return self._write(text, *DEFAULTS.values())

    @tf.function(input_signature=OPTIONS, autograph=False)
    def generate(self, prompt, max_new_tokens, temperature, top_k, top_p, seed):
        """Goes on with texts as asked: the signature `generate`.

        Args:
            prompt: String tensor of shape `(batch,)`.
            max_new_tokens: int32 scalar tensor.
            temperature: float32 scalar tensor.
            top_k: int32 scalar tensor.
            top_p: float32 scalar tensor.
            seed: int32 scalar tensor.

        Returns:
            dict of `text`, string, and `score`, float32, both `(batch,)`.
        """
        return self._write(prompt, max_new_tokens, temperature, top_k, top_p, seed)

    # Traced once for all signatures that write.
    @tf.function(input_signature=IDS, autograph=False)
    def from_ids(self, token_ids, max_new_tokens, temperature, top_k, top_p, seed):
        """Goes on with rows of ids: the signature `ids`.

        Args:
            token_ids: int32 tensor of shape `(batch, time)`, as `prompt_ids` gives it.
            max_new_tokens: int32 scalar tensor.
            temperature: float32 scalar tensor.
            top_k: int32 scalar tensor.
            top_p: float32 scalar tensor.
            seed: int32 scalar tensor.

        Returns:
            dict of `token_ids`, int32 `(batch, max_new_tokens)`, padded with 0, and `score`, float32 `(batch,)`.
        """
        with joined_weights(self.network):
            found = go_on(self.network, token_ids, max_new_tokens, temperature, top_k, top_p, seed)
        return {"token_ids": found.token_ids, "score": found.score}

    @tf.function(input_signature=[TEXTS], autograph=False)
    def score(self, text):
        """Log-probabilities of texts, their ends included: the signature `score`."""
        return {"score": log_probabilities(self.network, self.text_to_ids(text))}

    def _write(self, prompts, *options):
        rows = prompt_ids(self.text_to_ids, prompts)
        found = self.from_ids(rows, *options)
        return {"text": texts_behind(self.text_to_ids, rows, found["token_ids"]), "score": found["score"]}

    def _init(self):
        """The signature `init`; only a Transformer has to know for how many steps there must be room."""
        names = ["batch_size"] if self.network.carries_state else ["batch_size", "max_length"]

        def init(*sizes):
            return named(self.network.initial_state(*sizes))

        return tf.function(init, autograph=False).get_concrete_function(
            *(tf.TensorSpec([], tf.int32, name=name) for name in names)
        )


def go_on(network, rows, max_new_tokens, temperature, top_k, top_p, seed, first_row=0):
    """What a language model writes behind rows of ids.

    Args:
        network: `GeneratorNetwork`.
        rows: int32 tensor of shape `(batch, time)`, as `prompt_ids` gives it.
        max_new_tokens: int32 scalar tensor.
        temperature: float32 scalar tensor.
        top_k: int32 scalar tensor.
        top_p: float32 scalar tensor.
        seed: int32 scalar tensor.
        first_row: int32 scalar tensor. Number of the first row, on which chance depends too. Defaults to 0.

    Returns:
        `Generated`.
    """
    room = tf.shape(rows)[1] + tf.maximum(max_new_tokens, 0)
    return generate(
        network.step,
        network.initial_state(rows.shape[0] or tf.shape(rows)[0], room),
        rows,
        max_new_tokens=max_new_tokens,
        filters=sampling_filters(temperature=temperature, top_k=top_k, top_p=top_p),
        seed=seed,
        first_row=first_row,
    )


def log_probabilities(network, token_ids):
    """How likely texts are to a language model.

    Args:
        network: `GeneratorNetwork`.
        token_ids: int32 tensor of shape `(batch, time)`, with the end of each text.

    Returns:
        float32 tensor of shape `(batch,)`.
    """
    hidden, _ = network.hidden(inputs_of(token_ids))
    return -tf.reduce_sum(network.losses_of(hidden, token_ids), axis=1)
