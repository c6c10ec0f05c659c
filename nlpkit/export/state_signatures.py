"""The signature `step` of a model that writes, for clients that keep its state."""

import tensorflow as tf


def named(state):
    """The tensors of a state under flat names.

    Args:
        state: Nest of tensors.

    Returns:
        dict from `state_0`, `state_1` and so on to the tensors.

    Example:
        >>> from nlpkit.export.state_signatures import named
        >>> named({"cell": [1, 2], "mask": 3})
        {'state_0': 1, 'state_1': 2, 'state_2': 3}
    """
    return {f"state_{number}": part for number, part in enumerate(tf.nest.flatten(state))}


def step_signature(step, init, state):
    """The signature `step`, for states as the signature `init` gives them.

    Args:
        step: callable. The model's step.
        init: Traced function, among whose outputs are the tensors of the state under the names of `named`.
        state: Nest of tensors. A first state, of which the structure counts only.

    Returns:
        Traced function of `token_ids`, int32 `(batch,)`, and the state to `logits`, float32 `(batch, vocabulary)`, and
        the next state.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.export.state_signatures import named, step_signature
        >>> def init():
        ...     return named([tf.zeros([1])])
        >>> def step(token_ids, state):
        ...     return tf.one_hot(token_ids, 2), [state[0] + 1]
        >>> traced = tf.function(init, autograph=False).get_concrete_function()
        >>> signature = step_signature(step, traced, [0])
        >>> answer = signature(token_ids=tf.constant([1]), **init())
        >>> answer["logits"].numpy().tolist(), answer["state_0"].numpy().tolist()
        ([[0.0, 1.0]], [1.0])
    """
    like = tf.nest.map_structure(lambda part: 0, state)
    names, parts = list(named(like)), init.structured_outputs

    def run(token_ids, **state):
        own = tf.nest.pack_sequence_as(like, [state[name] for name in names])
        logits, own = step(token_ids, own)
        return {"logits": tf.cast(logits, "float32"), **named(own)}

    specs = {name: tf.TensorSpec(parts[name].shape, parts[name].dtype, name) for name in names}
    token_ids = tf.TensorSpec([None], tf.int32, name="token_ids")
    return tf.function(run, autograph=False).get_concrete_function(token_ids, **specs)
