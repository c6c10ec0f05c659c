import numpy as np
from training.small_runs import data, model

from nlpkit.training import Predictor


def test_logits_come_in_the_order_of_the_rows():
    network = model(encoder="gru", units=3, ngrams=1)
    rows, _ = data(600)
    expected = np.concatenate([network(row[None], training=False).numpy() for row in rows.take(range(20))])
    found = Predictor(network).logits(rows)
    assert found.shape == (600, 2) and found.dtype == np.float32
    np.testing.assert_allclose(found[:20], expected, atol=1e-5)
