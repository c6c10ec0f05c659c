"""The lower part of a language model as the encoder of another network."""

import keras
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers import TokenEmbedding
from nlpkit.layers.packing import pack, unpack
from nlpkit.models.generator import build_generator

# What the network as a whole decides, not the language model that it takes its encoder from.
OF_THE_NETWORK = ("vocabulary_size", "use_cudnn", "dtype")


@keras.saving.register_keras_serializable(package="nlpkit")
class LanguageModelEncoder(keras.layers.Layer):
    """Ids to hidden states: the embedding and the layers of a language model without its output.

    Each state knows the tokens up to its own. Padding, wherever in a row it stands, changes nothing and is masked.

    Args:
        embedding: `TokenEmbedding`.
        body: `RecurrentStack`, `WindowNetwork` or `DecoderStack`, as in `GeneratorNetwork`.

    Call arguments:
        token_ids: Int tensor of shape `(batch, time)`, 0 at padded steps.
        training: bool. Whether dropout is active.

    Returns:
        Float tensor of shape `(batch, time, features)`.

    Raises:
        InputError: If `start_from` receives a language model of another shape.

    Example:
        >>> import numpy as np
        >>> from nlpkit.models import build_generator
        >>> from nlpkit.models.pretrained import build_encoder
        >>> encoder = build_encoder(50, {"units": 8})
        >>> encoder(np.array([[3, 7, 0]])).shape
        TensorShape([1, 3, 8])
        >>> encoder.start_from(build_generator(50, units=8))
        >>> [layer.name for layer in encoder.layer_groups]
        ['embedding', 'block_0', 'block_1']

    Reference:
        [Dai & Le, 2015](https://arxiv.org/abs/1511.01432), [Howard & Ruder, 2018](https://arxiv.org/abs/1801.06146)
    """

    def __init__(self, embedding, body, **kwargs):
        super().__init__(**kwargs)
        self.embedding, self.body = embedding, body

    @property
    def layer_groups(self):
        """List of layers that are trained one by one, from the bottom up."""
        return [self.embedding, *getattr(self.body, "blocks", [self.body])]

    def start_from(self, network):
        """Takes over the weights of a language model; its output is not needed.

        Args:
            network: `GeneratorNetwork` with an embedding and a body as this encoder has.

        Raises:
            InputError: If their weights have other shapes.
        """
        if not self.built:
            self.build((None, None))
        pairs = [(self.embedding, network.embedding), (self.body, network.body)]
        if any([w.shape for w in own.weights] != [w.shape for w in given.weights] for own, given in pairs):
            own, given = (sum(part.count_params() for part in parts) for parts in zip(*pairs, strict=True))
            raise InputError(
                "An encoder starts from a language model with the same settings and vocabulary. Received: one of "
                f"{given:,} weights below its output for an encoder of {own:,}, or in other shapes."
            )
        for own, given in pairs:
            own.set_weights(given.get_weights())

    def build(self, input_shape):
        self.embedding.build((None, None))
        self.body.build((None, None, self.embedding.embedding_dim))

    def call(self, token_ids, training=False):
        real = tf.not_equal(token_ids, 0)
        # A window and rotary positions count padded steps too, so that those go to the end first.
        packed = pack(token_ids, real)
        # A copy, since Keras ties its own mask to the vectors.
        vectors = tf.identity(self.embedding(packed, training=training))
        hidden = self.body(vectors, mask=tf.not_equal(packed, 0), training=training)
        return unpack(hidden[0] if self._returns_state() else hidden, real)

    def _returns_state(self):
        return getattr(self.body, "return_state", False)

    def compute_mask(self, inputs, mask=None):
        return keras.ops.not_equal(inputs, 0)

    def compute_output_shape(self, input_shape):
        shape = self.body.compute_output_shape((*input_shape, self.embedding.embedding_dim))
        return tuple(shape[0] if self._returns_state() else shape)

    def get_config(self):
        parts = {"embedding": self.embedding, "body": self.body}
        parts = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        for part in parts.values():
            part.pop("build_config", None)  # the encoder builds them
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config):
        names = ("embedding", "body")
        return cls(
            **{**config, **{name: keras.saving.deserialize_keras_object(config[name]) for name in names}}
        )


def build_encoder(vocabulary_size, settings, *, word_dropout=0.0, use_cudnn="auto", dtype=None):
    """Builds the encoder of a language model with given settings; its weights are random.

    Args:
        vocabulary_size: int. Number of ids.
        settings: dict. Keyword arguments of `build_generator` but for `vocabulary_size`, `use_cudnn` and `dtype`.
            Those of its output (`tie`, `cutoffs`) change nothing.
        word_dropout: float. Fraction of the tokens dropped as a whole. Defaults to 0.
        use_cudnn: `"auto"`, `True` or `False`. For recurrent layers. Defaults to `"auto"`.
        dtype: str. Keras dtype policy. Defaults to `None`, the one there is.

    Returns:
        `LanguageModelEncoder` named `"encoder"`.

    Raises:
        InputError: If `settings` holds what the network decides, or as in `build_generator`.

    Example:
        >>> from nlpkit.models.pretrained import build_encoder
        >>> build_encoder(50, {"cell": "transformer", "units": 32}).compute_output_shape((None, 7))
        (None, 7, 32)
    """
    given = sorted(set(OF_THE_NETWORK) & set(settings))
    if given:
        raise InputError(
            "An `encoder` of settings of a language model takes the arguments of `build_generator` but for "
            f"{', '.join(OF_THE_NETWORK)}, which the network decides. Received: {', '.join(given)}. Leave that out."
        )
    # The smallest output, which is dropped.
    settings = {**settings, "tie": True, "cutoffs": None, "use_cudnn": use_cudnn, "dtype": dtype}
    network = build_generator(vocabulary_size, **settings)
    embedding = {**network.embedding.get_config(), "word_dropout": word_dropout}
    body = type(network.body).from_config(network.body.get_config())
    return LanguageModelEncoder(
        TokenEmbedding.from_config(embedding), body, name="encoder", dtype=network.dtype_policy
    )
