"""`nlpkit export`: a saved model in the formats that other programs run."""

import errno

import typer

from nlpkit.cli import export_options as of_export
from nlpkit.cli import options
from nlpkit.cli import text_to_text_options as of_pairs
from nlpkit.cli.command import with_examples
from nlpkit.cli.pairs import check_readable as check_pairs
from nlpkit.cli.pairs import pair_reader
from nlpkit.cli.reading import check_labelled, check_readable, labelled_reader, text_reader
from nlpkit.cli.show import note, print_exports, write_json
from nlpkit.cli.show_explained import explained_facts, print_explained
from nlpkit.cli.start import TASKS, load_model, quiet_unless_asked, start_tensorflow
from nlpkit.errors import InputError
from nlpkit.export.formats import FORMAT_OF, TITLES

EXAMPLES = (
    "nlpkit export saved_models/x --to saved_model",
    "nlpkit export saved_models/x --to saved_model,tflite --json",
    "nlpkit export saved_models/x --to tflite --quantize float16,dynamic --data dev.tsv",
    "nlpkit export saved_models/lm --to tflite,onnx",
    "nlpkit export saved_models/mt --beam 4",
    "nlpkit export saved_models/x --jit",
    "nlpkit export saved_models/x --explain",
)
# Options that not every task has, and the tasks that have them.
WRITES_TARGETS = ("text_to_text", "chatbot", "captioner")
READS_TEXTS = ("classifier", "generator", "text_to_text", "chatbot")
ONLY_OF = {
    "beam": (WRITES_TARGETS, "a model that writes targets"),
    "jit": (("classifier",), "a classifier"),
    "steps": (("classifier",), "a classifier"),
    "fused_lstm": (("classifier",), "a classifier"),
    "text_ops": (("classifier",), "a classifier"),
    "representative": (("classifier",), "a classifier"),
    "data": (READS_TEXTS, "a model that reads texts"),
    "max_loss": (READS_TEXTS, "a model that reads texts"),
}
# The options that are arguments of `export` as they are, or by another name.
ARGUMENTS = {
    name: name for name in ("device", "jit", "quantize", "steps", "fused_lstm", "text_ops", "max_loss")
} | {"beam": "beam_size"}
# Those that are read before, and the argument that each is about.
READ_INTO = {
    "representative": "representative_data",
    "data": "validation_data",
    "max_loss": "validation_data",
}


def register(app):
    """Adds `export` to the command line."""
    app.command(cls=with_examples(*EXAMPLES))(export)


def export(
    model: options.ModelFolder,
    to: of_export.Formats = None,
    beam: of_export.Beam = None,
    device: of_export.Device = None,
    jit: of_export.Jit = False,
    quantize: of_export.Quantize = None,
    steps: of_export.Steps = None,
    fused_lstm: of_export.FusedLstm = False,
    text_ops: of_export.TextOps = False,
    representative: of_export.Representative = None,
    data: of_export.Data = None,
    columns: options.Columns = None,
    text: options.Text = None,
    label: options.Label = None,
    source: of_pairs.Source = None,
    target: of_pairs.Target = None,
    max_loss: of_export.MaxLoss = None,
    explain: of_export.Explain = False,
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
    formats, quantize = _parted(to or ["saved_model"]), _parted(quantize or ()) or None
    given = {
        "beam": beam, "device": device, "jit": jit or None, "quantize": quantize, "steps": steps,
        "fused_lstm": fused_lstm or None, "text_ops": text_ops or None, "data": data, "max_loss": max_loss,
        "representative": representative,
    }  # fmt: skip
    if explain:
        reading = {"columns": columns, "text": text, "label": label, "source": source, "target": target}
        _check_alone({"to": to, **given, **reading})
        _explain(model, as_json)
        return
    task = _checked_task(model, formats, given)
    settings = {ARGUMENTS[name]: given[name] for name in ARGUMENTS if given[name] is not None}
    if representative:
        settings["representative_data"] = text_reader(representative, text=text, columns=columns)
        check_readable(settings["representative_data"], "--representative")
    if data:
        names = {"text": text, "label": label, "source": source, "target": target}
        settings["validation_data"] = _reader(task, data, columns, names)
    results = _export(load_model(model), model, formats, settings)
    if as_json:
        write_json({"exports": [_facts(result) for result in results]})
        return
    for result in results:
        typer.echo(f"{result.path}")
    if not quiet:
        print_exports(results)
        if quantize and not data:
            note(
                "what the smaller files are worth was not measured: --data FILE, texts that were not trained on"
            )
        _show_next(model, formats)


def _check_alone(given):
    """Raises if an option that is about an export stands beside --explain."""
    for name, value in given.items():
        if value is not None:
            raise InputError(
                f"--explain shows what lies in the folder and exports nothing. Received: --{name.replace('_', '-')} "
                "beside it. Export first, then explain."
            )


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


def _checked_task(model, formats, given):
    """The task of the model, for which all given options are made."""
    from nlpkit.estimators.saving import read_spec

    task = read_spec(model).task
    for name, value in given.items():
        if value is None:
            continue
        option = f"--{name.replace('_', '-')}"
        needed = FORMAT_OF.get(READ_INTO.get(name, name))
        if needed and needed not in formats:
            raise InputError(
                f"{option} is about {TITLES[needed]}. Received: --to {','.join(formats)}. Add it: --to {needed}"
            )
        tasks, what = ONLY_OF.get(name, ((task,), ""))
        if task not in tasks:
            raise InputError(f"{option} is about {what}. Received: {model}, {TASKS[task][0]}. Leave it out.")
    if given["max_loss"] is not None and not given["data"]:
        raise InputError(
            f"--max-loss is measured on the texts of --data. Received: --max-loss {given['max_loss']:g} without --data."
        )
    return task


def _reader(task, data, columns, names):
    """Reads the texts of --data as `nlpkit evaluate` does."""
    reading = {"columns": columns, "quoting": None, "on_bad_row": "error", "format": None}
    if task == "classifier":
        given = {"text": names["text"], "label": names["label"], "label_separator": None}
        reader = labelled_reader(data, **given, **reading)
        check_labelled(reader, "--data")
    elif task == "generator":
        reader = text_reader(data, text=names["text"], **reading)
        check_readable(reader, "--data")
    else:
        reader = pair_reader(data, source=names["source"], target=names["target"], **reading)
        check_pairs(reader)
    return reader


def _export(estimator, model, formats, settings):
    import tensorflow as tf

    try:
        # LiteRT, by which smaller files are measured, writes to the terminal whatever TensorFlow's log level is.
        with quiet_unless_asked():
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
