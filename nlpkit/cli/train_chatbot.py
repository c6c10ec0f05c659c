"""`nlpkit train chatbot`: from files of dialogues to a saved chatbot."""

from typing import Annotated

import typer

from nlpkit.cli import options
from nlpkit.cli import text_to_text_options as of_pairs
from nlpkit.cli import train_options as own
from nlpkit.cli.command import with_examples
from nlpkit.cli.dialogues import holds_dialogues, read_dialogues
from nlpkit.cli.pairs import check_readable, pair_reader
from nlpkit.cli.show import note_skipped, print_texts_measured, write_json
from nlpkit.cli.start import start_tensorflow
from nlpkit.cli.training import (
    check_batches,
    check_folders,
    given,
    note_next,
    note_result,
    result_object,
    train_and_measure,
)

EXAMPLES = (
    "nlpkit train chatbot --data dialogues.txt --out saved_models/bot",
    "nlpkit train chatbot --data 'parts/*.txt' --validation-data dev.txt --turns 5 \\\n"
    "    --preset transformer --minutes 120 --out saved_models/bot --seed 0",
    "nlpkit train chatbot --data faq.csv --source question --target answer --turns 1 \\\n"
    "    --out saved_models/faq",
)
Turns = Annotated[
    int,
    typer.Option("--turns", min=1, help="Turns before the answer that are read.", rich_help_panel="Model"),
]
Separator = Annotated[
    str,
    typer.Option(
        "--separator",
        help="Stands between two turns; a table's sources have it there.",
        show_default="' ‖ '",
        rich_help_panel="Model",
    ),
]

CopyWords = Annotated[
    int | None,
    typer.Option(
        "--copy",
        min=0,
        metavar="N",
        help="Words of the turns may be copied, also N unknown ones; with a preset that attends, and --level word.",
        show_default="0",
        rich_help_panel="Model",
    ),
]


def register(tasks):
    """Adds `chatbot` to the tasks of `nlpkit train`."""
    tasks.command("chatbot", cls=with_examples(*EXAMPLES))(chatbot)


def chatbot(
    data: options.Data,
    out: own.Out,
    validation_data: own.Validation = None,
    test_data: own.Test = None,
    columns: options.Columns = None,
    source: of_pairs.Source = None,
    target: of_pairs.Target = None,
    quoting: options.Quoting = None,
    on_bad_row: options.OnBadRow = "error",
    format: options.FileFormat = None,
    turns: Turns = 3,
    separator: Separator = " ‖ ",
    preset: of_pairs.Preset = "attention",
    cell: of_pairs.Cell = None,
    units: of_pairs.Units = None,
    num_layers: of_pairs.Layers = None,
    dropout: of_pairs.Dropout = None,
    copy: CopyWords = None,
    level: own.Level = "subword",
    normalize: own.Normalize = True,
    vocabulary_size: of_pairs.VocabularySize = None,
    batch_size: of_pairs.BatchSize = None,
    batch_tokens: of_pairs.BatchTokens = None,
    max_source_length: of_pairs.MaxSourceLength = None,
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
    """Train a chatbot that answers the last turns of a dialogue, and save it, with a report, in a folder.

    A .txt file has a turn a line, each the answer to the one before, and a blank line between two dialogues.

    A row of a table has the turns before an answer, joined by the separator, as its source, and the answer as target.

    What is not said is the preset's. Without --validation-data a tenth of the dialogues, or rows, is kept apart, 2,000
    at most.
    """
    reading = {"source": source, "target": target, "columns": columns, "quoting": quoting,
               "on_bad_row": on_bad_row, "format": format}  # fmt: skip
    checkpoint = check_folders(out, resume, overwrite)
    check_batches(batch_size, batch_tokens)
    files = {"--data": data, "--validation-data": validation_data, "--test-data": test_data}
    parts = {option: _read(option, named, reading) for option, named in files.items() if named}
    start_tensorflow()
    from nlpkit import Chatbot

    model = Chatbot(
        preset, turns=turns, separator=separator, cell=cell, units=units, num_layers=num_layers, level=level,
        normalize=normalize, epochs=epochs, minutes=minutes,
        options={
            "source": given(vocabulary_size=vocabulary_size),
            "network": given(dropout=dropout, copy=copy),
            "training": given(batch_size=batch_size, batch_tokens=batch_tokens, max_source_length=max_source_length,
                              tensorboard=tensorboard, mixed_precision=mixed_precision or None),
        },
        random_state=seed, verbose=0 if quiet else 1,
    )  # fmt: skip
    train, validation, test = _data_of(model, parts)
    evaluations = train_and_measure(
        model, out, checkpoint, preset, train, validation=validation, test=test, resume=resume
    )
    skipped = {option[2:]: reader for option, (_, reader) in parts.items()}
    _show_result(model.report_, evaluations, skipped, out, quiet, as_json)


def _data_of(model, parts):
    """What the model is trained on, chosen by and tested on; dialogues beside a table become pairs as it has them."""
    train, validation, test = (
        parts.get(option, (None,))[0] for option in ("--data", "--validation-data", "--test-data")
    )
    if isinstance(validation, list) and not isinstance(train, list):
        validation = model.pairs_of(validation)
    if test is not None:
        test = model.pairs_of(test) if isinstance(test, list) else [test]
    return train, validation, test


def _read(option, files, reading):
    """Dialogues, or the reader of a table, and the reader that knows what was skipped; all lines are read once."""
    of_tables = {name: reading[name] for name in ("source", "target", "columns", "format")}
    if holds_dialogues(files, **of_tables):
        return read_dialogues(files, option, reading["on_bad_row"])
    reader = pair_reader(files, **reading)
    check_readable(reader)
    return reader, reader


def _show_result(report, evaluations, readers, out, quiet, as_json):
    if as_json:
        skipped = {part: reader.skipped for part, reader in readers.items()}
        preset = report["settings"]["estimator"]["preset"]
        write_json(result_object(report, evaluations, out, preset=preset, skipped=skipped))
        return
    print_texts_measured(evaluations)
    if not quiet:
        for part, reader in readers.items():
            note_skipped(reader.skipped, reader.first_skipped, part)
        note_result({**report, "data": {}}, out)
        note_next(f"nlpkit chat {out}", f"nlpkit chat {out} --temperature 0.8", f"nlpkit export {out}")
