import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.layers.softmax_loss import softmax_loss, softmax_loss_of_states

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


def smoothed(loss_of, upstream):
    """Losses, and the gradient of their weighted sum."""
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = loss_of(logits)
        total = tf.reduce_sum(losses * upstream)
    return losses, tape.gradient(total, logits)


@pytest.mark.parametrize("smoothing", [0.1, 0.5, 1.0])
def test_smoothed_loss_and_gradient_are_those_of_keras(smoothing):
    keras_loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=smoothing, reduction="none"
    )
    upstream = tf.range(1.0, 6.0)
    own = smoothed(lambda logits: softmax_loss(logits, TARGETS, smoothing), upstream)
    theirs = smoothed(lambda logits: keras_loss(np.eye(7, dtype="float32")[TARGETS], logits), upstream)
    for one, other in zip(own, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_smoothed_loss_is_szegedys_formula_also_far_from_zero():
    for logits in (LOGITS, LOGITS + 500, LOGITS * 100):
        exact = np.float64(logits)
        shifted = exact - exact.max(axis=1, keepdims=True)
        losses = np.log(np.exp(shifted).sum(axis=1, keepdims=True)) - shifted
        expected = 0.8 * losses[np.arange(5), TARGETS] + 0.2 * losses.mean(axis=1)
        np.testing.assert_allclose(softmax_loss(logits, TARGETS, 0.2), expected, rtol=1e-5, atol=1e-5)


def graph_operations(**options):
    """The kinds of operations in the graph of the loss and its gradient."""

    @tf.function(input_signature=[tf.TensorSpec((None, 7)), tf.TensorSpec((None,), tf.int32)])
    def run(logits, targets):
        return tf.gradients(softmax_loss(logits, targets, **options), logits)

    return sorted(operation.type for operation in run.get_concrete_function().graph.get_operations())


def test_nothing_is_computed_for_a_smoothing_of_zero():
    assert graph_operations() == graph_operations(label_smoothing=0.0)
    assert "Mean" in graph_operations(label_smoothing=0.1) and "Mean" not in graph_operations()


STATES, TABLE = (np.random.default_rng(1).normal(size=(size, 4)).astype("float32") for size in (5, 7))
BIAS = np.linspace(-1, 1, 7, dtype="float32")


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_of_states_loss_and_gradients_are_those_of_their_logits(smoothing):
    def of_logits(states, table, bias):
        logits = tf.matmul(states, table, transpose_b=True) + bias
        spread = (1 - smoothing) * np.eye(7, dtype="float32")[TARGETS] + smoothing / 7
        return tf.nn.softmax_cross_entropy_with_logits(spread, logits)

    def of_states(*parts):
        return softmax_loss_of_states(*parts, TARGETS, smoothing)

    results = []
    for losses_of in (of_states, of_logits):
        parts = [tf.constant(part) for part in (STATES, TABLE, BIAS)]
        with tf.GradientTape() as tape:
            tape.watch(parts)
            losses = losses_of(*parts)
            total = tf.reduce_sum(losses * tf.range(1.0, 6.0))
        results.append([losses, *tape.gradient(total, parts)])
    for own, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-5, atol=1e-5)


def test_of_states_of_half_precision_has_losses_of_single():
    parts = [
        tf.constant(part, kind) for part, kind in ((STATES, "float16"), (TABLE, "float16"), (BIAS, "float32"))
    ]
    with tf.GradientTape() as tape:
        tape.watch(parts)
        losses = softmax_loss_of_states(*parts, TARGETS)
    assert losses.dtype == "float32"
    assert [gradient.dtype for gradient in tape.gradient(losses, parts)] == [part.dtype for part in parts]
    np.testing.assert_allclose(losses, softmax_loss_of_states(STATES, TABLE, BIAS, TARGETS), rtol=1e-2)
