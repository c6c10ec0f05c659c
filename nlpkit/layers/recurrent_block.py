"""One recurrent layer as a block: cell, direction, dropout, connection to its input, normalisation."""

import keras
import numpy as np
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.distinct_tokens import dense, sequence_mask, sequence_shape
from nlpkit.layers.highway import Highway
from nlpkit.layers.packing import first_step, last_step, pack, real_steps, unpack, without_padding
from nlpkit.layers.recurrent_cells import CELLS
from nlpkit.layers.recurrent_checks import check_call, check_options, check_states, checked_features
from nlpkit.layers.recurrent_direction import RecurrentDirection
from nlpkit.layers.steps import check_built
from nlpkit.layers.variational_dropout import VariationalDropout

DIRECTION = ("recurrent_dropout", "weight_drop", "zoneout", "reset_after")
OPTIONS = (
    "units", "cell", "bidirectional", "return_sequences", "return_state", "dropout", "input_dropout", "residual",
    "highway", "layer_norm", *DIRECTION, "use_cudnn", "seed",
)  # fmt: skip


@keras.saving.register_keras_serializable(package="nlpkit")
class RecurrentBlock(keras.layers.Layer):
    """Simple RNN, LSTM, GRU or a variant over a sequence, in one or both directions.

    With one direction and the plain options the weights are those of Keras' layer of that name. Padding may stand
    anywhere in a row: the real steps are packed first in the graph, so that cuDNN's conditions always hold on a GPU.
    Elsewhere nlpkit's own loops run, which are faster than Keras'; `kernel_report` says which and why. Outputs at
    padded steps are zero, and so are those of a row without any real step.

    A gradient can be taken once through cuDNN's kernel and nlpkit's loops: a second derivative is a `LookupError`. The
    loop over steps has all derivatives, and so have Keras' layers with the same weights, without cuDNN.

    `step` runs one step with the same weights, for generation and streams; with `return_state` the states at the end
    of one segment are the `initial_state` of the next (truncated backpropagation through time).

    Args:
        units: int. Units per direction.
        cell: `"rnn"`, `"lstm"`, `"gru"`, `"peephole_lstm"` or `"layer_norm_lstm"`. Defaults to `"lstm"`.
        bidirectional: bool. Also reads backwards; the outputs are concatenated. Defaults to `False`.
        return_sequences: bool. Output of every step, or of the last real one only. Defaults to `True`.
        return_state: bool. Also returns the states after the last real step of each row, where a row without any
            keeps its initial state. Defaults to `False`.
        dropout: float from 0 to below 1. Fraction of the block's outputs to drop. Defaults to 0.
        input_dropout: float. Variational dropout of the inputs: one mask for all steps of a row. Defaults to 0.
        recurrent_dropout: float. Variational dropout of the states on their way into the recurrent matrix; training
            then cannot use cuDNN's kernel. Defaults to 0.
        weight_drop: float. Fraction of the recurrent matrix to drop, drawn once per batch (DropConnect), which keeps
            cuDNN's kernel. Defaults to 0.
        zoneout: float, or one for state and one for cell. Probability that a state stays as it was for a step; cannot
            use cuDNN's kernel. Defaults to 0.
        residual: bool. Adds the input to the output; both must have the same size. Defaults to `False`.
        highway: bool. A learned gate mixes input and output, in place of their sum. Defaults to `False`.
        layer_norm: bool. Layer normalisation of the output. Defaults to `False`.
        reset_after: bool. Of a GRU: reset gate after the product with the state, as Keras and cuDNN have it, or before,
            as in the paper. Defaults to `True`.
        use_cudnn: `"auto"`, `True` or `False`. Whether the cuDNN kernel may be used; kept in the config, so that
            a portable model stays portable when it is saved and loaded. Defaults to `"auto"`.
        seed: int or `None`. Makes dropout and zoneout repeatable. Defaults to `None`.

    Call arguments:
        inputs: Float tensor of shape `(batch, time, features)`, or a pair of distinct rows `(n, features)` and the int
            positions `(batch, time)` at which they stand, as from `DistinctTokens`.
        mask: Bool tensor of shape `(batch, time)`, `False` at padded steps. Of a pair, Keras hands over a mask `(n,)`
            of the rows by itself.
        initial_state: List of the tensors that `initial_state()` gives, the states before the first step; in one
            direction only. Defaults to `None`, zeros.
        training: bool. Whether dropout is active.

    Returns:
        Float tensor of shape `(batch, time, units)`, `(batch, units)` without `return_sequences`; twice the
        units if bidirectional. With `return_state` a list: that tensor and the states `(batch, units)`, one per
        direction or, of an LSTM, state and cell of each.

    Raises:
        InputError: If an argument is not what it can be, `residual` and `highway` are both set, or one of them and the
            sizes differ, the inputs are no float sequences, `training` is a tensor while a graph is traced, or a
            bidirectional block is asked for a step or given an initial state.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import RecurrentBlock
        >>> RecurrentBlock(8, "gru", bidirectional=True)(np.ones((2, 5, 4))).shape
        TensorShape([2, 5, 16])

    Reference:
        [Hochreiter & Schmidhuber, 1997](https://doi.org/10.1162/neco.1997.9.8.1735),
        [Cho et al., 2014](https://arxiv.org/abs/1406.1078),
        [Schuster & Paliwal, 1997](https://doi.org/10.1109/78.650093),
        [Gal & Ghahramani, 2016](https://arxiv.org/abs/1512.05287) on dropout,
        [Merity et al., 2018](https://arxiv.org/abs/1708.02182) on weight-drop
    """

    def __init__(
        self,
        units,
        cell="lstm",
        *,
        bidirectional=False,
        return_sequences=True,
        return_state=False,
        dropout=0.0,
        input_dropout=0.0,
        recurrent_dropout=0.0,
        weight_drop=0.0,
        zoneout=0.0,
        residual=False,
        highway=False,
        layer_norm=False,
        reset_after=True,
        use_cudnn="auto",
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units, self.cell, self.bidirectional = units, cell, bidirectional
        self.return_sequences, self.return_state = return_sequences, return_state
        self.dropout, self.input_dropout, self.recurrent_dropout = dropout, input_dropout, recurrent_dropout
        self.weight_drop, self.zoneout = weight_drop, zoneout
        self.residual, self.highway, self.layer_norm = residual, highway, layer_norm
        self.reset_after, self.seed = reset_after, seed
        check_options(self)
        self.supports_masking = True
        part = {"dtype": self.dtype_policy}
        options = {**part, "use_cudnn": use_cudnn, **{name: getattr(self, name) for name in DIRECTION}}
        # Parts with the same seed would draw the same masks.
        seeds = [None] * 4 if seed is None else np.random.SeedSequence(seed).generate_state(4).tolist()
        self.forward = RecurrentDirection(units, cell, seed=seeds[0], name="forward", **options)
        self.backward = None
        if bidirectional:
            self.backward = RecurrentDirection(
                units, cell, backwards=True, seed=seeds[1], name="backward", **options
            )
        self.gate = Highway(name="highway", **part) if highway else None
        self.norm = keras.layers.LayerNormalization(name="norm", **part) if layer_norm else None
        self.drop_inputs = VariationalDropout(input_dropout, seed=seeds[2], name="input_dropout", **part)
        self.drop = keras.layers.Dropout(dropout, seed=seeds[3], name="dropout", **part)

    @property
    def use_cudnn(self):
        """Whether the cuDNN kernel may be used; graphs that are traced keep theirs when it changes."""
        return self.forward.use_cudnn

    @use_cudnn.setter
    def use_cudnn(self, use_cudnn):
        """Sets it for both directions."""
        for direction in self._directions():
            direction.use_cudnn = use_cudnn

    def build(self, input_shape):
        features = checked_features(input_shape)
        size = self.units * len(self._directions())
        if (self.residual or self.highway) and features != size:
            name = "residual" if self.residual else "highway"
            raise InputError(
                f"`{name}=True` needs an input as wide as the output ({size} features). "
                f"Received: {features} features. Change `units` or leave out the connection."
            )
        for direction in self._directions():
            direction.build((None, None, features))
        if self.gate is not None:
            self.gate.build([(None, None, size)] * 2)
        if self.norm is not None:
            self.norm.build((None, None, size) if self.return_sequences else (None, size))

    def call(self, inputs, mask=None, initial_state=None, training=False):
        check_call(inputs, training)
        if initial_state is not None:
            self._check_one_direction("initial state")
            check_states(initial_state, self.cell)
        mask, lengths = sequence_mask(inputs, mask), None
        if mask is not None:
            mask = tf.cast(mask, "bool")
            lengths = real_steps(mask)
            inputs = without_padding(pack(inputs, mask), lengths)
        dropped = training and self.input_dropout
        read = self.drop_inputs(dense(inputs), training=True) if dropped else inputs
        options = {"lengths": lengths, "return_state": self.return_state, "training": training}
        found = [each(read, states=initial_state, **options) for each in self._directions()]
        outputs = tf.concat([sequence for sequence, _ in found], axis=-1)
        outputs = self._connect(inputs, outputs)
        outputs = outputs if self.return_sequences else self._ends(outputs, lengths)
        outputs = outputs if self.norm is None else self.norm(outputs)
        outputs = self.drop(outputs, training=training)
        if mask is not None:
            outputs = unpack(outputs, mask) if self.return_sequences else outputs
            outputs = outputs if self._keeps_zeros() else self._without_padding(outputs, mask, lengths)
        return [outputs, *(state for _, last in found for state in last)] if self.return_state else outputs

    def initial_state(self, batch_size):
        """The states before the first step: zeros.

        Args:
            batch_size: int or int scalar tensor.

        Returns:
            List of float tensors of shape `(batch_size, units)`: the state and, of an LSTM, the cell.

        Raises:
            InputError: If the block is bidirectional.
        """
        self._check_one_direction("initial state")
        return self.forward.zeros(batch_size)

    def step(self, x, state):
        """Runs one step with the block's weights, without dropout.

        Args:
            x: Float tensor of shape `(batch, features)`.
            state: List of tensors, as `initial_state` gives it.

        Returns:
            Tuple of the output `(batch, units)` and the next state.

        Raises:
            InputError: If the block is bidirectional or has not been built, or the state does not fit the cell.
        """
        self._check_one_direction("step")
        check_states(state, self.cell)
        check_built(self)
        state = self.forward.step(x, state)
        outputs = self._connect(x, state[0])
        return outputs if self.norm is None else self.norm(outputs), state

    def kernel_report(self, training=False):
        """Which kernel runs the block on this machine, and why.

        Args:
            training: bool. Whether it is asked about training. Defaults to `False`, prediction.

        Returns:
            dict of str: `"kernel"`, one of `"cuDNN"`, `"nlpkit's loops"` and `"nlpkit's loop over steps"`, and
            `"reason"`.
        """
        kernel, reason = self.forward.kernel(training)
        return {"kernel": kernel, "reason": reason}

    def _directions(self):
        return [self.forward] if self.backward is None else [self.forward, self.backward]

    def _check_one_direction(self, what):
        if self.bidirectional:
            raise InputError(
                f"A bidirectional block has no {what}, since it reads from both ends. Received: {self.name} with "
                "bidirectional=True. Leave it out for a block that runs step by step."
            )

    def _connect(self, inputs, outputs):
        """Adds or mixes the inputs to the outputs, if the block does that."""
        if self.gate is not None:
            return self.gate([tf.cast(dense(inputs), outputs.dtype), outputs])
        return outputs + tf.cast(dense(inputs), outputs.dtype) if self.residual else outputs

    def _keeps_zeros(self):
        """Whether nothing comes after the directions, which write zeros at padded steps."""
        return not (self.residual or self.highway or self.layer_norm)

    def _without_padding(self, outputs, mask, lengths):
        """Zeros at padded steps, or of rows without any real step."""
        real = mask if self.return_sequences else lengths > 0
        return outputs * tf.cast(real, outputs.dtype)[..., None]

    def _ends(self, sequence, lengths):
        """What stands where each direction ends: the last real step, and the first one for the backward half."""
        last = last_step(sequence, lengths)
        if not self.bidirectional:
            return last
        return tf.concat([last[:, : self.units], first_step(sequence)[:, self.units :]], axis=-1)

    def compute_mask(self, inputs, mask=None):
        own = sequence_mask(inputs, mask) if self.return_sequences else None
        return [own, *[None] * self._returned_states()] if self.return_state else own

    def _returned_states(self):
        return CELLS[self.cell].states * len(self._directions())

    def compute_output_shape(self, input_shape, initial_state_shape=None):
        batch, time, _ = sequence_shape(input_shape)
        size = self.units * len(self._directions())
        own = (batch, time, size) if self.return_sequences else (batch, size)
        return [own, *[(batch, self.units)] * self._returned_states()] if self.return_state else own

    def compute_output_spec(self, inputs, mask=None, initial_state=None, training=False):
        check_call(inputs, training)
        shapes = self.compute_output_shape(keras.tree.map_structure(lambda x: x.shape, inputs))
        if not self.return_state:
            return keras.KerasTensor(shapes, self.compute_dtype)
        return [keras.KerasTensor(shape, self.compute_dtype) for shape in shapes]

    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name) for name in OPTIONS}}
