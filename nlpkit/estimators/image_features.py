"""Pictures as pixels, or as sequences of float vectors, one for each region, for a network that describes them."""

import functools
import inspect
from pathlib import Path

import keras
import numpy as np

from nlpkit.errors import InputError
from nlpkit.training.seeding import seeded


def image_features(images, network="patches", weights=None, *, patch_size=4, size=224, batch_size=32):
    """Turns pictures into regions, each a vector of features, from left to right and from top to bottom.

    `"patches"` cuts pictures into squares of raw pixels, and any other name is a network of `keras.applications`
    without its top. Nothing is downloaded, and the same arguments give the same features in every process. Random
    weights are good for trying things out only.

    Args:
        images: uint8 array of shape `(n, height, width, 3)`, or list of paths of files.
        network: `"patches"`, or a name of `keras.applications` such as `"MobileNetV3Small"`. Defaults to `"patches"`.
        weights: str. Path of a file with the weights of a network of `keras.applications` without its top. Defaults
            to `None`: random weights.
        patch_size: int. Height and width of a patch, for `"patches"`. Defaults to 4.
        size: int. Height and width that pictures from files are given; arrays stay as they are. Defaults to 224.
        batch_size: int. Pictures in memory as floats at once. Defaults to 32.

    Returns:
        float32 array of shape `(n, regions, features)`; patches have `3 * patch_size**2` features from -1 to 1.

    Raises:
        InputError: If the pictures, the network or its weights cannot be used.

    Example:
        >>> from nlpkit.data import make_shape_captions
        >>> from nlpkit.estimators.image_features import image_features
        >>> images, _, _ = make_shape_captions(2)
        >>> image_features(images, "patches", patch_size=8).shape
        (2, 16, 192)
    """
    _check_numbers(patch_size=patch_size, size=size, batch_size=batch_size)
    of_files = _check_images(images)
    first = _read(images[:1], size) if of_files else images[:1]
    regions = _regions(network, weights, patch_size, first.shape[1:])
    parts = []
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        parts.append(regions(_read(batch, size) if of_files else batch))
    return np.concatenate(parts)


def read_images(images, size=64):
    """Pictures as they are, from an array, or read from files.

    Args:
        images: As of `image_features`.
        size: int. Height and width that pictures from files are given; arrays stay as they are. Defaults to 64.

    Returns:
        uint8 array of shape `(n, height, width, 3)`.

    Raises:
        InputError: If the pictures cannot be used.

    Example:
        >>> import numpy as np
        >>> from nlpkit.estimators.image_features import read_images
        >>> read_images(np.zeros((2, 32, 24, 3), "uint8")).shape
        (2, 32, 24, 3)
    """
    _check_numbers(size=size)
    return _read(images, size) if _check_images(images) else images


def _check_numbers(**numbers):
    for name, value in numbers.items():
        if not isinstance(value, int | np.integer) or value < 1:
            raise InputError(f"`{name}` must be an int of at least 1. Received: {name}={value!r}")


def _check_images(images):
    """Whether the pictures are files."""
    if isinstance(images, list | tuple) and images and all(isinstance(one, str | Path) for one in images):
        return True
    if not isinstance(images, np.ndarray):
        received = type(images).__name__
    elif images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3 or 0 in images.shape:
        received = f"an array of {images.dtype} of shape {images.shape}"
    else:
        return False
    raise InputError(
        "`images` must be a uint8 array of shape (n, height, width, 3), with values from 0 to 255 and at least one "
        f"picture, or a list of paths of picture files. Received: {received}"
    )


def _read(paths, size):
    """Pictures from files, stretched to squares."""
    images = np.empty((len(paths), size, size, 3), "uint8")
    for row, path in enumerate(paths):
        try:
            images[row] = keras.utils.load_img(str(path), target_size=(size, size))
        except OSError as error:
            raise InputError(
                f"`images` must be files that hold pictures, such as JPEG or PNG. Received: {path}: {error}"
            ) from error
    return images


def _regions(network, weights, patch_size, shape):
    """The function from pictures to regions."""
    if weights is not None and network == "patches":
        raise InputError(
            f"`weights` must be None with network={network!r}. Received: weights={str(weights)!r}"
        )
    _check_network(network)
    if network == "patches":
        return lambda images: cut_patches(images, patch_size)
    model, prepare, scale = _application(network, _weights_file(weights), shape)
    return lambda images: scale * _last_map(model, prepare(images.astype("float32")))


def _last_map(model, inputs):
    found = keras.ops.convert_to_numpy(model(inputs, training=False))
    return found.reshape(len(found), -1, found.shape[-1]).astype("float32")


def _check_network(network):
    if network == "patches":
        return
    if not isinstance(network, str) or not inspect.isfunction(getattr(keras.applications, network, None)):
        raise InputError(
            '`network` must be "patches" or the name of a function of keras.applications, such as "MobileNetV3Small". '
            f"Received: network={network!r}"
        )


def cut_patches(images, patch_size):
    """Cuts pictures into squares that touch; see `image_features` for shapes and values."""
    number, height, width, channels = images.shape
    if height % patch_size or width % patch_size:
        raise InputError(
            "`patch_size` must divide the height and the width of the pictures. "
            f"Received: patch_size={patch_size} for pictures of {height} x {width}"
        )
    rows, columns = height // patch_size, width // patch_size
    squares = images.reshape(number, rows, patch_size, columns, patch_size, channels).swapaxes(2, 3)
    return _scaled(squares.reshape(number, rows * columns, -1))


def _scaled(pixels):
    return pixels.astype("float32") / 127.5 - 1


def _weights_file(weights):
    """Path of the file and its time of change, as one more argument of what is kept; `None` without a file."""
    if weights is None:
        return None
    path = Path(weights)
    if not path.is_file():
        raise InputError(
            "`weights` must be the path of a file with weights, as nothing is downloaded; download the file of the "
            f"network without its top and give its path. Received: weights={str(weights)!r}"
        )
    return str(path), path.stat().st_mtime_ns


# Building one of these networks takes seconds; a captioner calls it for each text that it predicts.
@functools.lru_cache(maxsize=2)
def _application(name, weights, shape):
    """A network of `keras.applications` without its top, what it does to pixels first, and a factor for its result."""
    build, file = getattr(keras.applications, name), weights and weights[0]
    try:
        with seeded(0):
            model = build(include_top=False, weights=file, input_shape=shape)
    except (ValueError, OSError) as error:
        raise InputError(
            f"{name} without its top must take pictures of shape {shape} and the weights of the file, if there is one. "
            f"Received: weights={file!r}; Keras says: {error}"
        ) from error
    prepare = getattr(keras.applications, build.__module__.rsplit(".", 1)[-1]).preprocess_input
    if weights:
        return model, prepare, np.float32(1)
    # In a deep network signals shrink or grow with each layer of random weights: MobileNet's are of size 1e-20.
    noise = np.random.default_rng(0).integers(0, 256, (1, *shape)).astype("float32")
    return model, prepare, 1 / max(_last_map(model, prepare(noise)).std(), np.finfo("float32").tiny)
