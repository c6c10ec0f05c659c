"""Draws coloured shapes with smooth edges on a dark ground."""

import numpy as np

# Whether a point belongs to a shape that fills the square from -1 to 1; y grows downwards.
SHAPES = {
    "circle": lambda x, y: x**2 + y**2 <= 1,
    "square": lambda x, y: np.maximum(abs(x), abs(y)) <= 0.88,
    "triangle": lambda x, y: (y <= 0.85) & (abs(x) <= 0.54 * (y + 1)),
    "diamond": lambda x, y: abs(x) + abs(y) <= 1,
    "cross": lambda x, y: (np.minimum(abs(x), abs(y)) <= 0.33) & (np.maximum(abs(x), abs(y)) <= 1),
}
COLOURS = {
    "red": (220, 40, 40),
    "green": (40, 170, 60),
    "blue": (50, 90, 230),
    "yellow": (235, 215, 50),
    "purple": (165, 60, 205),
    "white": (235, 235, 235),
}
SAMPLES = 3  # points along a pixel; the part of them inside the shape is how much of the pixel it covers


def draw(attributes, places, size, random):
    """Draws a picture; brightness, hue, size and exact place of each shape vary a little.

    Args:
        attributes: list of dicts with `shape` and `colour`.
        places: list of tuples. Row and column of each shape in a grid of three by three.
        size: int. Height and width in pixels.
        random: `np.random.Generator`.

    Returns:
        uint8 array of shape `(size, size, 3)`.

    Example:
        >>> import numpy as np
        >>> from nlpkit.data.shape_drawing import draw
        >>> image = draw([{"shape": "square", "colour": "white"}], [(1, 1)], 30, np.random.default_rng(0))
        >>> bool(image[15, 15].min() > 150), bool(image[5, 5].max() < 100)
        (True, True)
    """
    picture = random.uniform(20, 60) + random.normal(0, 4, (size, size, 3))
    for one, place in zip(attributes, places, strict=True):
        radius = random.uniform(0.115, 0.15) * size
        room = size / 6 - radius  # so much it may move without leaving its ninth of the picture
        middle = (np.array(place) + 0.5) * size / 3 + random.uniform(-room, room, 2)
        colour = np.array(COLOURS[one["colour"]]) + random.uniform(-15, 15, 3)
        covered = _covered(SHAPES[one["shape"]], middle, radius, size)[..., None]
        picture += covered * (colour - picture)
    return picture.round().clip(0, 255).astype("uint8")


def _covered(inside, middle, radius, size):
    """How much of each pixel a shape covers, from 0 to 1."""
    points = (np.arange(SAMPLES * size) + 0.5) / SAMPLES
    y, x = ((points - place) / radius for place in middle)
    return inside(x[None, :], y[:, None]).reshape(size, SAMPLES, size, SAMPLES).mean((1, 3))
