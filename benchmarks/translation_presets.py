"""The models of translation.py: arguments of `TextToText`, and what is asked of them.

Each preset has `what` and `estimator`; `minutes` is how long it may train on two cores. `limit` and `goal` are BLEU of
test2016 by direction, `published` a figure of others and its source.
"""

# Of every row: the time ends it, and not a few epochs without a better one.
FALLING = {"schedule": "cosine", "patience": None}
PRESETS = {
    "gru_attention": {
        # Attention behind the layer: fed into it, a step took half as long again, and so there were fewer epochs.
        "what": "one GRU layer of 256 each way, additive attention",
        "estimator": {
            "preset": "attention", "level": "subword", "units": 256,
            "options": {
                "source": {"vocabulary_size": 4000}, "target": {"vocabulary_size": 4000},
                "network": {"dropout": 0.3, "input_feeding": False},
                "training": {**FALLING, "batch_size": 64, "learning_rate": 2e-3, "warmup": 0.05, "epochs": 15,
                             "label_smoothing": 0.1, "average_epochs": 3},
            },
        },
        "minutes": 30, "limit": {"de-en": 28.2}, "goal": {"de-en": 31.0},
        "published": {"de-en": [28.2, "the well-known tutorial, GRU with attention"]},
    },
    "transformer": {
        "what": "Transformer 3 × 256, one vocabulary, one embedding",
        "estimator": {
            "preset": "transformer", "level": "subword", "units": 256, "num_layers": 3, "shared": True,
            "options": {
                "source": {"vocabulary_size": 6000},
                "network": {"dropout": 0.25},
                "training": {**FALLING, "batch_tokens": 2048, "learning_rate": 1e-3, "warmup": 0.1, "epochs": 18,
                             "label_smoothing": 0.1, "average_epochs": 5},
            },
        },
        "minutes": 120, "limit": {"de-en": 34.0}, "goal": {"de-en": 36.1},
    },
}  # fmt: skip
# What `--quick` changes, to see that every row works.
QUICK_ESTIMATOR = {"units": 32, "num_layers": 1}
QUICK_OPTIONS = {
    "source": {"vocabulary_size": 320},
    "target": {"vocabulary_size": 320},
    "training": {"epochs": 2, "average_epochs": 2},
}
