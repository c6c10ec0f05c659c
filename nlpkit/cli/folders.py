"""Which folders a command may write a model to, checked before the work."""

import os
from pathlib import Path

from nlpkit.errors import InputError

CHECKPOINT_FILE, HALF_WRITTEN = "state.npz", "state.tmp.npz"


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


def holds_state(checkpoint):
    """Whether a run has left a whole state to go on from.

    Args:
        checkpoint: Path. Where the run keeps its checkpoint.

    Returns:
        bool.

    Example:
        >>> from nlpkit.cli.folders import holds_state
        >>> holds_state("a/folder/that/is/not/there")
        False
    """
    return any(Path(checkpoint).glob(f"*/{CHECKPOINT_FILE}"))


def remove_half_written(checkpoint):
    """Deletes what a run leaves that ends while it writes its first state.

    Args:
        checkpoint: Path. Where the run keeps its checkpoint.

    Example:
        >>> from nlpkit.cli.folders import remove_half_written
        >>> remove_half_written("a/folder/that/is/not/there")
    """
    for path in Path(checkpoint).glob(f"*/{HALF_WRITTEN}"):
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    if Path(checkpoint).is_dir() and not any(Path(checkpoint).iterdir()):
        Path(checkpoint).rmdir()


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
