"""A value that a context variable has within a block."""

import contextlib


@contextlib.contextmanager
def held(variable, value):
    """Gives a context variable a value within a block, and its own again behind it.

    Args:
        variable: `contextvars.ContextVar`. Of its own in each thread: another one may run a model meanwhile.
        value: What it holds.

    Example:
        >>> from contextvars import ContextVar
        >>> from nlpkit.layers.held import held
        >>> size = ContextVar("size", default=1)
        >>> with held(size, 2):
        ...     size.get()
        2
    """
    before = variable.set(value)
    try:
        yield
    finally:
        variable.reset(before)
