"""`nlpkit evaluate`: a saved model on labelled texts."""

from nlpkit.cli import options
from nlpkit.cli.command import with_examples
from nlpkit.cli.reading import labelled_reader
from nlpkit.cli.show import note_skipped, numbers, print_classes, print_evaluations, write_json
from nlpkit.cli.start import load_model

EXAMPLES = (
    "nlpkit evaluate saved_models/x --data test.csv",
    "nlpkit evaluate saved_models/x --data test.tsv --columns label,text --json",
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
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
):
    """Measure a saved model on labelled texts: accuracy, F1, calibration, each class.

    Several labels of a text are parted as they were in the training data, unless --label-separator is given.
    """
    from nlpkit.estimators.saving import read_spec

    if label_separator is None:
        label_separator = read_spec(model).label_separator
    reader = labelled_reader(
        data, text=text, label=label, columns=columns, quoting=quoting, label_separator=label_separator,
        on_bad_row=on_bad_row, format=format,
    )  # fmt: skip
    evaluation = load_model(model).evaluate(reader)
    if as_json:
        write_json({**numbers(evaluation), "skipped": reader.skipped})
    else:
        print_evaluations({"result": evaluation})
        print_classes(evaluation["per_class"])
    if not quiet:
        note_skipped(reader.skipped, reader.first_skipped)
