"""`nlpkit score`: how probable a language model finds texts, or a text-to-text model targets."""

import json
import sys
from functools import partial
from typing import Annotated

import typer

from nlpkit.cli import options
from nlpkit.cli import text_to_text_options as of_pairs
from nlpkit.cli.prediction_lines import one_line
from nlpkit.cli.reading import text_reader_as_trained
from nlpkit.cli.score_pairs import score_pairs
from nlpkit.cli.show import note_skipped
from nlpkit.cli.start import load_model
from nlpkit.cli.texts import Files, chunks_of, reader_of, texts_command
from nlpkit.errors import InputError

EXAMPLES = (
    "nlpkit score saved_models/lm 'a text' 'another'",
    "nlpkit score saved_models/lm --data texts.txt",
    "nlpkit score saved_models/lm --data candidates.txt | sort -rg | head -1",
    "nlpkit score saved_models/lm --data new.csv --text body --json > scores.jsonl",
    "nlpkit score saved_models/mt --data pairs.tsv --columns source,target",
)
Texts = Annotated[list[str] | None, typer.Argument(help="Texts to score.", show_default=False)]
AsJsonLines = Annotated[
    bool,
    typer.Option(
        "--json", help="Write JSON Lines; of texts with their numbers of tokens.", rich_help_panel="Output"
    ),
]
DIGITS = 4  # of the sum over a text in float32, more would be noise


def register(app):
    """Adds `score` to the command line."""
    app.command(cls=texts_command(*EXAMPLES))(score)


def score(
    model: options.ModelFolder,
    texts: Texts = None,
    data: Files = None,
    columns: options.Columns = None,
    text: options.Text = None,
    source: of_pairs.Source = None,
    target: of_pairs.Target = None,
    quoting: options.Quoting = None,
    on_bad_row: options.OnBadRow = "error",
    format: options.FileFormat = None,
    whole_files: options.WholeFilesAsTrained = None,
    as_json: AsJsonLines = False,
    quiet: options.Quiet = False,
):
    """Score texts with a language model: the log-probability (base e) of each, and the text.

    The end of a text is part of it, and it is read by itself, as the first of all.

    Without texts and --data, standard input is read, one text a line.

    Each text gets one line, in order; so does a blank one.

    A text-to-text model takes pairs, from --data or standard input: the log-probability of the target, and the pair.
    """
    from nlpkit.estimators.saving import read_spec

    reading = {"columns": columns, "quoting": quoting, "on_bad_row": on_bad_row, "format": format}
    of_a_pair = {"source": source, "target": target}
    spec = read_spec(model)
    if spec.task in of_pairs.TASKS_OF_PAIRS:
        unfit = {"--text": text, "--whole-files": whole_files}
        score_pairs(model, texts, data, unfit, {**of_a_pair, **reading}, as_json, quiet)
        return
    if source or target:
        raise InputError(
            "--source and --target are the columns of pairs, for a text-to-text model. Received: a model of texts. "
            "Name the text column (--text)."
        )
    trained_whole = getattr(spec, "whole_files", False)  # models of other tasks are refused below
    make_reader = partial(
        text_reader_as_trained,
        trained_whole=trained_whole,
        whole_files=whole_files,
        quiet=quiet,
        text=text,
        **reading,
    )
    reader = reader_of(texts, data, "score", make_reader)
    generator = load_model(model, "generator")
    for chunk in chunks_of(texts, reader, quiet):
        scored = generator.score_details(chunk)
        sys.stdout.write("".join(_line(each, as_json) + "\n" for each in scored))
        sys.stdout.flush()
    if reader is not None and not quiet:
        note_skipped(reader.skipped, reader.first_skipped)


def _line(scored, as_json):
    log_probability = scored["log_probability"]
    if as_json:
        return json.dumps({**scored, "log_probability": round(log_probability, DIGITS)}, ensure_ascii=False)
    return f"{log_probability:.{DIGITS}f}\t{one_line(scored['text'])}"
