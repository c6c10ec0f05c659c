import numpy as np
import tensorflow as tf

from nlpkit.layers.softmax_loss import softmax_loss

LOGITS = np.random.default_rng(0).normal(size=(5, 7)).astype("float32") * 3
TARGETS = np.array([0, 6, 3, 3, 1])


def both(logits):
    logits = tf.constant(logits)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        own = softmax_loss(logits, tf.constant(TARGETS))
        theirs = tf.nn.sparse_softmax_cross_entropy_with_logits(TARGETS, logits)
        sums = [tf.reduce_sum(loss * tf.range(1.0, 6.0)) for loss in (own, theirs)]
    return (own, tape.gradient(sums[0], logits)), (theirs, tape.gradient(sums[1], logits))


def test_loss_and_gradient_are_those_of_tensorflow():
    for logits in (LOGITS, LOGITS + 500, LOGITS * 100):
        for own, theirs in zip(*both(logits), strict=True):
            np.testing.assert_allclose(own, theirs, rtol=1e-5, atol=1e-5)


def test_in_a_graph_of_any_size():
    run = tf.function(
        softmax_loss, input_signature=[tf.TensorSpec((None, None)), tf.TensorSpec((None,), tf.int64)]
    )
    np.testing.assert_allclose(run(LOGITS, TARGETS), both(LOGITS)[1][0], rtol=1e-5)
