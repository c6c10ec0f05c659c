"""An exported text-to-text model, chatbot or captioner: sources in, their targets out."""

import math

import numpy as np

from nlpkit.checks import check_number
from nlpkit.errors import InputError
from nlpkit.lite.source_words import given_words
from nlpkit.lite.text_to_ids import TextToIds
from nlpkit.lite.texts import as_list


class LiteTextToText:
    """Writes as the `TextToText` that was exported.

    Args:
        file: `ModelFile` or `OnnxFiles` of a text-to-text model.
        num_threads: int. Processor threads. Defaults to 1.

    Attributes:
        beam_size: int. Targets that a search carries on side by side.

    Example:
        ```python
        import tempfile
        import nlpkit.lite
        from nlpkit import TextToText

        folder = tempfile.mkdtemp()
        sources, targets = ["one two", "two three"] * 20, ["two one", "three two"] * 20
        TextToText(level="word", units=8, epochs=1).fit(sources, targets).export(folder, to="tflite")
        print(nlpkit.lite.load(folder + "/model.tflite").predict(["one two"]))
        ```
    """

    verb = "translate"

    def __init__(self, file, num_threads=1):
        self._spec = file.spec
        self.beam_size = file.spec["beam_size"]
        for side, settings in file.spec["text"].items():
            inside = f"{side}/"
            files = {
                name.removeprefix(inside): x for name, x in file.files.items() if name.startswith(inside)
            }
            setattr(self, side, TextToIds(settings, files))
        if "source" not in file.spec["text"]:
            self.source = self.target  # both sides share one text layer
        self._run = file.interpreter(num_threads)

    def predict(self, X, *, beam_size=1, max_new_tokens=None, length_penalty=1.0):
        """Writes a target for each source.

        Args:
            X: List of str.
            beam_size: int. 1 takes the most likely token at each place, as `TextToText.predict` does; the `beam_size`
                of the export searches. Defaults to 1.
            max_new_tokens: int. Most tokens of a target. Defaults to `None`: enough for those in training.
            length_penalty: float. Of the search: the higher, the longer the targets. Defaults to 1.

        Returns:
            List of str.

        Raises:
            InputError: If `X` is no list of str, the export has not so many beams, or a number is not what it must be.
        """
        sizes = sorted({1, self.beam_size})
        if beam_size not in sizes:
            raise InputError(
                f"`beam_size` must be {' or '.join(map(str, sizes))}, with which the model was exported. Received: "
                f"beam_size={beam_size}. Export it with that `beam_size` (--beam {beam_size})."
            )
        options = {
            "max_new_tokens": self._spec["max_new_tokens"] if max_new_tokens is None else max_new_tokens,
            "length_penalty": length_penalty,
        }
        check_number(
            "max_new_tokens", options["max_new_tokens"], "an integer, 0 or more", lambda x: x >= 0, True
        )
        check_number("length_penalty", length_penalty, "a number", math.isfinite)
        search = "greedy" if beam_size == 1 else self.verb
        return [self._write(source, search, options) for source in self._checked(X)]

    def score(self, X, y):
        """The log-probability of each target, its end included.

        Args:
            X: List of str. The sources.
            y: List of str. Their targets.

        Returns:
            Float array `(n,)`, in nats.

        Raises:
            InputError: If `X` or `y` is no list of str, or one is longer than the other.
        """
        sources, targets = self._checked(X), as_list(y)
        if len(sources) != len(targets):
            raise InputError(
                f"`X` and `y` must have as many rows. Received: {len(sources)} sources and {len(targets)} targets."
            )
        return np.array([self._score(*pair) for pair in zip(sources, targets, strict=True)], "float32")

    def _checked(self, X):
        return as_list(X)

    def _read(self, source):
        """What the model reads of a source, and its words where they may be written."""
        if self._spec["replaces_unknown"]:
            ids, words = self.source.with_words(source)
        else:
            ids, words = self.source.encode(source), None
        return {"source_ids": [ids]}, words

    def _write(self, source, search, options):
        given, words = self._read(source)
        ids = self._run(search, **given, **options)["token_ids"][0].tolist()
        if words is None or not ids:
            return self.target.detokenize([ids])[0]
        weights = self._run("attention", **given, target_ids=[ids])["weights"][0]
        return self.target.join(ids, given_words(ids, words, weights))

    def _score(self, source, target):
        given, _ = self._read(source)
        return self._run("score", **given, target_ids=[self.target.encode(target)])["score"][0]


class LiteChatbot(LiteTextToText):
    """Answers as the `Chatbot` that was exported.

    Args:
        file: `ModelFile` or `OnnxFiles` of a chatbot.
        num_threads: int. Processor threads. Defaults to 1.

    Example:
        ```python
        import tempfile
        import nlpkit.lite
        from nlpkit import Chatbot

        folder = tempfile.mkdtemp()
        Chatbot(level="word", units=8, epochs=1).fit([["hello", "hi", "who?", "me"]] * 20).export(folder, to="tflite")
        print(nlpkit.lite.load(folder + "/model.tflite").reply("hello"))
        ```
    """

    def reply(self, history, *, max_new_tokens=None):
        """Answers, with the most likely token at each place.

        Args:
            history: List of str, the turns so far, the last one to be answered; or that turn alone.
            max_new_tokens: int. Most tokens of the answer. Defaults to `None`: enough for those in training.

        Returns:
            str.

        Raises:
            InputError: If the history is empty or no text.
        """
        turns = as_list([history] if isinstance(history, str) else history)
        if not turns:
            raise InputError("`history` must hold the turn to answer. Received: an empty history.")
        separator = self._spec["separator"]
        last = [
            turn.replace(separator, " ").replace(separator.strip(), " ")
            for turn in turns[-self._spec["turns"] :]
        ]
        return self.predict([separator.join(last)], max_new_tokens=max_new_tokens)[0]


class LiteImageCaptioner(LiteTextToText):
    """Writes captions as the `ImageCaptioner` that was exported.

    Args:
        file: `ModelFile` or `OnnxFiles` of a captioner.
        num_threads: int. Processor threads. Defaults to 1.

    Example:
        ```python
        import tempfile
        import numpy as np
        import nlpkit.lite
        from nlpkit import ImageCaptioner

        folder, images = tempfile.mkdtemp(), np.zeros((20, 3, 5), "float32")
        captioner = ImageCaptioner(units=8, epochs=1, level="word").fit(images, ["a red circle"] * 20)
        captioner.export(folder, to="tflite")
        print(nlpkit.lite.load(folder + "/model.tflite").predict(images[:1]))
        ```
    """

    verb = "caption"

    def _checked(self, X):
        shape = self._shape()
        images = np.asarray(X)
        pairs = zip(shape[1:], images.shape[1:], strict=False)
        if images.ndim != len(shape) or any(size not in (-1, found) for size, found in pairs):
            raise InputError(
                f"`X` must be an array of shape {('n', *shape[1:])}, where -1 is any size. Received: {images.shape}"
            )
        if self._name() == "image" and images.dtype != np.uint8:
            raise InputError(f"`X` must hold pixels, uint8 from 0 to 255. Received: {images.dtype}")
        return list(images)

    def _shape(self):
        return self._run.shape("greedy", self._name())

    def _name(self):
        names = self._run.inputs("greedy")
        return "image" if "image" in names else "features"

    def _read(self, source):
        return {self._name(): source[None]}, None
