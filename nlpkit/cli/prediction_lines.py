"""One prediction as a line of JSON, of a table, or to read."""

import json

DIGITS = 7  # as many as a float32 holds


def json_line(text, label, classes, probabilities):
    """A prediction as a JSON object.

    Args:
        text: str. The text.
        label: The label, or the list of labels of a multi-label model.
        classes: list. All labels.
        probabilities: list of float. Their probabilities, in the same order.

    Returns:
        str without a line break.

    Example:
        >>> from nlpkit.cli.prediction_lines import json_line
        >>> json_line("Fine.", "good", ["bad", "good"], [0.25, 0.75])
        '{"text": "Fine.", "label": "good", "probabilities": {"bad": 0.25, "good": 0.75}}'
    """
    by_label = {str(name): round(p, DIGITS) for name, p in zip(classes, probabilities, strict=True)}
    return json.dumps({"text": text, "label": label, "probabilities": by_label}, ensure_ascii=False)


def tsv_header():
    """The header of the table whose rows `tsv_line` writes."""
    return "label\tprobability\ttext"


def tsv_line(text, label, classes, probabilities):
    """A prediction as tab-separated label, probability and text; several labels are joined by `";"`.

    Tabs and line breaks in the text become spaces. Arguments as in `json_line`.

    Returns:
        str without a line break.

    Example:
        >>> from nlpkit.cli.prediction_lines import tsv_line
        >>> tsv_line("so\\tso", "good", ["bad", "good"], [0.25, 0.75])
        'good\\t0.7500\\tso so'
    """
    chosen = _chosen(label, classes, probabilities)
    names = ";".join(str(name) for name, _ in chosen)
    return f"{names}\t{';'.join(f'{p:.4f}' for _, p in chosen)}\t{_one_line(text)}"


def plain_line(text, label, classes, probabilities):
    """A prediction to read: label and probability, in a column, and the text. Arguments as in `json_line`.

    Returns:
        str without a line break.

    Example:
        >>> from nlpkit.cli.prediction_lines import plain_line
        >>> plain_line("Fine.", "good", ["terrible", "good"], [0.25, 0.75])
        'good      0.750  Fine.'
    """
    width = max(len(str(name)) for name in classes)
    chosen = _chosen(label, classes, probabilities) if label != [] else [("-", 1.0 - max(probabilities))]
    return f"{', '.join(f'{name!s:<{width}}  {p:.3f}' for name, p in chosen)}  {_one_line(text)}"


def _chosen(label, classes, probabilities):
    names = label if isinstance(label, list) else [label]
    return [(name, probabilities[classes.index(name)]) for name in names]


def _one_line(text):
    return " ".join(text.split("\t")).replace("\r\n", " ").replace("\n", " ").replace("\r", " ")
