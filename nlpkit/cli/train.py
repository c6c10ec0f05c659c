"""`nlpkit train classifier`: from files of labelled texts to a saved model."""

import typer

from nlpkit.cli import options, train_chatbot, train_generator, train_text_to_text
from nlpkit.cli import train_options as own
from nlpkit.cli.command import with_examples
from nlpkit.cli.reading import check_labelled, labelled_reader
from nlpkit.cli.show import note, numbers, print_evaluations, write_json
from nlpkit.cli.start import start_tensorflow
from nlpkit.cli.training import (
    add_test_result,
    check_folders,
    columns_as_given,
    fit_and_save,
    given,
    note_next,
    note_result,
    result_object,
)
from nlpkit.errors import InputError

EXAMPLES = (
    "nlpkit train classifier --data reviews.csv --out saved_models/reviews",
    "nlpkit train classifier --data train.tsv --columns label,text \\\n"
    "    --validation-data dev.tsv --test-data test.tsv --out saved_models/x --seed 0",
    "nlpkit train classifier --data 'parts/*.jsonl' --text body --label stars \\\n"
    "    --encoder lstm --bidirectional --units 128 --out saved_models/stars",
    "nlpkit train classifier --data topics.csv --label-separator ';' --out saved_models/topics",
    "nlpkit train classifier --data reviews.csv --encoder-from saved_models/lm --out saved_models/reviews",
)
# Values of options that say nothing.
UNDECIDED = {"encoder": "auto", "tokenizer": "word"}


def register(app):
    """Adds `train` with its tasks to the command line."""
    tasks = typer.Typer(
        help="Train a model.", no_args_is_help=True, rich_markup_mode="rich",
        cls=with_examples(
            EXAMPLES[0], train_generator.EXAMPLES[0], train_text_to_text.EXAMPLES[0], base=typer.core.TyperGroup
        ),
    )  # fmt: skip
    tasks.callback()(lambda: None)
    tasks.command("classifier", cls=with_examples(*EXAMPLES))(classifier)
    train_generator.register(tasks)
    train_text_to_text.register(tasks)
    train_chatbot.register(tasks)
    app.add_typer(tasks, name="train")


def classifier(
    data: options.Data,
    out: own.Out,
    validation_data: own.Validation = None,
    test_data: own.Test = None,
    columns: options.Columns = None,
    text: options.Text = None,
    label: options.Label = None,
    quoting: options.Quoting = None,
    multi_label: own.MultiLabel = False,
    label_separator: options.LabelSeparator = None,
    on_bad_row: options.OnBadRow = "error",
    format: options.FileFormat = None,
    encoder: own.Encoder = "auto",
    bidirectional: own.Bidirectional = None,
    units: own.Units = None,
    num_layers: own.Layers = None,
    tokenizer: own.Tokenizer = "word",
    normalize: own.NormalizeTexts = True,
    vectors: own.Vectors = None,
    encoder_from: own.EncoderFrom = None,
    max_length: own.MaxLength = None,
    epochs: own.Epochs = None,
    minutes: own.Minutes = None,
    mixed_precision: own.Mixed = False,
    seed: own.Seed = 0,
    tensorboard: own.TensorBoard = None,
    resume: own.Resume = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
):
    """Train a classifier of texts and save it, with a report, in a folder.

    What is not said is chosen from the data. Without --validation-data a part of --data is kept apart.
    """
    columns_of = {"text": text, "label": label, "columns": columns, "quoting": quoting, "format": format,
                  "label_separator": label_separator, "on_bad_row": on_bad_row}  # fmt: skip
    if encoder_from is not None:
        _check_pretrained(
            encoder_from, encoder=encoder, bidirectional=bidirectional, units=units, num_layers=num_layers,
            vectors=vectors, tokenizer=tokenizer, no_normalize=None if normalize else True,
        )  # fmt: skip
    checkpoint = check_folders(out, resume, overwrite)
    train = labelled_reader(data, **columns_of)
    validation, _ = _checked_reader("--validation-data", validation_data, columns_of)
    test, test_labels = _checked_reader("--test-data", test_data, columns_of)
    start_tensorflow()
    from nlpkit import TextClassifier

    training = given(mixed_precision=mixed_precision or None, tensorboard=tensorboard)
    model = TextClassifier(
        encoder, units=units, num_layers=num_layers, bidirectional=bidirectional, tokenizer=tokenizer,
        normalize=normalize, max_length=max_length, epochs=epochs, minutes=minutes, encoder_from=encoder_from,
        random_state=seed, multi_label=multi_label or label_separator is not None,
        options={"training": training, "network": given(vectors=vectors)}, verbose=0 if quiet else 1,
    )  # fmt: skip
    fit_and_save(
        model, out, checkpoint, train,
        validation_data=validation, test_labels=test_labels, checkpoint=checkpoint, resume=resume,
    )  # fmt: skip
    if test:
        add_test_result(lambda: model.add_test(test), model, out)
    _show_result(model, out, columns_as_given(columns=columns, text=text, label=label), quiet, as_json)


def _check_pretrained(folder, **decided):
    """Raises if a folder holds no language model, or an option is given that it decides."""
    from nlpkit.estimators.pretrained_encoder import check_generator_folder

    check_generator_folder(folder)
    names = {name: "--" + name.replace("_", "-") for name in decided}
    received = [names[name] for name, value in decided.items() if value not in (None, UNDECIDED.get(name))]
    if received:
        raise InputError(
            "--encoder-from brings its text layer and its encoder, so that it goes with none of "
            f"{', '.join(names.values())}. "
            f"Received: {', '.join(received)}. Leave that out, or --encoder-from."
        )


def _checked_reader(option, files, columns_of):
    if not files:
        return None, {}
    reader = labelled_reader(files, **columns_of)
    places = check_labelled(reader, option)
    # A row with an unknown label is a bad row: it is skipped where bad rows are.
    return reader, places if columns_of["on_bad_row"] == "error" else {}


def _show_result(model, out, as_read, quiet, as_json):
    report = model.report_
    if as_json:
        evaluations = {name: numbers(evaluation) for name, evaluation in report["evaluation"].items()}
        encoder = report["settings"]["network"]["encoder"]
        encoder = encoder["cell"] if isinstance(encoder, dict) else encoder  # of a language model
        write_json(result_object(report, evaluations, out, encoder=encoder))
        return
    print_evaluations(report["evaluation"])
    if quiet:
        return
    for row in report["choices"]:
        if row["setting"] in ("encoder", "encoder_from"):
            note(f"{row['setting'].replace('_', ' ')} {row['value']}: {row['reason']}")
    note_result(report, out)
    note_next(
        f"nlpkit predict {out} 'a text' 'another text'",
        f"nlpkit evaluate {out} --data FILE{as_read}",
        f"nlpkit export {out} --to saved_model",
    )
