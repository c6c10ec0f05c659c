import hashlib

import numpy as np
import pytest

from nlpkit import InputError
from nlpkit.data import PAIRS, TableReader
from nlpkit.estimators.text_pairs import TextPairs

SOURCES, TARGETS = ["ein Hund", "eine Katze", ""], ["a dog", "a cat", "nothing"]


@pytest.fixture
def reader(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{a}\t{b}\n" for a, b in zip(SOURCES[:2], TARGETS, strict=False)))
    return TableReader(path, columns=["text", "label"], chunk_rows=1)


def test_each_side_can_be_read_any_number_of_times():
    pairs = TextPairs(SOURCES, tuple(TARGETS))
    for _ in range(2):
        assert list(pairs.sources) == [SOURCES] and list(pairs.targets) == [TARGETS]
    assert list(pairs.chunks()) == [(SOURCES, TARGETS)] and pairs.all() == (SOURCES, TARGETS)


def test_long_lists_come_in_chunks(monkeypatch):
    monkeypatch.setattr("nlpkit.estimators.text_pairs.CHUNK", 2)
    pairs = TextPairs(np.array(SOURCES), TARGETS)
    assert list(pairs.sources) == [SOURCES[:2], SOURCES[2:]] and list(pairs.targets) == [
        TARGETS[:2],
        TARGETS[2:],
    ]
    assert pairs.all() == (SOURCES, TARGETS)


def test_a_reader_holds_both_sides(reader):
    pairs = TextPairs(reader)
    for _ in range(2):
        assert list(pairs.sources) == [[SOURCES[0]], [SOURCES[1]]]
        assert list(pairs.targets) == [[TARGETS[0]], [TARGETS[1]]]
    facts = pairs.facts()
    assert facts["rows"] == 2 and facts["files"] == reader.files and facts["skipped"] == 0
    # The same pairs are the same data, wherever they come from.
    assert facts["sha256"] == TextPairs(SOURCES[:2], TARGETS[:2]).facts()["sha256"]


def test_facts():
    digest = hashlib.sha256(b"ein Hund\0a dog\0eine Katze\0a cat\0\0nothing\0").hexdigest()
    assert TextPairs(SOURCES, TARGETS).facts() == {
        "rows": 3, "files": [], "skipped": 0, "first_skipped": [], "sha256": digest,
    }  # fmt: skip
    other = TextPairs(SOURCES, TARGETS[::-1]).facts()
    assert other["sha256"] != digest


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((SOURCES,), "The pairs need targets: y, one for each source, or a TableReader .* Received: y=None"),
        ((SOURCES, TARGETS[:2]), "one target per source. Received: 3 sources and 2 targets"),
        (("ein Hund", "a dog"), "sources of the pairs must be a list of texts. Received: str"),
        ((SOURCES, "a dog"), "targets of the pairs must be a list of texts. Received: str"),
        (
            (SOURCES, [1, 2, 3]),
            "targets of the pairs must be a list of texts .* Received: 1 of type int at 0",
        ),
        (([], []), "sources of the pairs must hold at least one text. Received: 0"),
    ],
)
def test_pairs_that_cannot_be_used(given, message):
    with pytest.raises(InputError, match=message):
        TextPairs(*given)


def test_a_reader_and_targets_besides(reader):
    with pytest.raises(
        InputError, match="The reader of the test pairs holds the targets too. Received: y besides"
    ):
        TextPairs(reader, TARGETS, name="test pairs")


def test_a_reader_without_targets(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("ein Hund\n")
    with pytest.raises(
        InputError, match="The pairs have no targets. Name both columns: --columns source,target"
    ):
        TextPairs(TableReader(path, label=False)).facts()


def test_a_list_of_targets_is_refused_whatever_reads_it(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "x", "label": ["y", "z"]}\n')
    message = (
        r"a.jsonl, line 1: a source must have one target. Received: \['y', 'z'\]. Write a row for each, and"
    )
    with pytest.raises(InputError, match=message):
        TextPairs(TableReader(tmp_path / "a.jsonl")).facts()


def test_pairs_of_a_file_may_hold_anything(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"source": "x", "target": " y\\n\\tz"}\n')
    assert TextPairs(TableReader(tmp_path / "a.jsonl", roles=PAIRS)).all() == (["x"], [" y\n\tz"])
    (tmp_path / "b.csv").write_text("source,other\nx,y\n")
    with pytest.raises(
        InputError, match=r"The pairs have no targets.* TableReader\(…, roles=PAIRS\) in Python"
    ):
        TextPairs(TableReader(tmp_path / "b.csv", roles=PAIRS)).all()
