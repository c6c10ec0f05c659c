"""What the `nlpkit train` commands have in common: checks before the work, a run that can go on, and hints after it."""

import contextlib
import errno
import sys
from pathlib import Path

from nlpkit.cli.folders import check_checkpoint, check_free
from nlpkit.cli.show import note, note_skipped
from nlpkit.errors import InputError
from nlpkit.training.state_files import HALF_WRITTEN, holds_state, remove_states


def check_folders(out, resume, overwrite):
    """Makes sure that a model may be written to a folder, and that no unfinished run is lost or missed.

    Args:
        out: Path. Where the model will be saved.
        resume: bool. Whether to go on with an unfinished run.
        overwrite: bool. Whether a model or an unfinished run that is there may be lost.

    Returns:
        Path of the folder for the checkpoint of the run.

    Raises:
        InputError: If a folder cannot be used so.
    """
    checkpoint = Path(f"{out}.checkpoint")
    check_free(out, overwrite)
    check_checkpoint(checkpoint, resume, overwrite)
    return checkpoint


def fit_and_save(model, out, kept_in, data, **settings):
    """Trains and saves; until the model is saved, its state stays in the checkpoint.

    Args:
        model: Estimator.
        out: Path of the model folder.
        kept_in: Path of the folder in which the run keeps its checkpoint.
        data: What `model.fit` learns from.
        **settings: Further arguments of `model.fit`.

    Raises:
        KeyboardInterrupt: Again, with how to go on.
        OSError: Again, with how to go on.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            model.fit(data, **settings)
        model.save(out)
    except (KeyboardInterrupt, OSError) as error:
        kept = holds_state(kept_in)
        hint = f"; go on with the same command and --resume (its state is in {kept_in})" if kept else ""
        if isinstance(error, OSError):
            where = error.filename or str(kept_in)  # writing an archive does not name its file
            told = f"{error.strerror or error}{hint}"
            raise OSError(error.errno or errno.EIO, told, where) from error
        raise KeyboardInterrupt(f"interrupted{hint}") from error
    finally:
        if not holds_state(kept_in):
            remove_states(kept_in, [HALF_WRITTEN])
    remove_states(kept_in)


def add_test_result(add_test, model, out):
    """Adds the test result to a saved model.

    Args:
        add_test: callable. Evaluates, and puts the evaluation into the model's report.
        model: Estimator that is saved there already.
        out: Path of the model folder.

    Returns:
        What `add_test` returns.

    Raises:
        InputError: If the data cannot be used; the model stays saved without a test result.
    """
    try:
        evaluation = add_test()
    except InputError as error:
        raise InputError(
            f"--test-data: {error} The model is trained and saved in {out}, without a test result."
        ) from error
    model.save(out)
    return evaluation


def note_result(report, out):
    """Says what was left out, where the model is, and what there is from before.

    Args:
        report: dict. The `report_` of the estimator.
        out: Path of the model folder.
    """
    for part, facts in report["data"].items():
        note_skipped(facts.get("skipped", 0), facts.get("first_skipped", []), f"{part} data")
    note(f"saved in {out} after {report['seconds']:.0f} s; open {out / 'report.html'} for details")
    exported = sorted(path.name for path in out.iterdir() if path.name.isdecimal())
    if exported:
        note(
            f"{out / exported[-1]} is still the export of the model before; nlpkit export {out} makes a new one"
        )


def note_next(*commands):
    """Says what may come next.

    Args:
        *commands: str. Commands to type.
    """
    note("\nnext:")
    for command in commands:
        note(f"  {command}")
