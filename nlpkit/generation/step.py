"""What a search asks of a model: its step, its first state, and that rows of the state can be put in any order.

A model is a function `step(token_ids, state) -> (logits, state)`:

- `token_ids`: int32 tensor of shape `(batch,)`, the token that each row has come to;
- `state`: any nest (dicts, lists, tuples) of tensors with a leading batch axis, a position included, if the model
  has one, as each row may be read alone;
- `logits`: float tensor of shape `(batch, vocabulary)`, what the next token may be.

The shapes and dtypes of the state stay what they are. A search knows nothing else about a model.
"""

import tensorflow as tf


def reorder(state, rows, before=None):
    """The state with other rows: in another order, some dropped, some repeated.

    Beams and candidates live in the batch axis, so this is all that a search ever does to a state.

    Args:
        state: Nest of tensors with a leading batch axis.
        rows: int32 tensor of shape `(new batch,)`. For each new row the old one that it comes from.
        before: Nest of tensors, the state that a step began with, where rows only come from rows of the same prompt.
            What the step of a graph handed on as it was, such as what it reads from a source, is the same for all of
            them and stays where it is. Defaults to `None`.

    Returns:
        Nest of tensors as `state`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation import reorder
        >>> reorder({"h": tf.constant([[1.0], [2.0]])}, [1, 1, 0])["h"].numpy().tolist()
        [[2.0], [2.0], [1.0]]
    """
    if before is None or tf.executing_eagerly():  # without a graph the next step may hand on something else
        return tf.nest.map_structure(lambda part: tf.gather(part, rows), state)
    return tf.nest.map_structure(lambda old, new: new if new is old else tf.gather(new, rows), before, state)


def take_step(step, token_ids, state):
    """Calls a step; its logits are float32 and its state has the shapes that a loop asks for.

    Args:
        step: callable. The model's step.
        token_ids: int32 tensor of shape `(batch,)`.
        state: Nest of tensors.

    Returns:
        Pair of float32 logits of shape `(batch, vocabulary)` and the new state.
    """
    logits, new = step(token_ids, state)
    return tf.cast(logits, "float32"), with_shapes_of(state, new)


def with_shapes_of(old, new):
    """The new values of a loop, with the shapes of the old ones: to know less of them would end a `tf.while_loop`.

    Args:
        old: Nest of tensors.
        new: Nest of tensors, as `old`.

    Returns:
        `new`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation.step import with_shapes_of
        >>> with_shapes_of([tf.constant([1])], [tf.constant([2])])[0].shape
        TensorShape([1])
    """

    def as_before(old, new):
        new.set_shape(old.shape)
        return new

    return tf.nest.map_structure(as_before, old, new)
