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
        losses, probabilities = _losses(logits, targets, label_smoothing)

        def gradient(upstream):
            changes = probabilities * upstream[:, None]
            places = tf.stack([tf.range(tf.size(targets)), targets], axis=1)
            if label_smoothing:
                changes -= (upstream * _even(label_smoothing, logits))[:, None]
                upstream *= 1.0 - label_smoothing
            return tf.tensor_scatter_nd_sub(changes, places, upstream)

        return losses, gradient

    return loss(logits)


def softmax_loss_of_states(states, table, bias, targets, label_smoothing=0.0):
    """The same of logits that are products of states with the vectors of all tokens.

    Its gradient weighs the states in place of the probabilities, of which there are many more, so that these are
    read by the products alone.

    Args:
        states: Float tensor of shape `(rows, features)`.
        table: Float tensor of shape `(vocabulary_size, features)`, of the states' type.
        bias: Float tensor of shape `(vocabulary_size,)`; the logits have its type.
        targets: Int tensor of shape `(rows,)`.
        label_smoothing: float between 0 and 1. As in `softmax_loss`. Defaults to 0.

    Returns:
        Float tensor of shape `(rows,)`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.softmax_loss import softmax_loss_of_states
        >>> states, table = tf.constant([[1.0]]), tf.math.log([[0.2], [0.8]])
        >>> softmax_loss_of_states(states, table, tf.zeros(2), tf.constant([1])).numpy().round(4).tolist()
        [0.22310000658035278]
    """
    targets = tf.cast(targets, "int32")

    @tf.custom_gradient
    def loss(states, table, bias):
        products = tf.cast(tf.matmul(states, table, transpose_b=True), bias.dtype)
        logits = tf.nn.bias_add(products, bias)  # one operation with the product
        losses, probabilities = _losses(logits, targets, label_smoothing)

        def gradient(upstream):
            shares = tf.cast(probabilities, states.dtype)
            weights = tf.cast(upstream, states.dtype)[:, None]
            weighed = states * weights
            of_states = tf.matmul(shares, table)
            of_table = tf.matmul(shares, weighed, transpose_a=True)
            of_bias = tf.matmul(upstream[None], probabilities)[0]
            if label_smoothing:
                even = _even(label_smoothing, logits)
                of_states -= tf.cast(even, table.dtype) * tf.reduce_sum(table, axis=0)
                of_table -= tf.cast(even, table.dtype) * tf.reduce_sum(weighed, axis=0)
                of_bias -= even * tf.reduce_sum(upstream)
            kept, places = 1.0 - label_smoothing, targets[:, None]
            of_states -= kept * tf.gather(table, targets)
            of_table = tf.tensor_scatter_nd_sub(of_table, places, kept * weighed)
            return of_states * weights, of_table, tf.tensor_scatter_nd_sub(of_bias, places, kept * upstream)

        return losses, gradient

    return loss(states, table, bias)


def _losses(logits, targets, label_smoothing):
    """Losses, and the probabilities of all tokens."""
    probabilities = tf.nn.softmax(logits)
    chosen = tf.gather(logits, targets, axis=-1, batch_dims=1)
    if label_smoothing:
        chosen += label_smoothing * (tf.reduce_mean(logits, axis=-1) - chosen)
    # The highest logit over the sum of all powers is the highest probability, which is never near zero.
    highest = tf.reduce_max(logits, axis=-1) - tf.math.log(tf.reduce_max(probabilities, axis=-1))
    return highest - chosen, probabilities


def _even(label_smoothing, logits):
    """The part of the probability that smoothing gives to each token."""
    return label_smoothing / tf.cast(tf.shape(logits)[1], logits.dtype)
