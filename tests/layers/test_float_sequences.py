"""What takes embeddings takes speech or video features too: one model of everything, without ids or embedding."""

import inspect

import keras
import numpy as np
import pytest

from nlpkit import layers

RANDOM = np.random.default_rng(0)
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]], bool)
CONTEXT_MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], bool)
# Zero where there is no real step, so that `Masking` finds the masks.
SPEECH = RANDOM.normal(size=(3, 6, 5)).astype("float32") * MASK[:, :, None]
VIDEO = RANDOM.normal(size=(3, 4, 7)).astype("float32") * CONTEXT_MASK[:, :, None]
LABELS = [
    np.array([0, 1, 2]),
    *(RANDOM.integers(low, high, (3, 6)) for low, high in ((0, 3), (2, 5), (0, 9))),
]
# Layers about ids, or images.
OF_IDS = {
    "CharacterNgrams",
    "DistinctTokens",
    "EmbeddingDropout",
    "HashedNgrams",
    "ImageRegions",
    "TiedOutput",
    "TokenEmbedding",
    "WeightedBag",
    "WordDropout",
}


def encoders(speech, video):
    """Positions, dropout, convolution, self-attention and recurrent layers over features."""
    x = layers.NgramConvolution(4, widths=(2, 3))(speech)
    x = layers.WindowNetwork(8, window=2)(layers.PositionEmbedding(10)(layers.SinePositions()(x)))
    x = layers.EncoderBlock(2, 16)(layers.VariationalDropout(0.1)(x))
    x = layers.DecoderStack(1, 2, 16)(layers.EncoderStack(1, 2, 16, positions="rotary")(x))
    x = layers.RecurrentStack([layers.RecurrentBlock(8, "gru"), layers.RecurrentBlock(8, residual=True)])(x)
    for cell in (layers.PeepholeLSTMCell(8), layers.LayerNormLSTMCell(8), layers.NTMCell(4, 6, 4)):
        x = layers.Highway()([x, keras.layers.RNN(cell, return_sequences=True)(x)])
    encoded, *states = layers.RecurrentBlock(4, bidirectional=True, return_state=True)(video)
    return x, encoded, layers.StateBridge([8, 8], bidirectional=True)([states])


def decoders(x, encoded, states):
    """Every decoder and attention, and the weights of one over the video."""
    decoder = layers.AttentionDecoder(8, input_feeding=True)
    x, weights = decoder([x, encoded, *states], return_attention_scores=True)
    x = layers.RecurrentDecoder(8, 2, attention="additive", input_feeding="context")(x, encoded)
    x = layers.DecoderBlock(2, 16, cross_attention=True)(x, encoded)
    read = [layers.CachedAttention(2, causal=True, positions="relative", max_distance=3)(x)]
    for attention in (
        layers.AdditiveAttention(6, coverage=True),
        layers.MultiplicativeAttention(),
        layers.LocationAttention(9),
        layers.LocalAttention(2),
        layers.ContextAttention(2),
    ):
        read.append(attention([x, encoded]))
    return layers.FeedForward(16)(keras.layers.Add()([x, *read])), weights


def places_of(video):
    """Symbols for the places of the source, as a pointer network copies them: 2, 3, …; 0 is padding."""
    real = keras.ops.cast(keras.ops.any(keras.ops.not_equal(video, 0.0), axis=-1), "int32")
    return (keras.ops.cumsum(keras.ops.ones_like(real), axis=1) + 1) * real


def model_of_features():
    sources = [keras.Input((None, 5), name="speech"), keras.Input((None, 7), name="video")]
    speech, video = (keras.layers.Masking()(source) for source in sources)
    encoded_speech, encoded, states = encoders(speech, video)
    x, weights = decoders(encoded_speech, encoded, states)
    pooled = [layers.SequencePool(["mean", "max", "last", "attention"])(x), layers.AttentionPool()(x)]
    label = keras.layers.Dense(3, activation="softmax", name="label")(keras.layers.Concatenate()(pooled))
    tags = layers.CRF(3, name="tags")(keras.layers.Dense(3)(x))
    read = layers.MultiplicativeAttention()([x, encoded])
    pointer = layers.PointerHead(2, extra_ids=8, name="pointer")
    copied = pointer(read, x, encoded_speech, keras.layers.Dense(2)(x), weights, places_of(sources[1]))
    words = layers.AdaptiveSoftmax(9, cutoffs=[4], div_value=2.0, name="words")(x)
    return keras.Model(sources, [label, tags, copied, words])


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return model_of_features()


def real_parts(outputs):
    """The label of each row and, at its real steps, tags, what is copied, and words."""
    label, *sequences = map(np.asarray, outputs)
    return [label, *(sequence[MASK] for sequence in sequences)]


def test_every_layer_but_those_about_ids_is_in_the_model(model):
    assert {source.dtype for source in model.inputs} == {"float32"}
    wanted = {getattr(layers, name) for name in set(layers.__all__) - OF_IDS}
    wanted = {one for one in wanted if inspect.isclass(one) and issubclass(one, keras.layers.Layer)}
    found = {type(layer) for layer in model._flatten_layers()}
    assert wanted <= found, wanted - found
    assert not found & {getattr(layers, name, None) for name in OF_IDS}


def test_padding_and_other_rows_change_nothing(model):
    together = list(map(np.asarray, model([SPEECH, VIDEO])))
    for row in range(3):
        steps, context = MASK[row].sum(), CONTEXT_MASK[row].sum()
        alone = list(map(np.asarray, model([SPEECH[row : row + 1, :steps], VIDEO[row : row + 1, :context]])))
        np.testing.assert_allclose(alone[0][0], together[0][row], atol=1e-5)
        for own, expected in zip(alone[1:], together[1:], strict=True):
            np.testing.assert_allclose(own[0], expected[row, :steps], atol=1e-5)


def test_a_training_step_moves_every_weight_and_the_file_keeps_them(model, tmp_path):
    before = model.get_weights()
    entropy = keras.losses.SparseCategoricalCrossentropy
    losses = [entropy(), layers.CRFLoss(), entropy(), entropy(from_logits=True)]
    # Tracing takes ten times as long as one eager step.
    model.compile("adam", losses, run_eagerly=True)
    history = model.fit([SPEECH, VIDEO], LABELS, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    still = {
        weight.path
        for weight, old in zip(model.weights, before, strict=True)
        if not np.abs(weight.numpy() - old).max()
        > 0  # Adam takes smaller steps where a gradient is nearly zero
    }
    # A bias of the keys adds the same to all scores of a query, which a softmax does not see.
    assert all(path.endswith("key/bias") for path in still), still
    expected = real_parts(model([SPEECH, VIDEO]))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for own, other in zip(real_parts(loaded([SPEECH, VIDEO])), expected, strict=True):
        assert np.isfinite(own).all()
        np.testing.assert_allclose(own, other, atol=1e-6)
