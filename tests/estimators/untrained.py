"""Estimators fitted without a training: for what comes after one and does not depend on what was learned."""

import contextlib

import numpy as np
import pytest

from nlpkit.estimators import generator_fitting, pair_training
from nlpkit.training import TrainingResult


@contextlib.contextmanager
def untrained():
    """While it lasts, a fit of a language model or to pairs does all but train: weights are drawn.

    Making the graphs of the training takes most of the time of a fit to few texts.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_training, "train_encoder_decoder", _draw_weights)
        patch.setattr(generator_fitting, "train_language_model", _draw_weights)
        yield


def _draw_weights(network, *arguments, **more):
    """Draws weights so large that what is read matters to what is written, as it hardly does to first weights."""
    random = np.random.default_rng(0)
    for weight in network.trainable_weights:
        weight.assign(weight + random.normal(size=weight.shape, scale=0.3))
    return TrainingResult({"loss": [1.0], "val_loss": [1.0]}, 1, 0.0, False)
