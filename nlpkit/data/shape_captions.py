"""Made-up pictures of coloured shapes with captions: some combinations are kept for testing only."""

import itertools

import numpy as np

from nlpkit.data.shape_drawing import COLOURS, SHAPES, draw
from nlpkit.errors import InputError

# Places in the order of reading, three to a row.
POSITIONS = (
    "top left",
    "top",
    "top right",
    "left",
    "middle",
    "right",
    "bottom left",
    "bottom",
    "bottom right",
)
PLACES = {name: f"{'in' if name == 'middle' else 'on' if name in ('left', 'right') else 'at'} the {name}"
          for name in POSITIONS}  # fmt: skip
PARTS = {
    text: {"shape": shape, "colour": colour, "position": position}
    for shape in SHAPES
    for colour in COLOURS
    for position, place in PLACES.items()
    for text in (f"a {colour} {shape} {place}", f"{place} is a {colour} {shape}")
}
# The first shape never has the first colour in training, the second never the second, and so on.
HELD_OUT = frozenset(zip(SHAPES, COLOURS, strict=False))
ALL = tuple(itertools.product(SHAPES, COLOURS))
COMBINATIONS = {
    "train": tuple(pair for pair in ALL if pair not in HELD_OUT),
    "held_out": tuple(pair for pair in ALL if pair in HELD_OUT),
    "all": ALL,
}


def make_shape_captions(count, *, size=32, seed=0, combinations="train"):
    """Pictures of one or two coloured shapes, with three captions each and what is to be seen.

    A shape (circle, square, triangle, diamond, cross) has a colour (red, green, blue, yellow, purple, white) and
    stands in one of nine places, a little off its middle, on a dark, uneven ground. The red circle, the green square,
    the blue triangle, the yellow diamond and the purple cross are held out of `"train"`: each of these shapes and
    colours is seen in training, but not together. Pictures for testing should have another seed.

    Args:
        count: int. Number of pictures.
        size: int. Height and width in pixels, at least 24. Defaults to 32.
        seed: int or list of int. The same seed gives the same pictures, and with a larger count the same first ones.
            Defaults to 0.
        combinations: `"train"`, `"held_out"` (every shape of a picture is a held-out combination) or `"all"`.
            Defaults to `"train"`.

    Returns:
        Pictures, uint8 array of shape `(count, size, size, 3)`; captions, a list of three str for each picture, all of
        which say the same; and for each picture a list of one or two dicts with `shape`, `colour` and `position`, in
        the order of reading.

    Raises:
        InputError: If a number is too small or `combinations` is none of the three.

    Example:
        >>> from nlpkit.data import make_shape_captions
        >>> images, captions, attributes = make_shape_captions(2, seed=1)
        >>> images.shape, attributes[0]
        ((2, 32, 32, 3), [{'shape': 'triangle', 'colour': 'yellow', 'position': 'bottom left'}])
        >>> captions[0][0]
        'a yellow triangle at the bottom left'

    Reference:
        [Johnson et al., 2017](https://arxiv.org/abs/1612.06890): the same test of generalisation on rendered solids
    """
    for name, value, least in (("count", count, 1), ("size", size, 24)):
        if not isinstance(value, int | np.integer) or value < least:
            raise InputError(f"`{name}` must be an int of at least {least}. Received: {name}={value!r}")
    if combinations not in COMBINATIONS:
        raise InputError(
            f"`combinations` must be one of {', '.join(COMBINATIONS)}. Received: combinations={combinations!r}"
        )
    # Not the same places in another set of combinations.
    random = np.random.default_rng([*np.atleast_1d(seed), tuple(COMBINATIONS).index(combinations)])
    images, attributes = np.empty((count, size, size, 3), "uint8"), []
    for row in range(count):
        attributes.append(_choose(random, COMBINATIONS[combinations]))
        places = [divmod(POSITIONS.index(shape["position"]), 3) for shape in attributes[-1]]
        images[row] = draw(attributes[-1], places, size, random)
    return images, [wordings(shapes) for shapes in attributes], attributes


def _choose(random, pairs):
    number = random.integers(1, 3)
    chosen = random.integers(len(pairs), size=number)
    places = np.sort(random.choice(len(POSITIONS), number, replace=False))
    return [
        {"shape": pairs[pair][0], "colour": pairs[pair][1], "position": POSITIONS[place]}
        for pair, place in zip(chosen, places, strict=True)
    ]


def wordings(attributes):
    """The captions of a picture: a list of three str; `attributes` as from `make_shape_captions`."""
    things = [(f"a {one['colour']} {one['shape']}", PLACES[one["position"]]) for one in attributes]
    return [
        " and ".join(f"{thing} {place}" for thing, place in things),
        ", ".join(f"{place} is {thing}" for thing, place in things),
        "there is " + " and ".join(f"{thing} {place}" for thing, place in reversed(things)),
    ]


def attributes_of(caption):
    """Reads back from a caption what is to be seen in the picture.

    Args:
        caption: str. In any case, with any spaces.

    Returns:
        List of dicts with `shape`, `colour` and `position` in the order of reading, as from `make_shape_captions`; an
        empty list for a text that is not worded like its captions.

    Example:
        >>> from nlpkit.data.shape_captions import attributes_of
        >>> attributes_of("On the left is a red circle")
        [{'shape': 'circle', 'colour': 'red', 'position': 'left'}]
        >>> attributes_of("a red red circle")
        []
    """
    text = " ".join(caption.lower().split())
    parts = text.removeprefix("there is ").replace(" and ", ", ").split(", ")
    if not all(part in PARTS for part in parts):
        return []
    found = [dict(PARTS[part]) for part in parts]
    if text not in wordings(found) + wordings(found[::-1]):
        return []
    return sorted(found, key=lambda one: POSITIONS.index(one["position"]))
