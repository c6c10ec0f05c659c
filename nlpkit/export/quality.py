"""What a model is worth, so that a smaller file of it which is worth less is refused."""

from collections.abc import Callable
from dataclasses import dataclass

from nlpkit.errors import VerificationError


def lower(of_model, found):
    """What is lost of a measure of which more is better: the difference.

    Args:
        of_model: float.
        found: float.

    Returns:
        float.

    Example:
        >>> from nlpkit.export.quality import lower
        >>> lower(0.75, 0.5)
        0.25
    """
    return of_model - found


def lower_of_100(of_model, found):
    """The same of a measure in per cent: a whole per cent less is 0.01.

    Args:
        of_model: float.
        found: float.

    Returns:
        float.

    Example:
        >>> from nlpkit.export.quality import lower_of_100
        >>> lower_of_100(75.0, 50.0)
        0.25
    """
    return (of_model - found) / 100


def higher(of_model, found):
    """What is lost of a measure of which less is better: by what part it has grown.

    Args:
        of_model: float.
        found: float.

    Returns:
        float.

    Example:
        >>> from nlpkit.export.quality import higher
        >>> higher(100.0, 125.0)
        0.25
    """
    return found / of_model - 1


@dataclass
class Quality:
    """A measure that a file of a model has to keep.

    Args:
        name: str. What is measured, such as `"accuracy"`.
        of_model: float. That of the Keras model.
        of_file: callable. Measures a file by its path.
        max_loss: float. How much a file may lose.
        loss: callable. What is lost, from the model's and the file's measure. Defaults to `lower`.
    """

    name: str
    of_model: float
    of_file: Callable
    max_loss: float
    loss: Callable = lower

    def check(self, path, name):
        """Measures a file.

        Args:
            path: Path of the file.
            name: str. What messages call it.

        Returns:
            dict of the measure of the file and that of the model.

        Raises:
            VerificationError: If the file loses more than it may.
        """
        found = self.of_file(path)
        # So written that what is no number is refused, too.
        if not self.loss(self.of_model, found) <= self.max_loss:
            raise VerificationError(
                f"{name} has {found:.4f} {self.name}, the Keras model {self.of_model:.4f}: more than "
                f"{self.max_loss:g} lost. It was removed. Allow more with `max_loss` (--max-loss), or leave this "
                "quantisation out."
            )
        return {self.name: found, f"{self.name}_of_model": self.of_model}
