"""`nlpkit train generator`: from files of texts to a saved language model."""

from nlpkit.cli import options
from nlpkit.cli import train_options as own
from nlpkit.cli.command import with_examples
from nlpkit.cli.reading import check_readable, text_reader
from nlpkit.cli.show import note_unknown, print_perplexities, write_json
from nlpkit.cli.start import start_tensorflow
from nlpkit.cli.training import (
    check_folders,
    given,
    note_next,
    note_result,
    result_object,
    train_and_measure,
)

EXAMPLES = (
    "nlpkit train generator --data texts.txt --out saved_models/lm",
    "nlpkit train generator --data ptb.train.txt --validation-data ptb.valid.txt \\\n"
    "    --no-normalize --cell lstm --dropout 0.3 --out saved_models/ptb --seed 0",
    "nlpkit train generator --data shakespeare.txt --whole-files --level char \\\n"
    "    --cell transformer --minutes 30 --out saved_models/shakespeare",
    "nlpkit train generator --data 'parts/*.jsonl' --text body --level subword \\\n"
    "    --test-data test.jsonl --out saved_models/lm",
)


def register(tasks):
    """Adds `generator` to the tasks of `nlpkit train`."""
    tasks.command("generator", cls=with_examples(*EXAMPLES))(generator)


def generator(
    data: options.Data,
    out: own.Out,
    validation_data: own.Validation = None,
    test_data: own.Test = None,
    columns: options.Columns = None,
    text: options.Text = None,
    quoting: options.Quoting = None,
    on_bad_row: options.OnBadRow = "error",
    format: options.FileFormat = None,
    whole_files: options.WholeFiles = False,
    level: own.Level = "word",
    normalize: own.Normalize = True,
    vocabulary_size: own.VocabularySize = None,
    cell: own.Cell = "lstm",
    units: own.GeneratorUnits = None,
    num_layers: own.GeneratorLayers = None,
    dropout: own.Dropout = None,
    batch_size: own.BatchSize = None,
    sequence_length: own.SequenceLength = None,
    documents: own.Documents = False,
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
    """Train a language model that writes texts, and save it, with a report, in a folder.

    A .txt file has one text per line, or is one text with its line breaks (--whole-files), which only words lose.

    Texts are read in their order, as one long text, or each by itself (--documents). The end of each counts as a token.

    Without --validation-data the last tenth of --data is kept apart.
    """
    reading = {"text": text, "columns": columns, "quoting": quoting, "on_bad_row": on_bad_row, "format": format,
               "whole_files": whole_files}  # fmt: skip
    checkpoint = check_folders(out, resume, overwrite)
    train = text_reader(data, **reading)
    validation = _checked_reader("--validation-data", validation_data, reading)
    test = _checked_reader("--test-data", test_data, reading)
    start_tensorflow()
    from nlpkit import TextGenerator

    model = TextGenerator(
        cell, units=units, num_layers=num_layers, level=level, normalize=normalize, epochs=epochs, minutes=minutes,
        options={
            "text": given(vocabulary_size=vocabulary_size, collapse_whitespace=_collapsed(level, whole_files)),
            "network": given(dropout=dropout),
            "training": given(batch_size=batch_size, sequence_length=sequence_length,
                               documents=documents or None, tensorboard=tensorboard,
                               mixed_precision=mixed_precision or None),
        },
        random_state=seed, verbose=0 if quiet else 1,
    )  # fmt: skip
    evaluations = train_and_measure(
        model, out, checkpoint, cell, train, validation=validation, test=test and [test], resume=resume
    )
    _show_result(model.report_, evaluations, out, quiet, as_json)


def _collapsed(level, whole_files):
    """`False` where line breaks would be lost for nothing; to words they are spaces, and others keep them anyway."""
    return False if whole_files and level == "subword" else None


def _checked_reader(option, files, reading):
    if not files:
        return None
    reader = text_reader(files, **reading)
    check_readable(reader, option)
    return reader


def _show_result(report, evaluations, out, quiet, as_json):
    if as_json:
        write_json(result_object(report, evaluations, out, cell=report["settings"]["estimator"]["cell"]))
        return
    print_perplexities(evaluations)
    if not quiet:
        data = report["data"].items()
        note_unknown(
            {f"{part} data": facts["unknown_rate"] for part, facts in data if "unknown_rate" in facts}
        )
        note_result(report, out)
        note_next(
            f"nlpkit generate {out} 'The first words' --temperature 0.8",
            f"nlpkit score {out} 'a text' 'another text'",
            f"nlpkit evaluate {out} --data FILE",
            f"nlpkit export {out} --to saved_model",
        )
