"""What the `nlpkit train` commands have in common: checks before the work, a run that can go on, and hints after it."""

import contextlib
import errno
import shlex
import sys
from pathlib import Path

from nlpkit.cli.folders import check_checkpoint, check_free
from nlpkit.cli.show import note, note_skipped
from nlpkit.errors import InputError
from nlpkit.training.state_files import HALF_WRITTEN, holds_state, remove_states

EXPORTS = ("model*.tflite", "model.onnx")


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


def check_batches(batch_size, batch_tokens):
    """Makes sure that the size of a step of pairs is said once.

    Args:
        batch_size: int. Pairs of a step, or `None`.
        batch_tokens: int. Tokens of a step, or `None`.

    Raises:
        InputError: If both are given.
    """
    if batch_size and batch_tokens:
        raise InputError(
            "--batch-tokens takes the place of --batch-size. "
            f"Received: --batch-size {batch_size} and --batch-tokens {batch_tokens}. Leave out one of them."
        )


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


def given(**settings):
    """The options that were given; the others are left to the estimator.

    Args:
        **settings: Values of options, `None` where nothing was given.

    Returns:
        dict.

    Example:
        >>> from nlpkit.cli.training import given
        >>> given(units=8, dropout=None)
        {'units': 8}
    """
    return {name: value for name, value in settings.items() if value is not None}


def train_and_measure(model, out, checkpoint, name, train, *, validation=None, test=None, resume=False):
    """Trains a model whose state is kept apart for each kind of it, saves it, and measures it on test data.

    Args:
        model: Estimator with a perplexity in its report.
        out: Path of the model folder.
        checkpoint: Path of the folder for the state of the run.
        name: str. The kind of model, whose state has a folder of its own.
        train: What `model.fit` learns from.
        validation: What it is measured on after each epoch. Defaults to `None`.
        test: List of the arguments of `model.add_test`. Defaults to `None`.
        resume: bool. Whether to go on with an unfinished run. Defaults to `False`.

    Returns:
        dict of the measured parts.

    Raises:
        InputError: If data or a setting cannot be used.
    """
    if not resume:
        remove_states(checkpoint)
    state = checkpoint / name
    fit_and_save(model, out, checkpoint, train, validation_data=validation, checkpoint=state, resume=resume)
    evaluations = {part: {"perplexity": value} for part, value in model.report_["perplexity"].items()}
    if test:
        evaluations["test"] = add_test_result(lambda: model.add_test(*test), model, out)
    return evaluations


def result_object(report, evaluations, out, **more):
    """What a command that trains writes with --json.

    Args:
        report: dict. The `report_` of the estimator.
        evaluations: dict of the measured parts.
        out: Path of the model folder.
        **more: What else it tells, before the measures, or in place of what it has from the report.

    Returns:
        dict.
    """
    return {
        "model": str(out),
        "report": str(out / "report.html"),
        "seconds": report["seconds"],
        "best_epoch": report["best_epoch"],
        "averaged": report.get("averaged", 0),
        "evaluation": evaluations,
        "skipped": {part: facts.get("skipped", 0) for part, facts in report["data"].items()},
        **more,
    }


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
    """Says what was left out, why training ended early, where the model is, and what there is from before.

    Args:
        report: dict. The `report_` of the estimator.
        out: Path of the model folder.
    """
    for part, facts in report["data"].items():
        note_skipped(facts.get("skipped", 0), facts.get("first_skipped", []), f"{part} data")
    epochs, planned = len(report["history"]["loss"]), report["settings"]["training"]["epochs"]
    if report["out_of_time"]:
        note(
            f"stopped in epoch {epochs}, because the time was over; with more --minutes it may become better"
        )
    elif epochs < planned:
        note(f"ended after epoch {epochs} of {planned}; epoch {report['best_epoch']} was the best")
    note(f"saved in {out} after {report['seconds']:.0f} s; open {out / 'report.html'} for details")
    exported = _exported(out)
    if exported:
        note(
            f"still exports of the model before: {', '.join(exported)}; nlpkit export {out} --to … makes them anew"
        )


def _exported(out):
    """Names of what was exported: the newest SavedModel, and the files."""
    versions = sorted((path.name for path in out.iterdir() if path.name.isdecimal()), key=int)
    return [*versions[-1:], *sorted(path.name for pattern in EXPORTS for path in out.glob(pattern))]


def columns_as_given(**flags):
    """The options by which other files are read as those of the training were, to be typed again.

    Args:
        **flags: str or `None`. By the name of the option.

    Returns:
        str, which begins with a space where there is anything to type.

    Example:
        >>> from nlpkit.cli.training import columns_as_given
        >>> columns_as_given(columns="source,target", source=None, target="my answer")
        " --columns source,target --target 'my answer'"
    """
    return "".join(f" --{name} {shlex.quote(value)}" for name, value in flags.items() if value is not None)


def note_next(*commands):
    """Says what may come next.

    Args:
        *commands: str. Commands to type.
    """
    note("\nnext:")
    for command in commands:
        note(f"  {command}")
