"""Lazy public names (PEP 562), so that importing a package imports none of its modules."""

import importlib
import sys


def lazy_names(package, modules):
    """Returns `__getattr__`, `__dir__` and `__all__` for a package whose names are imported on first use.

    Args:
        package: str. The package's `__name__`.
        modules: dict. Public name to the relative module that defines it.

    Returns:
        Tuple of a function, a function and a sorted list of names.

    Raises:
        AttributeError: If a name is not among `modules`.

    Example:
        >>> from nlpkit._lazy import lazy_names
        >>> getter, _, names = lazy_names("nlpkit", {"InputError": ".errors"})
        >>> getter("InputError").__name__, names
        ('InputError', ['InputError'])
    """

    def __getattr__(name):
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}. It has: {sorted(modules)}")
        value = getattr(importlib.import_module(modules[name], package), name)
        if package in sys.modules:
            setattr(sys.modules[package], name, value)
        return value

    return __getattr__, lambda: sorted(modules), sorted(modules)
