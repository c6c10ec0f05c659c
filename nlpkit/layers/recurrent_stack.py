"""Recurrent blocks one after another as one layer."""

from itertools import islice

import keras

from nlpkit.errors import InputError
from nlpkit.layers.distinct_tokens import sequence_mask
from nlpkit.layers.recurrent_block import RecurrentBlock


@keras.saving.register_keras_serializable(package="nlpkit")
class RecurrentStack(keras.layers.Layer):
    """Runs recurrent blocks one after another, each over the outputs of the one before.

    Four and more blocks are hard to train without a short way past each. With `residual=True` a block adds its input
    to its output; with `highway=True` a gate mixes the two. Either needs an input as wide as the output, so the first
    block is usually a plain one that brings the features to the width of the others.

    The stack has the step and the states of a single block: those of all blocks in one flat list.

    Args:
        blocks: List of `RecurrentBlock`s, the first one first. Each but the last returns sequences; either all or none
            of them return their states.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`, or a pair of distinct rows and positions, as
            `RecurrentBlock` takes it.
        mask: Bool tensor of shape `(batch, time)`, which every block gets.
        initial_state: List of the tensors that `initial_state()` gives, the states before the first step, of blocks in
            one direction only. Defaults to `None`, zeros.
        training: bool. Whether dropout is active.

    Returns:
        The outputs of the last block. If the blocks return their states a list: those outputs and the states of all
        blocks, in their order.

    Raises:
        InputError: If `blocks` holds anything but recurrent blocks or one of them twice, one before the last does not
            return sequences, only some return their states, an initial state has too few or too many tensors, or a
            block is asked for what it cannot do, as a bidirectional one for a step.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import RecurrentBlock
        >>> from nlpkit.layers.recurrent_stack import RecurrentStack
        >>> blocks = [RecurrentBlock(8), *(RecurrentBlock(8, residual=True) for _ in range(3))]
        >>> stack = RecurrentStack(blocks)
        >>> stack(np.ones((2, 5, 4))).shape
        TensorShape([2, 5, 8])
        >>> output, state = stack.step(np.ones((2, 4), "float32"), stack.initial_state(2))
        >>> len(state)
        8

    Reference:
        Residual stacks as in [Wu et al., 2016](https://arxiv.org/abs/1609.08144); highway connections
        [Srivastava et al., 2015](https://arxiv.org/abs/1505.00387), in stacks of LSTMs
        [Zhang et al., 2016](https://arxiv.org/abs/1510.08983)
    """

    def __init__(self, blocks, **kwargs):
        # Each block casts its inputs to a dtype of its own.
        super().__init__(autocast=False, **kwargs)
        _check(blocks)
        self.blocks = list(blocks)
        self.return_state = self.blocks[0].return_state
        self.supports_masking = True

    def build(self, input_shape):
        def build_block(block, shape):
            if not block.built:
                block.build(shape)
            return block.compute_output_shape(shape)

        self._in_turn(build_block, input_shape)

    def call(self, inputs, mask=None, initial_state=None, training=False):
        mask = sequence_mask(inputs, mask)
        states = [None] * len(self.blocks) if initial_state is None else self._by_block(initial_state)

        def call_block(block, inputs, state):
            return block(inputs, mask=mask, initial_state=state, training=training)

        return self._in_turn(call_block, inputs, states)

    def initial_state(self, batch_size):
        """The states before the first step: zeros.

        Args:
            batch_size: int or int scalar tensor.

        Returns:
            Flat list of float tensors of shape `(batch_size, units)`: the states of all blocks, in their order.

        Raises:
            InputError: If a block is bidirectional.
        """
        return [state for block in self.blocks for state in block.initial_state(batch_size)]

    def step(self, x, state):
        """Runs one step through all blocks, without dropout.

        Args:
            x: Float tensor of shape `(batch, features)`.
            state: List of tensors, as `initial_state` gives it.

        Returns:
            Tuple of the output `(batch, units)` and the next state.

        Raises:
            InputError: If a block is bidirectional, or the state has too few or too many tensors.
        """
        after = []
        for block, own in zip(self.blocks, self._by_block(state), strict=True):
            x, own = block.step(x, own)
            after += own
        return x, after

    def kernel_report(self, training=False):
        """Which kernel runs each block on this machine, and why.

        Args:
            training: bool. Whether it is asked about training. Defaults to `False`, prediction.

        Returns:
            List of dicts, as `RecurrentBlock.kernel_report` gives them.
        """
        return [block.kernel_report(training) for block in self.blocks]

    def _in_turn(self, run, inputs, *more):
        """What `run(block, inputs, …)` gives of each block, fed to the next; states on the way are collected."""
        states = []
        for block, *own in zip(self.blocks, *more, strict=True):
            found = run(block, inputs, *own)
            inputs, *last = found if self.return_state else [found]
            states += last
        return [inputs, *states] if self.return_state else inputs

    def _by_block(self, states):
        """The states of each block, from the flat list of all."""
        counts = [len(block.initial_state(1)) for block in self.blocks]
        if len(states) != sum(counts):
            raise InputError(
                f"The state of the blocks {_names(self.blocks)} has {sum(counts)} tensors, {counts} in turn. "
                f"Received: {len(states)}. Take those of `initial_state()`, or the last ones that a call returned."
            )
        states = iter(states)
        return [list(islice(states, count)) for count in counts]

    def compute_mask(self, inputs, mask=None):
        mask = sequence_mask(inputs, mask)
        return self._in_turn(lambda block, _: block.compute_mask(inputs, mask), None)

    def compute_output_shape(self, input_shape, initial_state_shape=None):
        return self._in_turn(lambda block, shape: block.compute_output_shape(shape), input_shape)

    def compute_output_spec(self, inputs, mask=None, initial_state=None, training=False):
        return self._in_turn(lambda block, spec: block.compute_output_spec(spec), inputs)

    def get_config(self):
        blocks = [keras.saving.serialize_keras_object(block) for block in self.blocks]
        for block in blocks:
            block.pop("build_config", None)  # the stack builds it
        return {**super().get_config(), "blocks": blocks}

    @classmethod
    def from_config(cls, config):
        blocks = [keras.saving.deserialize_keras_object(block) for block in config["blocks"]]
        return cls(**{**config, "blocks": blocks})


def _check(blocks):
    are_blocks = isinstance(blocks, list | tuple) and all(
        isinstance(block, RecurrentBlock) for block in blocks
    )
    if not blocks or not are_blocks:
        raise InputError(
            f"`blocks` must be a list of one or more RecurrentBlocks. Received: blocks={blocks!r}"
        )
    if len({id(block) for block in blocks}) < len(blocks):
        raise InputError(
            "Each block must be a layer of its own, as in `[RecurrentBlock(8) for _ in range(3)]`. "
            f"Received the same one more than once: {_names(blocks)}"
        )
    for number, block in enumerate(blocks[:-1], start=1):
        if not block.return_sequences:
            raise InputError(
                "Every block but the last must have `return_sequences=True`, since the next one reads all its steps. "
                f"Received: block {number} of {len(blocks)}, {block.name}, with return_sequences=False"
            )
    returning = [block for block in blocks if block.return_state]
    if len(returning) not in (0, len(blocks)):
        raise InputError(
            "Either all blocks or none must have `return_state=True`. "
            f"Received: {_names(blocks)}, of which it is set in {_names(returning)} only"
        )


def _names(blocks):
    return [block.name for block in blocks]
