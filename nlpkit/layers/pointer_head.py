"""Output of a decoder that writes a word of its vocabulary or copies one of the source."""

import keras
import tensorflow as tf

UNKNOWN = 1


@keras.saving.register_keras_serializable(package="nlpkit")
class PointerHead(keras.layers.Layer):
    """Probabilities over the vocabulary and the words of the source, which need not be in the vocabulary.

    At each step a gate says how much of the probability goes to writing a word, as the logits have it; the rest
    goes to copying, and falls on the source words as the attention has it. Probabilities of a word that stands in the
    source several times, or can also be written, add up. Computed in float32.

    Args:
        vocabulary_size: int. Number of ids that the decoder can write.
        extra_ids: int. Number of further ids, for source words that the vocabulary lacks; see `extended_ids`. Defaults
            to 0.

    Call arguments:
        context: Float tensor of shape `(batch, time, context_features)`: what the attention read.
        state: Float tensor of shape `(batch, time, units)`: the decoder's states.
        inputs: Float tensor of shape `(batch, time, features)`: the decoder's inputs.
        logits: Float tensor of shape `(batch, time, vocabulary_size)`, or log-probabilities.
        attention: Float tensor of shape `(batch, time, source_time)`: the attention's weights.
        source_ids: Int tensor of shape `(batch, source_time)`. 0 is padding and never copied, whatever its weight; ids
            from `vocabulary_size + extra_ids` on count as unknown.

    Returns:
        Float32 tensor of shape `(batch, time, vocabulary_size + extra_ids)`: probabilities, which sum to one.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import PointerHead
        >>> steps = np.ones((2, 3, 4), "float32")
        >>> logits, attention = np.zeros((2, 3, 10), "float32"), np.full((2, 3, 2), 0.5, "float32")
        >>> head = PointerHead(vocabulary_size=10, extra_ids=2)
        >>> head(steps, steps, steps, logits, attention, np.array([[5, 10], [7, 0]])).shape
        TensorShape([2, 3, 12])

    Reference:
        [See et al., 2017](https://arxiv.org/abs/1704.04368)
    """

    def __init__(self, vocabulary_size, extra_ids=0, **kwargs):
        # Keras would round the probabilities to the layer's dtype as they come in.
        super().__init__(autocast=False, **kwargs)
        self.vocabulary_size, self.extra_ids = vocabulary_size, extra_ids
        self.supports_masking = True
        self.gate = keras.layers.Dense(1, dtype=self.dtype_policy, name="gate")

    def build(
        self, context_shape, state_shape, inputs_shape, logits_shape, attention_shape, source_ids_shape
    ):
        self.gate.build((None, None, context_shape[-1] + state_shape[-1] + inputs_shape[-1]))

    def call(self, context, state, inputs, logits, attention, source_ids):
        dtype = self._output_dtype()
        features = [tf.cast(part, self.compute_dtype) for part in (context, state, inputs)]
        write = tf.sigmoid(tf.cast(self.gate(tf.concat(features, axis=-1)), dtype))
        weights = tf.where((source_ids != 0)[:, None, :], tf.cast(attention, dtype), tf.zeros((), dtype))
        total = tf.reduce_sum(weights, axis=-1, keepdims=True)
        # With nothing to copy, everything is written.
        write = tf.where(total > 0, write, 1.0)
        written = write * tf.nn.softmax(tf.cast(logits, dtype))
        copied = (1.0 - write) * tf.math.divide_no_nan(weights, total)
        return self._add(tf.pad(written, [[0, 0], [0, 0], [0, self.extra_ids]]), copied, source_ids)

    def _add(self, probabilities, copied, source_ids):
        """Adds what is copied from each source position at the id that stands there."""
        size = self.vocabulary_size + self.extra_ids
        shape, steps = tf.shape(copied), tf.size(copied[:, :, 0])
        ids = tf.cast(tf.where(source_ids < size, source_ids, UNKNOWN), "int32")
        columns = tf.broadcast_to(ids[:, None, :], shape)
        rows = tf.broadcast_to(tf.reshape(tf.range(steps), (shape[0], shape[1], 1)), shape)
        flat = tf.reshape(probabilities, (steps, size))
        return tf.reshape(
            tf.tensor_scatter_nd_add(flat, tf.stack([rows, columns], axis=-1), copied),
            (shape[0], shape[1], size),
        )

    def _output_dtype(self):
        return keras.backend.result_type(self.compute_dtype, "float32")

    def compute_output_shape(
        self, context_shape, state_shape, inputs_shape, logits_shape, attention_shape, source_ids_shape
    ):
        return (*context_shape[:-1], self.vocabulary_size + self.extra_ids)

    def compute_output_spec(self, context, state, inputs, logits, attention, source_ids):
        shape = (*context.shape[:-1], self.vocabulary_size + self.extra_ids)
        return keras.KerasTensor(shape, self._output_dtype())

    def get_config(self):
        own = {"vocabulary_size": self.vocabulary_size, "extra_ids": self.extra_ids}
        return {**super().get_config(), **own}


def extended_ids(ids, tokens, source_ids, source_tokens, vocabulary_size):
    """Gives the words that the vocabulary lacks, but the source holds, ids of their own.

    The first word of a source that is unknown gets the id `vocabulary_size`, the next different one
    `vocabulary_size + 1`, and so on; in each row anew. For the source pass it twice; for a target, its words that are
    unknown and do not stand in the source remain unknown.

    Args:
        ids: Int tensor of shape `(batch, time)`, 1 where a word is unknown.
        tokens: String tensor of shape `(batch, time)`: the words.
        source_ids: Int tensor of shape `(batch, source_time)`.
        source_tokens: String tensor of shape `(batch, source_time)`.
        vocabulary_size: int. Number of ids.

    Returns:
        Int32 tensor of shape `(batch, time)`.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers.pointer_head import extended_ids
        >>> words, ids = np.array([["Ada", "met", "Bo", "Ada"]]), np.array([[1, 7, 1, 1]])
        >>> extended_ids(ids, words, ids, words, vocabulary_size=10).numpy().tolist()
        [[10, 7, 11, 10]]
        >>> extended_ids(np.array([[1, 1]]), np.array([["Bo", "Cy"]]), ids, words, vocabulary_size=10).numpy().tolist()
        [[11, 1]]

    Reference:
        [See et al., 2017](https://arxiv.org/abs/1704.04368)
    """
    # A last column that is no word: without any, a batch of no texts would have none to choose from.
    source_ids, source_tokens = (tf.pad(x, [[0, 0], [0, 1]]) for x in (source_ids, source_tokens))
    ids, unknown = tf.cast(ids, "int32"), tf.equal(source_ids, UNKNOWN)
    # Every pair of words is compared, so numbers are, not strings; no word has the number -1.
    words, source_words = (tf.strings.to_hash_bucket_fast(x, 2**63 - 1) for x in (tokens, source_tokens))
    among = tf.where(unknown, source_words, -1)
    first = _first_match(source_words, among)
    is_new = first == tf.range(tf.shape(first)[1])
    numbers = tf.cumsum(tf.cast(is_new, "int32"), axis=1) - 1
    found = _first_match(words, among)
    own = vocabulary_size + tf.gather(numbers, tf.maximum(found, 0), batch_dims=1)
    return tf.where((ids == UNKNOWN) & (found >= 0), own, ids)


def _first_match(words, among):
    """Position of the first of the words `among` all that equals each word, or -1."""
    equal = words[:, :, None] == among[:, None, :]
    return tf.where(tf.reduce_any(equal, axis=-1), tf.argmax(equal, axis=-1, output_type="int32"), -1)
