"""One prediction as a line of JSON, of a table, or to read."""

import json

DIGITS = 7  # as many as a float32 holds
TSV_HEADER = "label\tprobability\ttext"


def prediction_line(style, text, label, classes, probabilities):
    """Writes a prediction as one line.

    `"json"` is an object with all probabilities. `"tsv"` is a row of the table that `TSV_HEADER` begins; several
    labels are joined by `";"`. `"plain"` is to read, with labels in a column. In the latter two, tabs and line breaks
    of the text become spaces.

    Args:
        style: str. `"json"`, `"tsv"` or `"plain"`.
        text: str. The text.
        label: The label, or the list of labels of a multi-label model.
        classes: list. All labels.
        probabilities: list of float. Their probabilities, in the same order.

    Returns:
        str without a line break.

    Example:
        >>> from nlpkit.cli.prediction_lines import prediction_line
        >>> prediction_line("json", "Fine.", "good", ["bad", "good"], [0.25, 0.75])
        '{"text": "Fine.", "label": "good", "probabilities": {"bad": 0.25, "good": 0.75}}'
        >>> prediction_line("tsv", "so\\tso", "good", ["bad", "good"], [0.25, 0.75])
        'good\\t0.7500\\tso so'
        >>> prediction_line("plain", "Fine.", "good", ["terrible", "good"], [0.25, 0.75])
        'good      0.750  Fine.'
    """
    return STYLES[style](text, label, classes, probabilities)


def _json(text, label, classes, probabilities):
    by_label = {str(name): round(p, DIGITS) for name, p in zip(classes, probabilities, strict=True)}
    return json.dumps({"text": text, "label": label, "probabilities": by_label}, ensure_ascii=False)


def _tsv(text, label, classes, probabilities):
    chosen = _chosen(label, classes, probabilities)
    names = ";".join(str(name) for name, _ in chosen)
    return f"{names}\t{';'.join(f'{p:.4f}' for _, p in chosen)}\t{one_line(text)}"


def _plain(text, label, classes, probabilities):
    width = max(len(str(name)) for name in classes)
    chosen = _chosen(label, classes, probabilities) if label != [] else [("-", 1.0 - max(probabilities))]
    return f"{', '.join(f'{name!s:<{width}}  {p:.3f}' for name, p in chosen)}  {one_line(text)}"


def _chosen(label, classes, probabilities):
    names = label if isinstance(label, list) else [label]
    return [(name, probabilities[classes.index(name)]) for name in names]


def one_line(text):
    """The text with tabs and line breaks as spaces, so that it fits into a line of a table.

    Args:
        text: str.

    Returns:
        str.

    Example:
        >>> from nlpkit.cli.prediction_lines import one_line
        >>> one_line("so\\tso\\n")
        'so so '
    """
    return " ".join(text.split("\t")).replace("\r\n", " ").replace("\n", " ").replace("\r", " ")


STYLES = {"json": _json, "tsv": _tsv, "plain": _plain}
