"""Pictures to sequences of vectors, one for each region, by layers that are trained with what reads them."""

import keras

from nlpkit.errors import InputError

KERNEL_SIZE = 3
# Of pixels from 0 to 1: the noise of a picture with nothing on it does not become one.
LEAST_DEVIATION = 0.01


@keras.saving.register_keras_serializable(package="nlpkit")
class ImageRegions(keras.layers.Layer):
    """Regions of pictures: their shapes by convolutions over the brightness, their colours as a mean.

    Each picture is standardised first, so that light and contrast make no difference. The regions come from left to
    right and from top to bottom, each a vector. A picture of any size has one for each square of
    `2 ** (len(filters) - 1)` pixels; what does not fill a square is part of none, but its brightness is still seen.

    Half of a vector comes from the square's mean colour, by two dense layers. The other half comes from convolutions
    that see the brightness of the whole picture, each but the last followed by a halving of height and width. So shapes
    are seen without their colour and colours without their shape, coarser than brightness, as JPEG has them: what was
    learnt of red squares and green circles also holds for a green square.

    Args:
        units: int, at least 2. Size of a region's vector.
        filters: list of int. Filters of each convolution, of 3 by 3. Defaults to `(32, 64, 64)`.
        dropout: float. Of whole feature maps after each convolution. Defaults to 0.

    Call arguments:
        inputs: Float or uint8 tensor of shape `(batch, height, width, channels)`, pixels from 0 to 255.
        training: bool. Whether dropout is active.

    Returns:
        Float tensor of shape `(batch, regions, units)`.

    Raises:
        InputError: If there are no filters, `units` is below 2, or a picture is smaller than a region.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers import ImageRegions
        >>> ImageRegions(5)(np.zeros((2, 32, 24, 3), "uint8")).shape
        TensorShape([2, 48, 5])

    Reference:
        [LeCun et al., 1998](https://doi.org/10.1109/5.726791); regions for a decoder:
        [Xu et al., 2015](https://arxiv.org/abs/1502.03044)
    """

    def __init__(self, units, filters=(32, 64, 64), dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.filters, self.dropout = units, list(filters), dropout
        if not self.filters:
            raise InputError("`filters` must name one convolution or more. Received: filters=[]")
        if units < 2:
            raise InputError(
                f"`units` must be 2 or more: for shapes and for colours. Received: units={units}"
            )
        part = {"dtype": self.dtype_policy}
        self.convolutions = [
            keras.layers.Conv2D(
                number, KERNEL_SIZE, padding="same", activation="relu", kernel_initializer="he_normal",
                name=f"convolution_{place}", **part,
            )
            for place, number in enumerate(self.filters)
        ]  # fmt: skip
        self.halve = keras.layers.MaxPooling2D(name="halve", **part)
        self.drop = keras.layers.SpatialDropout2D(dropout, name="dropout", **part)
        self.shapes = keras.layers.Dense(units // 2, name="shapes", **part)
        self.mean = keras.layers.AveragePooling2D(self._pixels, name="mean", **part)
        self.hues = keras.layers.Dense(self.filters[-1], activation="relu", name="hues", **part)
        self.colours = keras.layers.Dense(units - units // 2, name="colours", **part)

    @property
    def _pixels(self):
        """Height and width of a region."""
        return 2 ** (len(self.filters) - 1)

    def build(self, input_shape):
        self._sides(input_shape)
        channels = 1
        for convolution in self.convolutions:
            convolution.build((None, None, None, channels))
            channels = convolution.filters
        self.shapes.build((None, None, channels))
        self.hues.build((None, None, input_shape[-1]))
        self.colours.build((None, None, self.filters[-1]))

    def call(self, inputs, training=False):
        x = keras.ops.cast(self._standardised(inputs), self.compute_dtype)
        maps = keras.ops.mean(x, axis=-1, keepdims=True)
        for place, convolution in enumerate(self.convolutions):
            maps = self.halve(maps) if place else maps
            maps = self.drop(convolution(maps), training=training)
        means = _in_a_row(self.mean(x))
        halves = [self.colours(self.hues(means)), self.shapes(_in_a_row(maps))]
        return keras.ops.concatenate(halves, axis=-1)

    def _standardised(self, inputs):
        """Each picture with a mean of 0 and a deviation of 1, one of a single colour with zeros; in float32."""
        x = keras.ops.cast(inputs, "float32") / 255.0
        mean, variance = keras.ops.moments(x, axes=(1, 2, 3), keepdims=True)
        return (x - mean) / keras.ops.maximum(keras.ops.sqrt(variance), LEAST_DEVIATION)

    def compute_output_shape(self, input_shape):
        height, width = self._sides(input_shape)
        regions = None if None in (height, width) else height * width
        return (input_shape[0], regions, self.units)

    def _sides(self, input_shape):
        """Regions from top to bottom and from left to right; `None` where the picture's side is open."""
        pixels = self._pixels
        sides = [None if side is None else side // pixels for side in input_shape[1:3]]
        if 0 in sides:
            raise InputError(
                f"With {len(self.filters)} `filters` pictures must have {pixels} by {pixels} pixels or more. "
                f"Received: pictures of {input_shape[1]} by {input_shape[2]}. Take fewer filters, or larger pictures."
            )
        return sides

    def get_config(self):
        own = {"units": self.units, "filters": self.filters, "dropout": self.dropout}
        return {**super().get_config(), **own}


def _in_a_row(maps):
    """Squares `(batch, rows, columns, channels)` as a sequence."""
    return keras.ops.reshape(maps, (keras.ops.shape(maps)[0], -1, maps.shape[-1]))
