"""`nlpkit predict`: labels for texts given as arguments, in files, or piped in."""

import sys
from functools import partial
from typing import Annotated

import typer

from nlpkit.cli import options
from nlpkit.cli.prediction_lines import TSV_HEADER, prediction_line
from nlpkit.cli.reading import text_reader
from nlpkit.cli.show import note_skipped
from nlpkit.cli.start import load_model
from nlpkit.cli.texts import Files, chunks_of, reader_of, texts_command
from nlpkit.errors import InputError

EXAMPLES = (
    "nlpkit predict saved_models/x 'a text' 'another' --json",
    "nlpkit predict saved_models/x --data texts.txt --json > labels.jsonl",
    "nlpkit predict saved_models/x --data new.csv --text body --tsv > labels.tsv",
    "cat texts.txt | nlpkit predict saved_models/x | head",
    "nlpkit predict saved_models/x -- '-5 stars'",
)
Texts = Annotated[list[str] | None, typer.Argument(help="Texts to label.", show_default=False)]
AsJsonLines = Annotated[
    bool, typer.Option("--json", help="Write JSON Lines, with all probabilities.", rich_help_panel="Output")
]
AsTsv = Annotated[
    bool, typer.Option("--tsv", help="Write a table: label, probability, text.", rich_help_panel="Output")
]


def register(app):
    """Adds `predict` to the command line."""
    app.command(cls=texts_command(*EXAMPLES))(predict)


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
    make_reader = partial(
        text_reader, text=text, columns=columns, quoting=quoting, on_bad_row=on_bad_row, format=format
    )
    reader = reader_of(texts, data, "label", make_reader)
    classifier = load_model(model, "classifier")
    if as_tsv:
        typer.echo(TSV_HEADER)
    style = "json" if as_json else "tsv" if as_tsv else "plain"
    for chunk in chunks_of(texts, reader, quiet):
        _write(classifier, chunk, style)
    if reader is not None and not quiet:
        note_skipped(reader.skipped, reader.first_skipped)


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
