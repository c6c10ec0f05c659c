"""Traced functions of one row, whose inputs have names."""

import tensorflow as tf

from nlpkit.export.state_signatures import named


def traced(function, **specs):
    """Traces a function for inputs by name.

    Args:
        function: callable. Takes tensors by these names, and gives a dict of tensors.
        **specs: `tf.TensorSpec` by name.

    Returns:
        Traced function.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.export.lite_graphs import traced
        >>> double = traced(lambda x: {"y": 2 * x}, x=tf.TensorSpec([1]))
        >>> double(x=tf.constant([3.0]))["y"].numpy().tolist()
        [6.0]
    """
    specs = {name: tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in specs.items()}
    return tf.function(function, autograph=False).get_concrete_function(**specs)


def called(name, function, **inputs):
    """What a function gives for some inputs, as `LiteTask.calls` has it.

    Args:
        name: str. Name of the signature.
        function: callable of tensors by name.
        **inputs: Arrays or tensors.

    Returns:
        Tuple of the name, the inputs and the outputs, as dicts of arrays.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.export.lite_graphs import called
        >>> called("double", lambda x: {"y": 2 * x}, x=tf.constant([3]))
        ('double', {'x': array([3], dtype=int32)}, {'y': array([6], dtype=int32)})
    """
    inputs = {key: tf.convert_to_tensor(value) for key, value in inputs.items()}
    outputs = function(**inputs)
    return name, *({key: value.numpy() for key, value in found.items()} for found in (inputs, outputs))


def stepped(step, state, token_ids):
    """The calls of the signature `step` for tokens one by one.

    Args:
        step: callable. The model's step.
        state: Nest of tensors. The first state.
        token_ids: List of int.

    Returns:
        Iterator of calls as of `LiteTask`.
    """
    for token in token_ids:
        given = tf.constant([token])
        logits, after = step(given, state)
        outputs = {"logits": logits, **named(after)}
        yield called("step", lambda outputs=outputs, **_: outputs, token_ids=given, **named(state))
        state = after
