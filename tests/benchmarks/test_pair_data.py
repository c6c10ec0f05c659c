"""The textbook's split, both directions, and what is said where a data set is absent."""

import corpora
import numpy as np
import pair_data
import pytest
from pair_files import CAPTIONS, write_pairs


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    monkeypatch.setattr(corpora, "DATA", write_pairs(tmp_path))
    return tmp_path


def test_the_textbooks_split(pairs):
    rows = [line.split("\t") for line in (pairs / "addition" / "all.tsv").read_text().splitlines()]
    np.random.seed(1984)
    order = np.arange(len(rows))
    np.random.shuffle(order)
    parts = pair_data.load("addition")
    assert list(parts) == ["train", "test"] and len(parts["test"][0]) == len(rows) // 10
    found = [*zip(*parts["train"], strict=True), *zip(*parts["test"], strict=True)]
    assert found == [tuple(rows[number]) for number in order]
    assert all(eval(source) == int(target) for source, target in found)


def test_parts_of_their_own(pairs):
    parts = pair_data.multi30k("de-en")
    assert [len(parts[part][0]) for part in pair_data.PARTS] == [200, 10, 10]
    assert [(english, german) for german, english in zip(*parts["test"], strict=True)] == CAPTIONS * 2
    assert pair_data.multi30k("en-de")["test"] == parts["test"][::-1]


def test_a_limit_keeps_the_first(pairs):
    parts, whole = pair_data.load("ag_headlines", limit=20), pair_data.load("ag_headlines")
    assert [len(parts[part][0]) for part in pair_data.PARTS] == [20, 2, 2]
    assert parts["train"][0] == whole["train"][0][:20]


def test_absent_files_are_named(pairs, capsys):
    assert not pair_data.missing("multi30k")
    (pairs / "multi30k" / "dev.tsv").unlink()
    assert pair_data.missing("multi30k")
    assert (
        capsys.readouterr().out == "skipped: multi30k/dev.tsv is not in shared/data beside the repository\n"
    )
