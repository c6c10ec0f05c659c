"""`nlpkit export`: a saved model in the formats that other programs run."""

import errno
from typing import Annotated

import typer

from nlpkit.cli import options
from nlpkit.cli.command import with_examples
from nlpkit.cli.reading import check_labelled, labelled_reader
from nlpkit.cli.show import note, print_exports, write_json
from nlpkit.cli.show_explained import explained_facts, print_explained
from nlpkit.cli.start import TASKS, load_model, start_tensorflow
from nlpkit.errors import InputError

EXAMPLES = (
    "nlpkit export saved_models/x --to saved_model",
    "nlpkit export saved_models/x --to saved_model,tflite --json",
    "nlpkit export saved_models/x --to tflite --quantize float16,dynamic --data dev.tsv",
    "nlpkit export saved_models/lm --to tflite,onnx",
    "nlpkit export saved_models/mt --beam 4",
    "nlpkit export saved_models/x --jit",
    "nlpkit export saved_models/x --explain",
)
_of_saved_model, _of_tflite = {"rich_help_panel": "SavedModel"}, {"rich_help_panel": "TFLite"}
Formats = Annotated[
    list[str],
    typer.Option("--to", help="saved_model, tflite and onnx: one, or several with commas between them."),
]
Beam = Annotated[
    int | None,
    typer.Option(
        "--beam",
        min=1,
        help="Of a text-to-text model or a captioner: targets that the export carries on side by side.",
        show_default="5",
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        help="gpu: signatures with the kernels of cuDNN beside the others, which run on any device.",
        show_default=False,
        **_of_saved_model,
    ),
]
Jit = Annotated[
    bool,
    typer.Option(
        "--jit",
        help="Of a classifier: signatures that XLA compiles beside the others, where they are faster.",
        **_of_saved_model,
    ),
]
Quantize = Annotated[
    list[str] | None,
    typer.Option(
        "--quantize",
        help="Smaller files beside model.tflite: float16, dynamic (8-bit weights), int8 (8 bits throughout).",
        show_default=False,
        **_of_tflite,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        min=1,
        help="Of a classifier: tokens that the model always reads; shorter texts are padded.",
        show_default="as many as the text has",
        **_of_tflite,
    ),
]
FusedLstm = Annotated[
    bool,
    typer.Option(
        "--fused-lstm",
        help="Of a classifier: one operation for each LSTM, for microcontrollers; its state must be reset.",
        **_of_tflite,
    ),
]
Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        help="Of a classifier: labelled texts, on which the accuracy of each file is measured.",
        show_default=False,
        **_of_tflite,
    ),
]
MaxLoss = Annotated[
    float | None,
    typer.Option(
        "--max-loss",
        min=0.0,
        help="With --data: how much less accurate than the model a file may be.",
        show_default="0.005",
        **_of_tflite,
    ),
]
Explain = Annotated[
    bool,
    typer.Option("--explain", help="Show what the exports hold that lie in the folder; nothing is exported."),
]
# Options that not every task has, and the tasks that have them.
WRITES_TARGETS = ("text_to_text", "chatbot", "captioner")
ONLY_OF = {
    "beam": (WRITES_TARGETS, "a model that writes targets"),
    "jit": (("classifier",), "a classifier"),
    "steps": (("classifier",), "a classifier"),
    "fused_lstm": (("classifier",), "a classifier"),
    "data": (("classifier",), "a classifier"),
    "max_loss": (("classifier",), "a classifier"),
}


def register(app):
    """Adds `export` to the command line."""
    app.command(cls=with_examples(*EXAMPLES))(export)


def export(
    model: options.ModelFolder,
    to: Formats = ("saved_model",),
    beam: Beam = None,
    device: Device = None,
    jit: Jit = False,
    quantize: Quantize = None,
    steps: Steps = None,
    fused_lstm: FusedLstm = False,
    data: Data = None,
    columns: options.Columns = None,
    text: options.Text = None,
    label: options.Label = None,
    max_loss: MaxLoss = None,
    explain: Explain = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
):
    """Export a saved model and compare what was written with it.

    saved_model is what TensorFlow Serving runs: text in, label and probabilities out, or what a text generator
    writes behind it and how likely that is, or the target that a text-to-text model writes, with its score; an
    image in and its caption out. Each export gets the next free version folder, 1, 2 and so on, so that the model
    folder can be served as it is.

    tflite is one file for phones, small computers and plain Python: model.tflite, which `nlpkit.lite` runs without
    TensorFlow. It holds the model, its searches, the vocabulary and the labels, and built-in operations only.

    onnx is what ONNX Runtime runs: model.onnx, ids in, beside it a graph for each other signature, and
    model.onnx.json, by which `nlpkit.lite` makes ids of texts.
    """
    if explain:
        _explain(model, as_json)
        return
    formats, quantize = _parted(to), _parted(quantize or ())
    _check_formats(formats, {"--device": device, "--jit": jit}, "saved_model", "SavedModels")
    _check_formats(
        formats, {"--quantize": quantize, "--steps": steps, "--fused-lstm": fused_lstm, "--data": data}
    )
    given = {
        "beam": beam,
        "jit": jit or None,
        "steps": steps,
        "fused_lstm": fused_lstm or None,
        "data": data,
        "max_loss": max_loss,
    }
    settings = _settings(model, given)
    if data:
        given = {"columns": columns, "text": text, "label": label}
        settings["validation_data"] = _labelled(data, **given)
    if quantize:
        settings["quantize"] = quantize
    if device is not None:
        settings["device"] = device
    results = _export(load_model(model), model, formats, settings)
    if as_json:
        write_json({"exports": [_facts(result) for result in results]})
        return
    for result in results:
        typer.echo(f"{result.path}")
    if not quiet:
        print_exports(results)
        _show_next(model, formats)


def _explain(model, as_json):
    start_tensorflow()
    from nlpkit.export import explain

    found = explain(model)
    if as_json:
        write_json({"exports": [explained_facts(each) for each in found]})
        return
    for each in found:
        print_explained(each)


def _parted(values):
    """Values that may be parted by commas."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _check_formats(formats, given, needed="tflite", title="TFLite"):
    for name, value in given.items():
        if value and needed not in formats:
            raise InputError(
                f"{name} is about {title}. Received: --to {','.join(formats)}. Add it: --to {needed}"
            )


def _settings(model, given):
    """Further arguments of the estimator's `export`."""
    from nlpkit.estimators.saving import read_spec

    task = read_spec(model).task
    for name, value in given.items():
        tasks, what = ONLY_OF[name]
        if value is not None and task not in tasks:
            raise InputError(
                f"--{name.replace('_', '-')} is about {what}. Received: {model}, {TASKS[task][0]}. Leave it out."
            )
    if given["max_loss"] is not None and not given["data"]:
        raise InputError(
            f"--max-loss is measured on labelled texts. Received: --max-loss {given['max_loss']:g} without --data."
        )
    names = {
        "beam": "beam_size",
        "jit": "jit",
        "steps": "steps",
        "fused_lstm": "fused_lstm",
        "max_loss": "max_loss",
    }
    return {names[name]: value for name, value in given.items() if value is not None and name in names}


def _labelled(data, **given):
    reading = {"quoting": None, "label_separator": None, "on_bad_row": "error", "format": None}
    reader = labelled_reader(data, **given, **reading)
    check_labelled(reader, "--data")
    return reader


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
        "size": result.size,
        "milliseconds": result.milliseconds,
        **(result.quality or {}),
        **{name: found for name in ("gpu", "jit") if (found := getattr(result, name)) is not None},
    }


def _show_next(model, formats):
    if "saved_model" in formats:
        note("\nserve it (REST on port 8501):")
        note(f'  docker run -p 8501:8501 -v "{model.absolute()}:/models/{model.name}" \\')
        note(f"      -e MODEL_NAME={model.name} tensorflow/serving")
    if "tflite" in formats:
        note("\nuse it without TensorFlow (pip install ai-edge-litert):")
        note(f'  import nlpkit.lite; model = nlpkit.lite.load("{model / "model.tflite"}")')
    if "onnx" in formats:
        note("\nuse it without TensorFlow (pip install onnxruntime):")
        note(f'  import nlpkit.lite; model = nlpkit.lite.load("{model / "model.onnx"}")')
