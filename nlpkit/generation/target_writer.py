"""The searches of an encoder-decoder: every target begins with the start, and its source is in the state."""

import tensorflow as tf

from nlpkit.generation.writer import Writer
from nlpkit.text.vocabulary import START


class TargetWriter(Writer):
    """Writes the targets of sources with an `EncoderDecoderNetwork`; in place of prompts its searches take sources.

    Args:
        network: `EncoderDecoderNetwork`.
        allow_unknown: bool. Whether the unknown token may be written, for a caller that has a word to put in its
            place. Defaults to `False`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation.target_writer import TargetWriter
        >>> from nlpkit.models import build_encoder_decoder
        >>> writer = TargetWriter(build_encoder_decoder(20, 30, units=8))
        >>> writer.search(tf.constant([[4, 5, 3]]), max_new_tokens=6, beams=4, n_best=2).token_ids.shape
        TensorShape([1, 2, 6])
    """

    def __init__(self, network, allow_unknown=False):
        super().__init__(network)
        self.allow_unknown = allow_unknown
        shape = network.source_shape
        self.given = tf.TensorSpec(shape, "int32" if len(shape) == 2 else "float32")

    def prompts_of(self, given):
        """int32 tensor of shape `(batch, 1)`. The start of each target."""
        return tf.fill([given.shape[0] or tf.shape(given)[0], 1], START)

    def first_state(self, given, max_new_tokens):
        """The network's state after it has read the sources.

        Args:
            given: The sources, as the network takes them.
            max_new_tokens: int32 scalar tensor.

        Returns:
            dict of tensors.
        """
        return self.network.initial_state(given, max_new_tokens + 1)

    @staticmethod
    def attention_of(state):
        """The attention of a step, of which padding has all that a coverage penalty could ask for."""
        return tf.where(state["mask"], state["attention_scores"], 1.0)
