"""Encoder-decoders that read pixels: no padding, step by step as a whole, loaded as saved."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.generation.target_writer import TargetWriter
from nlpkit.layers import ImageRegions, SinePositions
from nlpkit.models import build_encoder_decoder
from nlpkit.models.encoder_decoder_network import EncoderDecoderNetwork
from nlpkit.models.source_reader import SourceReader

WORDS, UNITS, SHAPE = 12, 8, (8, 6, 3)
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (3, *SHAPE), "uint8")
INPUTS = np.array([[2, 5, 6, 7], [2, 8, 9, 0], [2, 4, 0, 0]], "int32")
TARGETS = np.array([[5, 6, 7, 3], [8, 9, 3, 0], [4, 3, 0, 0]], "int32")
TABLE = {
    "attended regions": {
        "encoder": "none", "attention": "additive", "input_feeding": "context", "positions": "learned",
    },
    "read regions": {"cell": "gru", "attention": "multiplicative", "bidirectional": True, "peeky": True},
    "transformer": {"cell": "transformer", "num_heads": 2, "positions": "sine"},
}  # fmt: skip


def build(**options):
    """A network whose weights leave no part of it idle."""
    options = {"features": SHAPE, "units": UNITS, "filters": [4, 5], **options}
    network = build_encoder_decoder(None, WORDS, **options)
    random = np.random.default_rng(1)
    network.set_weights([random.normal(size=weight.shape, scale=0.4) for weight in network.get_weights()])
    return network


@pytest.fixture(params=TABLE, scope="module")
def network(request):
    return build(**TABLE[request.param])


def test_steps_give_what_the_whole_target_gives(network):
    expected = network([IMAGES, INPUTS]).numpy()
    state, real = network.initial_state(IMAGES, 6), INPUTS != 0
    for time in range(4):
        found, state = network.step(INPUTS[:, time], state)
        np.testing.assert_allclose(found.numpy()[real[:, time]], expected[real[:, time], time], atol=1e-5)
    assert state["mask"].numpy().all() and state["mask"].shape == (3, 12)
    # The image makes a difference, and one alone gives what it gives among others.
    assert np.abs(network([IMAGES[::-1], INPUTS]) - expected)[0].max() > 1e-3
    np.testing.assert_allclose(network([IMAGES[:1], INPUTS[:1]])[0], expected[0], atol=1e-5)


def test_a_saved_network_and_one_from_the_config_are_the_same(network, tmp_path):
    expected = network([IMAGES, INPUTS]).numpy()
    network.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded([IMAGES, INPUTS]), expected)
    assert loaded.source_shape == (None, *SHAPE) and loaded.get_config() == network.get_config()
    twin = EncoderDecoderNetwork.from_config(network.get_config())
    twin.build_from_config({"source_shape": [None, *SHAPE]})
    twin.set_weights(network.get_weights())
    np.testing.assert_array_equal(twin([IMAGES, INPUTS]), expected)


def test_every_weight_learns(network):
    with tf.GradientTape() as tape:
        memory = network.reader(IMAGES, training=True)
        losses = network.losses_of(network.decode(INPUTS, memory, training=True), memory, TARGETS)
        loss = tf.reduce_sum(losses)
    gradients = tape.gradient(loss, network.trainable_weights)
    for weight, gradient in zip(network.trainable_weights, gradients, strict=True):
        size = np.abs(tf.convert_to_tensor(gradient)).max()
        # The bias of the keys adds the same to all scores of a query, which a softmax does not see.
        assert np.isfinite(size) and (size > 0 or weight.path.endswith("key/bias")), weight.path


def test_search_takes_the_images(network):
    result = TargetWriter(network).search(IMAGES.astype("float32"), max_new_tokens=5, beams=3, n_best=2)
    assert result.token_ids.shape == (3, 2, 5)


def test_the_reader_gives_all_regions_with_positions_and_no_padding():
    reader = SourceReader(ImageRegions(UNITS, [4, 5]), None, positions=SinePositions())
    reader.build((None, *SHAPE))
    grey = np.full((1, *SHAPE), 127.5, "float32")  # zeros once they are scaled
    for images in (IMAGES, grey, 0 * IMAGES):
        memory = reader(images)
        assert memory["mask"].numpy().all() and memory["mask"].shape == (len(images), 12)
        waves = SinePositions()(np.zeros((1, 12, UNITS), "float32"))
        np.testing.assert_allclose(memory["outputs"], reader.source(images) + waves, atol=1e-5)
        np.testing.assert_allclose(memory["result"], np.mean(memory["outputs"], axis=1), atol=1e-5)
    assert reader.takes_features and reader.width == UNITS and set(memory) == {"outputs", "mask", "result"}


def test_dropout_reaches_the_convolutions():
    network = build(encoder="none", attention="additive", dropout=0.5)
    assert network.reader.source.dropout == 0.5
    assert not np.allclose(network.reader.source(IMAGES, training=True), network.reader.source(IMAGES))
    # The reader tells them whether it is training.
    network.reader.drop = lambda x, training: x
    first, second = (network.reader(IMAGES, training=True)["outputs"].numpy() for _ in range(2))
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(network.reader(IMAGES)["outputs"], network.reader(IMAGES)["outputs"])


def test_word_dropout_takes_whole_words_from_the_decoder_in_training():
    network = build(encoder="none", attention="additive", word_dropout=0.5)
    inputs = np.full((20, 10), 5, "int32")
    memory = network.reader(np.repeat(IMAGES[:1], 20, axis=0))
    whole = network.decode(inputs, memory).vectors.numpy()
    dropped = network.decode(inputs, memory, training=True).vectors.numpy()
    gone = ~dropped.any(axis=2)
    assert 60 < gone.sum() < 140  # of 200
    np.testing.assert_allclose(dropped, np.where(gone[..., None], 0, 2 * whole), rtol=1e-5)


def test_images_of_any_size_where_height_and_width_are_open():
    network = build(features=[None, None, 3], encoder="none", attention="additive")
    assert network.source_shape == (None, None, None, 3)
    assert network([IMAGES[:, :5], INPUTS]).shape == (3, 4, WORDS)


def test_filters_are_those_of_the_layer_unless_others_are_given():
    default = build_encoder_decoder(None, WORDS, features=SHAPE, units=UNITS)
    assert default.reader.source.filters == ImageRegions(UNITS).filters
    assert build().reader.source.filters == [4, 5]


@pytest.mark.parametrize(
    "features", [0, -3, 2.5, "images", (8, 8), [8, 8, 0], (8, 8, None), (8.0, 8, 3), [8, 8, 3, 1]]
)
def test_features_that_are_none(features):
    message = "`features` must be the number of features.*or the shape of images.*Received: features="
    with pytest.raises(InputError, match=message):
        build_encoder_decoder(None, WORDS, features=features, units=UNITS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reverse_source": True}, r"An image has no end.*features=\(8, 6, 3\), reverse_source=True. Leave"),
        (
            {"features": 5},
            r"`filters` are those of convolutions over images. Received: filters=\[4, 5\], features=5. Leave them",
        ),
        ({"filters": [4] * 4}, "pictures must have 8 by 8 pixels or more. Received: pictures of 8 by 6"),
    ],
)
def test_options_that_do_not_go_with_images(options, message):
    with pytest.raises(InputError, match=message):
        build(**options)
