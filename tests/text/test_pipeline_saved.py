"""What `TextToIds` saves, loaded in fresh processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import tensorflow as tf
from text.pipeline_layers import LEVELS, TEXTS, keras_model


def fresh_process(code, *arguments):
    """Runs code in a new interpreter that finds nlpkit, and returns what it prints as JSON."""
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_word_char_and_byte_saved_models_run_on_tensorflow_alone(layers, tmp_path):
    for level in ("word", "char", "byte"):
        archive = keras.export.ExportArchive()
        model = keras_model(layers[level])
        archive.track(model)
        archive.add_endpoint("serve", model.call, [tf.TensorSpec([None], tf.string)])
        archive.write_out(str(tmp_path / level), verbose=False)
    code = """
import json, sys, tensorflow as tf
found = {}
for level in ("word", "char", "byte"):
    loaded = tf.saved_model.load(f"{sys.argv[1]}/{level}")
    found[level] = loaded.serve(tf.constant(json.loads(sys.argv[2]))).numpy().tolist()
assert "nlpkit" not in sys.modules and "tensorflow_text" not in sys.modules
print(json.dumps(found))
"""
    found = fresh_process(code, tmp_path, json.dumps([text.replace("\0", "") for text in TEXTS]))
    for level, ids in found.items():
        assert ids == layers[level]([text.replace("\0", "") for text in TEXTS]).numpy().tolist()


def test_subword_saved_models_run_with_tensorflow_text(layers, tmp_path):
    for level in ("wordpiece", "sentencepiece"):
        assert layers[level].needs_tensorflow_text
        module = tf.Module()
        module.layer = layers[level]
        module.serve = tf.function(layers[level].call, [tf.TensorSpec([None], tf.string)])
        tf.saved_model.save(module, str(tmp_path / level))
    code = """
import json, sys, tensorflow as tf, tensorflow_text
found = {}
for level in ("wordpiece", "sentencepiece"):
    loaded = tf.saved_model.load(f"{sys.argv[1]}/{level}")
    found[level] = loaded.serve(tf.constant(json.loads(sys.argv[2]))).numpy().tolist()
assert "nlpkit" not in sys.modules
print(json.dumps(found))
"""
    found = fresh_process(code, tmp_path, json.dumps(TEXTS))
    for level, ids in found.items():
        assert ids == layers[level](TEXTS).numpy().tolist()


def test_keras_files_reload_with_their_vocabulary(layers, tmp_path):
    for level in LEVELS:
        keras_model(layers[level]).save(tmp_path / f"{level}.keras")
    code = """
import json, sys, keras, tensorflow as tf
from nlpkit.text import TextToIds
found = {}
for level in sys.argv[3:]:
    model = keras.saving.load_model(f"{sys.argv[1]}/{level}.keras")
    found[level] = model(tf.constant(json.loads(sys.argv[2]))).numpy().tolist()
print(json.dumps(found))
"""
    found = fresh_process(code, tmp_path, json.dumps(TEXTS), *LEVELS)
    for level, ids in found.items():
        assert ids == layers[level](TEXTS).numpy().tolist()
