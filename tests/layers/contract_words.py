"""The layers of ids, words and tags."""

import numpy as np
from contract_calls import (
    AROUND,
    AT_THE_END,
    IDS,
    MASK,
    MASKED,
    RANDOM,
    STEPS,
    WIDE,
    WORDS,
    noise,
    rows,
    with_options,
)
from layer_calls import LayerCall

from nlpkit import layers

# What the bags and the spelling are adapted to.
FEATURES = RANDOM.integers(1, 10, (20, 6))
TOKENS = ["<pad>", "<unk>", "<s>", "</s>", "ab", "cde", "f", "电影", "ghijkl", "m"]


def counts(ids):
    """How often each id occurs in each row: the features of longer n-grams come after all shorter ones, so that
    padding moves them.
    """
    return np.stack([np.bincount(row, minlength=50)[1:] for row in np.asarray(ids)])


TAGS = np.where(MASK, RANDOM.integers(0, 3, MASK.shape), 0)
TAGGING = [
    *rows(
        layers.CRF,
        LayerCall(noise(3, 5, 4), MASK),
        {"num_tags": 4},
        full_precision=True,
        padding=AT_THE_END,
    ),
    # A sum of squares would be one of the forbidden tags alone.
    *rows(
        layers.CRF,
        LayerCall(noise(3, 5, 3), MASK),
        {"num_tags": 3, "constraints": layers.bio_transitions(["O", "B-X", "B-Y"])},
        full_precision=True,
        loss=lambda outputs: layers.CRFLoss(reduction="sum")(TAGS, outputs),
        padding=AT_THE_END,
    ),
]

WORD_LAYERS = [
    *rows(
        layers.TokenEmbedding,
        WORDS,
        {
            "vocabulary_size": 10,
            "embedding_dim": 4,
            "dropout": 0.1,
            "word_dropout": 0.1,
            "embedding_dropout": 0.1,
        },
        {"vocabulary_size": 10, "embedding_dim": 4, "embeddings_initializer": "normal"},
    ),
    # The table is the same whatever the rows are.
    *rows(
        layers.TokenEmbedding,
        with_options(WORDS, return_table=True),
        {"vocabulary_size": 10, "embedding_dim": 4},
        view=lambda outputs: outputs[0],
    ),
    # What stands in a gap is a step of the window, though it is seen as zero.
    *rows(
        layers.WindowNetwork,
        MASKED,
        {"units": 3, "window": 2},
        {"units": 3, "direct": True},
        padding=AROUND,
    ),
    # The state is that of the last steps, padded or not; what was before stands next to the first step.
    *rows(layers.WindowNetwork, MASKED, {"units": 3, "window": 3, "return_state": True}, padding=("left",)),
    *rows(
        layers.WindowNetwork,
        LayerCall({"inputs": STEPS, "initial_state": [noise(3, 2, 4)]}, {"inputs": MASK}),
        {"units": 3, "window": 3},
        padding=AT_THE_END,
    ),
    *rows(
        layers.TiedOutput,
        LayerCall({"inputs": STEPS, "table": noise(10, 4)}, {"inputs": MASK}, unbatched=("table",)),
        {},
        full_precision=True,
    ),
    *rows(
        layers.TiedOutput,
        LayerCall({"inputs": STEPS, "table": noise(10, 6)}, {"inputs": MASK}, unbatched=("table",)),
        {"projection": True, "use_bias": False},
        full_precision=True,
    ),
    *rows(
        layers.AdaptiveSoftmax,
        LayerCall(WIDE, MASK),
        {"vocabulary_size": 12, "cutoffs": [5, 9]},
        {"vocabulary_size": 12, "cutoffs": [4], "div_value": 2.0},
        full_precision=True,
    ),
    *rows(
        layers.EmbeddingDropout,
        LayerCall({"ids": IDS, "embeddings": STEPS}, time_axes={"embeddings": (1,)}),
        {"vocabulary_size": 10, "rate": 0.4, "seed": 1},
        trains=False,
    ),
    *rows(layers.VariationalDropout, MASKED, {"rate": 0.4, "seed": 1}, trains=False),
    *rows(layers.WordDropout, WORDS, {"rate": 0.4, "seed": 1}, trains=False),
    *rows(
        layers.DistinctTokens,
        WORDS,
        {},
        trains=False,
        view=lambda outputs: np.asarray(outputs[0])[outputs[1]],
        exceptions={"symbolic shape": "how many distinct tokens there are is known from the values alone"},
    ),
    *rows(
        layers.HashedNgrams,
        WORDS,
        *({"vocabulary_size": 10, "buckets": 7, "max_order": order} for order in (1, 4)),
        trains=False,
        view=counts,
        padding=AROUND,
    ),
    *rows(
        layers.CharacterNgrams,
        WORDS,
        {"vocabulary_size": 10, "buckets": 50, "offset": 3, "shortest": 2, "longest": 3, "per_word": 5},
        trains=False,
        prepare=lambda layer: layer.adapt(TOKENS),
        view=lambda ids: np.reshape(ids, (len(ids), -1, 5)),
    ),
    *rows(
        layers.WeightedBag,
        WORDS,
        {"num_features": 10, "num_classes": 2, "dropout": 0.2},
        {"num_features": 10, "num_classes": 3, "initial_weight": 0.3, "min_count": 2},
        prepare=lambda layer: layer.adapt([(FEATURES, np.arange(20) % layer.num_classes)]),
    ),
    *rows(
        layers.WeightedBag,
        WORDS,
        {"num_features": 10, "num_classes": 2, "multi_label": True},
        prepare=lambda layer: layer.adapt([(FEATURES, FEATURES[:, :2] % 2)]),
    ),
]
