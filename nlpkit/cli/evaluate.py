"""`nlpkit evaluate`: a saved model on texts that it has not seen."""

from typing import Annotated

import typer

from nlpkit.cli import options
from nlpkit.cli import text_to_text_options as of_pairs
from nlpkit.cli.command import with_examples
from nlpkit.cli.pairs import check_readable, pair_reader
from nlpkit.cli.reading import labelled_reader, text_reader_as_trained
from nlpkit.cli.show import (
    note_skipped,
    note_unknown,
    numbers,
    print_classes,
    print_evaluations,
    print_perplexities,
    print_texts_measured,
    write_json,
)
from nlpkit.cli.start import TASKS, load_model
from nlpkit.cli.target_search import check_attends, penalties_of
from nlpkit.errors import InputError

EXAMPLES = (
    "nlpkit evaluate saved_models/x --data test.csv",
    "nlpkit evaluate saved_models/x --data test.tsv --columns label,text --json",
    "nlpkit evaluate saved_models/lm --data test.txt --json",
    "nlpkit evaluate saved_models/mt --data test.tsv --columns source,target --beam 5 --json",
)
Beam = Annotated[
    int | None,
    typer.Option(
        "--beam",
        min=1,
        help="Of a text-to-text model: targets carried on side by side.",
        show_default="1",
        rich_help_panel="Search",
    ),
]
OF_TEXTS = ("text", "label", "label_separator", "whole_files")
SEARCH = ("beam", "length_penalty", "coverage_penalty", "max_new_tokens")
# What a model of each task is, for a refusal, and the options that are of no use to it.
REFUSED = {
    "classifier": ("a classifier, which reads a text per row", ("whole_files", "source", "target", *SEARCH)),
    "generator": (
        "a text generator, which needs no labels",
        ("label", "label_separator", "source", "target", *SEARCH),
    ),
    "text_to_text": ("a text-to-text model, which reads pairs (--source and --target)", OF_TEXTS),
    "chatbot": ("a chatbot, which reads turns and the answer (--source and --target)", OF_TEXTS),
}


def register(app):
    """Adds `evaluate` to the command line."""
    app.command(cls=with_examples(*EXAMPLES))(evaluate)


def evaluate(
    model: options.ModelFolder,
    data: options.Data,
    columns: options.Columns = None,
    text: options.Text = None,
    label: options.Label = None,
    source: of_pairs.Source = None,
    target: of_pairs.Target = None,
    quoting: options.Quoting = None,
    label_separator: options.LabelSeparator = None,
    on_bad_row: options.OnBadRow = "error",
    format: options.FileFormat = None,
    whole_files: options.WholeFilesAsTrained = None,
    beam: Beam = None,
    length_penalty: of_pairs.LengthPenalty = None,
    coverage_penalty: of_pairs.CoveragePenalty = None,
    max_new_tokens: of_pairs.MaxNewTokens = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
):
    """Measure a saved model.

    A classifier on labelled texts: accuracy, F1, calibration, each class.

    Several labels of a text are parted as they were in the training data, unless --label-separator is given.

    A text generator on texts: perplexity, bits per character; the end of each text counts as a token.

    A text-to-text model on pairs: BLEU, chrF, ROUGE and exact match of what it writes for each source. So is a
    chatbot, on turns and their answers. The options of the search are those of nlpkit translate.
    """
    from nlpkit.estimators.saving import read_spec

    spec = read_spec(model)
    if spec.task not in REFUSED:
        what, _ = TASKS[spec.task]
        raise InputError(
            f"{model} holds {what}, which reads no texts. Measure it with nlpkit.load in Python."
        )
    what, refused = REFUSED[spec.task]
    given = {"text": text, "label": label, "source": source, "target": target, "beam": beam,
             "length_penalty": length_penalty, "coverage_penalty": coverage_penalty, "max_new_tokens": max_new_tokens,
             "label_separator": label_separator, "whole_files": whole_files}  # fmt: skip
    _refuse(model, what, {name: given[name] for name in refused})
    reading = {"columns": columns, "quoting": quoting, "on_bad_row": on_bad_row, "format": format}
    settings = {}
    if spec.task == "generator":
        reader = text_reader_as_trained(
            data, trained_whole=spec.whole_files, whole_files=whole_files, quiet=quiet, text=text, **reading
        )
    elif spec.task == "classifier":
        separator = spec.label_separator if label_separator is None else label_separator
        reader = labelled_reader(data, text=text, label=label, label_separator=separator, **reading)
    else:
        reader = pair_reader(data, source=source, target=target, **reading)
        check_readable(reader)
        penalties = penalties_of(beam or 1, length_penalty, coverage_penalty)
        settings = {"beam_size": beam or 1, "max_new_tokens": max_new_tokens, **penalties}
    loaded = load_model(model)
    if coverage_penalty:
        check_attends(loaded, model, coverage_penalty=coverage_penalty)
    evaluation = loaded.evaluate(reader, **settings)
    SHOW.get(spec.task, _show_texts)(evaluation, reader, as_json)
    if not quiet:
        note_skipped(reader.skipped, reader.first_skipped)
        if spec.task == "generator":
            note_unknown({"texts": evaluation["unknown"] / evaluation["tokens"]})


def _refuse(model, what, given):
    for name, value in given.items():
        if value is not None:
            flag = ("--no-" if value is False else "--") + name.replace("_", "-")
            raise InputError(f"{model} holds {what}. Received: {flag}. Leave it out.")


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


def _show_texts(evaluation, reader, as_json):
    if as_json:
        write_json({**evaluation, "skipped": reader.skipped})
    else:
        print_texts_measured({"result": evaluation})


SHOW = {"classifier": _show_classes, "generator": _show_perplexity}
