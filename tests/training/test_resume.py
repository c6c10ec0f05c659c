"""A run that is really killed goes on to the same result as one that is not."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import training.small_runs as small_runs

from nlpkit.spec import TrainingSettings
from nlpkit.training import train
from nlpkit.training.checkpoint import Checkpoint

SCHEDULES = ["cosine", "plateau"]
PATIENCE = 120


def epochs_done(checkpoint):
    path = Path(checkpoint) / "state.npz"
    if not path.is_file():
        return 0
    with np.load(path) as arrays:
        return json.loads(str(arrays["facts"]))["epochs_done"]


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Checkpoints of two runs that were killed in their third epoch of four."""
    home = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(home), str(home / "tests")])}
    folders = {name: tmp_path_factory.mktemp(name) / "checkpoint" for name in SCHEDULES}
    runs = {
        name: subprocess.Popen(
            [sys.executable, small_runs.__file__, str(folder), name],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        for name, folder in folders.items()
    }
    end = time.monotonic() + PATIENCE
    waiting = set(SCHEDULES)
    while waiting and time.monotonic() < end:
        for name in list(waiting):
            if runs[name].poll() is not None or epochs_done(folders[name]) >= 2:
                runs[name].send_signal(signal.SIGKILL)
                waiting.discard(name)
        time.sleep(0.01)
    for run in runs.values():
        run.kill()
        _, messages = run.communicate()
        assert run.returncode == -signal.SIGKILL, messages[-2000:]
    return folders


def assert_same_state(resumed, whole):
    for owner, other in ((resumed, whole), (resumed.optimizer, whole.optimizer)):
        for new, old in zip(owner.variables, other.variables, strict=True):
            np.testing.assert_array_equal(new.numpy(), old.numpy(), err_msg=new.path)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_killed_run_ends_as_if_it_had_not_been(killed, schedule):
    assert 2 <= epochs_done(killed[schedule]) < 4
    resumed, result = small_runs.interrupted_run(killed[schedule], schedule, resume=True)
    whole, expected = small_runs.interrupted_run(None, schedule, resume=False)
    assert result.history == expected.history
    assert len(result.history["loss"]) == 4
    assert result.best_epoch == expected.best_epoch
    assert_same_state(resumed, whole)


class Cut(BaseException):
    """Stands for the end of the process."""


def cut_after(epochs):
    """`Checkpoint.save`, and the end of the process after so many epochs."""
    save = Checkpoint.save

    def save_and_end(self, epochs_done):
        save(self, epochs_done)
        if epochs_done == epochs:
            raise Cut

    return save_and_end


def plateau_run(checkpoint=None, resume=False):
    """A warm-up of 19 of 64 steps, then a rate so high that the validation loss rises."""
    settings = TrainingSettings(
        epochs=8, batch_size=8, schedule="plateau", warmup=0.3, learning_rate=0.5, patience=None
    )
    network = small_runs.model(dropout=0.3)
    result = train(
        network, *small_runs.data(64), settings, validation=small_runs.data(16, seed=9), seed=7,
        checkpoint=checkpoint, resume=resume,
    )  # fmt: skip
    return network, result


@pytest.fixture(scope="module")
def whole_plateau_run():
    return plateau_run()


@pytest.mark.parametrize("epochs", [1, 6], ids=["within the warm-up", "after the rate was lowered"])
def test_a_plateau_schedule_goes_on_where_it_was(whole_plateau_run, tmp_path, monkeypatch, epochs):
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", cut_after(epochs))
        with pytest.raises(Cut):
            plateau_run(tmp_path)
    resumed, result = plateau_run(tmp_path, resume=True)
    whole, expected = whole_plateau_run
    rates = expected.history["learning_rate"]
    assert rates[0] == pytest.approx(0.5 * 7 / 19) and max(rates) == 0.5 > rates[5], "nothing was tested"
    assert result.history == expected.history
    assert_same_state(resumed, whole)
