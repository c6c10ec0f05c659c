"""Which folders a command may write a model to, checked before the work."""

import os
from pathlib import Path

from nlpkit.errors import InputError
from nlpkit.training.state_files import holds_state


def check_free(out, overwrite):
    """Makes sure that a model may be written to a folder.

    Args:
        out: Path. Where the model will be saved.
        overwrite: bool. Whether a model that is there may be replaced.

    Raises:
        InputError: If something is there that must not be replaced, or nothing can be written there.
    """
    from nlpkit.estimators.saving import SPEC_FILE, check_replaceable

    out = Path(out)
    check_replaceable(out)
    if (out / SPEC_FILE).is_file() and not overwrite:
        raise InputError(
            f"{out} already holds a saved model. Replace it with --overwrite, or name another folder (--out)."
        )
    parent = next(path for path in out.absolute().parents if path.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise InputError(f"{out} cannot be made, since {parent} cannot be written to. Name another folder.")


def check_checkpoint(checkpoint, resume, overwrite):
    """Makes sure that an unfinished run is neither lost nor missed.

    Args:
        checkpoint: Path. Where the run keeps its checkpoint.
        resume: bool. Whether to go on with it.
        overwrite: bool. Whether it may be lost.

    Raises:
        InputError: If there is one and nothing is said about it, or there is none to go on with.
    """
    found = holds_state(checkpoint)
    if resume and not found:
        raise InputError(
            f"--resume: there is no unfinished run in {checkpoint}. Leave out --resume to start one."
        )
    if found and not resume and not overwrite:
        raise InputError(
            f"{checkpoint} holds an unfinished run. Go on with it (--resume), or start anew (--overwrite)."
        )
