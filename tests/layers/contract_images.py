"""The layers of pictures."""

import numpy as np
from contract_calls import rows
from layer_calls import LayerCall

from nlpkit import layers

PIXELS = LayerCall(np.random.default_rng(0).uniform(0, 255, (3, 9, 6, 3)).astype("float32"))
IMAGES = rows(
    layers.ImageRegions,
    PIXELS,
    {"units": 4},
    {"units": 3, "filters": [5, 4], "dropout": 0.3},
)
