"""The models of translation.py: arguments of `TextToText`, among them a preset of nlpkit's, and what is asked of them.

Each preset has `what` and `estimator`; `minutes` is how long it may train on two cores. `limit` and `goal` are BLEU of
test2016 by direction, `published` a figure of others and its source.
"""

PRESETS = {
    "gru_attention": {
        "what": "one GRU layer of 256 each way, additive attention",
        "estimator": {
            "preset": "attention", "level": "subword", "epochs": 15,
            "options": {"source": {"vocabulary_size": 4000}, "target": {"vocabulary_size": 4000}},
        },
        "minutes": 30, "limit": {"de-en": 28.2}, "goal": {"de-en": 31.0},
        "published": {"de-en": [28.2, "the well-known tutorial, GRU with attention"]},
    },
    "transformer": {
        "what": "Transformer 3 × 256, one vocabulary, one embedding",
        "estimator": {
            "preset": "transformer", "level": "subword", "shared": True, "epochs": 18,
            "options": {
                "source": {"vocabulary_size": 6000},
                "network": {"dropout": 0.25},
                "training": {"schedule": "cosine", "patience": None, "batch_tokens": 2048},
            },
        },
        "minutes": 120, "limit": {"de-en": 34.0}, "goal": {"de-en": 36.1},
    },
}  # fmt: skip
# What `--quick` changes, to see that every row works.
QUICK_ESTIMATOR = {"units": 32, "num_layers": 1, "epochs": 2}
QUICK_VOCABULARY = {"vocabulary_size": 320}
