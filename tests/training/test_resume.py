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


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_killed_run_ends_as_if_it_had_not_been(killed, schedule):
    assert 2 <= epochs_done(killed[schedule]) < 4
    resumed, result = small_runs.interrupted_run(killed[schedule], schedule, resume=True)
    whole, expected = small_runs.interrupted_run(None, schedule, resume=False)
    assert result.history == expected.history
    assert len(result.history["loss"]) == 4
    assert result.best_epoch == expected.best_epoch
    for new, old in zip(resumed.variables, whole.variables, strict=True):
        np.testing.assert_array_equal(new.numpy(), old.numpy(), err_msg=new.path)
    for new, old in zip(resumed.optimizer.variables, whole.optimizer.variables, strict=True):
        np.testing.assert_array_equal(new.numpy(), old.numpy(), err_msg=new.path)
