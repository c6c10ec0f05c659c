"""`nlpkit translate`: what a saved text-to-text model writes for texts."""

import json
import sys
from functools import partial
from typing import Annotated

import typer

from nlpkit.cli import options
from nlpkit.cli import text_to_text_options as own
from nlpkit.cli.pairs import pair_reader, pieces
from nlpkit.cli.prediction_lines import one_line
from nlpkit.cli.show import note_skipped
from nlpkit.cli.start import load_model
from nlpkit.cli.target_search import check_attends, penalties_of
from nlpkit.cli.texts import Files, chunks_of, reader_of, texts_command
from nlpkit.errors import InputError

EXAMPLES = (
    "nlpkit translate saved_models/mt 'Ein Mann schläft.' --beam 5",
    "nlpkit translate saved_models/mt 'Ein Mann schläft.' --beam 5 --nbest 3",
    "nlpkit translate saved_models/mt 'Ein Mann schläft.' --alignments --json",
    "nlpkit translate saved_models/mt --data test.tsv --source de --beam 5 --json > test.jsonl",
    "cat texts.de.txt | nlpkit translate saved_models/mt --beam 5 > texts.en.txt",
    "nlpkit translate saved_models/mt -- '- Ja.'",
)
Texts = Annotated[list[str] | None, typer.Argument(help="Texts to translate.", show_default=False)]
AsJsonLines = Annotated[
    bool, typer.Option("--json", help="Write JSON Lines: source, text, score.", rich_help_panel="Output")
]
DIGITS = 4  # of a sum over a text in float32, more would be noise
ROWS = 256  # sources that are read, sorted by length, and written at a time
PER_TARGET = ("target_tokens", "attention")


def register(app):
    """Adds `translate` to the command line."""
    app.command(cls=texts_command(*EXAMPLES))(translate)


def translate(
    model: options.ModelFolder,
    texts: Texts = None,
    data: Files = None,
    columns: options.Columns = None,
    source: own.Source = None,
    quoting: options.Quoting = None,
    on_bad_row: options.OnBadRow = "error",
    format: options.FileFormat = None,
    beam: own.Beam = 1,
    nbest: own.NBest = None,
    length_penalty: own.LengthPenalty = None,
    coverage_penalty: own.CoveragePenalty = None,
    max_new_tokens: own.MaxNewTokens = None,
    alignments: own.Alignments = False,
    as_json: AsJsonLines = False,
    quiet: options.Quiet = False,
):
    """Translate texts with a saved text-to-text model, whatever it was trained to write.

    Without texts and --data, standard input is read, one text a line.

    Each text gets one line, in order; so does a blank one. With --nbest it gets as many, numbered from the best on,
    with the score: the log-probability over the length penalty, plus the coverage penalty.
    """
    penalties = penalties_of(beam, length_penalty, coverage_penalty)
    _check_output(beam, nbest, alignments, as_json)
    make_reader = partial(
        pair_reader, source=source, target=False, columns=columns, quoting=quoting, on_bad_row=on_bad_row,
        format=format,
    )  # fmt: skip
    reader = reader_of(texts, data, "translate", make_reader)
    translator = load_model(model, "text_to_text")
    check_attends(translator, model, alignments=alignments, coverage_penalty=coverage_penalty)
    search = {"n": nbest or 1, "beam_size": beam, "max_new_tokens": max_new_tokens, "alignments": alignments}
    for chunk in chunks_of(texts, reader and pieces(reader, ROWS), quiet):
        found = translator.predict_nbest(chunk, **search, **penalties)
        rows = zip(chunk, found, strict=True)
        sys.stdout.write("".join(_lines(text, results, nbest, as_json) for text, results in rows))
        sys.stdout.flush()
    if reader is not None and not quiet:
        note_skipped(reader.skipped, reader.first_skipped)


def _check_output(beam, nbest, alignments, as_json):
    if nbest and nbest > beam:
        raise InputError(
            f"--nbest gives as many targets as there are beams, at most. Received: --nbest {nbest} with --beam {beam}. "
            f"Search with --beam {nbest} or more."
        )
    if alignments and not as_json:
        raise InputError("--alignments come as JSON Lines. Received: no --json. Add it.")


def _lines(source, results, nbest, as_json):
    if as_json:
        return json.dumps(_object(source, results, nbest), ensure_ascii=False) + "\n"
    if nbest is None:
        return one_line(results[0]["text"]) + "\n"
    return "".join(
        f"{rank}\t{result['score']:.{DIGITS}f}\t{one_line(result['text'])}\n"
        for rank, result in enumerate(results, start=1)
    )


def _object(source, results, nbest):
    """The best target beside its source; the tokens of the source, which all targets share, stand there once."""
    shown = {"source": source, **_shown(results[0], () if nbest else PER_TARGET)}
    if "source_tokens" in results[0]:
        shown["source_tokens"] = results[0]["source_tokens"]
    if nbest:
        shown["nbest"] = [_shown(result, PER_TARGET) for result in results]
    return shown


def _shown(result, more):
    shown = {"text": result["text"], "score": round(result["score"], DIGITS)}
    return shown | {name: result[name] for name in more if name in result}
