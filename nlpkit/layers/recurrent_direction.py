"""One cell that reads a sequence in one direction, with what changes its weights and states on the way."""

from numbers import Integral

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.distinct_tokens import is_pair
from nlpkit.layers.recurrent_cells import CELLS
from nlpkit.layers.recurrent_kernel import (
    CUDNN,
    FUSED,
    LOOPS,
    STEPS,
    by_cudnn,
    by_fused,
    by_loop,
    by_steps,
    exact,
    this_device,
)
from nlpkit.layers.zoneout import zone_out, zoneout_rates, zoneout_update


class RecurrentDirection(keras.layers.Layer):
    """Part of a `RecurrentBlock`, which see.

    Args:
        units: int.
        cell: str. A key of `nlpkit.layers.recurrent_cells.CELLS`.
        backwards: bool. Reads from the last step to the first. Defaults to `False`.
        recurrent_dropout: float. Defaults to 0.
        weight_drop: float. Defaults to 0.
        zoneout: float, or one for each state. Defaults to 0.
        reset_after: bool. Of a GRU. Defaults to `True`.
        use_cudnn: `"auto"`, `True` or `False`. Defaults to `"auto"`.
        seed: int or `None`. Defaults to `None`.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`, or a pair of distinct rows and positions.
        lengths: Int tensor of shape `(batch,)`, real steps of each right-padded row. Defaults to `None`, all.
        states: List of float tensors of shape `(batch, units)`. Defaults to `None`, zeros.
        return_state: bool. Whether the last states are wanted. Defaults to `False`.
        training: bool.

    Returns:
        Float tensor of shape `(batch, time, units)`, each state at its own step, and the list of the last states.

    Raises:
        InputError: If `units`, `use_cudnn` or a rate of `zoneout` is not what it can be.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers.recurrent_direction import RecurrentDirection
        >>> outputs, states = RecurrentDirection(8, "gru")(np.ones((2, 5, 4)))
        >>> outputs.shape
        TensorShape([2, 5, 8])
    """

    def __init__(
        self,
        units,
        cell,
        *,
        backwards=False,
        recurrent_dropout=0.0,
        weight_drop=0.0,
        zoneout=0.0,
        reset_after=True,
        use_cudnn="auto",
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(units, Integral) or units < 1:
            raise InputError(f"`units` must be an integer of at least 1. Received: units={units!r}")
        self.units, self.kind, self.backwards = units, CELLS[cell], backwards
        self.recurrent_dropout, self.weight_drop = recurrent_dropout, weight_drop
        self.rates = zoneout_rates(zoneout, self.kind.states)
        self.fused = False  # `portable_model` sets it for an export
        self.for_gpu = False  # `gpu_signatures` sets it while it traces
        self.reset_after, self.use_cudnn = reset_after, use_cudnn
        draws = recurrent_dropout or weight_drop or any(self.rates)
        self.seed_generator = keras.random.SeedGenerator(seed) if draws else None
        more = {"reset_after": reset_after} if cell == "gru" else {}
        self.cell = self.kind.layer(units, dtype=self.dtype_policy, name=cell, **more)
        self.supports_masking = True  # The block has made lengths of the mask.

    @property
    def use_cudnn(self):
        """Whether the cuDNN kernel may be used."""
        return self._use_cudnn

    @use_cudnn.setter
    def use_cudnn(self, use_cudnn):
        """Sets it, and whether XLA may compile the layer."""
        if not isinstance(use_cudnn, bool) and use_cudnn != "auto":
            raise InputError(f'`use_cudnn` must be "auto", True or False. Received: use_cudnn={use_cudnn!r}')
        self._use_cudnn = use_cudnn
        # XLA, which Keras' `compile` may turn on by itself, has no kernel of cuDNN.
        self.supports_jit = self.kernel()[0] != CUDNN

    @property
    def can_be_fused(self):
        """bool. Whether TFLite has one operation for the whole loop."""
        return self.kind.fused is not None and not any(self.rates)

    def build(self, input_shape):
        self.cell.build(input_shape)

    def call(self, inputs, lengths=None, states=None, return_state=False, training=False):
        steps = inputs[1] if is_pair(inputs) else inputs
        batch = tf.shape(steps)[0]
        start = self.zeros(batch) if states is None else [tf.cast(x, self.compute_dtype) for x in states]
        kernel, _ = self.kernel(training)
        if kernel == CUDNN and steps.shape[1] == 0:
            kernel = LOOPS  # cuDNN wants at least one step.
        if kernel == FUSED and states is not None:
            kernel = LOOPS  # TFLite's operation starts from zeros.
        options = {"lengths": lengths, "backwards": self.backwards}
        if kernel in (LOOPS, FUSED):
            options["return_state"] = return_state
        if kernel == LOOPS:
            options["training"] = training
        if kernel == STEPS:
            options.update(self._noise(steps, batch, training))
        run = {CUDNN: by_cudnn, FUSED: by_fused, LOOPS: by_loop, STEPS: by_steps}[kernel]
        outputs, last = run(self.kind, inputs, self._weights(training), start, **options)
        if not return_state:
            return outputs, []
        # Where there is no real step, none is the last.
        real = tf.shape(steps)[1] > 0 if lengths is None else lengths[:, None] > 0
        return outputs, [tf.where(real, x, before) for x, before in zip(last, start, strict=True)]

    def kernel(self, training=False):
        """Which kernel runs, and why.

        Args:
            training: bool. Defaults to `False`.

        Returns:
            Tuple of `"cuDNN"`, `"TFLite's fused operation"`, `"nlpkit's loops"` or `"nlpkit's loop over steps"`, and
            the reason.
        """
        if self.kind.loop is None or not self.reset_after:
            return STEPS, "the cell has no kernel of its own" if self.reset_after else "`reset_after=False`"
        if any(self.rates):
            return STEPS, "`zoneout` acts between the steps"
        if training and self.recurrent_dropout:
            return STEPS, "`recurrent_dropout` acts between the steps; `weight_drop` would not"
        if self.fused:
            return FUSED, "it was made for an export with `fused_lstm`"
        if self.for_gpu and self.kind.cudnn is not None:
            return CUDNN, "an export traces it for GPUs"
        if not self.use_cudnn:
            return LOOPS, "`use_cudnn=False`"
        if self.kind.cudnn is None:
            return LOOPS, "cuDNN's kernels are used for LSTM and GRU only"
        return this_device()

    def zeros(self, batch_size):
        """The states before the first step.

        Args:
            batch_size: int or int scalar tensor.

        Returns:
            List of float tensors of shape `(batch_size, units)`.
        """
        return [tf.zeros((batch_size, self.units), self.compute_dtype) for _ in range(self.kind.states)]

    def step(self, x, states):
        """Runs one step, as in prediction.

        Args:
            x: Float tensor of shape `(batch, features)`.
            states: List of float tensors of shape `(batch, units)`.

        Returns:
            List of the new states.
        """
        x, *old = exact([tf.cast(each, self.compute_dtype) for each in (x, *states)])
        weights = exact(self._weights(False))
        drive = self.kind.drive(x, weights)
        new = self.kind.step(drive, old, weights, old[0])
        new = zone_out(old, new, self.rates) if any(self.rates) else new
        return [tf.cast(state, self.compute_dtype) for state in new]

    def _weights(self, training):
        kernel, recurrent_kernel, *rest = [tf.cast(x, self.compute_dtype) for x in self.cell.weights]
        if training and self.weight_drop:
            recurrent_kernel = keras.random.dropout(
                recurrent_kernel, self.weight_drop, seed=self.seed_generator
            )
        return [kernel, recurrent_kernel, *rest]

    def _noise(self, steps, batch, training):
        """What dropout and zoneout do to the states between the steps of a tensor `(batch, time, …)`."""
        options = {}
        if training and self.recurrent_dropout:
            ones = tf.ones((batch, self.units))
            options["state_mask"] = keras.random.dropout(
                ones, self.recurrent_dropout, seed=self.seed_generator
            )
        if any(self.rates):
            seed = self.seed_generator if training else None
            options["update"] = zoneout_update(self.rates, (tf.shape(steps)[1], batch, self.units), seed)
        return options
