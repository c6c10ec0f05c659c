"""Rows of JSON Lines files: one JSON object per line."""

import itertools
import json

from nlpkit.data.columns import shorten
from nlpkit.data.sources import open_text


def read_json_lines(source, path, options, bad_rows):
    """Reads a JSON Lines file.

    When no label is named, the first object decides: labels are read if it has the usual key, `"label"`.

    Args:
        source: Source. The file, for messages.
        path: str. Where its bytes are.
        options: ReadOptions. Keys of text and label, and rows per block.
        bad_rows: BadRows. Told about lines that are not a JSON object with the keys needed.

    Yields:
        Tuples of line numbers, texts, and label values or `None`.
    """
    roles, first = options.roles, 1
    text, label = options.text or roles.text, options.label
    with open_text(source, path, "\n") as stream:
        while lines := list(itertools.islice(stream, options.chunk_rows)):
            numbers, texts, labels = [], [], []
            for number, line in enumerate(lines, first):
                record, problem = _parse(line)
                if label is None and record is not None:
                    label = roles.label if roles.label in record else False
                problem = problem or _problem(record, text, label, roles)
                if problem:
                    bad_rows.report(source.place(number), problem)
                    continue
                numbers.append(number)
                texts.append(record[text])
                labels.append(record[label] if label else None)
            yield numbers, texts, labels if label else None
            first += len(lines)


def _parse(line):
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        shown = shorten(line.strip())
        return None, f"the line is not valid JSON ({error}). Received: {shown}. Write one object per line."
    if not isinstance(record, dict):
        return None, f"the line must hold one JSON object. Received: {shorten(line.strip())}."
    return record, None


def _problem(record, text, label, roles):
    for key, role in ((text, roles.text), (label, roles.label)):
        if key and key not in record:
            keys = shorten(list(record), 120)
            return f"the object has no key {key!r}. Received keys: {keys}. Name the key with --{role}."
    if not isinstance(record[text], str):
        return f"the value of {text!r} must be a string. Received: {shorten(record[text])}."
    return None
