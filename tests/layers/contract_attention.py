"""The attentions, the blocks of the Transformer, and poolings."""

from contract_calls import AROUND, AT_THE_END, ATTENDED, MASKED, SCORES, WITH_CONTEXT, rows, with_options

from nlpkit import layers

# The bias of the keys adds the same to all scores of a query, which a softmax does not see; unless it is turned.
KEY_BIAS = ("key/bias",)

ATTENTION = [
    *rows(layers.AdditiveAttention, ATTENDED, {"units": 5, "coverage": True}),
    *rows(layers.AdditiveAttention, with_options(ATTENDED, **SCORES), {"units": 5}),
    *rows(layers.MultiplicativeAttention, ATTENDED, {"score": "dot"}, trains=False),
    *rows(
        layers.MultiplicativeAttention,
        ATTENDED,
        {"score": "concat", "units": 7},
    ),
    *rows(layers.MultiplicativeAttention, with_options(ATTENDED, **SCORES), {}),
    # Fewer positions than there are, and more.
    *rows(layers.LocationAttention, ATTENDED, {"max_length": 2}, {"max_length": 9}, padding=AT_THE_END),
    *rows(
        layers.LocalAttention,
        ATTENDED,
        {"window": 2},
        {"window": 1, "score": "concat", "units": 7},
        padding=AT_THE_END,
    ),
    *rows(layers.ContextAttention, ATTENDED, {"num_heads": 2}, unreached=KEY_BIAS),
    *rows(layers.ContextAttention, with_options(ATTENDED, **SCORES), {}, unreached=KEY_BIAS),
    *rows(
        layers.CachedAttention,
        MASKED,
        {"num_heads": 2, "causal": True},
        {"num_heads": 3, "key_dim": 2, "dropout": 0.1},
        unreached=KEY_BIAS,
    ),
    *rows(
        layers.CachedAttention,
        MASKED,
        *(
            {"num_heads": 2, "causal": causal, "positions": "relative", "max_distance": 2}
            for causal in (False, True)
        ),
        unreached=KEY_BIAS,
        padding=AROUND,
    ),
    *rows(
        layers.CachedAttention,
        MASKED,
        *({"num_heads": 2, "causal": causal, "positions": "rotary"} for causal in (False, True)),
        padding=AROUND,
    ),
    # Less than there are steps, to one side and to both.
    *rows(
        layers.CachedAttention,
        MASKED,
        *({"num_heads": 2, "causal": causal, "window": 2} for causal in (False, True)),
        unreached=KEY_BIAS,
        padding=AROUND,
    ),
    *rows(layers.CachedAttention, with_options(MASKED, **SCORES), {"num_heads": 2}, unreached=KEY_BIAS),
    *rows(
        layers.CachedAttention,
        with_options(WITH_CONTEXT, **SCORES),
        {"num_heads": 2},
        unreached=KEY_BIAS,
    ),
]

TRANSFORMER = [
    *rows(
        layers.EncoderBlock,
        MASKED,
        {"num_heads": 2, "intermediate_dim": 8, "dropout": 0.1},
        unreached=("attention/key/bias",),
    ),
    *rows(
        layers.EncoderBlock,
        MASKED,
        {"num_heads": 2, "intermediate_dim": 8, "norm": "post", "positions": "relative"},
        {"num_heads": 2, "intermediate_dim": 8, "window": 2},
        unreached=("attention/key/bias",),
        padding=AROUND,
    ),
    *rows(
        layers.EncoderBlock,
        MASKED,
        {"num_heads": 2, "intermediate_dim": 8, "activation": "swiglu", "positions": "rotary"},
        padding=AROUND,
    ),
    *rows(
        layers.EncoderBlock,
        with_options(MASKED, **SCORES),
        {"num_heads": 2, "intermediate_dim": 8, "activation": "relu"},
        unreached=("attention/key/bias",),
    ),
    *rows(
        layers.DecoderBlock,
        MASKED,
        {"num_heads": 2, "intermediate_dim": 8, "norm": "post", "activation": "relu", "dropout": 0.1},
        unreached=("attention/key/bias",),
    ),
    *rows(
        layers.DecoderBlock,
        MASKED,
        {"num_heads": 2, "intermediate_dim": 8, "activation": "swiglu", "positions": "rotary"},
        {"num_heads": 2, "intermediate_dim": 8, "positions": "rotary", "window": 2},
        padding=AROUND,
    ),
    *rows(
        layers.DecoderBlock,
        WITH_CONTEXT,
        {
            "num_heads": 2,
            "intermediate_dim": 8,
            "cross_attention": True,
            "norm": "post",
            "positions": "relative",
        },
        unreached=("attention/key/bias",),
        padding=AROUND,
    ),
    *rows(
        layers.DecoderBlock,
        with_options(WITH_CONTEXT, **SCORES),
        {"num_heads": 2, "intermediate_dim": 8, "cross_attention": True},
        unreached=("attention/key/bias",),
    ),
    *rows(
        layers.EncoderStack,
        MASKED,
        {"num_layers": 2, "num_heads": 2, "intermediate_dim": 8},
        {"num_layers": 1, "num_heads": 1, "intermediate_dim": 8, "norm": "post", "dropout": 0.1},
        unreached=KEY_BIAS,
    ),
    *rows(
        layers.EncoderStack,
        MASKED,
        {
            "num_layers": 2,
            "num_heads": 2,
            "intermediate_dim": 8,
            "activation": "swiglu",
            "positions": "rotary",
        },
        padding=AROUND,
    ),
    *rows(
        layers.EncoderStack,
        with_options(MASKED, **SCORES),
        {"num_layers": 2, "num_heads": 2, "intermediate_dim": 8, "positions": "relative", "window": 2},
        unreached=KEY_BIAS,
        padding=AROUND,
    ),
    *rows(
        layers.DecoderStack,
        MASKED,
        {"num_layers": 2, "num_heads": 2, "intermediate_dim": 8},
        {"num_layers": 1, "num_heads": 2, "intermediate_dim": 8, "activation": "swiglu", "window": 2},
        padding=AROUND,
    ),
    *rows(
        layers.DecoderStack,
        MASKED,
        {"num_layers": 2, "num_heads": 1, "intermediate_dim": 8, "positions": None, "dropout": 0.1},
        unreached=KEY_BIAS,
    ),
    *rows(
        layers.DecoderStack,
        MASKED,
        {"num_layers": 2, "num_heads": 2, "intermediate_dim": 8, "positions": "relative", "norm": "post"},
        unreached=KEY_BIAS,
        padding=AROUND,
    ),
    *rows(
        layers.DecoderStack,
        WITH_CONTEXT,
        {"num_layers": 2, "num_heads": 2, "intermediate_dim": 8, "cross_attention": True, "norm": "post"},
        # Rotary positions turn the keys of the sequence itself alone.
        unreached=("context_attention/key/bias",),
        padding=AROUND,
    ),
    *rows(
        layers.DecoderStack,
        with_options(WITH_CONTEXT, **SCORES),
        {"num_layers": 2, "num_heads": 2, "intermediate_dim": 8, "cross_attention": True, "positions": None},
        unreached=KEY_BIAS,
    ),
    *rows(
        layers.FeedForward,
        MASKED,
        *({"intermediate_dim": 8, "activation": activation} for activation in ("relu", "gelu", "swiglu")),
    ),
    *rows(layers.SinePositions, MASKED, {}, {"max_wavelength": 50.0}, trains=False),
    # Shorter than the sequence, so that the shared vector is in it.
    *rows(layers.PositionEmbedding, MASKED, {"max_length": 4}),
]

POOLING = [
    *rows(layers.AttentionPool, MASKED, {"units": 5}),
    *rows(layers.AttentionPool, with_options(MASKED, **SCORES), {}),
    *rows(
        layers.SequencePool,
        MASKED,
        {"pooling": "last", "bidirectional": True},
        {"pooling": ["mean", "max"]},
        trains=False,
    ),
    *rows(layers.SequencePool, MASKED, {"pooling": ["attention", "last"]}),
    # Enough filters that a row of one step passes the ReLU of some.
    *rows(
        layers.NgramConvolution,
        MASKED,
        {"filters": 8, "widths": [3]},
        {"filters": 8, "widths": (2, 4, 5)},
        {"filters": 8, "widths": (2, 3), "return_sequences": False},
        padding=AROUND,
    ),
]
