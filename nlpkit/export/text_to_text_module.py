"""The graphs of an exported text-to-text model: targets written and measured, and its steps one by one."""

import tensorflow as tf

from nlpkit.export.state_signatures import named, step_signature
from nlpkit.export.target_texts import copied_words
from nlpkit.generation import beam_search, generate
from nlpkit.generation.beam_rules import Rules
from nlpkit.generation.target_writer import TargetWriter
from nlpkit.layers.decoder_stack import DecoderStack
from nlpkit.layers.joined_weights import joined_weights
from nlpkit.models.decoded import inputs_for

LENGTH_PENALTY = 1.0  # of `serving_default` and `ids`: what `TextToText.predict` has unless another is given
TARGETS = tf.TensorSpec([None], tf.string, name="target")
OPTIONS = (
    tf.TensorSpec([], tf.int32, name="max_new_tokens"),
    tf.TensorSpec([], tf.float32, name="length_penalty"),
)


class TextToTextModule(tf.Module):
    """The graphs of an exported text-to-text model or captioner.

    Less than no tokens are none.

    Args:
        sources: `FromTexts` or `FromImages`.
        network: `EncoderDecoderNetwork`.
        beam_size: int. Targets that are carried on side by side.
        max_new_tokens: int. Most tokens of a target where no number is given.

    Example:
        >>> from nlpkit.export.text_to_text_module import TextToTextModule
        >>> from nlpkit.export.written_from import FromTexts
        >>> from nlpkit.models import build_encoder_decoder
        >>> from nlpkit.text import text_to_ids
        >>> text, network = text_to_ids("byte", end=True), build_encoder_decoder(260, 260, units=4)
        >>> module = TextToTextModule(FromTexts(text, text, network), network, beam_size=2, max_new_tokens=3)
        >>> sorted(module.signatures())
        ['greedy', 'ids', 'init', 'score', 'serving_default', 'step', 'translate']
    """

    def __init__(self, sources, network, beam_size, max_new_tokens):
        super().__init__()
        self.sources, self.network = sources, network
        self.beam_size, self.max_new_tokens = beam_size, max_new_tokens
        # Traced once for all signatures that search.
        self.beams, self.most_likely = self._searching(beam_size), self._searching(1)

    def signatures(self):
        """The functions that are exported.

        Returns:
            dict from the names of the signatures to functions.
        """
        given, init = self.sources.given, self._init()
        found = {
            "serving_default": _graph(self._default, given),
            self.sources.verb: _graph(lambda *asked: self._write(self.beams, *asked), given, *OPTIONS),
            "greedy": _graph(lambda *asked: self._write(self.most_likely, *asked), given, *OPTIONS),
            "score": _graph(self._score, given, TARGETS),
            "init": init,
            "step": step_signature(self.network.step, init, self._some_state()),
        }
        if not self.network.reader.takes_features:
            found["ids"] = _graph(self._ids, self.sources.read_by_network)
        return found

    def _default(self, source):
        return self._write(self.beams, source, tf.constant(self.max_new_tokens), tf.constant(LENGTH_PENALTY))

    def _ids(self, source_ids):
        given = tf.constant(self.max_new_tokens), tf.constant(LENGTH_PENALTY)
        return dict(zip(("token_ids", "score"), self.beams(source_ids, *given), strict=True))

    def _score(self, source, target):
        source, words = self.sources.read(source)
        targets = self.sources.targets(target, source, words)
        return {"score": target_scores(self.network, source, targets)}

    def _searching(self, beams):
        unknown = self.sources.replaces_unknown

        def search(*given):
            with joined_weights(self.network):
                return best_targets(self.network, *given, beams, unknown)

        return _graph(search, self.sources.read_by_network, *OPTIONS)

    def _write(self, search, source, max_new_tokens, length_penalty):
        source, words = self.sources.read(source)
        token_ids, score = search(source, max_new_tokens, length_penalty)
        return {"text": self.sources.texts(token_ids, source, words), "score": score}

    def _init(self):
        """The signature `init`; only a Transformer has to know for how many steps there must be room."""
        needs_room = isinstance(self.network.decoder, DecoderStack)
        sizes = [tf.TensorSpec([], tf.int32, name="max_length")] if needs_room else []

        def init(source, max_length=0):
            source, words = self.sources.read(source)
            found = named(self.network.initial_state(source, max_length))
            if self.network.pointer is not None:
                found["words"] = copied_words(self.network, source, words)
            return found

        return _graph(init, self.sources.given, *sizes).get_concrete_function()

    def _some_state(self):
        """A state in a graph, as a kernel may be traced that this machine cannot run."""
        state = _graph(lambda source: self.network.initial_state(source, 1), self.sources.read_by_network)
        return state.get_concrete_function().structured_outputs


def best_targets(network, source, max_new_tokens, length_penalty, beams, allow_unknown):
    """The best target of each source.

    Args:
        network: `EncoderDecoderNetwork`.
        source: What it reads.
        max_new_tokens: int32 scalar tensor.
        length_penalty: float32 scalar tensor.
        beams: int. Targets that are carried on side by side; 1 takes the most likely token at each place.
        allow_unknown: bool. Whether the unknown token may be written.

    Returns:
        Tuple of ids, int32 tensor of shape `(batch, time)`, and scores, float32 `(batch,)`.
    """
    writer, room = TargetWriter(network), tf.maximum(max_new_tokens, 0)
    given = network.step, writer.first_state(source, room), writer.prompts_of(source)
    options = {"max_new_tokens": room, "allow_unknown": allow_unknown}
    if beams > 1:
        found = beam_search(*given, beams=beams, length_penalty=length_penalty, **options)
        return found.token_ids[:, 0], found.score[:, 0]
    found, rules = generate(*given, **options), Rules(None, None, length_penalty, 0.0, None)
    return found.token_ids, found.score / rules.length_score(found.lengths)


def target_scores(network, source, targets):
    """The log-probability of each target, its end included.

    Args:
        network: `EncoderDecoderNetwork`.
        source: What it reads.
        targets: int32 tensor of shape `(batch, time)`.

    Returns:
        float32 tensor of shape `(batch,)`.
    """
    memory = network.reader(source)
    decoded = network.decode(inputs_for(targets), memory)
    return -tf.reduce_sum(network.losses_of(decoded, memory, targets), axis=1)


def _graph(function, *specs):
    """A function that is traced for these inputs, which bear the names of their specs."""
    return tf.function(function, input_signature=specs, autograph=False)
