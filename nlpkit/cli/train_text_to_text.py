"""`nlpkit train translator`, also called `text-to-text`: from files of pairs to a saved encoder-decoder."""

from nlpkit.cli import options
from nlpkit.cli import text_to_text_options as own
from nlpkit.cli import train_options as shared_options
from nlpkit.cli.command import with_examples
from nlpkit.cli.pairs import check_readable, pair_reader
from nlpkit.cli.show import print_texts_measured, write_json
from nlpkit.cli.start import start_tensorflow
from nlpkit.cli.training import (
    check_batches,
    check_folders,
    columns_as_given,
    given,
    note_next,
    note_result,
    result_object,
    train_and_measure,
)

EXAMPLES = (
    "nlpkit train translator --data train.tsv --columns source,target \\\n"
    "    --validation-data dev.tsv --preset attention --out saved_models/mt",
    "nlpkit train translator --data 'parts/*.csv' --source de --target en \\\n"
    "    --preset transformer --minutes 120 --test-data test.csv --out saved_models/mt --seed 0",
    "nlpkit train text-to-text --data dates.tsv --level char --units 128 --out saved_models/dates",
    "nlpkit train text-to-text --data news.jsonl --source body --target title \\\n"
    "    --level word --shared --copy 50 --out saved_models/headlines",
)
NAMES = ("translator", "text-to-text")


def register(tasks):
    """Adds `translator`, and the same as `text-to-text`, to the tasks of `nlpkit train`."""
    for name in NAMES:
        tasks.command(name, cls=with_examples(*EXAMPLES))(text_to_text)


def text_to_text(
    data: options.Data,
    out: shared_options.Out,
    validation_data: shared_options.Validation = None,
    test_data: shared_options.Test = None,
    columns: options.Columns = None,
    source: own.Source = None,
    target: own.Target = None,
    quoting: options.Quoting = None,
    on_bad_row: options.OnBadRow = "error",
    format: options.FileFormat = None,
    preset: own.Preset = "attention",
    cell: own.Cell = None,
    units: own.Units = None,
    num_layers: own.Layers = None,
    dropout: own.Dropout = None,
    reverse_source: own.ReverseSource = False,
    peeky: own.Peeky = False,
    copy: own.Copy = None,
    level: shared_options.Level = "subword",
    source_level: own.SourceLevel = None,
    target_level: own.TargetLevel = None,
    shared: own.Shared = False,
    normalize: shared_options.Normalize = True,
    vocabulary_size: own.VocabularySize = None,
    batch_size: own.BatchSize = None,
    batch_tokens: own.BatchTokens = None,
    max_source_length: own.MaxSourceLength = None,
    epochs: shared_options.Epochs = None,
    minutes: shared_options.Minutes = None,
    mixed_precision: shared_options.Mixed = False,
    seed: shared_options.Seed = 0,
    tensorboard: shared_options.TensorBoard = None,
    resume: shared_options.Resume = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
):
    """Train a model that writes a text for a text: a translation, a headline, an answer.

    translator and text-to-text are two names of this command. Each row of the data has a source and its target.

    What is not said is the preset's. Without --validation-data a tenth of --data is kept apart, 2,000 pairs at most.
    """
    reading = {"source": source, "target": target, "columns": columns, "quoting": quoting,
               "on_bad_row": on_bad_row, "format": format}  # fmt: skip
    checkpoint = check_folders(out, resume, overwrite)
    check_batches(batch_size, batch_tokens)
    train, validation, test = [_checked(files, reading) for files in (data, validation_data, test_data)]
    start_tensorflow()
    from nlpkit import TextToText

    text = _text_options(vocabulary_size, source_level or level, target_level or level)
    network = given(dropout=dropout, copy=copy, reverse_source=reverse_source or None, peeky=peeky or None)
    training = given(batch_size=batch_size, batch_tokens=batch_tokens, max_source_length=max_source_length,
                     tensorboard=tensorboard, mixed_precision=mixed_precision or None)  # fmt: skip
    model = TextToText(
        preset, cell=cell, units=units, num_layers=num_layers, level=level, source_level=source_level,
        target_level=target_level, shared=shared, normalize=normalize, epochs=epochs, minutes=minutes,
        options={**text, "network": network, "training": training},
        random_state=seed, verbose=0 if quiet else 1,
    )  # fmt: skip
    evaluations = train_and_measure(
        model, out, checkpoint, preset, train, validation=validation, test=test and [test], resume=resume
    )
    as_read = columns_as_given(columns=columns, source=source, target=target)
    _show_result(model.report_, evaluations, out, as_read, quiet, as_json)


def _text_options(vocabulary_size, source_level, target_level):
    """The options of each side; bytes have no vocabulary to limit, and leave it to the other side if that has one."""
    sides = {"source": (source_level, target_level), "target": (target_level, source_level)}
    return {
        side: given(vocabulary_size=None if own == "byte" != other else vocabulary_size)
        for side, (own, other) in sides.items()
    }


def _checked(files, reading):
    if not files:
        return None
    reader = pair_reader(files, **reading)
    check_readable(reader)
    return reader


def _show_result(report, evaluations, out, as_read, quiet, as_json):
    if as_json:
        write_json(result_object(report, evaluations, out, preset=report["settings"]["estimator"]["preset"]))
        return
    print_texts_measured(evaluations)
    if not quiet:
        note_result(report, out)
        note_next(
            f"nlpkit translate {out} 'a text' --beam 5",
            f"nlpkit evaluate {out} --data FILE{as_read} --beam 5",
            f"nlpkit score {out} --data FILE{as_read}",
        )
