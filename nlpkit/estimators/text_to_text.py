"""Texts to texts: translation, summaries, normalisation, answers."""

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from nlpkit.estimators.pair_scores import log_probabilities
from nlpkit.estimators.text_metrics import import_sacrebleu, text_metrics
from nlpkit.estimators.text_pairs import TextPairs
from nlpkit.estimators.text_to_text_files import PersistentTextToText
from nlpkit.estimators.text_to_text_fitting import encoded, fit_text_to_text
from nlpkit.estimators.translating import WritingTextToText


class TextToText(PersistentTextToText, WritingTextToText, BaseEstimator):
    """Trains an encoder-decoder on pairs of texts, measures it, and writes the target of a source.

    Args:
        preset: `"seq2seq"`, `"reverse"`, `"peeky"`, `"attention"`, `"gnmt"` or `"transformer"`; see
            `nlpkit.models.presets`. Defaults to `"attention"`.
        cell: `"lstm"`, `"gru"`, `"rnn"`, `"peephole_lstm"`, `"layer_norm_lstm"` or `"transformer"`. Defaults to `None`:
            the preset's.
        units: int. Size of each layer. Defaults to `None`: the preset's.
        num_layers: int. Layers on top of each other. Defaults to `None`: the preset's.
        level: `"word"`, `"char"`, `"byte"` or `"subword"`. What a token is. Defaults to `"subword"`.
        source_level: As `level`, of the sources alone. Defaults to `None`: `level`.
        target_level: As `level`, of the targets alone. Defaults to `None`: `level`.
        shared: bool. Whether both sides have one vocabulary. Defaults to `False`.
        normalize: bool. Words: split off punctuation; subwords: collapse white space. Defaults to `True`.
        epochs: int. Largest number of passes over the data.
        minutes: float. Time that training may take; `None` sets no limit.
        options: dict. Further settings: `"source"` and `"target"` for `text_to_ids`, `"network"` for
            `build_encoder_decoder`, `"training"` for `TextToTextSettings`.
        random_state: int. Seed; `None` draws one.
        verbose: int. 1 shows a progress bar. Defaults to 0.

    Attributes:
        report_: dict. What `report.json` holds.
        source_: `TextToIds` of the sources.
        target_: `TextToIds` of the targets.
        network_: `EncoderDecoderNetwork`.

    Raises:
        InputError: If texts cannot be used, or a setting is unknown.

    Example:
        ```python
        from nlpkit import TextToText

        sources = [f"{a} and {b}" for a in range(20) for b in range(20)]
        targets = [f"{b} {a}" for a in range(20) for b in range(20)]
        model = TextToText(level="word", units=32, epochs=5, random_state=0).fit(sources, targets)
        print(model.predict(["3 and 14"]))
        ```

    Reference:
        [Sutskever et al., 2014](https://arxiv.org/abs/1409.3215),
        [Bahdanau et al., 2015](https://arxiv.org/abs/1409.0473),
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)
    """

    def __init__(
        self,
        preset="attention",
        *,
        cell=None,
        units=None,
        num_layers=None,
        level="subword",
        source_level=None,
        target_level=None,
        shared=False,
        normalize=True,
        epochs=None,
        minutes=None,
        options=None,
        random_state=None,
        verbose=0,
    ):
        self.preset = preset
        self.cell = cell
        self.units = units
        self.num_layers = num_layers
        self.level = level
        self.source_level = source_level
        self.target_level = target_level
        self.shared = shared
        self.normalize = normalize
        self.epochs = epochs
        self.minutes = minutes
        self.options = options
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None, *, validation_data=None, checkpoint=None, resume=False):
        """Trains on pairs of texts.

        Args:
            X: List of str, or a `TableReader(…, roles=nlpkit.data.PAIRS)`, which has the targets too.
            y: List of str, the target of each source; `None` with a reader.
            validation_data: Pair of such lists, or a `TableReader`. Defaults to a tenth of the pairs, 2,000 at most.
            checkpoint: Path of a folder for the state after each epoch. Defaults to `None`.
            resume: bool. Continues the run whose state `checkpoint` holds. Defaults to `False`.

        Returns:
            The fitted model itself.

        Raises:
            InputError: If texts or a setting cannot be used, or there is no checkpoint to resume from, or one of
                another run.
        """
        fit_text_to_text(self, X, y, validation_data, checkpoint, resume)
        return self

    def score(self, X, y=None):
        """The log-probability of each target, its end included.

        Args:
            X: List of str, or a `TableReader` as of `fit`.
            y: List of str; `None` with a reader.

        Returns:
            Float array `(n,)`, in nats.
        """
        check_is_fitted(self)
        return log_probabilities(self._writer(), *encoded(self, self._pairs(X, y)))

    def evaluate(
        self, X, y=None, *, beam_size=1, length_penalty=1.0, coverage_penalty=0.0, max_new_tokens=None
    ):
        """Writes the targets of texts and measures how near they come to the true ones.

        Args:
            X: List of str, or a `TableReader` as of `fit`.
            y: List of str; `None` with a reader.
            beam_size: int. As of `predict`. Defaults to 1.
            length_penalty: float. As of `predict`. Defaults to 1.
            coverage_penalty: float. As of `predict`. Defaults to 0.
            max_new_tokens: int. As of `predict`. Defaults to `None`.

        Returns:
            dict of `"bleu"`, `"chrf"`, `"rouge1"`, `"rouge2"`, `"rougeL"`, `"exact_match"` (all in per cent),
            `"texts"`, and the signatures of sacrebleu.
        """
        check_is_fitted(self)
        return self._measured(
            self, X, y, beam_size=beam_size, length_penalty=length_penalty, coverage_penalty=coverage_penalty,
            max_new_tokens=max_new_tokens,
        )  # fmt: skip

    def _measured(self, predictor, X, y, beam_size=1, **search):
        """What `evaluate` gives, of the model itself or of an export of it."""
        import_sacrebleu()
        sources, targets = self._pairs(X, y).all()
        return text_metrics(predictor.predict(sources, beam_size=beam_size, **search), targets)

    def add_test(self, X, y=None):
        """Measures the model on test pairs and adds the result to `report_`, as the part `"test"`.

        Args:
            X: As of `evaluate`.
            y: As of `evaluate`.

        Returns:
            dict, as `evaluate` gives it.
        """
        pairs = self._pairs(X, y, "test pairs")
        evaluation = self.evaluate(X, y)
        self.report_["metrics"]["test"] = evaluation
        self.report_["data"]["test"] = pairs.facts()
        return evaluation

    def _pairs(self, X, y=None, name="pairs"):
        """Pairs as the model reads them."""
        return TextPairs(X, y, name)
