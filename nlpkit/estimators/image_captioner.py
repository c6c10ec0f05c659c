"""Images to texts that describe them."""

import time

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from nlpkit.errors import InputError
from nlpkit.estimators.facts import token_facts
from nlpkit.estimators.image_features import image_features
from nlpkit.estimators.labelled_texts import check_texts
from nlpkit.estimators.pair_training import train_and_report, with_validation
from nlpkit.estimators.settings import option_groups, random_seed, settings_of
from nlpkit.estimators.text_levels import text_layer
from nlpkit.estimators.text_metrics import text_metrics
from nlpkit.estimators.text_to_text_choices import choose_for_text_to_text
from nlpkit.estimators.text_to_text_files import PersistentTextToText
from nlpkit.estimators.translating import BATCH_SIZE, WritingTextToText, pieces_of
from nlpkit.training.seeding import seeded

GROUPS = ("image", "target", "network", "training")


class ImageCaptioner(PersistentTextToText, WritingTextToText, BaseEstimator):
    """Trains a network that writes what is to be seen in images, or in any float sequences.

    Images become sequences of regions by `nlpkit.estimators.image_features`, whose network is not trained; features
    that were made elsewhere are taken as they are.

    Args:
        preset: `"captioner"` or `"captioner_without_attention"`, or another of `nlpkit.models.presets`. Defaults to
            `"captioner"`.
        image_network: `"small"`, `"patches"`, or a name of `keras.applications`; see `image_features`. Defaults to
            `"small"`.
        image_weights: str. Path of the weights of a network of `keras.applications`. Defaults to `None`.
        cell: As in `TextToText`. Defaults to `None`.
        units: As in `TextToText`. Defaults to `None`.
        num_layers: As in `TextToText`. Defaults to `None`.
        level: `"word"`, `"char"`, `"byte"` or `"subword"`. What a token of a caption is. Defaults to `"word"`.
        normalize: bool. As in `TextToText`. Defaults to `True`.
        epochs: int. Largest number of passes over the data.
        minutes: float. Time that training may take; `None` sets no limit.
        options: dict. Further settings: `"image"` for `image_features`, `"target"` for `text_to_ids`, `"network"` for
            `build_encoder_decoder`, `"training"` for `TextToTextSettings`.
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

    task, _copy = "captioner", 0

    def __init__(
        self,
        preset="captioner",
        *,
        image_network="small",
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
        run = {"started": time.monotonic(), "checkpoint": checkpoint, "resume": resume}
        options, seed = option_groups(self.options, GROUPS), random_seed(self.random_state)
        features, captions = self._features(X), _check_captions(y, len(X))
        given = None
        if validation_data is not None:
            given = (
                self._features(validation_data[0]),
                _check_captions(validation_data[1], len(validation_data[0])),
            )
        data = {"train": {"rows": len(features)}}
        if given is not None:
            data["validation"] = {"rows": len(given[0])}
        # By images: no caption of an image that is held out is trained on.
        train, validation = with_validation((features, captions), given, seed, data)
        pairs = sum(map(len, train[1]))
        network, training, reasons = choose_for_text_to_text(self, options, pairs)
        with seeded(seed):
            self.target_ = text_layer(self.level, self.normalize, options["target"], group="target")
            train = _one_by_one(train[0], train[1], self.target_.fit_encode)
            validation = _one_by_one(validation[0], validation[1], self.target_.encode)
            data["train"] |= {"captions": pairs, **token_facts(train[1])}
            sizes = {"source_vocabulary_size": None, "target_vocabulary_size": self.target_.vocabulary_size,
                     "features": features.shape[-1]}  # fmt: skip
            train_and_report(
                self, train, validation, {**sizes, **network}, training, data, reasons, {**run, "seed": seed}
            )
        return self

    def evaluate(self, X, y, *, beam_size=1):
        """Describes images and measures how near the texts come to the true ones.

        Args:
            X: As of `fit`.
            y: As of `fit`; of several captions each counts as right.
            beam_size: int. As of `predict`. Defaults to 1.

        Returns:
            dict, as `TextToText.evaluate` gives it.
        """
        check_is_fitted(self)
        return text_metrics(self.predict(X, beam_size=beam_size), _check_captions(y, len(X)).tolist())

    def sides(self):
        """Tuple of str. The text layers that the captioner has: that of the captions."""
        return ("target",)

    def _features(self, X):
        """Float array of shape `(n, regions, features)`."""
        if getattr(X, "ndim", None) == 3 and X.dtype.kind == "f":
            return X.astype("float32", copy=False)
        options = option_groups(self.options, GROUPS)["image"]
        with settings_of("image", "nlpkit.estimators.image_features"):
            return image_features(X, self.image_network, self.image_weights, **options)

    def _check_sources(self, X):
        return X

    def _source_batches(self, X):
        for start in range(0, len(X), BATCH_SIZE):
            numbers = range(start, min(start + BATCH_SIZE, len(X)))
            yield numbers, self._features(X[start : start + BATCH_SIZE])

    def _replaces_unknown(self):
        return False

    def _alignment(self, row, image, weights):
        target = pieces_of(self.target_, row)
        return {"target_tokens": target, "attention": np.round(weights[: len(target)], 4).tolist()}


def _one_by_one(features, captions, encode):
    """Features and ids of each caption, the captions of an image one after the other."""
    counts = [len(own) for own in captions]
    return np.repeat(features, counts, axis=0), encode([text for own in captions for text in own])


def _check_captions(captions, images):
    """Object array with a list of captions for each image."""
    if isinstance(captions, str) or not hasattr(captions, "__len__") or len(captions) != images:
        received = f"{len(captions)} captions" if hasattr(captions, "__len__") else type(captions).__name__
        raise InputError(
            "There must be one caption, or a list of captions, for each image. Received: "
            f"{images} images and {received}"
        )
    several = np.empty(images, object)
    for number, own in enumerate(captions):
        several[number] = check_texts([own] if isinstance(own, str) else own, f"captions of image {number}")
    return several
