"""A run that was interrupted goes on as if it had not been."""

import json
import os
import zipfile
from pathlib import Path

import keras
import numpy as np

from nlpkit.errors import InputError
from nlpkit.training.state_files import HALF_WRITTEN, STATE_FILE


class Checkpoint(keras.callbacks.Callback):
    """Saves all state of a run after each epoch, and puts it back.

    State is every variable of the model (the seeds of its dropout layers among them) and of the optimizer, the
    best weights so far, the callbacks' counters and the history. The file is replaced atomically.

    Args:
        folder: Path. Where the checkpoint lies, made if needed; `None` keeps the history only.
        fingerprint: str. What identifies data and settings; another one is refused when resuming.
        stateful: dict. Name to callback with `state()` and `set_state(state)`; one is named `"best"`.

    Raises:
        InputError: If a checkpoint to resume from is missing, unreadable or of another run.

    Example:
        >>> from nlpkit.training.checkpoint import Checkpoint
        >>> Checkpoint("run.checkpoint", "data and settings", {}).path.name
        'state.npz'
    """

    def __init__(self, folder, fingerprint, stateful):
        super().__init__()
        self.folder, self.fingerprint, self.stateful = folder and Path(folder), fingerprint, stateful
        self.path = self.folder and self.folder / STATE_FILE
        self._temporary = self.folder and self.folder / HALF_WRITTEN
        self.history = {}

    def on_epoch_end(self, epoch, logs=None):
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value))
        if self.folder:
            self.save(epoch + 1)

    def save(self, epochs_done):
        """Writes the state after `epochs_done` epochs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        facts = {
            "fingerprint": self.fingerprint,
            "epochs": self.params["epochs"],
            "epochs_done": epochs_done,
            "stopped": bool(self.model.stop_training),
            "history": self.history,
            "callbacks": {name: callback.state() for name, callback in self.stateful.items()},
        }
        arrays = {f"variable_{i}": v.numpy() for i, v in enumerate(self._variables())}
        arrays |= {f"best_{i}": w for i, w in enumerate(self.stateful["best"].best_weights or [])}
        np.savez(self._temporary, facts=np.array(json.dumps(facts)), **arrays)
        os.replace(self._temporary, self.path)

    def planned_epochs(self):
        """Number of epochs that the interrupted run was to have."""
        return self._read()[0]["epochs"]

    def restore(self):
        """Puts the saved state back into model, optimizer and callbacks.

        Returns:
            Tuple of the number of finished epochs and whether training had already stopped.
        """
        facts, content = self._read()
        self._restore_arrays(content)
        for name, state in facts["callbacks"].items():
            self.stateful[name].set_state(state)
        self.history = facts["history"]
        return facts["epochs_done"], facts["stopped"]

    def _read(self):
        if self.folder is None or not self.path.is_file():
            raise InputError(
                f"There is no checkpoint to resume from (folder: {self.folder}). Leave out the resume option to start "
                "anew."
            )
        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                content = {name: arrays[name] for name in arrays.files}
            facts = json.loads(str(content.pop("facts")))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(
                f"The checkpoint {self.path} cannot be read ({error}). Delete it and start the training anew."
            ) from error
        if facts["fingerprint"] != self.fingerprint:
            raise InputError(
                f"The checkpoint in {self.folder} belongs to a run with other data or settings. "
                "Repeat that run's options, or start anew without resuming (on the command line: --overwrite)."
            )
        return facts, content

    def _restore_arrays(self, content):
        for i, variable in enumerate(self._variables()):
            variable.assign(content[f"variable_{i}"])
        best = [content[f"best_{i}"] for i in range(sum(name.startswith("best_") for name in content))]
        self.stateful["best"].best_weights = best or None

    def _variables(self):
        return [*self.model.variables, *self.model.optimizer.variables]
