"""`nlpkit predict`: labels for texts given as arguments, in files, or piped in."""

import sys
from typing import Annotated

import typer
from typer.core import TyperCommand

from nlpkit.cli import options
from nlpkit.cli.command import with_examples
from nlpkit.cli.prediction_lines import TSV_HEADER, prediction_line
from nlpkit.cli.show import note_skipped
from nlpkit.cli.start import load_model
from nlpkit.errors import InputError

USAGE_ERROR = typer.BadParameter.__base__  # click's; which click that is depends on the version of typer
EXAMPLES = (
    "nlpkit predict saved_models/x 'a text' 'another' --json",
    "nlpkit predict saved_models/x --data texts.txt --json > labels.jsonl",
    "nlpkit predict saved_models/x --data new.csv --text body --tsv > labels.tsv",
    "cat texts.txt | nlpkit predict saved_models/x | head",
    "nlpkit predict saved_models/x -- '-5 stars'",
)
Texts = Annotated[list[str] | None, typer.Argument(help="Texts to label.", show_default=False)]
Files = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        help=f"{options.DATA_HELP} '-' is standard input.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
AsJsonLines = Annotated[
    bool, typer.Option("--json", help="Write JSON Lines, with all probabilities.", rich_help_panel="Output")
]
AsTsv = Annotated[
    bool, typer.Option("--tsv", help="Write a table: label, probability, text.", rich_help_panel="Output")
]


class _TextsCommand(TyperCommand):
    # Says how to give a text that looks like an option.
    def parse_args(self, ctx, args):
        try:
            return super().parse_args(ctx, args)
        except USAGE_ERROR as error:
            if type(error).__name__ == "NoSuchOption":
                way = f"{ctx.command_path} MODEL -- '-a text'"
                error.message += f". A text that begins with a dash goes after --: {way}"
            raise


def register(app):
    """Adds `predict` to the command line."""
    app.command(cls=with_examples(*EXAMPLES, base=_TextsCommand))(predict)


def predict(
    model: options.ModelFolder,
    texts: Texts = None,
    data: Files = None,
    columns: options.Columns = None,
    text: options.Text = None,
    quoting: options.Quoting = None,
    on_bad_row: options.OnBadRow = "error",
    format: options.FileFormat = None,
    as_json: AsJsonLines = False,
    as_tsv: AsTsv = False,
    quiet: options.Quiet = False,
):
    """Label texts with a saved model, any number of them, in little memory.

    Without texts and --data, standard input is read, one text a line.

    Each text gets one prediction, in order; so does a blank line or empty cell.
    """
    if as_json and as_tsv:
        raise InputError("Only one of --json and --tsv can be written. Received: both. Leave one out.")
    reader_options = {
        "text": text,
        "columns": columns,
        "quoting": quoting,
        "on_bad_row": on_bad_row,
        "format": format,
    }
    reader = None if texts and not data else _reader(texts, data, reader_options)
    if texts:
        _check_encoding(texts)
    classifier = load_model(model)
    if as_tsv:
        typer.echo(TSV_HEADER)
    style = "json" if as_json else "tsv" if as_tsv else "plain"
    chunks = [texts] if reader is None else (chunk.texts for chunk in reader)
    for chunk in _with_progress(chunks, shown=reader is not None and not quiet):
        _write(classifier, chunk, style)
    if reader is not None and not quiet:
        note_skipped(reader.skipped, reader.first_skipped)


def _reader(texts, data, reader_options):
    from nlpkit.data import TableReader

    if texts and data:
        raise InputError(
            f"Give texts or --data, not both. Received: {len(texts)} text(s) and --data {' '.join(data)}."
        )
    if not data and _is_terminal(sys.stdin):
        raise InputError("There is nothing to label. Give texts, name a file with --data, or pipe texts in.")
    return TableReader(data or "-", label=False, **reader_options)


def _check_encoding(texts):
    from nlpkit.data.row_checks import encoding_problem

    for number, text in enumerate(texts, start=1):
        problem = encoding_problem(text)
        if problem:
            raise InputError(f"Text {number} {problem}")


def _write(classifier, chunk, style):
    probabilities = classifier.predict_proba(chunk)
    labels = classifier.labels_of(probabilities)
    classes = classifier.classes_.tolist()
    labels = labels if classifier.multi_label else labels.tolist()
    rows = zip(chunk, labels, probabilities.tolist(), strict=True)
    sys.stdout.write(
        "".join(prediction_line(style, text, label, classes, row) + "\n" for text, label, row in rows)
    )
    sys.stdout.flush()


def _with_progress(chunks, shown):
    # In a terminal that also shows the predictions, a moving bar would be in their way.
    if not shown or _is_terminal(sys.stdout) or not _is_terminal(sys.stderr):
        yield from chunks
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,} texts"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=None)
        for chunk in chunks:
            yield chunk
            progress.advance(task, len(chunk))


def _is_terminal(stream):
    return stream.isatty()
