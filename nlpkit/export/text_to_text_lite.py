"""A text-to-text model or a captioner as a TFLite file: ids or an image in, ids of its target out."""

from functools import partial

import numpy as np
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.export.lite_graphs import called, stepped, traced
from nlpkit.export.lite_task import LiteTask, vocabulary_files
from nlpkit.export.portable import portable_model
from nlpkit.export.quantization import NONE
from nlpkit.export.state_signatures import named, step_signature
from nlpkit.export.text_to_text_module import OPTIONS, best_targets, target_scores
from nlpkit.export.tflite import write_tflite
from nlpkit.export.verify_text_to_text import captions_to_compare, pairs_to_compare
from nlpkit.export.written_from import FromImages, FromTexts
from nlpkit.generation.beam_rules import Rules
from nlpkit.generation.options import check_number
from nlpkit.generation.step import take_step
from nlpkit.layers.decoder_stack import DecoderStack
from nlpkit.layers.dense_array import dense_arrays
from nlpkit.models.decoded import inputs_for
from nlpkit.models.source_reader import lengths
from nlpkit.text.vocabulary import START

IDS = tf.TensorSpec([1, None], tf.int32)
# Tokens that the comparison writes, and how many steps it takes one by one.
NEW_TOKENS, STEPS = 12, 8


class TextToTextLite:
    """The graphs of an encoder-decoder over one source.

    Args:
        sources: `FromTexts` or `FromImages`.
        network: `EncoderDecoderNetwork`.
        beam_size: int. Targets that are carried on side by side.

    Example:
        >>> from nlpkit.export.text_to_text_lite import TextToTextLite
        >>> from nlpkit.export.written_from import FromTexts
        >>> from nlpkit.models import build_encoder_decoder
        >>> from nlpkit.text import text_to_ids
        >>> text, network = text_to_ids("byte", end=True), build_encoder_decoder(260, 260, units=4)
        >>> sorted(TextToTextLite(FromTexts(text, text, network), network, beam_size=2).signatures())
        ['greedy', 'init', 'score', 'step', 'translate']
    """

    def __init__(self, sources, network, beam_size):
        self.sources, self.network, self.beam_size = sources, network, beam_size
        given = sources.given if network.reader.takes_features else sources.read_by_network
        self.name_of_source = given.name
        self.source = tf.TensorSpec([1, *given.shape[1:]], given.dtype)

    def functions(self):
        """What is exported, with the inputs of each.

        Returns:
            dict from names to tuples of a function by keyword and a dict of specs.
        """
        source = {self.name_of_source: self.source}
        options = {spec.name: spec for spec in OPTIONS}
        room = {"max_length": OPTIONS[0]} if isinstance(self.network.decoder, DecoderStack) else {}
        found = {
            self.sources.verb: (partial(self._write, self.beam_size), source | options),
            "greedy": (partial(self._write, 1), source | options),
            "score": (self._score, source | {"target_ids": IDS}),
            "init": (self._init, source | room),
        }
        if self.sources.replaces_unknown:
            found["attention"] = self._attention, source | {"target_ids": IDS}
        return found

    def signatures(self):
        """The functions that are exported.

        Returns:
            dict from names to traced functions.
        """
        found = {name: traced(function, **specs) for name, (function, specs) in self.functions().items()}
        some = tf.ones([size or 1 for size in self.source.shape], self.source.dtype)
        state = self.network.initial_state(tf.cast(some, self.sources.read_by_network.dtype), 1)
        return {**found, "step": step_signature(self.network.step, found["init"], state)}

    def _read(self, given):
        source = given.pop(self.name_of_source)
        return tf.cast(source, self.sources.read_by_network.dtype)

    def _write(self, beams, max_new_tokens, length_penalty, **given):
        asked = self._read(given), max_new_tokens, length_penalty
        found = best_targets(self.network, *asked, beams, self.sources.replaces_unknown)
        return dict(zip(("token_ids", "score"), found, strict=True))

    def _score(self, target_ids, **given):
        return {"score": self._follow(self._read(given), target_ids)[0]}

    def _attention(self, target_ids, **given):
        source = self._read(given)
        if isinstance(self.network.decoder, DecoderStack):
            return {"weights": self.network.attention_scores(source, target_ids)}
        weights = self._follow(source, target_ids)[1]
        reverse = partial(tf.reverse_sequence, seq_lengths=lengths(source), seq_axis=2)
        return {"weights": reverse(weights) if self.network.reader.reverse else weights}

    def _follow(self, source, target_ids):
        """The log-probability of a target, and what each token was written from, step by step.

        TFLite cannot collect what has the size of the source in a recurrent decoder's own loop.
        """
        inputs, steps = inputs_for(target_ids), tf.shape(target_ids)[1]
        state = self.network.initial_state(source, steps)
        attends = "attention_scores" in state
        size = tf.shape(state["attention_scores"])[1] if attends else 0

        def follow(step, score, weights, state):
            logits, after = take_step(self.network.step, tf.gather(inputs, step, axis=1), state)
            likely = tf.gather(tf.nn.log_softmax(logits), tf.gather(target_ids, step, axis=1), batch_dims=1)
            if attends:
                here = (tf.range(steps) == step)[None, :, None]
                weights = tf.where(here, tf.expand_dims(after["attention_scores"], 1), weights)
            return step + 1, score + tf.reshape(likely, [1]), weights, after

        start = tf.constant(0), tf.zeros([1]), tf.zeros([1, steps, size]), state
        _, score, weights, _ = tf.while_loop(lambda step, *_: step < steps, follow, start)
        return score, weights

    def _init(self, max_length=0, **given):
        return named(self.network.initial_state(self._read(given), max_length))


def export_text_to_text_tflite(folder, model, beam_size=5, quantization=NONE, quality=None):
    """Writes `model.tflite`, and proves it before it is there.

    Its signatures, of one source at a time:

    - `translate`: `source_ids`, int32 `(1, time)`, and the scalars `max_new_tokens` (int32) and `length_penalty`
      (float32) → `token_ids`, int32 `(1, max_new_tokens)`, padded with 0, and `score`, float32 `(1,)`; with beams.
    - `greedy`: the same with the most likely token at each place.
    - `score`: `source_ids`, and `target_ids`, int32 `(1, time)`, with the end → `score`, the log-probability.
    - `attention`, where unknown words are replaced: the same → `weights`, float32 `(1, time, source time)`.
    - `init`: `source_ids`, for a Transformer also `max_length` (int32) → `state_0`, `state_1`, …
    - `step`: `token_ids`, int32 `(1,)`, and the state → `logits`, float32 `(1, vocabulary)`, and the next state. The
      first token is the start, id 2.

    A captioner has `caption` in place of `translate`, and `image`, uint8, or `features`, float32, in place of
    `source_ids`.

    A zip behind the model holds the vocabularies, and `nlpkit.json`, by which `nlpkit.lite.load` makes ids of texts.

    Args:
        folder: Path of the model folder.
        model: A fitted `TextToText`, `Chatbot` or `ImageCaptioner`.
        beam_size: int. Targets that `translate` carries on side by side. Defaults to 5.
        quantization: `Quantization`. Defaults to none.
        quality: `Quality`. Defaults to `None`: not measured.

    Returns:
        `ExportResult`.

    Raises:
        InputError: If `beam_size` is less than 1, the model copies words, or an operation has no counterpart in TFLite.
        VerificationError: If the file differs from the model; an earlier file stays.

    Example:
        ```python
        import tempfile
        from nlpkit import TextToText
        from nlpkit.export import export_text_to_text_tflite

        sources, targets = ["one two", "two three"] * 20, ["two one", "three two"] * 20
        model = TextToText(level="word", units=8, epochs=1).fit(sources, targets)
        result = export_text_to_text_tflite(tempfile.mkdtemp(), model, beam_size=2)
        print(result.path, result.max_difference)
        ```
    """
    return write_tflite(folder, text_to_text_task(model, beam_size), quantization, quality)


def text_to_text_task(model, beam_size, dense=False):
    """What a model that writes targets hands over for formats without strings.

    Args:
        model: A fitted `TextToText`, `Chatbot` or `ImageCaptioner`.
        beam_size: int. Targets that its search carries on side by side.
        dense: bool. Whether loops hold dense arrays; see `dense_arrays`. Defaults to `False`.

    Returns:
        `LiteTask` with the signatures of `TextToTextLite`.

    Raises:
        InputError: If `beam_size` is less than 1, or the model copies words.
    """
    check_number("beam_size", beam_size, "an integer, 1 or more", lambda x: x >= 1, whole=True)
    if model.network_.pointer is not None:
        raise InputError(
            "A model that copies words (`copy`) cannot be exported to TFLite or ONNX: its results are not as exact as "
            "those of others. Export it as a SavedModel: --to saved_model"
        )
    module = TextToTextLite(_sources(model), portable_model(model.network_), beam_size)
    spec = {
        "task": model.task,
        "text": model.text_settings(),
        "beam_size": beam_size,
        "max_new_tokens": model.spec().max_new_tokens,
        "replaces_unknown": module.sources.replaces_unknown,
        "stateful": False,
        **({"turns": model.turns, "separator": model.separator} if model.task == "chatbot" else {}),
    }
    sides = {side: getattr(model, f"{side}_") for side in model.sides()}
    files = {
        f"{side}/{name}": x for side, text in sides.items() for name, x in vocabulary_files(text).items()
    }
    with dense_arrays(dense):
        signatures = module.signatures()
    own = TextToTextLite(_sources(model), model.network_, beam_size)
    calls = list(_calls(own))
    return LiteTask(module.network, signatures, spec, files, calls, rescore=partial(_rescored, own))


def _rescored(module, signature, inputs, token_ids):
    """The score that the network itself gives a target which a search with beams has found; `None` of another one."""
    if signature != module.sources.verb:
        return None
    source = tf.cast(inputs[module.name_of_source], module.sources.read_by_network.dtype)
    targets = tf.constant(token_ids[:, : np.count_nonzero(token_ids)])
    rules = Rules(None, None, float(inputs["length_penalty"]), 0.0, None)
    return (target_scores(module.network, source, targets) / rules.length_score(tf.size(targets))).numpy()


def _sources(model):
    if model.network_.reader.takes_features:
        return FromImages(model.target_, model.network_)
    return FromTexts(model.source_, model.target_, model.network_)


def _calls(module):
    """What the network itself says of real sources, one by one."""
    functions = {name: traced(each, **specs) for name, (each, specs) in module.functions().items()}
    read_by_network = module.sources.read_by_network.dtype

    def score(target_ids, **given):
        source = tf.cast(given[module.name_of_source], read_by_network)
        return {"score": target_scores(module.network, source, target_ids)}

    functions["score"] = traced(score, **{module.name_of_source: module.source, "target_ids": IDS})
    options = {"max_new_tokens": np.int32(NEW_TOKENS), "length_penalty": np.float32(1.0)}
    name = module.name_of_source
    for source, target in _sources_and_targets(module):
        given = {name: source}
        for search in dict.fromkeys((module.sources.verb, "greedy")):
            yield called(search, functions[search], **given, **options)
        yield called("score", functions["score"], **given, target_ids=target)
        if "attention" in functions:
            yield called("attention", functions["attention"], **given, target_ids=target)
    room = {"max_length": np.int32(STEPS)} if "max_length" in module.functions()["init"][1] else {}
    yield called("init", functions["init"], **given, **room)
    read = tf.cast(source, read_by_network)
    steps = [token % module.network.vocabulary_size for token in range(START, START + STEPS)]
    yield from stepped(module.network.step, module.network.initial_state(read, STEPS), steps)


def _sources_and_targets(module):
    """Sources as the network reads them, and ids of targets, each in a batch of one."""
    sources, images = module.sources, module.network.reader.takes_features
    pairs = captions_to_compare(module.network.source_shape) if images else pairs_to_compare()
    for given, targets in pairs:
        for source, target in zip(given, targets, strict=True):
            read, words = sources.read(source[None] if images else tf.constant([source]))
            ids = sources.targets(tf.constant([target]), read, words)
            yield tf.cast(read, module.source.dtype), ids
