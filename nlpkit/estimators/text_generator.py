"""Texts to a language model that writes more of them."""

import math

import numpy as np
import tensorflow as tf
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from nlpkit.data.batching import inference_batches, restore_order
from nlpkit.estimators.generating import WritingGenerator
from nlpkit.estimators.generator_files import PersistentGenerator
from nlpkit.estimators.generator_fitting import fit_generator
from nlpkit.estimators.labelled_texts import check_texts
from nlpkit.estimators.plain_texts import PlainTexts
from nlpkit.estimators.pretrained_encoder import PretrainedEncoder
from nlpkit.text.vocabulary import UNKNOWN
from nlpkit.training.documents import inputs_of
from nlpkit.training.language_model import mean_loss, perplexity_of

BATCH_SIZE = 64


class TextGenerator(PersistentGenerator, WritingGenerator, BaseEstimator):
    """Trains a language model, measures it, and writes texts with it.

    The texts are read as one stream, in their order: the state at the end of a text is where the next one starts. With
    `{"training": {"documents": True}}` in `options` each text is read by itself, and so it is in `evaluate`.

    Args:
        cell: `"lstm"`, `"gru"`, `"rnn"`, `"transformer"` or `"nplm"`. Defaults to `"lstm"`.
        units: int. Size of each layer.
        num_layers: int. Layers on top of each other.
        level: `"word"`, `"char"`, `"byte"` or `"subword"`. What a token is. Defaults to `"word"`.
        normalize: bool. Words: split off punctuation; subwords: collapse white space. Without, words are what stands
            between spaces, as in texts that were tokenised before. Characters and bytes stay as they are in any case.
            Defaults to `True`.
        epochs: int. Largest number of passes over the data.
        minutes: float. Time that training may take; `None` sets no limit.
        options: dict. Further settings: `"text"` for `text_to_ids`, `"network"` for `build_generator`, `"training"` for
            `LanguageModelSettings`.
        random_state: int. Seed; `None` draws one.
        verbose: int. 1 shows a progress bar. Defaults to 0.

    Attributes:
        report_: dict. What `report.json` holds.
        text_to_ids_: `TextToIds`.
        network_: `GeneratorNetwork`.

    Raises:
        InputError: If texts cannot be used, or a setting is unknown.

    Example:
        ```python
        from nlpkit import TextGenerator

        generator = TextGenerator(units=32, epochs=5, random_state=0)
        generator.fit(["the cat sat on the mat .", "the dog sat on the cat ."] * 50)
        print(generator.perplexity(["the cat sat on the cat ."]))
        print(generator.generate("the dog", max_new_tokens=6, seed=1))
        ```

    Reference:
        [Mikolov et al., 2010](https://www.isca-archive.org/interspeech_2010/mikolov10_interspeech.html),
        [Zaremba et al., 2014](https://arxiv.org/abs/1409.2329)
    """

    def __init__(
        self,
        cell="lstm",
        *,
        units=None,
        num_layers=None,
        level="word",
        normalize=True,
        epochs=None,
        minutes=None,
        options=None,
        random_state=None,
        verbose=0,
    ):
        self.cell = cell
        self.units = units
        self.num_layers = num_layers
        self.level = level
        self.normalize = normalize
        self.epochs = epochs
        self.minutes = minutes
        self.options = options
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None, *, validation_data=None, checkpoint=None, resume=False):
        """Trains on texts.

        Args:
            X: List of str, or a `TableReader`, which is read in chunks.
            y: Nothing; scikit-learn's pipelines pass it.
            validation_data: List of str, or a `TableReader`. Defaults to the last tenth of `X`.
            checkpoint: Path of a folder for the state after each epoch. Defaults to `None`.
            resume: bool. Continues the run whose state `checkpoint` holds. Defaults to `False`.

        Returns:
            The fitted generator itself.

        Raises:
            InputError: If texts or a setting cannot be used, or there is no checkpoint to resume from, or one of
                another run.
        """
        fit_generator(self, X, validation_data, checkpoint, resume)
        return self

    def perplexity(self, X):
        """The exponential of the mean negative log-probability of a token; the end of each text counts as one.

        Args:
            X: List of str, or a `TableReader`.

        Returns:
            float.
        """
        return self.evaluate(X)["perplexity"]

    def evaluate(self, X):
        """Measures the model on texts, read as those that it was trained on: as one stream, or each by itself.

        Args:
            X: List of str, or a `TableReader`.

        Returns:
            dict of `"perplexity"`, `"bits_per_character"` (ends of texts count as one character), `"tokens"`,
            `"unknown"` (how many of them the vocabulary lacks), `"characters"` and `"texts"`.
        """
        return self._evaluate(PlainTexts(X))

    def add_test(self, X):
        """Measures the model on test texts and adds the result to `report_`, as the part `"test"`.

        Args:
            X: List of str, or a `TableReader`.

        Returns:
            dict, as `evaluate` gives it.
        """
        stream = PlainTexts(X, "test texts")
        evaluation = self._evaluate(stream)
        self.report_["perplexity"]["test"] = evaluation["perplexity"]
        self.report_["data"]["test"] = {
            **stream.facts(),
            "total_tokens": evaluation["tokens"],
            "unknown_rate": evaluation["unknown"] / evaluation["tokens"],
        }
        return evaluation

    def _evaluate(self, stream):
        check_is_fitted(self)
        rows = self.text_to_ids_.encode(stream)
        ids = rows.ids
        loss = mean_loss(self.network_, rows if self._training.documents else ids)
        return {
            "perplexity": perplexity_of(loss),
            "bits_per_character": loss * len(ids) / stream.characters / math.log(2),
            "tokens": len(ids),
            "unknown": int((ids == UNKNOWN).sum()),
            "characters": stream.characters,
            "texts": stream.rows,
        }

    def score(self, X, y=None):
        """The log-probability of each text, its end included, each read by itself.

        Args:
            X: List of str.
            y: Nothing; scikit-learn passes it.

        Returns:
            Float array `(n,)`, in nats.
        """
        return self._by_text(self._rows(X), _log_probabilities)

    def score_details(self, X):
        """As `score`, with what each text is made of.

        Args:
            X: List of str.

        Returns:
            List of dicts, one for each text: `"text"`, `"log_probability"`, `"tokens"` (its end is one) and `"unknown"`
            (how many of them the vocabulary lacks).
        """
        rows = self._rows(X)
        scores = self._by_text(rows, _log_probabilities).tolist()
        return [
            {
                "text": text,
                "log_probability": score,
                "tokens": len(row),
                "unknown": int((row == UNKNOWN).sum()),
            }
            for text, score, row in zip(check_texts(X), scores, rows, strict=True)
        ]

    def embed(self, X):
        """The mean hidden state of each text.

        Args:
            X: List of str.

        Returns:
            Float array `(n, units)`.
        """
        return self._by_text(self._rows(X), _means)

    def encoder(self):
        """What it has learned as the beginning of a network of your own, such as a tagger.

        Returns:
            `nlpkit.models.pretrained.LanguageModelEncoder`: a Keras layer from ids `(batch, time)`, as `text_to_ids_`
            gives them, to hidden states `(batch, time, units)`. Its weights are a copy.
        """
        check_is_fitted(self)
        return PretrainedEncoder(self).layer()

    def _measured(self, predictor, X, y):
        """The perplexity of texts, each read by itself, by this model or an export of it."""
        texts = [text for part in PlainTexts(X) for text in part]
        tokens = sum(map(len, self.text_to_ids_.encode(texts)))
        return {"perplexity": float(np.exp(-np.sum(predictor.score(texts), dtype="float64") / tokens))}

    def _rows(self, X):
        check_is_fitted(self)
        return self.text_to_ids_.encode(check_texts(X))

    def _by_text(self, rows, measure):
        """What `measure(network, hidden states, targets)` gives for each text, read by itself."""
        writer = self._writer()
        run = writer.kept((measure,), _graph, measure, writer.network)
        batches, order = inference_batches(rows, batch_size=BATCH_SIZE)
        return restore_order(np.concatenate([run(ids).numpy() for ids in batches]), order)


def _graph(measure, network):
    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)])
    def run(targets):
        return measure(network, network.hidden(inputs_of(targets))[0], targets)

    return run


def _log_probabilities(network, hidden, targets):
    return -tf.reduce_sum(network.losses_of(hidden, targets), axis=1)


def _means(network, hidden, targets):
    real = tf.cast(targets != 0, hidden.dtype)[..., None]
    return tf.reduce_sum(hidden * real, axis=1) / tf.reduce_sum(real, axis=1)
