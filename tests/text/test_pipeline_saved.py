"""What `TextToIds` saves, loaded in fresh processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest
import tensorflow as tf
from text.pipeline_layers import LEVELS, TEXTS, keras_model

# The first levels need nothing but TensorFlow, the next ones tensorflow-text, and files of Keras nlpkit.
READER = """
import json, sys, tensorflow as tf
folder, texts, levels = sys.argv[1], *map(json.loads, sys.argv[2:])

def served(level):
    return tf.saved_model.load(f"{folder}/{level}").serve(tf.constant(texts)).numpy().tolist()

found = {"graphs": {level: served(level) for level in levels[:3]}}
assert "nlpkit" not in sys.modules and "tensorflow_text" not in sys.modules
import tensorflow_text
found["graphs"] |= {level: served(level) for level in levels[3:]}
assert "nlpkit" not in sys.modules
import keras
from nlpkit.text import TextToIds
models = {level: keras.saving.load_model(f"{folder}/{level}.keras") for level in levels}
found["files"] = {level: model(tf.constant(texts)).numpy().tolist() for level, model in models.items()}
print(json.dumps(found))
"""


def save(layers, folder):
    """Every layer as a graph and as a Keras file."""
    for level, layer in layers.items():
        model = keras_model(layer)
        model.save(folder / f"{level}.keras")
        if layer.needs_tensorflow_text:
            module = tf.Module()
            module.layer = layer
            module.serve = tf.function(layer.call, [tf.TensorSpec([None], tf.string)])
            tf.saved_model.save(module, str(folder / level))
        else:
            archive = keras.export.ExportArchive()
            archive.track(model)
            archive.add_endpoint("serve", model.call, [tf.TensorSpec([None], tf.string)])
            archive.write_out(str(folder / level), verbose=False)


@pytest.fixture(scope="module")
def found(layers, tmp_path_factory):
    """What a new interpreter that finds nlpkit reads from all that is saved."""
    folder, root = tmp_path_factory.mktemp("saved"), Path(__file__).resolve().parents[2]
    save(layers, folder)
    environment = {**os.environ, "PYTHONPATH": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", READER, str(folder), *map(json.dumps, (TEXTS, LEVELS))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("level", LEVELS)
def test_saved_models_run_on_tensorflow_alone_or_with_tensorflow_text(layers, found, level):
    assert layers[level].needs_tensorflow_text == (level in LEVELS[3:])
    assert found["graphs"][level] == layers[level](TEXTS).numpy().tolist()


@pytest.mark.parametrize("level", LEVELS)
def test_keras_files_reload_with_their_vocabulary(layers, found, level):
    assert found["files"][level] == layers[level](TEXTS).numpy().tolist()
