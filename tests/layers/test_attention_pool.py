"""Attention pooling against the paper's formula."""

import numpy as np
import pytest

from nlpkit.layers.attention_pool import AttentionPool

RANDOM = np.random.default_rng(0)
STEPS = RANDOM.normal(size=(3, 6, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)


@pytest.mark.parametrize("units", [None, 3])
def test_the_papers_formula(units):
    """u_t = tanh(W h_t + b), a_t = exp(u_t · u_w) / sum, s = sum of a_t h_t."""
    layer = AttentionPool(units)
    layer.build(STEPS.shape)
    kernel, bias, query = weights = [RANDOM.normal(size=weight.shape) for weight in layer.get_weights()]
    layer.set_weights(weights)
    pooled, scores = layer(STEPS, mask=MASK, return_attention_scores=True)
    assert kernel.shape == (4, units or 4)
    for row, length in enumerate((6, 3, 1)):
        real = STEPS[row, :length]
        exponentials = np.exp(np.tanh(real @ kernel + bias) @ query[:, 0])
        expected = exponentials / exponentials.sum()
        np.testing.assert_allclose(scores[row], np.pad(expected, (0, 6 - length)), atol=1e-6)
        np.testing.assert_allclose(pooled[row], expected @ real, atol=1e-5)


def test_a_row_without_a_real_step_gives_zeros():
    pooled, weights = AttentionPool()(
        STEPS, mask=MASK & [[True], [False], [True]], return_attention_scores=True
    )
    assert not np.any(pooled[1]) and not np.any(weights[1]) and np.any(pooled[0])
