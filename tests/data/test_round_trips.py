"""What is written to a file is read back, whatever it is."""

import csv
import json

from data.tables import as_csv, as_tsv, read
from hypothesis import given, settings
from hypothesis import strategies as st

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
texts = st.text(characters, min_size=1, max_size=12).filter(str.strip)
one_line = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\t\r\n"), min_size=1, max_size=12
)
labels = one_line.map(str.strip).filter(bool)
tables = st.lists(st.tuples(labels, texts), min_size=1, max_size=6)
plain = st.tuples(labels, one_line.filter(str.strip))


def check_round_trip(folder, name, content, rows, chunk_rows):
    path = folder / name
    path.write_text(content, encoding="utf-8", newline="")
    assert read(path, chunk_rows=chunk_rows) == ([text for _, text in rows], [label for label, _ in rows])


@settings(max_examples=80, deadline=None)
@given(rows=tables, quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), chunk_rows=st.integers(1, 4))
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, rows, quoting, chunk_rows):
    content = as_csv(rows, quoting=quoting)
    check_round_trip(tmp_path_factory.getbasetemp(), "round.csv", content, rows, chunk_rows)


@settings(max_examples=80, deadline=None)
@given(rows=tables, ascii_only=st.booleans(), chunk_rows=st.integers(1, 4))
def test_what_the_json_module_writes_is_read_back(tmp_path_factory, rows, ascii_only, chunk_rows):
    lines = [json.dumps({"text": text, "label": label}, ensure_ascii=ascii_only) for label, text in rows]
    check_round_trip(tmp_path_factory.getbasetemp(), "round.jsonl", "\n".join(lines), rows, chunk_rows)


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(plain, min_size=1, max_size=6),
    end=st.sampled_from(["\n", "\r\n"]),
    chunk_rows=st.integers(1, 4),
)
def test_tab_separated_lines_are_read_back(tmp_path_factory, rows, end, chunk_rows):
    check_round_trip(tmp_path_factory.getbasetemp(), "round.tsv", as_tsv(rows, end=end), rows, chunk_rows)
