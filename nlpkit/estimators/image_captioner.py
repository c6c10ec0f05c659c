"""Images to texts that describe them."""

import time

import numpy as np
import tensorflow as tf
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from nlpkit.data import RepeatedRows
from nlpkit.errors import InputError
from nlpkit.estimators.captioned_images import check_alike, check_captions, check_images, sha256_of
from nlpkit.estimators.facts import token_facts
from nlpkit.estimators.image_features import image_features, read_images
from nlpkit.estimators.labelled_texts import check_texts
from nlpkit.estimators.pair_scores import log_probabilities
from nlpkit.estimators.pair_training import add_examples, some_rows, train_and_report, with_validation
from nlpkit.estimators.persistence import plain_settings
from nlpkit.estimators.settings import option_groups, random_seed, settings_of
from nlpkit.estimators.text_levels import text_layer
from nlpkit.estimators.text_metrics import import_sacrebleu, text_metrics
from nlpkit.estimators.text_to_text_choices import choose_for_text_to_text
from nlpkit.estimators.text_to_text_files import PersistentTextToText
from nlpkit.estimators.translating import BATCH_SIZE, WritingTextToText, pieces_of
from nlpkit.training.seeding import seeded

GROUPS = ("image", "target", "network", "training")


class ImageCaptioner(PersistentTextToText, WritingTextToText, BaseEstimator):
    """Trains a network that writes what is to be seen in images, or in any float sequences.

    Images become sequences of regions: by convolutions that are trained along, from the pixels, or by a network of
    `nlpkit.estimators.image_features` that is not trained. Features that were made elsewhere are taken as they are.
    `fit`, `predict`, `predict_nbest`, `score` and `evaluate` all take images of one of these kinds, the same one.

    Args:
        preset: `"captioner"` or `"captioner_without_attention"`, or another of `nlpkit.models.presets`. Defaults to
            `"captioner"`.
        image_network: `"convolutions"`, which are trained along, `"patches"`, or a name of `keras.applications`; see
            `ImageRegions` and `image_features`. Defaults to `"convolutions"`.
        image_weights: str. Path of the weights of a network of `keras.applications`. Defaults to `None`.
        cell: As in `TextToText`. Defaults to `None`.
        units: As in `TextToText`. Defaults to `None`.
        num_layers: As in `TextToText`. Defaults to `None`.
        level: `"word"`, `"char"`, `"byte"` or `"subword"`. What a token of a caption is. Defaults to `"word"`.
        normalize: bool. As in `TextToText`. Defaults to `True`.
        epochs: int. Largest number of passes over the data.
        minutes: float. Time that training may take; `None` sets no limit.
        options: dict. Further settings: `"image"` for `image_features`, or the `size` of images from files, 64, for
            convolutions; `"target"` for `text_to_ids`, `"network"` for `build_encoder_decoder`, `"training"` for
            `TextToTextSettings`.
        random_state: int. Seed; `None` draws one.
        verbose: int. 1 shows a progress bar. Defaults to 0.

    Attributes:
        report_: dict. What `report.json` holds.
        target_: `TextToIds` of the captions.
        network_: `EncoderDecoderNetwork`.

    Raises:
        InputError: If images, captions or a setting cannot be used.

    Example:
        ```python
        from nlpkit import ImageCaptioner
        from nlpkit.data import make_shape_captions

        images, captions, _ = make_shape_captions(200)
        captioner = ImageCaptioner(units=32, epochs=2, random_state=0).fit(images, captions)
        print(captioner.predict(images[:2]))
        ```

    Reference:
        [Vinyals et al., 2015](https://arxiv.org/abs/1411.4555), [Xu et al., 2015](https://arxiv.org/abs/1502.03044)
    """

    task, shared, _copy = "captioner", False, 0

    def __init__(
        self,
        preset="captioner",
        *,
        image_network="convolutions",
        image_weights=None,
        cell=None,
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
        self.preset = preset
        self.image_network = image_network
        self.image_weights = image_weights
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

    def fit(self, X, y, *, validation_data=None, checkpoint=None, resume=False):
        """Trains on images and their captions.

        Args:
            X: uint8 array of shape `(n, height, width, 3)`, list of paths of images, or float array of shape
                `(n, regions, features)`.
            y: List of str, or of lists of str where an image has several captions.
            validation_data: Pair of the same. Defaults to a tenth of the images, 2,000 at most.
            checkpoint: Path of a folder for the state after each epoch. Defaults to `None`.
            resume: bool. Continues the run whose state `checkpoint` holds. Defaults to `False`.

        Returns:
            The fitted captioner itself.

        Raises:
            InputError: If images, captions or a setting cannot be used, or there is no checkpoint to resume from.
        """
        options, seed = option_groups(self.options, GROUPS), random_seed(self.random_state)
        run = {"seed": seed, "started": time.monotonic(), "checkpoint": checkpoint, "resume": resume}
        given, captions = None, check_captions(y, X)
        if validation_data is not None:
            given = validation_data[0], check_captions(validation_data[1], validation_data[0])
        data, numbers = {"train": {"rows": len(captions)}}, np.arange(len(captions))
        # By images: no caption of an image that is held out is trained on.
        train, validation, _ = with_validation((numbers, captions), given, seed, data)
        pairs = sum(map(len, train[1]))
        network, training, reasons = choose_for_text_to_text(self, options, pairs)
        self.target_ = text_layer(self.level, self.normalize, options["target"], group="target")
        # Nothing above takes long, and what is wrong there is told before all images are read.
        images, others = self._read(X, captions, given, validation[0], data)
        with seeded(seed):
            train = _one_by_one(images, *train, self.target_.fit_encode)
            held_out = _one_by_one(others, np.arange(len(others)), validation[1], self.target_.encode)
            data["train"] |= {"captions": pairs, **token_facts(train[1])}
            shape = images.shape[1:]
            sizes = {"source_vocabulary_size": None, "target_vocabulary_size": self.target_.vocabulary_size,
                     "features": list(shape) if len(shape) == 3 else shape[-1]}  # fmt: skip
            train_and_report(self, train, held_out, {**sizes, **network}, training, data, reasons, run)
        shown = some_rows(len(others), seed)
        add_examples(self, others[shown], validation[1][shown].tolist(), seed)
        return self

    def predict(self, X, **search):
        """Describes images with the most likely caption of each.

        Args:
            X: As of `fit`.
            **search: `beam_size`, `length_penalty`, `coverage_penalty` and `max_new_tokens`, as of
                `TextToText.predict`.

        Returns:
            List of str.

        Raises:
            InputError: If images or an option cannot be used.
        """
        return super().predict(X, **search)

    def predict_nbest(self, X, **search):
        """Describes images with the best captions of each, and their scores.

        Args:
            X: As of `fit`.
            **search: `n`, `beam_size`, `length_penalty`, `coverage_penalty`, `max_new_tokens` and `alignments`, as of
                `TextToText.predict_nbest`.

        Returns:
            List with a list of dicts per image, as `TextToText.predict_nbest` gives it; with `alignments` also
            `"target_tokens"` and `"attention"`, a list of weights over the regions for each of them.

        Raises:
            InputError: If images or an option cannot be used.
        """
        return super().predict_nbest(X, **search)

    def evaluate(self, X, y, *, beam_size=1, length_penalty=1.0, coverage_penalty=0.0, max_new_tokens=None):
        """Describes images and measures how near the texts come to the true ones.

        Args:
            X: As of `fit`.
            y: As of `fit`; of several captions each counts as right.
            beam_size: int. As of `predict`. Defaults to 1.
            length_penalty: float. As of `predict`. Defaults to 1.
            coverage_penalty: float. As of `predict`. Defaults to 0.
            max_new_tokens: int. As of `predict`. Defaults to `None`.

        Returns:
            dict, as `TextToText.evaluate` gives it.

        Raises:
            InputError: If images, captions or an option cannot be used.
        """
        check_is_fitted(self)
        return self._measured(
            self, X, y, beam_size=beam_size, length_penalty=length_penalty, coverage_penalty=coverage_penalty,
            max_new_tokens=max_new_tokens,
        )  # fmt: skip

    def _measured(self, predictor, X, y, beam_size=1, **search):
        import_sacrebleu()
        captions = check_captions(y, X).tolist()
        return text_metrics(predictor.predict(X, beam_size=beam_size, **search), captions)

    def score(self, X, y):
        """The log-probability of a caption of each image, its end included.

        Args:
            X: As of `fit`.
            y: List of str.

        Returns:
            Float array `(n,)`, in nats.

        Raises:
            InputError: If images or captions cannot be used.
        """
        check_is_fitted(self)
        captions = check_texts(y, "captions")
        check_captions(captions, X)
        images = self._regions(X)
        check_alike(images.shape, self.network_.source_shape)
        return log_probabilities(self._writer(), images, self.target_.encode(captions))

    def sides(self):
        """Tuple of str. The text layers that the captioner has: that of the captions."""
        return ("target",)

    def _read(self, X, captions, given, held, data):
        """Images to train with and to choose the best epoch, and facts that tell them from others."""
        images, settings = self._regions(X), option_groups(self.options, GROUPS)["image"]
        weights = self.image_weights and str(self.image_weights)
        settings = plain_settings({"network": self.image_network, "weights": weights, **settings})
        data["train"] |= {"sha256": sha256_of(X, captions), "images": settings}
        if given is None:
            return images, images[held]
        others = self._regions(given[0])
        check_alike(others.shape, images.shape)
        data["validation"] = {"rows": len(others), "sha256": sha256_of(*given)}
        return images, others

    def _regions(self, X):
        """Images as the network takes them: pixels as uint8, or a float array of shape `(n, regions, features)`."""
        if getattr(X, "ndim", None) == 3 and X.dtype.kind == "f":
            return X.astype("float32", copy=False)
        options = option_groups(self.options, GROUPS)["image"]
        if self.image_network == "convolutions":
            self._check_no_weights()
            with settings_of("image", "nlpkit.estimators.image_features.read_images"):
                return read_images(X, **options)
        with settings_of("image", "nlpkit.estimators.image_features"):
            return image_features(X, self.image_network, self.image_weights, **options)

    def _check_no_weights(self):
        if self.image_weights is not None:
            raise InputError(
                "`image_weights` are those of a network of keras.applications; convolutions are trained along. "
                f"Received: image_weights={str(self.image_weights)!r}. Leave them out, or name the `image_network`."
            )

    def _check_sources(self, X):
        return check_images(X)

    def _source_batches(self, X):
        for start in range(0, len(X), BATCH_SIZE):
            images = self._regions(X[start : start + BATCH_SIZE])
            check_alike(images.shape, self.network_.source_shape)
            yield range(start, start + len(images)), tf.cast(images, "float32")

    def _replaces_unknown(self):
        return False

    def _alignment(self, row, image, weights):
        target = pieces_of(self.target_, row)
        return {
            "target_tokens": target,
            "attention": np.round(weights[: len(target)].astype("float64"), 4).tolist(),
        }


def _one_by_one(images, numbers, captions, encode):
    """The image of each caption and its ids, the captions of an image one after the other."""
    # The images stay where they are.
    images = RepeatedRows(images, np.repeat(numbers, [len(own) for own in captions]))
    return images, encode([text for own in captions for text in own])
