"""The files in which runs keep their state, one subfolder per network; nothing heavy is imported for them."""

from pathlib import Path

STATE_FILE, HALF_WRITTEN = "state.npz", "state.tmp.npz"


def holds_state(folder):
    """Whether a run has left a whole state to go on from.

    Args:
        folder: Path. Need not be there.

    Returns:
        bool.

    Example:
        >>> from nlpkit.training.state_files import holds_state
        >>> holds_state("a/folder/that/is/not/there")
        False
    """
    return any(Path(folder).glob(f"*/{STATE_FILE}"))


def remove_states(folder, names=(STATE_FILE, HALF_WRITTEN)):
    """Deletes the states that runs have left, and the folders that are empty then; nothing else.

    Args:
        folder: Path. Need not be there.
        names: Names of the files to delete. Defaults to whole and half-written states.

    Example:
        >>> from nlpkit.training.state_files import remove_states
        >>> remove_states("a/folder/that/is/not/there")
    """
    found = [path for name in names for path in Path(folder).glob(f"*/{name}")]
    for path in found:
        path.unlink()
    for emptied in (*{path.parent for path in found}, Path(folder)):
        if emptied.is_dir() and not any(emptied.iterdir()):
            emptied.rmdir()
