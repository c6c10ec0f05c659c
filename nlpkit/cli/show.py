"""What commands print: results to standard output, everything else to standard error."""

import json
from pathlib import Path

import typer

MEASURES = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
    "ece": "calibration error (ECE)",
}

# Part of the tokens; of the Penn Treebank 6 % are unknown.
MANY_UNKNOWN = 0.1
LANGUAGE_MEASURES = {
    "perplexity": ("perplexity", ",.2f"),
    "bits_per_character": ("bits per character", ".4f"),
    "tokens": ("tokens", ",d"),
    "unknown": ("unknown tokens", ",d"),
    "characters": ("characters", ",d"),
    "texts": ("texts", ",d"),
}

# Of texts that a model writes, beside the ones they should be.
TEXT_MEASURES = {
    "perplexity": ("perplexity", ",.2f"),
    "bleu": ("BLEU", ".2f"),
    "chrf": ("chrF", ".2f"),
    "rouge1": ("ROUGE-1", ".2f"),
    "rouge2": ("ROUGE-2", ".2f"),
    "rougeL": ("ROUGE-L", ".2f"),
    "exact_match": ("exact match (%)", ".2f"),
    "texts": ("texts", ",d"),
}


def note(text):
    """Writes a line that is no result to standard error."""
    typer.echo(text, err=True)


def note_skipped(skipped, first, part="data"):
    """Says how many rows were skipped and lists the first of them.

    Args:
        skipped: int. Number of rows.
        first: list of str. Messages of the first five.
        part: str. Which data. Defaults to `"data"`.
    """
    if skipped:
        note(f"{part}: {skipped:,} rows were skipped; the first:")
        for message in first:
            note(f"  {message}")


def print_exports(results):
    """Says of each export how it compares with its model.

    Args:
        results: List of `nlpkit.export.ExportResult`.
    """
    for result in results:
        note(
            f"{Path(result.path).name} ({result.format}): reloaded and compared on {result.texts_compared} inputs; "
            f"largest difference {result.max_difference:.1e}"
        )
        _note_further(result)
    files = [result for result in results if result.size is not None]
    if len(files) > 1 or any(result.quality for result in files):
        _print_files(files)


def _note_further(result):
    """Says what became of the signatures beside those that any machine runs."""
    if result.gpu is not None:
        compared = "compared too" if result.gpu["compared"] else "not compared, since there is no GPU here"
        note(f"  for a GPU, {compared}: {', '.join(result.gpu['signatures'])}")
    if result.jit is not None:
        times = "{milliseconds:.2f} ms a text with XLA, {milliseconds_without:.2f} ms without".format(
            **result.jit
        )
        note(f"  {times}: jit_… signatures {'were added' if result.jit['written'] else 'were left out'}")


def _print_files(results):
    from rich.console import Console
    from rich.table import Table

    quality = next((result.quality for result in results if result.quality), None)
    measured = [] if quality is None else list(quality)
    table = Table()
    for column in ("file", "bytes", "ms a text", *(name.replace("_", " ") for name in measured)):
        table.add_column(column, justify="left" if column == "file" else "right")
    for result in results:
        values = [f"{result.quality[name]:.4f}" if result.quality else "" for name in measured]
        table.add_row(Path(result.path).name, f"{result.size:,}", f"{result.milliseconds:.2f}", *values)
    Console(stderr=True).print(table)


def write_json(result):
    """Writes a result as one line of JSON to standard output."""
    typer.echo(json.dumps(result, ensure_ascii=False))


def numbers(evaluation):
    """The part of an evaluation that a script wants: its scalars, and the measures per class."""
    scalars = {name: value for name, value in evaluation.items() if not isinstance(value, (dict, list))}
    scalars.pop("confusion_matrix", None)  # a None where there is no matrix
    return {**scalars, "per_class": evaluation["per_class"]}


def print_evaluations(evaluations):
    """Prints a table with one column per evaluation.

    Args:
        evaluations: dict. Name, such as `"validation"`, to evaluation.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table()
    table.add_column("")
    for name, evaluation in evaluations.items():
        table.add_column(f"{name} ({evaluation['rows']:,} texts)", justify="right")
    for measure, title in MEASURES.items():
        table.add_row(title, *(_number(evaluation.get(measure)) for evaluation in evaluations.values()))
    Console(highlight=False).print(table)


def print_perplexities(evaluations):
    """Prints a table with one column per evaluation of a language model.

    Args:
        evaluations: dict. Name, such as `"validation"`, to evaluation; rows that none of them has are left out.
    """
    _print_measures(LANGUAGE_MEASURES, evaluations)


def note_unknown(rates):
    """Says where many tokens are unknown, which makes a perplexity look better than it is.

    Args:
        rates: dict. Name of a part of the data to the part of its tokens that the vocabulary lacks.
    """
    many = [f"{rate:.0%} of the tokens of the {part}" for part, rate in rates.items() if rate >= MANY_UNKNOWN]
    if many:
        note(
            f"unknown to the vocabulary: {', '.join(many)}. All of them are one token, which is easy to foresee, so "
            "that the perplexity looks better than it is. Train on more texts, or with --level subword, which knows "
            "all words."
        )


def print_texts_measured(evaluations):
    """Prints a table with one column per evaluation of a text-to-text model, and how BLEU and chrF were reckoned.

    Args:
        evaluations: dict. Name, such as `"test"`, to evaluation; rows that none of them has are left out.
    """
    _print_measures(TEXT_MEASURES, evaluations)
    signatures = {
        name: value for evaluation in evaluations.values() for name, value in evaluation.items()
        if name.endswith("_signature")
    }  # fmt: skip
    for name, signature in signatures.items():
        typer.echo(f"{TEXT_MEASURES[name.removesuffix('_signature')][0]}: {signature}")


def print_classes(per_class):
    """Prints a table with one row per class.

    Args:
        per_class: dict. Label to its precision, recall, F1 and support.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("label", *(_right(title) for title in ("precision", "recall", "F1", "texts")))
    for label, row in per_class.items():
        measures = (_number(row[name]) for name in ("precision", "recall", "f1"))
        table.add_row(escape(str(label)), *measures, f"{row['support']:,}")
    Console(highlight=False).print(table)


def _print_measures(measures, evaluations):
    from rich.console import Console
    from rich.table import Table

    table = Table("", *(_right(name) for name in evaluations))
    for measure, (title, style) in measures.items():
        values = [evaluation.get(measure) for evaluation in evaluations.values()]
        if any(value is not None for value in values):
            table.add_row(title, *("-" if value is None else format(value, style) for value in values))
    Console(highlight=False).print(table)


def _right(title):
    from rich.table import Column

    return Column(title, justify="right")


def _number(value):
    return "-" if value is None else f"{value:.4f}"
