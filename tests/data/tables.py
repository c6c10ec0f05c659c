"""Small tables as files hold them, and what is read back."""

import csv
import io
import json

from nlpkit.data import TableReader


def read(files, **options):
    """Texts and labels of all chunks."""
    chunks = list(TableReader(files, **options))
    texts = [text for chunk in chunks for text in chunk.texts]
    return texts, None if chunks[0].labels is None else [label for chunk in chunks for label in chunk.labels]


def as_csv(rows, header=("label", "text"), **options):
    stream = io.StringIO()
    csv.writer(stream, **options).writerows([header, *rows] if header else rows)
    return stream.getvalue()


def as_tsv(rows, header=("label", "text"), end="\n"):
    return "".join("\t".join(row) + end for row in ([header, *rows] if header else rows))


def as_jsonl(rows):
    return "".join(json.dumps({"label": label, "text": text}) + "\n" for label, text in rows)
