"""Each side answers or says why not, and what is asked for is judged by what was found."""

import export_peers
import export_speed
import numpy as np
import pytest

SIDES = list(export_peers.CLASSIFIERS)


@pytest.fixture
def films(data):
    """SST-2 of a few words."""
    for part in ("train", "dev", "test"):
        path = data / "sst2" / f"{part}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("1\ta good film\n0\ta dull film\n" * 20, encoding="utf-8")


@pytest.mark.slow
def test_what_a_run_writes(films, quick, capsys, monkeypatch):
    monkeypatch.setattr(export_speed, "SECONDS", 0.01)
    seconds = {"import nlpkit.lite": 0.1, "nlpkit.lite": 0.2, "Keras": 4.0}
    monkeypatch.setattr(export_speed, "starts", lambda folder, runs: seconds)
    # It would bind the process that runs the tests to one core.
    monkeypatch.setattr(export_speed.os, "sched_setaffinity", lambda process, cores: None, raising=False)
    found = quick("export_speed")
    for kind in ("classifier", "generator"):
        assert list(found[kind]) == SIDES and all(row["bytes"] > 0 for row in found[kind].values())
        ms = {side: row["ms"] for side, row in found[kind].items() if "ms" in row}
        assert set(SIDES) - set(ms) <= {"Keras, export(format='litert')"}
        assert all(list(each) == ["5", "9"] and min(each.values()) > 0 for each in ms.values())
    checks = {check["what"]: check for check in found["checks"]}
    soon = checks["first prediction, times as soon as Keras"]
    assert soon["found"] == 20.0 and soon["met"] == "yes"
    assert "Goals" in capsys.readouterr().out


def test_how_it_is_judged():
    row = {"bytes": 100, "ms": {"5": 9.0}}
    sides = {side: row for side in SIDES} | {"nlpkit, TFLite, dynamic": {"bytes": 31, "ms": {"5": 9.0}}}
    result = {
        "classifier": {**sides, "nlpkit, TFLite": {"bytes": 100, "ms": {"5": 3.0}}},
        "generator": {**sides, "nlpkit, TFLite": {"bytes": 100, "ms": {"5": 4.0}}},
        "accuracy": {"Keras model": 0.82, "nlpkit, TFLite, dynamic": 0.81},
        "start_seconds": {"import nlpkit.lite": 0.31, "nlpkit.lite": 0.4, "Keras": 3.9},
        "one_core": {"ms": 99.0},
    }
    assert [check["met"] for check in export_speed.judge(result)] == [
        "yes", "no", "no", "no", "no", "no", "no", "yes", "yes",
    ]  # fmt: skip


def test_the_tutorial_way_reads_the_whole_text_again(tmp_path):
    (tmp_path / "facts.json").write_text('{"characters": 9}', encoding="utf-8")
    lengths = []

    def model(text):
        lengths.append(text.shape[1])
        return np.eye(9)[text]

    written = export_peers._again_and_again(model, tmp_path)(3)
    first = len(export_peers.PROMPT)
    assert lengths == [first, first + 1, first + 2] and written.tolist() == [4, 4, 4]
