"""`nlpkit doctor`: what is installed, what it runs on, and what is missing."""

import os
import platform
from importlib import metadata, util

import typer

from nlpkit.cli import options
from nlpkit.cli.command import with_examples
from nlpkit.cli.show import write_json
from nlpkit.cli.start import start_tensorflow

EXAMPLES = ("nlpkit doctor", "nlpkit doctor --json")
PACKAGES = ("tensorflow", "keras", "tensorflow-text", "scikit-learn", "numpy")
EXTRAS = {
    "parquet": (("pyarrow",), "reading .parquet files"),
    "subword": (("sentencepiece", "tokenizers"), "training wordpiece and sentencepiece tokenizers"),
    "tflite": (("ai_edge_litert",), "exporting to TFLite and running such files"),
    "onnx": (("tf2onnx", "onnx", "onnxruntime"), "exporting to ONNX and running such models"),
    "tensorboard": (("tensorboard",), "looking at --tensorboard logs"),
    "text-to-text": (("sacrebleu",), "measuring translations with BLEU and chrF"),
    "notebooks": (("nbclient", "nbformat", "ipykernel"), "running the notebooks"),
}


def register(app):
    """Adds `doctor` to the command line."""
    app.command(cls=with_examples(*EXAMPLES))(doctor)


def doctor(as_json: options.AsJson = False):
    """Show versions, devices, how LSTM and GRU layers will run and why, and which extras are missing."""
    found = {"versions": versions(), **devices(), "missing_extras": missing_extras()}
    if as_json:
        write_json(found)
        return
    for name, version in found["versions"].items():
        typer.echo(f"{name:<16} {version or 'not installed'}")
    typer.echo(f"{'devices':<16} {', '.join(found['devices']) or 'none found'}")
    typer.echo(f"{'LSTM, GRU':<16} {found['kernel']}: {found['reason']}")
    if found["onednn"] is not None:
        typer.echo(f"{'CPU kernels':<16} {_onednn(found['onednn'])}")
    for extra in found["missing_extras"]:
        typer.echo(f"{'missing':<16} {extra['name']}, for {extra['use']}: {extra['install']}")
    if not found["missing_extras"]:
        typer.echo(f"{'extras':<16} all installed")


def versions():
    """Versions of Python, nlpkit and the packages it stands on; `None` for one that is not installed."""
    from nlpkit import __version__

    found = {"python": platform.python_version(), "nlpkit": __version__}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def missing_extras():
    """Extras of which a package is missing, what they are for, and the command that installs them."""
    return [
        {"name": name, "use": use, "install": f"pip install 'nlpkit[{name}]'"}
        for name, (modules, use) in EXTRAS.items()
        if any(util.find_spec(module) is None for module in modules)
    ]


def devices():
    """Devices that TensorFlow sees, and which kernel runs recurrent layers on them."""
    if util.find_spec("tensorflow") is None:
        reason = "TensorFlow is not installed; pip install nlpkit"
        return {"devices": [], "kernel": "none", "reason": reason, "onednn": None}
    start_tensorflow()
    import tensorflow as tf

    from nlpkit.layers.recurrent_kernel import this_device

    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
    cpus = [f"CPU ({platform.machine()})" for _ in tf.config.list_physical_devices("CPU")]
    kernel, reason = this_device()
    return {"devices": cpus + names, "kernel": kernel, "reason": reason, "onednn": onednn()}


def onednn():
    """Whether TensorFlow was told to use oneDNN's kernels on this CPU; `None` where it has none."""
    if platform.system() == "Darwin":
        return None
    return os.environ["TF_ENABLE_ONEDNN_OPTS"] not in ("0", "false")


def _onednn(used):
    if used:
        return "oneDNN (to turn it off: TF_ENABLE_ONEDNN_OPTS=0)"
    return "plain, as TF_ENABLE_ONEDNN_OPTS says; recurrent layers may train half as fast as with 1"
