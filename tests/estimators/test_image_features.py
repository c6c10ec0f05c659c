import importlib
import inspect
import os
import re

import keras
import numpy as np
import pytest

from nlpkit.errors import InputError
from nlpkit.estimators.image_features import image_features, read_images

# The package gives the function by the name of the module.
module = importlib.import_module("nlpkit.estimators.image_features")


def pictures(number=3, height=32, width=32):
    return np.random.default_rng(0).integers(0, 256, (number, height, width, 3), "uint8")


def test_patches_are_the_pixels_of_squares():
    images = pictures(2, 8, 12)
    found = image_features(images, "patches", patch_size=4)
    assert found.shape == (2, 6, 48) and found.dtype == np.float32
    for region in range(6):
        top, left = 4 * (region // 3), 4 * (region % 3)
        square = images[:, top : top + 4, left : left + 4].reshape(2, 48)
        np.testing.assert_allclose(found[:, region], square / 127.5 - 1, atol=1e-6)
    # A region of zeros would be padding to the network that reads it; no pixel becomes zero.
    assert np.abs(found).min() > 0 and np.abs(found).max() <= 1


def test_batches_make_no_difference():
    images = pictures(5, 16, 16)
    np.testing.assert_array_equal(image_features(images, batch_size=2), image_features(images))


def test_a_network_of_keras_with_weights_from_a_file(tmp_path):
    images, path, random = pictures(2, 64, 32), tmp_path / "mobilenet.weights.h5", np.random.default_rng(1)
    network = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(64, 32, 3))
    # Kernels of a size that keeps signals alive; those with one filter read nine pixels of one channel each.
    sizes = {w.path: 9 if w.shape[-1] == 1 else np.prod(w.shape[:-1]) for w in network.weights if w.ndim == 4}
    for weight in network.weights:
        if weight.path in sizes:
            weight.assign(random.normal(0, (2 / sizes[weight.path]) ** 0.5, weight.shape))
    network.save_weights(path)
    expected = network(images / np.float32(127.5) - 1).numpy()
    found = image_features(images, "MobileNet", str(path))
    assert expected.shape == (2, 2, 1, 1024) and found.dtype == np.float32 and expected.std() > 0.01
    np.testing.assert_allclose(found, expected.reshape(2, 2, 1024), atol=1e-5)


@pytest.fixture
def tiny(monkeypatch):
    """A network in `keras.applications` that is built at once; its signals shrink as in a deep one."""

    def build(include_top, weights, input_shape):
        assert include_top is False
        kernel = keras.initializers.RandomNormal(stddev=1e-12)
        model = keras.Sequential(
            [keras.Input(input_shape), keras.layers.Conv2D(5, 8, 8, kernel_initializer=kernel)]
        )
        if weights is not None:
            model.load_weights(weights)
        return model

    build.__module__ = "keras.src.applications.mobilenet"
    monkeypatch.setattr(keras.applications, "Tiny", build, raising=False)
    yield build
    module._application.cache_clear()


def test_random_weights_give_signals_of_a_usual_size_and_always_the_same(tiny):
    images = pictures(3)
    found = image_features(images, "Tiny")
    assert found.shape == (3, 16, 5) and 0.5 < found.std() < 2
    module._application.cache_clear()
    np.random.seed(5)
    state = np.random.get_state()[1].copy()
    keras.random.normal((3,))
    np.testing.assert_array_equal(image_features(images, "Tiny"), found)
    # Chance is left alone.
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_a_file_that_has_changed_is_read_again(tiny, tmp_path):
    images, path, results = pictures(1), tmp_path / "tiny.weights.h5", []
    for factor in (1e12, 2e12):
        network = tiny(False, None, (32, 32, 3))
        network.set_weights([np.full(weight.shape, factor * 1e-12, "float32") for weight in network.weights])
        network.save_weights(path)
        os.utime(path, (factor / 1e9, factor / 1e9))
        results.append(image_features(images, "Tiny", path))
    np.testing.assert_allclose(results[1], 2 * results[0], rtol=1e-5)


def test_every_network_of_keras_comes_with_its_own_preprocessing():
    for _, build in inspect.getmembers(keras.applications, inspect.isfunction):
        own = getattr(keras.applications, build.__module__.rsplit(".", 1)[-1])
        assert own.preprocess_input.__module__ == build.__module__


def test_files(tmp_path):
    images = pictures(3, 8, 8)
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path, image in zip(paths, images, strict=True):
        keras.utils.save_img(path, image, scale=False)
    found = image_features(paths, "patches", size=8, batch_size=2)
    np.testing.assert_array_equal(found, image_features(images, "patches"))
    assert image_features([str(paths[0])], "patches", patch_size=8, size=16).shape == (1, 4, 192)


def test_pixels_of_arrays_and_files(tmp_path):
    images = pictures(2, 8, 8)
    assert read_images(images) is images
    paths = [tmp_path / f"{number}.png" for number in range(2)]
    for path, image in zip(paths, images, strict=True):
        keras.utils.save_img(path, image, scale=False)
    np.testing.assert_array_equal(read_images(paths, size=8), images)
    assert read_images(paths).shape == (2, 64, 64, 3) and read_images(paths).dtype == np.uint8
    with pytest.raises(InputError, match="`size` must be an int of at least 1. Received: size=0"):
        read_images(paths, size=0)
    with pytest.raises(InputError, match="`images` must be a uint8 array.*Received: an array of float32"):
        read_images(images.astype("float32"))


def test_files_that_are_no_pictures(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    for name in ("missing.png", "text.png"):
        with pytest.raises(InputError, match=f"`images` must be files that hold pictures.*{name}"):
            image_features([tmp_path / name])


@pytest.mark.parametrize(
    ("images", "received"),
    [
        (pictures().astype("float32"), "an array of float32 of shape (3, 32, 32, 3)"),
        (pictures()[0], "an array of uint8 of shape (32, 32, 3)"),
        (pictures()[..., :1], "an array of uint8 of shape (3, 32, 32, 1)"),
        (pictures()[:0], "an array of uint8 of shape (0, 32, 32, 3)"),
        ([], "list"),
        ("picture.png", "str"),
        ([pictures()[0]], "list"),
    ],
)
def test_images_that_cannot_be_used(images, received):
    message = f"`images` must be a uint8 array of shape (n, height, width, 3).*Received: {received}"
    with pytest.raises(InputError, match=re.sub(r"([()])", r"\\\1", message)):
        image_features(images)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": "MobileNett"}, "`network` must be .*function of keras.applications.*'MobileNett'"),
        ({"network": "mobilenet"}, "`network` must be .*Received: network='mobilenet'"),
        ({"network": ["MobileNet"]}, r"`network` must be .*Received: network=\['MobileNet'\]"),
        ({"network": "small"}, "`network` must be .*Received: network='small'"),
        ({"network": "MobileNet", "weights": "imagenet"},
         "the path of a file.*nothing is downloaded; download the file.*Received: weights='imagenet'"),
        ({"network": "patches", "weights": "file"},
         "`weights` must be None with network='patches'. Received: weights='file'"),
        ({"network": "patches", "patch_size": 5}, "`patch_size` must divide.*patch_size=5 for pictures of 32 x 32"),
        ({"network": "patches", "patch_size": 0}, "`patch_size` must be an int of at least 1. Received: patch_size=0"),
        ({"batch_size": 1.5}, "`batch_size` must be an int of at least 1. Received: batch_size=1.5"),
        ({"size": "8"}, "`size` must be an int of at least 1. Received: size='8'"),
        ({"network": "InceptionV3"}, "InceptionV3 without its top must take pictures of shape .*Keras says: .*75"),
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_used(arguments, message):
    with pytest.raises(InputError, match=message):
        image_features(pictures(1), **arguments)


def test_a_file_that_holds_no_weights(tiny, tmp_path):
    path = tmp_path / "text.weights.h5"
    path.write_text("no weights")
    with pytest.raises(InputError, match="Tiny without its top must take .*text.weights.h5'; Keras says"):
        image_features(pictures(1), "Tiny", path)
