"""What runs a recurrent block: cuDNN's kernel or TFLite's, a loop of the cell's own, or one over its steps; and why."""

import tensorflow as tf

from nlpkit.layers.cudnn_kernel import cudnn
from nlpkit.layers.distinct_tokens import dense, is_pair
from nlpkit.layers.packing import first_step, last_step, reverse
from nlpkit.layers.step_loop import step_loop

CUDNN, FUSED = "cuDNN", "TFLite's fused operation"
LOOPS, STEPS = "nlpkit's loops", "nlpkit's loop over steps"


def device_kernel(gpus, built_with_cuda, version):
    """Says which kernel an LSTM or a GRU runs with on a machine.

    Args:
        gpus: int. Number of GPUs that TensorFlow can use.
        built_with_cuda: bool. Whether this TensorFlow could use an NVIDIA GPU.
        version: str. Version of TensorFlow.

    Returns:
        Tuple of `"cuDNN"` or `"nlpkit's loops"`, and the reason.

    Example:
        >>> from nlpkit.layers.recurrent_kernel import device_kernel
        >>> device_kernel(1, True, "2.21.0")[0]
        'cuDNN'
    """
    if gpus and built_with_cuda:
        return CUDNN, "a GPU is there"
    if gpus:
        return LOOPS, "a GPU is there, but this TensorFlow was built without CUDA"
    if not built_with_cuda:
        return LOOPS, "no GPU can be used, since this TensorFlow was built without CUDA"
    install = f"pip install 'tensorflow[and-cuda]=={version}'"
    return LOOPS, f"no GPU was found. If this machine has an NVIDIA GPU: {install}"


def this_device():
    """`device_kernel` of the machine that this runs on.

    Returns:
        Tuple of the kernel and the reason.

    Example:
        >>> from nlpkit.layers.recurrent_kernel import this_device
        >>> kernel, reason = this_device()
    """
    gpus = len(tf.config.list_logical_devices("GPU"))
    return device_kernel(gpus, tf.test.is_built_with_cuda(), tf.__version__)


def by_cudnn(cell, inputs, weights, states, *, lengths=None, backwards=False):
    """Runs a cell with cuDNN's kernel.

    Args:
        cell: `nlpkit.layers.recurrent_cells.Cell`.
        inputs: Float tensor of shape `(batch, time, features)`, or distinct rows and positions.
        weights: List of tensors, as the cell's layer orders them.
        states: List of float tensors of shape `(batch, units)`, the states before the first step that is read.
        lengths: Int tensor of shape `(batch,)`, real steps of each right-padded row. Defaults to `None`, all.
        backwards: bool. Reads each row from its last real step to the first. Defaults to `False`.

    Returns:
        Float tensor of shape `(batch, time, units)`, each state at its own step, and the list of the last states.
    """
    inputs = dense(inputs)
    inputs = reverse(inputs, lengths) if backwards else inputs
    outputs, states = cudnn(cell.cudnn, inputs, weights, states, lengths)
    return (reverse(outputs, lengths) if backwards else outputs), states


def by_fused(cell, inputs, weights, states, *, lengths=None, backwards=False, return_state=True):
    """Runs a cell as one operation of TFLite's, from states of zero and a known batch size, for an export.

    The operation gives no cell: the last states are those of the loop, which no file holds where nobody reads them.

    Args:
        cell: `nlpkit.layers.recurrent_cells.Cell`.
        inputs: As of `by_cudnn`.
        weights: As of `by_cudnn`.
        states: As of `by_cudnn`, zeros.
        lengths: As of `by_cudnn`. Defaults to `None`, all.
        backwards: bool. As of `by_cudnn`. Defaults to `False`.
        return_state: bool. Whether the last states are wanted. Defaults to `True`.

    Returns:
        As of `by_cudnn`, without the states if they are not wanted.
    """
    last = []
    if return_state:
        _, last = by_loop(cell, inputs, weights, states, lengths=lengths, backwards=backwards)
    inputs = exact(dense(inputs))
    inputs = reverse(inputs, lengths) if backwards else inputs
    outputs = cell.fused(inputs, *exact(weights))
    outputs = reverse(outputs, lengths) if backwards else outputs
    if lengths is not None:
        # The operation knows no padding; at the end of a row it changes nothing before it. A product, since by a
        # choice of zeros both directions would get one scale when they become numbers of 8 bits.
        outputs *= tf.sequence_mask(lengths, tf.shape(inputs)[1], outputs.dtype)[..., None]
    return tf.cast(outputs, weights[0].dtype), last


def by_loop(
    cell, inputs, weights, states, *, lengths=None, backwards=False, training=False, return_state=True
):
    """Runs a cell with the loop of its own.

    Args:
        cell: `nlpkit.layers.recurrent_cells.Cell`.
        inputs: As of `by_cudnn`.
        weights: As of `by_cudnn`.
        states: As of `by_cudnn`.
        lengths: As of `by_cudnn`. Defaults to `None`, all steps are real.
        backwards: bool. As of `by_cudnn`. Defaults to `False`.
        training: bool. Whether to keep what the gradient needs. Defaults to `False`.
        return_state: bool. Whether the last states are wanted. Defaults to `True`.

    Returns:
        As of `by_cudnn`, without the states if they are not wanted.
    """
    options = {"mask": _mask(inputs, lengths), "backwards": backwards, "training": training}
    if cell.states == 2:
        options["return_cells"] = return_state
    initial = states if cell.states == 2 else states[0]
    found = cell.loop(inputs, *weights, initial_state=initial, **options)
    found = found if isinstance(found, tuple) else (found,)
    return _batch_major(found, lengths, backwards, return_state)


def by_steps(cell, inputs, weights, states, *, lengths=None, backwards=False, state_mask=None, update=None):
    """Runs a cell with the loop over its steps, in float32 if the inputs have 16 bits.

    Args:
        cell: `nlpkit.layers.recurrent_cells.Cell`.
        inputs: As of `by_cudnn`.
        weights: As of `by_cudnn`.
        states: As of `by_cudnn`.
        lengths: As of `by_cudnn`. Defaults to `None`, all steps are real.
        backwards: bool. As of `by_cudnn`. Defaults to `False`.
        state_mask: Float tensor of shape `(batch, units)`, times which the product with the recurrent matrix sees each
            state. Defaults to `None`, all of it.
        update: callable. As of `step_loop`. Defaults to `None`.

    Returns:
        As of `by_cudnn`.
    """
    kind = weights[0].dtype
    weights, states = exact(weights), exact(states)

    def step(x, states):
        remembered = states[0] if state_mask is None else states[0] * tf.cast(state_mask, states[0].dtype)
        return cell.step(cell.drive(x, weights), states, weights, remembered)

    options = {"mask": _mask(inputs, lengths), "backwards": backwards, "update": update}
    found = step_loop(step, exact(tf.transpose(dense(inputs), (1, 0, 2))), states, **options)
    return _batch_major([tf.cast(state, kind) for state in found], lengths, backwards, True)


def exact(tensors):
    """Makes float32 of 16 bits, in which the small differences that a state is made of get lost.

    Args:
        tensors: Float tensor or list of them.

    Returns:
        The same in float32, or in float64 if they are.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.layers.recurrent_kernel import exact
        >>> exact(tf.ones(2, "float16")).dtype
        tf.float32
    """
    if isinstance(tensors, list | tuple):
        return [exact(tensor) for tensor in tensors]
    return tf.cast(tensors, "float32") if tensors.dtype.size < 4 else tensors


def _mask(inputs, lengths):
    """1 at the real steps, 0 at padded ones, `(time, batch, 1)`."""
    if lengths is None:
        return None
    steps = tf.range(tf.shape(inputs[1] if is_pair(inputs) else inputs)[1])
    return tf.cast(steps[:, None] < lengths, "float32")[..., None]


def _batch_major(found, lengths, backwards, return_state):
    """The outputs with the batch first, and the last states if they are wanted, from the states of all steps."""
    found = [tf.transpose(states, (1, 0, 2)) for states in found]
    if not return_state:
        return found[0], []
    return found[0], [first_step(states) if backwards else last_step(states, lengths) for states in found]
