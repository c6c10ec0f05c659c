"""The one error type that means: the input cannot be used, and this is what to do about it."""


class InputError(ValueError):
    """Bad input from the user: says what, where, what was received and what to do.

    The command line prints its message without a traceback and exits with code 2.

    Example:
        >>> from nlpkit.errors import InputError
        >>> issubclass(InputError, ValueError)
        True
    """


class VerificationError(RuntimeError):
    """An artefact that was written does not compute what the model computes; it has been removed.

    Example:
        >>> from nlpkit.errors import VerificationError
        >>> issubclass(VerificationError, RuntimeError)
        True
    """
