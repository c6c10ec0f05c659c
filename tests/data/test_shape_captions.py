import itertools

import numpy as np
import pytest

from nlpkit.data import make_shape_captions
from nlpkit.data.shape_captions import HELD_OUT, POSITIONS, attributes_of, wordings
from nlpkit.data.shape_drawing import COLOURS, SHAPES, draw
from nlpkit.errors import InputError


def seen(combinations, count=200):
    """Combinations of shape and colour in each picture."""
    _, _, attributes = make_shape_captions(count, size=24, seed=3, combinations=combinations)
    return [{(one["shape"], one["colour"]) for one in shapes} for shapes in attributes]


def test_held_out_combinations_are_never_in_train_but_their_parts_are():
    train = set.union(*seen("train"))
    assert train == set(itertools.product(SHAPES, COLOURS)) - HELD_OUT
    assert {shape for shape, _ in train} == {shape for shape, _ in HELD_OUT} == set(SHAPES)
    assert {colour for _, colour in train} == set(COLOURS) > {colour for _, colour in HELD_OUT}
    assert set.union(*seen("held_out")) == HELD_OUT == {
        ("circle", "red"), ("square", "green"), ("triangle", "blue"), ("diamond", "yellow"), ("cross", "purple")
    }  # fmt: skip
    assert set.union(*seen("all")) == train | HELD_OUT


def test_shapes_of_a_picture():
    images, captions, attributes = make_shape_captions(300, seed=0)
    assert images.shape == (300, 32, 32, 3) and images.dtype == np.uint8
    assert {len(shapes) for shapes in attributes} == {1, 2}
    assert {one["position"] for shapes in attributes for one in shapes} == set(POSITIONS)
    for shapes in attributes:
        places = [POSITIONS.index(one["position"]) for one in shapes]
        assert places == sorted(set(places))
    assert [len(texts) for texts in captions] == [3] * 300


@pytest.mark.parametrize("size", [24, 32, 50])
def test_pixels_have_the_colour_where_the_captions_say(size):
    images, _, attributes = make_shape_captions(40, size=size, seed=5, combinations="all")
    for image, shapes in zip(images.astype(int), attributes, strict=True):
        found = {one["position"]: one["colour"] for one in shapes}
        for place, name in enumerate(POSITIONS):
            row, column = (int((part + 0.5) * size / 3) for part in divmod(place, 3))
            # A middle moves by 0.052 of the side at most, and so far every shape is filled around it.
            middle = image[row, column]
            if name not in found:
                assert middle.max() < 90
            else:
                nearest = min(COLOURS, key=lambda colour: abs(np.array(COLOURS[colour]) - middle).sum())
                assert nearest == found[name]


@pytest.mark.parametrize(
    ("shape", "area"),
    # Inside a square of side 2; the triangle is 2 wide and 1.85 high, the cross two bars less their overlap.
    [("circle", np.pi), ("square", 1.76**2), ("triangle", 1.998 * 1.85 / 2), ("diamond", 2),
     ("cross", 2 * 2 * 0.66 - 0.66**2)],
)  # fmt: skip
def test_shapes_cover_their_area(shape, area):
    size = 300
    image = draw([{"shape": shape, "colour": "white"}], [(1, 2)], size, np.random.default_rng(0))
    bright = image.min(axis=2) > 130
    rows, columns = np.nonzero(bright)
    assert rows.min() >= 100 and rows.max() < 200 and columns.min() >= 200
    radius = (np.ptp(rows) + 1) / {"square": 1.76, "triangle": 1.85}.get(shape, 2)
    assert 0.11 * size <= radius <= 0.155 * size
    assert bright.sum() == pytest.approx(area * radius**2, rel=0.04)


def test_triangles_point_upwards():
    image = draw([{"shape": "triangle", "colour": "red"}], [(0, 0)], 90, np.random.default_rng(1))
    widths = (image[..., 0] > 130).sum(axis=1)
    filled = widths[widths > 0]
    assert (np.diff(filled) >= 0).all() and filled[-1] > 5 * filled[0]


def test_the_seed_decides():
    images, captions, attributes = make_shape_captions(4, seed=[1, 2])
    more = make_shape_captions(6, seed=[1, 2])
    np.testing.assert_array_equal(images, more[0][:4])
    assert (captions, attributes) == (more[1][:4], more[2][:4])
    assert (make_shape_captions(4, seed=[1, 3])[0] != images).any()


def test_other_combinations_stand_in_other_places():
    places = [
        [[one["position"] for one in shapes] for shapes in make_shape_captions(30, combinations=name)[2]]
        for name in ("train", "held_out", "all")
    ]
    same = [sum(a == b for a, b in zip(places[0], other, strict=True)) for other in places[1:]]
    assert max(same) < 10


def test_attributes_come_back_from_every_caption():
    for combinations in ("train", "held_out"):
        _, captions, attributes = make_shape_captions(200, size=24, combinations=combinations)
        for texts, shapes in zip(captions, attributes, strict=True):
            assert len(set(texts)) == 3
            assert [attributes_of(text) for text in texts] == [shapes] * 3


def test_every_position_has_words_of_its_own():
    ways = [wordings([{"shape": "cross", "colour": "red", "position": name}])[0] for name in POSITIONS]
    assert ways[0] == "a red cross at the top left" and ways[4] == "a red cross in the middle"
    assert ways[5] == "a red cross on the right" and len(set(ways)) == 9


def test_case_spaces_and_order_do_not_matter():
    left = {"shape": "circle", "colour": "red", "position": "left"}
    right = {"shape": "cross", "colour": "blue", "position": "right"}
    assert attributes_of("  On the left is  a RED circle,\non the right is a blue cross ") == [left, right]
    assert attributes_of("a blue cross on the right and a red circle on the left") == [left, right]
    assert attributes_of("there is a blue cross on the right and a red circle on the left") == [left, right]


@pytest.mark.parametrize(
    "caption",
    ["", "a red circle", "a red red circle on the left", "a red circle on the left and", "red circle on the left",
     "a red circle on the left, a blue cross on the right", "a pink circle on the left", "there is",
     "a red circle on the left and on the right is a blue cross", "a red circle at the left"],
)  # fmt: skip
def test_texts_that_are_no_captions(caption):
    assert attributes_of(caption) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "`count` must be an int of at least 1. Received: count=0"),
        ({"count": 1.0}, "`count` must be an int of at least 1. Received: count=1.0"),
        ({"size": 23}, "`size` must be an int of at least 24. Received: size=23"),
        ({"combinations": "test"}, "`combinations` must be one of train, held_out, all. Received: .*'test'"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(InputError, match=message):
        make_shape_captions(**{"count": 1, **arguments})
