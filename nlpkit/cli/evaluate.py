"""`nlpkit evaluate`: a saved model on texts that it has not seen."""

from nlpkit.cli import options
from nlpkit.cli.command import with_examples
from nlpkit.cli.reading import labelled_reader, text_reader
from nlpkit.cli.show import (
    note_skipped,
    numbers,
    print_classes,
    print_evaluations,
    print_perplexities,
    write_json,
)
from nlpkit.cli.start import load_model
from nlpkit.errors import InputError

EXAMPLES = (
    "nlpkit evaluate saved_models/x --data test.csv",
    "nlpkit evaluate saved_models/x --data test.tsv --columns label,text --json",
    "nlpkit evaluate saved_models/lm --data test.txt --json",
)


def register(app):
    """Adds `evaluate` to the command line."""
    app.command(cls=with_examples(*EXAMPLES))(evaluate)


def evaluate(
    model: options.ModelFolder,
    data: options.Data,
    columns: options.Columns = None,
    text: options.Text = None,
    label: options.Label = None,
    quoting: options.Quoting = None,
    label_separator: options.LabelSeparator = None,
    on_bad_row: options.OnBadRow = "error",
    format: options.FileFormat = None,
    whole_files: options.WholeFiles = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
):
    """Measure a saved model.

    A classifier on labelled texts: accuracy, F1, calibration, each class.

    Several labels of a text are parted as they were in the training data, unless --label-separator is given.

    A text generator on texts: perplexity, bits per character; the end of each text counts as a token.
    """
    from nlpkit.estimators.saving import read_spec

    spec = read_spec(model)
    reading = {
        "text": text,
        "columns": columns,
        "quoting": quoting,
        "on_bad_row": on_bad_row,
        "format": format,
    }
    if spec.task == "generator":
        _refuse(
            model, "a text generator, which needs no labels", label=label, label_separator=label_separator
        )
        reader, show = text_reader(data, whole_files=whole_files, **reading), _show_perplexity
    else:
        _refuse(model, "a classifier, which reads a text per row", whole_files=whole_files)
        separator = spec.label_separator if label_separator is None else label_separator
        reader = labelled_reader(data, label=label, label_separator=separator, **reading)
        show = _show_classes
    evaluation = load_model(model).evaluate(reader)
    show(evaluation, reader, as_json)
    if not quiet:
        note_skipped(reader.skipped, reader.first_skipped)


def _refuse(model, what, **given):
    for name, value in given.items():
        if value:
            raise InputError(f"{model} holds {what}. Received: --{name.replace('_', '-')}. Leave it out.")


def _show_perplexity(evaluation, reader, as_json):
    if as_json:
        write_json({**evaluation, "skipped": reader.skipped})
    else:
        print_perplexities({"result": evaluation})


def _show_classes(evaluation, reader, as_json):
    if as_json:
        write_json({**numbers(evaluation), "skipped": reader.skipped})
    else:
        print_evaluations({"result": evaluation})
        print_classes(evaluation["per_class"])
