"""The training report: `report.json` for programs and `report.html`, one self-contained page, for people."""

import base64
import functools
import io
import json
import math
import os
from importlib import resources
from pathlib import Path

from nlpkit.estimators.report_language import language_view, total_tokens
from nlpkit.estimators.report_pairs import pairs_view

MATRIX_CLASSES = (
    30  # a larger confusion matrix is unreadable; the most frequent confusions are listed instead
)
TRAIN_COLOR, VALIDATION_COLOR, MUTED, GRID = "#94a3b8", "#2563eb", "#64748b", "#e2e8f0"


def write_report(folder, report):
    """Writes `report.json` and `report.html` into a folder.

    The JSON is strict: NaN and infinity become null, NumPy values become plain ones. The page needs nothing
    beside it: style and pictures are inside, texts and labels are escaped.

    Args:
        folder: str or path. Created where it does not exist.
        report: dict. The `report_` of a fitted estimator; its evaluations come from `evaluate_probabilities`.

    Returns:
        tuple of the two paths written, JSON first.

    Example:
        >>> import tempfile
        >>> from nlpkit.estimators.report import write_report
        >>> paths = write_report(tempfile.mkdtemp(), {"task": "classifier", "name": "reviews"})
        >>> [path.name for path in paths]
        ['report.json', 'report.html']
    """
    folder, report = Path(folder), _plain(report)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    # a lone surrogate, left over from broken input, has no UTF-8 form: JSON escapes it, the page shows "?"
    json_file = _write(folder / "report.json", text.encode("utf-8", "backslashreplace"))
    html_file = _write(folder / "report.html", _template().render(_view(report)).encode("utf-8", "replace"))
    return json_file, html_file


def _write(path, content):
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_bytes(content)
    os.replace(temporary, path)
    return path


def _plain(value):
    """The same value in JSON types only."""
    if hasattr(value, "tolist"):  # NumPy scalars and arrays
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


@functools.cache
def _template():
    import jinja2

    folder = resources.files("nlpkit.estimators")
    loader = jinja2.FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8"))
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(percent=_percent, decimal=_decimal, count=_count, duration=_duration)
    environment.filters.update(perplexity=_perplexity, total_tokens=total_tokens, score=_score)
    return environment.get_template("report.html.jinja")


def _view(report):
    """What the template shows: the report, and what is computed from it for people."""
    evaluation = report.get("evaluation") or {}
    # the validation part chose the epoch, so a part the training never saw speaks for the model
    names = sorted(evaluation, key=lambda name: (name != "validation", name == "test"))
    data = report.get("data") or {}
    history = report.get("history") or {}
    labels = (data.get("train") or {}).get("labels") or {}
    for name in names:
        labels = labels or dict.fromkeys(evaluation[name]["per_class"])
    return {
        "report": report,
        "language": language_view(report),
        "pairs": pairs_view(report),
        "data": {name: data[name] for name in ("train", *names, *data) if data.get(name)},
        "labels": labels,
        "parts": {name: evaluation[name] for name in names},
        "headline": names[-1] if names else None,
        "multi_label": bool(names) and evaluation[names[-1]]["confusion_matrix"] is None,
        "baseline": _baseline(evaluation[names[-1]]) if names else None,
        "matrices": {name: _matrix(evaluation[name]["confusion_matrix"]) for name in names},
        "confusions": {name: _confusions(evaluation[name]["confusion_matrix"]) for name in names},
        "curves": {
            title: _curve(history, title, report.get("best_epoch"))
            for title in ("loss", "accuracy")
            if history.get(title)
        },
        "calibration": {name: _calibration_picture(evaluation[name]["calibration"]) for name in names},
        "settings": _flat(report.get("settings") or {}),
    }


def _baseline(part):
    """The accuracy of always answering the most frequent class; None for multi-label."""
    if part["confusion_matrix"] is None:
        return None
    return max(row["support"] for row in part["per_class"].values()) / part["rows"]


def _matrix(confusion):
    """Rows of the normalised confusion matrix, or None where it is undefined or too large to read."""
    if confusion is None or len(confusion["labels"]) > MATRIX_CLASSES:
        return None
    rows = []
    for label, counts in zip(confusion["labels"], confusion["counts"], strict=True):
        total = sum(counts)
        cells = [{"count": count, "share": count / total if total else None} for count in counts]
        rows.append({"label": label, "total": total, "cells": cells})
    return rows


def _confusions(confusion):
    """The most frequent confusions of more than two classes; the matrix of two says it all."""
    if confusion is None or len(confusion["labels"]) < 3:
        return []
    labels = confusion["labels"]
    pairs = [
        {"label": labels[i], "predicted": labels[j], "count": count, "total": sum(counts)}
        for i, counts in enumerate(confusion["counts"])
        for j, count in enumerate(counts)
        if i != j and count
    ]
    pairs.sort(key=lambda pair: -pair["count"])
    return pairs[: 5 if len(labels) <= MATRIX_CLASSES else 20]


def _flat(settings, prefix=""):
    """Nested settings as (dotted name, text) pairs."""
    pairs = []
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            pairs += _flat(value, f"{prefix}{key}.")
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            pairs.append((f"{prefix}{key}", text if len(text) <= 300 else text[:300] + "…"))
    return pairs


def _figure(width, height):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)  # no pyplot: nothing global, so reports may be written from any thread
    return figure


def _axes(figure, position):
    axes = figure.add_subplot(position)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRID)
    axes.tick_params(colors=MUTED, length=0, labelsize=9)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def _data_uri(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _curve(history, name, best_epoch):
    """Picture of one quantity by epoch on the training and validation part, the best epoch marked."""
    from matplotlib.ticker import MaxNLocator

    figure = _figure(5.2, 3.2)
    figure.subplots_adjust(left=0.1, right=0.98, top=0.97, bottom=0.15)
    axes = _axes(figure, 111)
    for key, label, color in (
        (name, "training", TRAIN_COLOR),
        (f"val_{name}", "validation", VALIDATION_COLOR),
    ):
        values = [math.nan if value is None else value for value in history.get(key) or []]
        if values:
            epochs = range(1, len(values) + 1)
            axes.plot(epochs, values, color=color, linewidth=2, marker="o", markersize=4, label=label)
    if best_epoch:
        axes.axvline(
            best_epoch, color="#16a34a", linestyle="--", linewidth=1.4, label=f"best epoch: {best_epoch}"
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch", color=MUTED)
    axes.legend(frameon=False, fontsize=9)
    return _data_uri(figure)


def _calibration_picture(bins):
    """Reliability diagram: how often the model was right against the probability it gave, by bin."""
    from matplotlib.ticker import EngFormatter

    filled = [part for part in bins if part["count"]]
    figure = _figure(3.7, 3.9)
    figure.subplots_adjust(left=0.17, right=0.98, top=0.92, bottom=0.13, hspace=0.1)
    upper, lower = figure.add_gridspec(2, 1, height_ratios=(4, 1))
    axes, below = _axes(figure, upper), _axes(figure, lower)
    axes.plot([0, 1], [0, 1], color=MUTED, linestyle="--", linewidth=1.2, label="perfect")
    confidence, accuracy, counts = (
        [part[key] for part in filled] for key in ("confidence", "accuracy", "count")
    )
    axes.plot(confidence, accuracy, color=VALIDATION_COLOR, linewidth=1.5, label="this model")
    largest = max(counts, default=1)  # a bin of three texts must not look as certain as one of three thousand
    axes.scatter(confidence, accuracy, [12 + 60 * n / largest for n in counts], color=VALIDATION_COLOR)
    axes.set(xlim=(0, 1.03), ylim=(-0.03, 1.05))
    axes.tick_params(labelbottom=False)
    axes.set_ylabel("how often it was right", color=MUTED)
    axes.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    width = 1 / len(bins)
    middles = [(i + 0.5) * width for i in range(len(bins))]
    below.bar(middles, [part["count"] for part in bins], width * 0.9, color="#bfdbfe")
    below.set(xlim=(0, 1.03))
    below.locator_params(axis="y", nbins=2, integer=True)
    below.yaxis.set_major_formatter(EngFormatter(sep=""))  # 500k: a million answers leave room for the label
    below.set_xlabel("probability the model gave", color=MUTED)
    below.set_ylabel("answers", color=MUTED)
    return _data_uri(figure)


def _percent(value):
    return "–" if value is None else f"{100 * value:.1f}%"


def _decimal(value):
    return "–" if value is None else f"{value:.3f}"


def _score(value):
    """A measure from 0 to 100, with one digit as papers have it."""
    return "–" if value is None else f"{value:.1f}"


def _perplexity(value):
    return "–" if value is None else f"{value:,.2f}"


def _count(value):
    return "–" if value is None else f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _duration(seconds):
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
