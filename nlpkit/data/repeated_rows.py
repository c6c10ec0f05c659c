"""Rows of an array of which some come several times, such as an image for each of its captions, kept once."""

import numpy as np

from nlpkit.errors import InputError


class RepeatedRows:
    """An array and the numbers of its rows, in any order and any number of times.

    Args:
        array: Array of shape `(rows, ...)`.
        numbers: Int array of shape `(n,)`. The row of `array` that each row of this is.

    Raises:
        InputError: If a number is none of a row.

    Example:
        >>> import numpy as np
        >>> from nlpkit.data.repeated_rows import RepeatedRows
        >>> rows = RepeatedRows(np.array([[5, 6], [7, 8]]), [0, 0, 1])
        >>> len(rows), rows.array[rows.numbers[1:]].tolist()
        (3, [[5, 6], [7, 8]])
    """

    def __init__(self, array, numbers):
        self.array, self.numbers = array, np.asarray(numbers, np.int64).reshape(-1)
        if len(self.numbers) and not 0 <= self.numbers.min() <= self.numbers.max() < len(array):
            raise InputError(
                f"`numbers` must be from 0 to {len(array) - 1}, the rows of `array`. Received: "
                f"{self.numbers.min()} to {self.numbers.max()}"
            )

    def __len__(self):
        return len(self.numbers)
