"""What `nlpkit score` does with a text-to-text model: the log-probability of each target."""

import json
import sys

from nlpkit.cli.pairs import check_readable, pair_reader, pieces
from nlpkit.cli.prediction_lines import one_line
from nlpkit.cli.show import note_skipped
from nlpkit.cli.start import load_model
from nlpkit.cli.texts import chunks_of, reader_of
from nlpkit.errors import InputError

DIGITS = 4  # of the sum over a text in float32, more would be noise
ROWS = 512  # pairs that are read, sorted by length, and written at a time


def score_pairs(model, texts, data, unfit, reading, as_json, quiet):
    """Writes the log-probability of each target with the target and its source, in order.

    Args:
        model: Path. Folder of a text-to-text model.
        texts: list of str, or `None`. Arguments, of which there must be none.
        data: list of str, or `None`. Files; without them standard input is read.
        unfit: dict of the options that are of no use here to what was given.
        reading: dict. Further arguments of `pair_reader`.
        as_json: bool. Whether to write JSON Lines.
        quiet: bool. Whether to show neither counter nor skipped rows.

    Raises:
        InputError: If texts or an option of no use were given, or the data cannot be used.
    """
    given = [name for name, value in {"a text as an argument": texts, **unfit}.items() if value]
    if given:
        raise InputError(
            f"{model} holds a text-to-text model, which scores pairs: name a file with --data, whose columns are "
            f"--source and --target. Received: {', '.join(given)}. Leave that out."
        )
    reader = reader_of(None, data, "score", lambda files: pair_reader(files, **reading))
    check_readable(reader)
    scorer = load_model(model)
    for chunk in chunks_of(None, pieces(reader, ROWS), quiet):
        sources, targets = map(list, zip(*chunk, strict=True))
        scored = zip(chunk, scorer.score(sources, targets).tolist(), strict=True)
        sys.stdout.write("".join(_line(pair, value, as_json) + "\n" for pair, value in scored))
        sys.stdout.flush()
    if not quiet:
        note_skipped(reader.skipped, reader.first_skipped)


def _line(pair, log_probability, as_json):
    source, target = pair
    if as_json:
        values = {"source": source, "target": target, "log_probability": round(log_probability, DIGITS)}
        return json.dumps(values, ensure_ascii=False)
    return f"{log_probability:.{DIGITS}f}\t{one_line(target)}\t{one_line(source)}"
