import json

import numpy as np
import pytest
from training.small_runs import data, model

from nlpkit.errors import InputError
from nlpkit.spec import TrainingSettings
from nlpkit.training import train


def run(checkpoint, fingerprint="a", resume=False, epochs=2):
    network = model()
    result = train(
        network, *data(32), TrainingSettings(epochs=epochs), validation=data(16), checkpoint=checkpoint,
        resume=resume, fingerprint=fingerprint,
    )  # fmt: skip
    return network, result


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "checkpoint"
    return folder, *run(folder)


def test_a_finished_run_is_not_trained_again(finished):
    folder, network, result = finished
    again, repeated = run(folder, resume=True)
    assert repeated.history == result.history and repeated.best_epoch == result.best_epoch
    for new, old in zip(again.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


def test_nothing_but_the_state_lies_in_the_folder(finished):
    assert [path.name for path in finished[0].iterdir()] == ["state.npz"]


def test_other_settings_are_refused(finished):
    with pytest.raises(
        InputError, match="belongs to a run with other data or settings.*start anew without resuming"
    ):
        run(finished[0], fingerprint="b", resume=True)


@pytest.mark.parametrize("folder", [None, "nothing-here"])
def test_a_missing_checkpoint(tmp_path, folder):
    with pytest.raises(InputError, match="no checkpoint to resume from.*Leave out the resume option"):
        run(folder and tmp_path / folder, resume=True)


def damaged(content, kind):
    if kind == "truncated":
        return content[: len(content) // 2]
    return {
        "empty": b"",
        "foreign": b"not a checkpoint",
        "flipped": content[:200] + b"\0" * 500 + content[700:],
    }[kind]


@pytest.mark.parametrize("kind", ["truncated", "empty", "foreign", "flipped"])
def test_a_damaged_checkpoint(finished, tmp_path, kind):
    (tmp_path / "state.npz").write_bytes(damaged((finished[0] / "state.npz").read_bytes(), kind))
    with pytest.raises(InputError, match="state.npz cannot be read.*Delete it"):
        run(tmp_path, resume=True)


def test_an_archive_of_something_else_is_a_damaged_checkpoint(tmp_path):
    np.savez(tmp_path / "state.npz", weights=np.zeros(3))
    with pytest.raises(InputError, match="cannot be read.*facts"):
        run(tmp_path, resume=True)


def test_a_failing_write_leaves_the_earlier_state(finished, tmp_path, monkeypatch):
    folder = tmp_path / "checkpoint"
    run(folder, epochs=1)
    before = (folder / "state.npz").read_bytes()

    def half(path, **arrays):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(OSError, match="disk full"):
        run(folder, epochs=2)
    assert (folder / "state.npz").read_bytes() == before
    assert json.loads(str(np.load(folder / "state.npz")["facts"]))["epochs_done"] == 1
