"""The formats of an export, and which option is about which of them."""

from nlpkit.errors import InputError

FORMATS = ("saved_model", "tflite", "onnx")
# What messages call a format that has options of its own.
TITLES = {"saved_model": "SavedModels", "tflite": "TFLite"}
FORMAT_OF = {name: "saved_model" for name in ("device", "jit")} | {
    name: "tflite"
    for name in ("quantize", "steps", "fused_lstm", "text_ops", "representative_data", "validation_data")
}


def check_formats(to, **options):
    """The formats that an estimator is asked to export to, of which each option must be about one.

    Args:
        to: str, or list of str.
        **options: Arguments of `export` that are in `FORMAT_OF`; `None`, `False` and an empty sequence are not given.

    Returns:
        List of str, each once.

    Raises:
        InputError: If there is no format, one is unknown, or an option is about another one.

    Example:
        >>> from nlpkit.export.formats import check_formats
        >>> check_formats("saved_model", device="gpu", quantize=())
        ['saved_model']
    """
    to = [to] if isinstance(to, str) else to
    formats = list(dict.fromkeys(to)) if isinstance(to, (list, tuple)) else []
    if not formats:
        raise InputError(f"`to` must name one of {list(FORMATS)}, or several. Received: to={to!r}")
    for name in formats:
        if name not in FORMATS:
            raise InputError(f"`to` must be among {list(FORMATS)}. Received: {name!r}")
    for name, value in options.items():
        needed = FORMAT_OF[name]
        if _is_given(value) and needed not in formats:
            raise InputError(
                f"`{name}` is about {TITLES[needed]}. Received: to={formats}. Add {needed!r}, or leave `{name}` out."
            )
    return formats


def write_all(formats, write):
    """Writes exports; SavedModels last, of which each takes a folder of its own, since others may be refused.

    Args:
        formats: List of str.
        write: dict from the name of a format to a callable that gives a list of `ExportResult`.

    Returns:
        List of `ExportResult`, in the order of the formats.

    Example:
        >>> from nlpkit.export.formats import write_all
        >>> write = {"saved_model": lambda: ["x/1"], "onnx": lambda: ["x/model.onnx"]}
        >>> write_all(["saved_model", "onnx"], write)
        ['x/1', 'x/model.onnx']
    """
    found = {name: write[name]() for name in sorted(formats, key="saved_model".__eq__)}
    return [result for name in formats for result in found[name]]


def _is_given(value):
    return not (value is None or value is False or (isinstance(value, (list, tuple)) and not value))
