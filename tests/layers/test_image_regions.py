"""Regions of pictures, against convolutions, poolings and means written out in NumPy."""

import numpy as np
import pytest

from nlpkit.errors import InputError
from nlpkit.layers import ImageRegions

PICTURES = np.random.default_rng(0).integers(0, 256, (2, 9, 6, 3), "uint8")


def filled(layer, channels=3):
    layer.build((None, None, None, channels))
    random = np.random.default_rng(1)
    layer.set_weights([random.normal(size=weight.shape, scale=0.3) for weight in layer.get_weights()])
    return layer


def standardised(image):
    return (image - image.mean()) / image.std()


def convolved(image, kernel, bias):
    """Three by three with zeros around, and what is below zero cut off."""
    around = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    height, width = image.shape[:2]
    sums = [
        [np.tensordot(around[y : y + 3, x : x + 3], kernel, 3) for x in range(width)] for y in range(height)
    ]
    return np.maximum(np.array(sums) + bias, 0)


def halved(image):
    height, width = (side // 2 for side in image.shape[:2])
    return np.array(
        [
            [image[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].max(axis=(0, 1)) for x in range(width)]
            for y in range(height)
        ]
    )


@pytest.mark.parametrize("filters", [[5], [4, 6], [3, 4, 5]])
def test_regions_are_convolved_brightness_and_mean_colours(filters):
    layer = filled(ImageRegions(7, filters))
    weights = {weight.path.split("/", 1)[1]: weight.numpy() for weight in layer.weights}
    found = layer(PICTURES)
    for image, regions in zip(PICTURES, found, strict=True):
        pixels = standardised(image)
        hues = np.maximum(dense(means(pixels, 2 ** (len(filters) - 1)), weights, "hues"), 0)
        halves = [
            dense(hues, weights, "colours"),
            dense(maps_of(pixels, weights, filters), weights, "shapes"),
        ]
        assert [half.shape[1] for half in halves] == [4, 3]
        np.testing.assert_allclose(regions, np.concatenate(halves, axis=1), rtol=1e-4, atol=1e-4)
    assert tuple(found.shape) == layer.compute_output_shape(PICTURES.shape)


def dense(rows, weights, name):
    return rows @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]


def means(pixels, side):
    """Mean colours of the squares, from left to right, then from top to bottom."""
    height, width = (size // side for size in pixels.shape[:2])
    squares = pixels[: height * side, : width * side].reshape(height, side, width, side, -1)
    return squares.mean(axis=(1, 3)).reshape(height * width, -1)


def maps_of(pixels, weights, filters):
    """What the convolutions see in the brightness of a picture."""
    maps = pixels.mean(axis=-1, keepdims=True)
    for place in range(len(filters)):
        maps = maps if place == 0 else halved(maps)
        name = f"convolution_{place}"
        maps = convolved(maps, weights[f"{name}/kernel"], weights[f"{name}/bias"])
    return maps.reshape(-1, filters[-1])


def test_shapes_are_seen_without_colours_and_colours_without_shapes():
    layer = filled(ImageRegions(6))
    seen = layer(PICTURES).numpy()
    turned = layer(PICTURES[..., [1, 2, 0]]).numpy()
    np.testing.assert_allclose(seen[..., 3:], turned[..., 3:], rtol=1e-4, atol=1e-4)
    assert np.abs(seen[..., :3] - turned[..., :3]).max() > 0.1
    moved = PICTURES.copy()
    moved[:, :4, :4] = moved[:, 3::-1, :4]  # the first square upside down
    moved = layer(moved).numpy()
    np.testing.assert_allclose(seen[..., :3], moved[..., :3], rtol=1e-4, atol=1e-4)
    assert np.abs(seen[..., 3:] - moved[..., 3:]).max() > 0.1


def test_whole_numbers_and_floats_are_the_same_pixels():
    layer = filled(ImageRegions(4))
    np.testing.assert_array_equal(layer(PICTURES), layer(PICTURES.astype("float32")))


def test_light_and_contrast_make_no_difference():
    layer = filled(ImageRegions(4))
    darker = (PICTURES * 0.3 + 20).astype("float32")
    np.testing.assert_allclose(layer(darker), layer(PICTURES), rtol=1e-3, atol=1e-3)
    # There is nothing to see in a picture of one colour, and its noise does not become a picture.
    empty = np.full((1, 8, 8, 3), 90.0)
    noise = empty + np.random.default_rng(0).uniform(-0.01, 0.01, empty.shape)
    np.testing.assert_allclose(layer(noise), layer(empty), atol=0.5)
    assert np.isfinite(layer(empty)).all()


def test_one_layer_takes_pictures_of_any_size():
    layer = filled(ImageRegions(4, [3, 5], name="regions"))
    shapes = {size: tuple(layer(np.zeros((1, *size, 3))).shape) for size in [(2, 3), (8, 8), (7, 12)]}
    assert shapes == {(2, 3): (1, 1, 4), (8, 8): (1, 16, 4), (7, 12): (1, 18, 4)}
    assert layer.compute_output_shape((None, None, 8, 3)) == (None, None, 4)


def test_dropout_takes_whole_maps_in_training_alone():
    layer = filled(ImageRegions(4, [40], dropout=0.5))
    # Shows the maps as they are, and no colours.
    layer.shapes = lambda maps: maps
    layer.colours = lambda hues: hues[..., :0]
    np.testing.assert_array_equal(layer(PICTURES), layer(PICTURES, training=False))
    whole, dropped = layer(PICTURES).numpy(), layer(PICTURES, training=True).numpy()
    gone = ~dropped.any(axis=1)
    assert 20 < gone.sum() < 60  # of 80
    np.testing.assert_allclose(dropped, np.where(gone[:, None], 0, 2 * whole), rtol=1e-5)


def test_no_filters():
    with pytest.raises(
        InputError, match=r"`filters` must name one convolution or more. Received: filters=\[\]"
    ):
        ImageRegions(4, [])


def test_a_picture_smaller_than_a_region():
    message = (
        "With 3 `filters` pictures must have 4 by 4 pixels or more. Received: pictures of 8 by 3. Take fewer"
    )
    with pytest.raises(InputError, match=message):
        ImageRegions(4).build((None, 8, 3, 3))


def test_units_for_shapes_or_colours_only():
    with pytest.raises(
        InputError, match="`units` must be 2 or more: for shapes and for colours. Received: units=1"
    ):
        ImageRegions(1)
