"""How the layers of the table are called, and what makes its rows."""

import numpy as np
from contract_case import Case
from layer_calls import LayerCall

RANDOM = np.random.default_rng(0)


def noise(*shape):
    return RANDOM.normal(size=shape).astype("float32")


STEPS, OTHERS, WIDE = noise(3, 5, 4), noise(3, 6, 4), noise(3, 5, 8)
STATE, CELL = noise(3, 3), noise(3, 3)
MASK = np.arange(5) < np.array([[5], [3], [1]])
OTHER_MASK = np.arange(6) < np.array([[4], [6], [1]])
# Padding before, within and on both sides of the real steps.
GAPS = np.array([[0, 0, 1, 1, 1], [1, 0, 1, 0, 1], [0, 1, 0, 0, 0]], bool)
IDS = np.where(MASK, RANDOM.integers(4, 10, MASK.shape), 0).astype("int32")
IDS[0, 3] = 1  # unknown

MASKED = LayerCall(STEPS, MASK)
# A list for the layers that take one: the query, and the values that it attends to.
ATTENDED = LayerCall([STEPS, OTHERS], [None, OTHER_MASK])
ENCODED = LayerCall([STEPS, OTHERS], [MASK, OTHER_MASK])
ENCODED_WITH_STATES = LayerCall([STEPS, OTHERS, STATE, CELL], [MASK, OTHER_MASK, None, None])
WITH_CONTEXT = LayerCall({"inputs": STEPS, "context": OTHERS}, {"inputs": MASK, "context": OTHER_MASK})
WORDS = LayerCall(IDS)
SCORES = {"return_attention_scores": True}
# Where a row may have padding: only at its end, or around its steps, the distances of which count.
AT_THE_END = ("right",)
AROUND = ("right", "left")


def rows(layer_class, call, *options, **rest):
    """One case for each set of options."""
    return [Case(layer_class, arguments, call, **rest) for arguments in options]


def with_options(call, **options):
    return LayerCall(call.inputs, call.mask, options, call.unbatched, call.time_axes)
