"""`nlpkit export`: a saved model in the formats that other programs run."""

import errno
from typing import Annotated

import typer

from nlpkit.cli import options
from nlpkit.cli.command import with_examples
from nlpkit.cli.show import note, write_json
from nlpkit.cli.start import load_model
from nlpkit.errors import InputError

EXAMPLES = (
    "nlpkit export saved_models/x --to saved_model",
    "nlpkit export saved_models/x --to saved_model --json",
    "nlpkit export saved_models/lm --to saved_model",
    "nlpkit export saved_models/mt --beam 4",
)
# Tasks with beams in their export.
WRITES_TARGETS = ("text_to_text", "chatbot", "captioner")
Formats = Annotated[list[str], typer.Option("--to", help="Format: saved_model. May be given several times.")]
Beam = Annotated[
    int | None,
    typer.Option(
        "--beam",
        min=1,
        help="Of a text-to-text model or a captioner: targets that the export carries on side by side.",
        show_default="5",
    ),
]


def register(app):
    """Adds `export` to the command line."""
    app.command(cls=with_examples(*EXAMPLES))(export)


def export(
    model: options.ModelFolder,
    to: Formats = ("saved_model",),
    beam: Beam = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
):
    """Export a saved model and compare what was written with it.

    saved_model is what TensorFlow Serving runs: text in, label and probabilities out, or what a text generator
    writes behind it and how likely that is, or the target that a text-to-text model writes, with its score; an
    image in and its caption out. Each export gets the next free version folder, 1, 2 and so on, so that the model
    folder can be served as it is.
    """
    results = _export(load_model(model), model, tuple(to), _settings(model, beam))
    if as_json:
        write_json({"exports": [_facts(result) for result in results]})
        return
    for result in results:
        typer.echo(f"{result.path}")
        if not quiet:
            note(
                f"{result.format}: reloaded and compared on {result.texts_compared} inputs; "
                f"largest difference {result.max_difference:.1e}"
            )
    if not quiet:
        note("\nserve it (REST on port 8501):")
        note(f'  docker run -p 8501:8501 -v "{model.absolute()}:/models/{model.name}" \\')
        note(f"      -e MODEL_NAME={model.name} tensorflow/serving")


def _settings(model, beam):
    """Further arguments of the estimator's `export`."""
    from nlpkit.estimators.saving import read_spec

    if beam is None:
        return {}
    task = read_spec(model).task
    if task not in WRITES_TARGETS:
        raise InputError(
            f"--beam is about a model that writes targets. Received: --beam {beam} for {model}, a {task}. Leave it out."
        )
    return {"beam_size": beam}


def _export(estimator, model, formats, settings):
    import tensorflow as tf

    try:
        return estimator.export(model, to=formats, **settings)
    except (
        tf.errors.PermissionDeniedError,
        tf.errors.ResourceExhaustedError,
        tf.errors.OutOfRangeError,
    ) as error:
        # How TensorFlow tells of a folder it may not write to, a full disk, and a file too large.
        reason = error.message.split("; ")[-1].split(" [Op:")[0]
        raise OSError(errno.EIO, f"the export could not be written ({reason})", str(model)) from error


def _facts(result):
    return {
        "format": result.format,
        "path": str(result.path),
        "max_difference": result.max_difference,
        "texts_compared": result.texts_compared,
    }
