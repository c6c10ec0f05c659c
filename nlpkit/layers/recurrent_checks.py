"""What a recurrent block asks of what it is called with."""

from numbers import Real

import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.distinct_tokens import is_pair, sequence_shape
from nlpkit.layers.recurrent_cells import CELLS

RATES = ("dropout", "input_dropout", "recurrent_dropout", "weight_drop")


def check_options(block):
    """Raises an error unless the arguments of a block are what they can be.

    Args:
        block: `RecurrentBlock` with its arguments as attributes.

    Raises:
        InputError: If the cell is unknown, a rate is out of its range, or it is both residual and a highway.

    Example:
        >>> from nlpkit.layers import RecurrentBlock
        >>> from nlpkit.layers.recurrent_checks import check_options
        >>> check_options(RecurrentBlock(4, dropout=0.5))
    """
    if block.cell not in CELLS:
        raise InputError(f"`cell` must be one of {sorted(CELLS)}. Received: cell={block.cell!r}")
    for name in RATES:
        rate = getattr(block, name)
        if not isinstance(rate, Real) or not 0 <= rate < 1:
            raise InputError(f"`{name}` must be at least 0 and below 1. Received: {name}={rate!r}")
    if block.residual and block.highway:
        raise InputError("Only one of `residual` and `highway` can be True. Received: both. Choose one.")


def checked_features(shape):
    """The number of features of a sequence.

    Args:
        shape: Tuple, the shape `(batch, time, features)`, or a pair of those of distinct rows and positions.

    Returns:
        int.

    Raises:
        InputError: If there are more or fewer axes, as ids have, or the features are not known.

    Example:
        >>> from nlpkit.layers.recurrent_checks import checked_features
        >>> checked_features((None, None, 4))
        4
    """
    shape = sequence_shape(shape)
    if len(shape) != 3 or shape[-1] is None:
        raise _no_sequence(f"shape {shape}")
    return shape[-1]


def check_call(inputs, training):
    """Raises an error unless the inputs are floats and `training` has a value.

    Args:
        inputs: Tensor of shape `(batch, time, features)`, symbolic or not, or a pair of distinct rows and positions.
        training: bool, or a tensor of one.

    Raises:
        InputError: If the inputs are no floats, or `training` is a tensor of a graph.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.recurrent_checks import check_call
        >>> check_call(tf.ones((2, 5, 4)), training=True)
    """
    values = inputs[0] if is_pair(inputs) else inputs
    dtype = tf.as_dtype(values.dtype)
    if not dtype.is_floating:
        raise _no_sequence(dtype.name)
    if tf.is_symbolic_tensor(training):
        raise InputError(
            "`training` must be True or False while a graph is traced, since it chooses the kernel. "
            f"Received: training={training}. Trace one graph for each."
        )


def check_states(states, cell):
    """Raises an error unless there are as many states as a cell has.

    Args:
        states: List of tensors.
        cell: str. A key of `nlpkit.layers.recurrent_cells.CELLS`.

    Raises:
        InputError: If there are more or fewer, or it is no list.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.recurrent_checks import check_states
        >>> check_states([tf.zeros((2, 8))], "gru")
    """
    count = CELLS[cell].states
    if not isinstance(states, list | tuple) or len(states) != count:
        found = len(states) if isinstance(states, list | tuple) else "one tensor without a list"
        raise InputError(
            f"The state of a block with cell={cell!r} is a list of {count} tensors, as `initial_state()` "
            f"gives it. Received: {found}. To start from the states of another cell, take a `StateBridge`."
        )


def _no_sequence(received):
    return InputError(
        "A recurrent block reads float sequences of shape (batch, time, features). "
        f"Received: {received}. Of ids, a `TokenEmbedding` makes such sequences."
    )
