"""The graphs of an exported text-to-text model: targets written and measured, and its steps one by one."""

import tensorflow as tf

from nlpkit.export.state_signatures import named, step_signature
from nlpkit.export.target_texts import (
    copied_words,
    read_sources,
    read_targets,
    replaces_unknown,
    write_targets,
)
from nlpkit.generation import beam_search, generate
from nlpkit.generation.beam_rules import Rules
from nlpkit.generation.target_writer import TargetWriter
from nlpkit.layers.decoder_stack import DecoderStack
from nlpkit.models.decoded import inputs_for

LENGTH_PENALTY = 1.0  # of `serving_default` and `ids`: what `TextToText.predict` has unless another is given
TEXTS = tf.TensorSpec([None], tf.string, name="text")
TARGETS = tf.TensorSpec([None], tf.string, name="target")
IDS = tf.TensorSpec([None, None], tf.int32, name="source_ids")
LIMIT, PENALTY = (
    tf.TensorSpec([], tf.int32, name="max_new_tokens"),
    tf.TensorSpec([], tf.float32, name="length_penalty"),
)


class TextToTextModule(tf.Module):
    """The graphs of an exported text-to-text model.

    Less than no tokens are none.

    Args:
        source: `TextToIds` of the sources.
        target: `TextToIds` of the targets.
        network: `EncoderDecoderNetwork` that reads ids.
        beam_size: int. Targets that are carried on side by side.
        max_new_tokens: int. Most tokens of a target where no number is given.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.export.text_to_text_module import TextToTextModule
        >>> from nlpkit.models import build_encoder_decoder
        >>> from nlpkit.text import text_to_ids
        >>> text, network = text_to_ids("byte", end=True), build_encoder_decoder(260, 260, units=4)
        >>> module = TextToTextModule(text, text, network, beam_size=2, max_new_tokens=3)
        >>> sorted(module.signatures())
        ['greedy', 'ids', 'init', 'score', 'serving_default', 'step', 'translate']
        >>> sorted(module.from_text(tf.constant(["a"])))
        ['score', 'text']
    """

    def __init__(self, source, target, network, beam_size, max_new_tokens):
        super().__init__()
        self.source, self.target, self.network = source, target, network
        self.beam_size, self.max_new_tokens = beam_size, max_new_tokens
        self.replaces_unknown = replaces_unknown(source, target, network)

    def signatures(self):
        """The functions that are exported.

        Returns:
            dict from the names of the signatures to functions.
        """
        init = self._init()
        state = self.network.initial_state(tf.constant([[1]]), 1)
        return {
            "serving_default": self.from_text,
            "translate": self.translate,
            "greedy": self.greedy,
            "score": self.score,
            "ids": self.from_ids,
            "init": init,
            "step": step_signature(self.network.step, init, state),
        }

    @tf.function(input_signature=[TEXTS], autograph=False)
    def from_text(self, text):
        """Writes the targets of texts: the signature `serving_default`."""
        return self.translate(text, tf.constant(self.max_new_tokens), tf.constant(LENGTH_PENALTY))

    @tf.function(input_signature=[TEXTS, LIMIT, PENALTY], autograph=False)
    def translate(self, text, max_new_tokens, length_penalty):
        """Writes the targets of texts with beams, as asked: the signature `translate`.

        Args:
            text: String tensor of shape `(batch,)`.
            max_new_tokens: int32 scalar tensor.
            length_penalty: float32 scalar tensor.

        Returns:
            dict of `text`, string, and `score`, float32, both `(batch,)`.
        """
        return self._write(self._beams, text, max_new_tokens, length_penalty)

    @tf.function(input_signature=[TEXTS, LIMIT, PENALTY], autograph=False)
    def greedy(self, text, max_new_tokens, length_penalty):
        """Writes the targets of texts by the most likely token at each place: the signature `greedy`.

        Args:
            text: String tensor of shape `(batch,)`.
            max_new_tokens: int32 scalar tensor.
            length_penalty: float32 scalar tensor.

        Returns:
            As `translate`.
        """
        return self._write(self._most_likely, text, max_new_tokens, length_penalty)

    @tf.function(input_signature=[IDS], autograph=False)
    def from_ids(self, source_ids):
        """Writes the targets of ids as ids: the signature `ids`."""
        length_penalty = tf.constant(LENGTH_PENALTY)
        token_ids, score = self._beams(source_ids, tf.constant(self.max_new_tokens), length_penalty)
        return {"token_ids": token_ids, "score": score}

    @tf.function(input_signature=[TEXTS, TARGETS], autograph=False)
    def score(self, text, target):
        """Log-probabilities of targets, their ends included: the signature `score`.

        Args:
            text: String tensor of shape `(batch,)`: the sources.
            target: String tensor of shape `(batch,)`.

        Returns:
            dict of `score`, float32 `(batch,)`.
        """
        source_ids, words = read_sources(self.source, self.network, text)
        targets = read_targets(self.target, self.network, target, source_ids, words)
        memory = self.network.reader(source_ids)
        decoded = self.network.decode(inputs_for(targets), memory)
        return {"score": -tf.reduce_sum(self.network.losses_of(decoded, memory, targets), axis=1)}

    # Traced once for all signatures that search.
    @tf.function(input_signature=[IDS, LIMIT, PENALTY], autograph=False)
    def _beams(self, source_ids, max_new_tokens, length_penalty):
        return self._search(source_ids, max_new_tokens, length_penalty, self.beam_size)

    @tf.function(input_signature=[IDS, LIMIT, PENALTY], autograph=False)
    def _most_likely(self, source_ids, max_new_tokens, length_penalty):
        return self._search(source_ids, max_new_tokens, length_penalty, 1)

    def _search(self, source_ids, max_new_tokens, length_penalty, beams):
        writer, room = TargetWriter(self.network), tf.maximum(max_new_tokens, 0)
        given = self.network.step, writer.first_state(source_ids, room), writer.prompts_of(source_ids)
        options = {"max_new_tokens": room, "allow_unknown": self.replaces_unknown}
        if beams > 1:
            found = beam_search(*given, beams=beams, length_penalty=length_penalty, **options)
            return found.token_ids[:, 0], found.score[:, 0]
        found, rules = generate(*given, **options), Rules(None, None, length_penalty, 0.0, None)
        return found.token_ids, found.score / rules.length_score(found.lengths)

    def _write(self, search, text, max_new_tokens, length_penalty):
        source_ids, words = read_sources(self.source, self.network, text)
        token_ids, score = search(source_ids, max_new_tokens, length_penalty)
        texts = write_targets(self.target, self.network, token_ids, source_ids, words, self.replaces_unknown)
        return {"text": texts, "score": score}

    def _init(self):
        """The signature `init`; only a Transformer has to know for how many steps there must be room."""
        needs_room = isinstance(self.network.decoder, DecoderStack)
        sizes = [tf.TensorSpec([], tf.int32, name="max_length")] if needs_room else []

        def init(text, max_length=0):
            source_ids, words = read_sources(self.source, self.network, text)
            more = (
                {}
                if self.network.pointer is None
                else {"words": copied_words(self.network, source_ids, words)}
            )
            return {**named(self.network.initial_state(source_ids, max_length)), **more}

        return tf.function(init, autograph=False).get_concrete_function(TEXTS, *sizes)
