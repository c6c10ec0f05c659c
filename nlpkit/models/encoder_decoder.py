"""Encoder-decoders: from a source to the scores of the next target token."""

import keras

from nlpkit.layers import (
    AdditiveAttention,
    ContextAttention,
    EncoderStack,
    ImageRegions,
    PointerHead,
    PositionEmbedding,
    RecurrentBlock,
    RecurrentDecoder,
    RecurrentStack,
    SinePositions,
    StateBridge,
    TiedOutput,
    TokenEmbedding,
)
from nlpkit.layers.attention_decoder import default_heads
from nlpkit.layers.decoder_stack import DecoderStack
from nlpkit.models.dtype_policy import dtype_policy
from nlpkit.models.encoder_decoder_checks import ADDED, RECURRENT, check_encoder_decoder
from nlpkit.models.encoder_decoder_network import EncoderDecoderNetwork
from nlpkit.models.source_reader import SourceReader

ATTENTIONS = {"additive": "additive", "multiplicative": "general", "multi_head": "multi_head"}
# Learned positions: later ones share the last.
MAX_POSITIONS = 512
FIRST_RESIDUAL = 2  # counted from 0, as in RecurrentDecoder


def build_encoder_decoder(
    source_vocabulary_size,
    target_vocabulary_size,
    *,
    features=None,
    cell="lstm",
    encoder=None,
    units=256,
    num_layers=1,
    encoder_units=None,
    encoder_layers=None,
    embedding_dim=None,
    bidirectional=False,
    attention=None,
    input_feeding=False,
    coverage=False,
    reverse_source=False,
    peeky=False,
    residual=False,
    copy=0,
    tie=True,
    share=False,
    bridge="auto",
    num_heads=None,
    positions="rotary",
    norm="pre",
    dropout=0.0,
    word_dropout=0.0,
    filters=None,
    use_cudnn="auto",
    dtype=None,
):
    """Builds a model from a source to a target, which also writes step by step.

    Args:
        source_vocabulary_size: int. Number of ids of the source; `None` with `features`.
        target_vocabulary_size: int. Number of ids of the target.
        features: int or tuple of int. The source is a float sequence with so many features, such as the regions of an
            image, in place of ids; a step of zeros is padding. Or images of the shape `(height, width, channels)`, with
            pixels from 0 to 255, whose regions `ImageRegions` finds; `None` for an open height and width. Defaults to
            `None`.
        cell: `"lstm"`, `"gru"`, `"rnn"`, `"peephole_lstm"`, `"layer_norm_lstm"` or `"transformer"`. The decoder's
            layers. Defaults to `"lstm"`.
        encoder: As `cell`, of the encoder's layers, or `"none"`: the vectors themselves are attended to. Defaults to
            `None`, as `cell`.
        units: int. Size of each layer. Defaults to 256.
        num_layers: int. Layers on top of each other, on each side. Defaults to 1.
        encoder_units: int. Size of the encoder's layers, where it is another one. Defaults to `None`: `units`.
        encoder_layers: int. Layers of the encoder, where they are not as many. Defaults to `None`: `num_layers`.
        embedding_dim: int. Size of the token vectors. Defaults to `None`: that of the layers of their side.
        bidirectional: bool or `"bottom"`. Whether the encoder also reads backwards, in all layers or the first one.
            Defaults to `False`.
        attention: `"additive"`, `"multiplicative"`, `"multi_head"` or `None`. How a recurrent decoder attends to the
            source; a Transformer always does. Defaults to `None`.
        input_feeding: `False`, `True` or `"context"`. Attention between decoder and output, or fed into the next step;
            see `RecurrentDecoder`. Defaults to `False`.
        coverage: bool. Additive attention that knows what it has attended to. Defaults to `False`.
        reverse_source: bool. Whether the source is read from its end. Defaults to `False`.
        peeky: bool. Whether a recurrent decoder and the output see the encoder's result at every step. Defaults to
            `False`.
        residual: bool. Whether recurrent layers from the third one on add their input. Defaults to `False`.
        copy: int. Most words of a source, unknown to the vocabulary, that can be copied; both sides then have one
            vocabulary, and ids from `target_vocabulary_size` on stand for these words. Defaults to 0, off.
        tie: bool. Whether the output shares the matrix of the target's embedding. Defaults to `True`.
        share: bool. Whether source and target share one embedding. Defaults to `False`.
        bridge: `"copy"`, `"dense"`, `"zero"` or `"auto"`. To a recurrent decoder, as in `StateBridge`; `"auto"` copies
            the encoder's states where both sides have the same layers. Defaults to `"auto"`.
        num_heads: int. Attention heads, of a Transformer or of `attention="multi_head"`, which share the units evenly;
            with rotary positions each has an even size. Defaults to `None`: about one for each 32 units.
        positions: `"rotary"`, `"relative"`, `"sine"` or `"learned"`. Of a Transformer; the last two also with
            encoder `"none"`. Defaults to `"rotary"`.
        norm: `"pre"` or `"post"`. Of a Transformer. Defaults to `"pre"`.
        dropout: float from 0 to below 1. Of the vectors, and of each layer's outputs. Defaults to 0.
        word_dropout: float from 0 to below 1. Part of the decoder's input tokens whose whole vector is dropped.
            Defaults to 0.
        filters: list of int. As of `ImageRegions`, for images. Defaults to `None`: those of the layer.
        use_cudnn: `"auto"`, `True` or `False`. For recurrent layers. Defaults to `"auto"`.
        dtype: str. Keras dtype policy such as `"mixed_float16"`; the logits are float32 always.

    Returns:
        `EncoderDecoderNetwork`, a `keras.Model` from source ids `(batch, source_time)`, or features, and the target's
        inputs `(batch, time)` to float32 logits `(batch, time, target_vocabulary_size)`.

    Raises:
        InputError: If an option is unknown, out of range, or does not go with another.

    Example:
        >>> import numpy as np
        >>> from nlpkit.models import build_encoder_decoder
        >>> network = build_encoder_decoder(50, 60, cell="gru", units=8, attention="additive")
        >>> source = np.array([[4, 5, 3]])
        >>> network([source, np.array([[2, 7]])]).shape
        TensorShape([1, 2, 60])
        >>> logits, state = network.step(np.array([2]), network.initial_state(source, max_length=5))
        >>> logits.shape, state["attention_scores"].shape
        (TensorShape([1, 60]), TensorShape([1, 3]))

    Reference:
        [Sutskever et al., 2014](https://arxiv.org/abs/1409.3215), [Cho et al., 2014](https://arxiv.org/abs/1406.1078),
        [Bahdanau et al., 2015](https://arxiv.org/abs/1409.0473), [Luong et al., 2015](https://arxiv.org/abs/1508.04025),
        [Wu et al., 2016](https://arxiv.org/abs/1609.08144), [See et al., 2017](https://arxiv.org/abs/1704.04368),
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)
    """
    given = dict(locals())
    given["encoder"] = encoder or cell
    for name, usual in (("encoder_units", units), ("encoder_layers", num_layers)):
        given[name] = usual if given[name] is None else given[name]
    check_encoder_decoder(given)
    with dtype_policy(dtype):
        network = _network(given)
        network.build([_source_shape(features), (None, None)])
    return network


def _source_shape(features):
    if features is None:
        return (None, None)
    return (None, None, features) if isinstance(features, int) else (None, *features)


def _network(given):
    units, size = given["units"], given["embedding_dim"] or given["units"]
    decoder = _decoder(given)
    reader = _reader(given, decoder)
    vocabulary_size, transformer = given["target_vocabulary_size"], given["cell"] == "transformer"
    hidden = units + (reader.output_shapes[1][-1] if given["peeky"] else 0)
    return EncoderDecoderNetwork(
        reader,
        decoder,
        TiedOutput(projection=given["tie"] and hidden != size, name="output"),
        target=None if given["share"] else _target(given, size),
        table=None
        if given["tie"]
        else _embedding(given["cell"], vocabulary_size, hidden, name="output_table"),
        pointer=PointerHead(vocabulary_size, given["copy"], name="pointer") if given["copy"] else None,
        positions=_positions(given) if transformer else None,
        dropout=given["dropout"],
        name="encoder_decoder",
    )


def _embedding(cell, vocabulary_size, size, **options):
    """Vectors of a length of about 1, whatever their size: of much shorter ones gates take long to see anything.

    The norms of a Transformer make them that long by themselves.
    """
    if cell in RECURRENT:
        options["embeddings_initializer"] = keras.initializers.VarianceScaling(1.0, "fan_out", "uniform")
    return TokenEmbedding(vocabulary_size, size, **options)


def _target(given, size):
    vocabulary_size, cell = given["target_vocabulary_size"], given["cell"]
    return _embedding(cell, vocabulary_size, size, word_dropout=given["word_dropout"], name="target")


def _source(given):
    size = given["embedding_dim"] or given["units"]
    if given["features"] is None:
        return _embedding(given["encoder"], given["source_vocabulary_size"], size, name="source")
    if isinstance(given["features"], int):
        return keras.layers.Dense(size, name="source")
    filters = {} if given["filters"] is None else {"filters": given["filters"]}
    return ImageRegions(size, dropout=given["dropout"], name="source", **filters)


def _reader(given, decoder):
    sizes = {"units": given["encoder_units"], "num_layers": given["encoder_layers"]}
    return SourceReader(
        _source({**given, **sizes}),
        _encoder({**given, **sizes}),
        bridge=_bridge(given, decoder) if given["cell"] in RECURRENT else None,
        positions=None if given["encoder"] in RECURRENT else _positions(given),
        reverse=given["reverse_source"],
        dropout=given["dropout"],
        name="reader",
    )


def _encoder(given):
    if given["encoder"] == "none":
        return None
    if given["encoder"] == "transformer":
        return EncoderStack(name="encoder", **_transformer(given))
    blocks = [
        RecurrentBlock(
            given["units"],
            given["encoder"],
            bidirectional=_reads_backwards(given, number),
            return_state=True,
            residual=given["residual"] and number >= FIRST_RESIDUAL,
            dropout=given["dropout"],
            use_cudnn=given["use_cudnn"],
            name=f"block_{number}",
        )
        for number in range(given["num_layers"])
    ]
    return RecurrentStack(blocks, name="encoder")


def _reads_backwards(given, number):
    return number == 0 if given["bidirectional"] == "bottom" else given["bidirectional"]


def _decoder(given):
    if given["cell"] == "transformer":
        return DecoderStack(cross_attention=True, name="decoder", **_transformer(given))
    attention = ATTENTIONS.get(given["attention"])
    if given["coverage"]:
        attention = AdditiveAttention(given["units"], coverage=True, name="attention")
    if attention == "multi_head" and given["num_heads"]:
        attention = ContextAttention(given["num_heads"], name="attention")
    names = ("units", "num_layers", "cell", "input_feeding", "peeky", "residual", "dropout", "use_cudnn")
    return RecurrentDecoder(attention=attention, name="decoder", **{name: given[name] for name in names})


def _transformer(given):
    units, positions = given["units"], given["positions"]
    return {
        "num_layers": given["num_layers"],
        "num_heads": given["num_heads"] or default_heads(units, even=positions == "rotary"),
        "intermediate_dim": 4 * units,
        # As in the paper; an exact GELU takes several times as long.
        "activation": "relu",
        "dropout": given["dropout"],
        "norm": given["norm"],
        "positions": None if positions in ADDED else positions,
    }


def _positions(given):
    """The layer that adds positions to the vectors, where the attention does not see to them."""
    if given["positions"] == "sine":
        return SinePositions(name="positions")
    if given["positions"] == "learned":
        return PositionEmbedding(MAX_POSITIONS, name="positions")
    return None


def _bridge(given, decoder):
    of_encoder = [given[name] for name in ("encoder", "encoder_units", "encoder_layers", "bidirectional")]
    same = of_encoder == [given["cell"], given["units"], given["num_layers"], False]
    mode = given["bridge"] if given["bridge"] != "auto" else "copy" if same else "dense"
    return StateBridge(decoder.state_sizes, mode, bidirectional=given["bidirectional"] is True, name="bridge")
