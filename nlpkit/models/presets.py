"""Encoder-decoders by name: arguments of `build_encoder_decoder` and of the training that suits them."""

# What passes through one vector does not bear dropout; with attention it translates better by far.
DROPOUT = 0.3
RECURRENT = {"learning_rate": 2e-3, "batch_size": 64, "label_smoothing": 0.1, "average_epochs": 3}
OF_IMAGES = {"learning_rate": 1e-3, "batch_size": 64}
PRESETS = {
    # Sutskever et al., 2014: the encoder's last state is all that the decoder knows.
    "seq2seq": {"network": {"cell": "lstm", "units": 256}, "training": RECURRENT},
    # The same with the source read from its end, which brings its first words near to the target's first.
    "reverse": {"network": {"cell": "lstm", "units": 256, "reverse_source": True}, "training": RECURRENT},
    # Cho et al., 2014: the decoder and the output see the encoder's result at every step.
    "peeky": {"network": {"cell": "lstm", "units": 256, "peeky": True}, "training": RECURRENT},
    # Bahdanau et al., 2015, with attention behind the decoder (Luong et al., 2015): fed into its next step, a step of
    # training takes half as long again.
    "attention": {
        "network": {"cell": "gru", "units": 256, "bidirectional": True, "attention": "additive", "dropout": DROPOUT},
        "training": RECURRENT,
    },
    # Wu et al., 2016: one bidirectional layer at the bottom, residual from the third, attention in the first for all.
    "gnmt": {
        "network": {
            "cell": "lstm", "units": 256, "num_layers": 4, "bidirectional": "bottom", "residual": True,
            "attention": "additive", "input_feeding": "context", "dropout": DROPOUT,
        },
        "training": RECURRENT,
    },
    # Vaswani et al., 2017, smaller, and with normalisation before each part, which trains without care.
    "transformer": {
        "network": {"cell": "transformer", "units": 256, "num_layers": 3, "positions": "sine", "dropout": 0.1},
        "training": {
            "learning_rate": 1e-3, "batch_tokens": 4096, "label_smoothing": 0.1, "schedule": "inverse_sqrt",
            "warmup": 0.1, "average_epochs": 5,
        },
    },
    # Xu et al., 2015: the regions of an image are attended to, and their mean is where the decoder starts.
    "captioner": {
        "network": {
            "cell": "lstm", "encoder": "none", "units": 256, "attention": "additive", "input_feeding": "context",
            "positions": "sine",
        },
        "training": OF_IMAGES,
    },
    # Vinyals et al., 2015: that mean is all that the decoder knows.
    "captioner_without_attention": {
        "network": {"cell": "lstm", "encoder": "none", "units": 256}, "training": OF_IMAGES,
    },
}  # fmt: skip
# Those of ids; the others read features as they are, without an encoder.
PRESETS_OF_TEXTS = tuple(
    name for name, preset in PRESETS.items() if preset["network"].get("encoder") != "none"
)
