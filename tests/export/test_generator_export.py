import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from typer.testing import CliRunner

import nlpkit.export.generator as generator_export
import nlpkit.export.verify_generator as verify_generator
from nlpkit import InputError, TextGenerator
from nlpkit.cli.app import app
from nlpkit.errors import VerificationError
from nlpkit.export import portable_model
from nlpkit.generation.writer import Writer
from nlpkit.layers.recurrent_kernel import CUDNN
from nlpkit.models import build_generator
from nlpkit.text import text_to_ids
from nlpkit.text.vocabulary import END

TEXTS = ["One two, three four five.", "red grün blaü weiß black €"] * 30
X = ["", "One", "red grün, unseen wörds <br /> 😀", "red green blue " * 9, TEXTS[0]]
VARIANTS = {
    "word, lstm": {"num_layers": 2},
    "char, transformer": {"level": "char", "cell": "transformer"},
    "byte, nplm": {"level": "byte", "cell": "nplm"},
    "subword, adaptive": {
        "level": "subword",
        "options": {"network": {"cutoffs": [100]}, "text": {"vocabulary_size": 310}},
    },
}  # fmt: skip
OPTIONS = [
    {"max_new_tokens": 12, "temperature": 0.0, "top_k": 0, "top_p": 1.0, "seed": 0},
    {"max_new_tokens": 30, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "seed": 1},
    {"max_new_tokens": 30, "temperature": 4.0, "top_k": 0, "top_p": 1.0, "seed": -5},
    {"max_new_tokens": 9, "temperature": 0.8, "top_k": 7, "top_p": 0.9, "seed": 2},
    {"max_new_tokens": 0, "temperature": 1.0, "top_k": 1, "top_p": 0.5, "seed": 3},
]
# Out of their range, and what they come to.
HARMLESS = [
    {"max_new_tokens": 5, "temperature": -1.0, "top_k": -2, "top_p": 1.0, "seed": 0},
    {"max_new_tokens": 5, "temperature": 1.0, "top_k": 0, "top_p": 0.0, "seed": 0},
    {"max_new_tokens": -3, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "seed": 0},
]
STEPS = [END, 4, 6, 5, 4, 4, 7]

# Runs isolated: nothing but TensorFlow, as a server has it.
READER = """
import json, sys
import tensorflow as tf
given = json.load(open(sys.argv[1]))
answers = {}
for name, path in given["paths"].items():
    if name.startswith("subword"):
        import tensorflow_text
    signatures = tf.saved_model.load(path).signatures
    specs = {key: function.structured_input_signature[1] for key, function in signatures.items()}
    def ask(key, **inputs):
        found = signatures[key](**{k: tf.constant(v, specs[key][k].dtype) for k, v in inputs.items()})
        found = {k: v.numpy().tolist() for k, v in found.items()}
        return found | {"text": [text.hex() for text in found.get("text", ())]}
    rows = [[token, token] for token in given["steps"]]
    sizes = {"batch_size": 2, "max_length": len(rows)}
    state = signatures["init"](**{k: tf.constant(sizes[k]) for k in specs["init"]})
    logits, names = [], sorted(state)
    for row in rows:
        state = signatures["step"](token_ids=tf.constant(row), **state)
        logits.append(state.pop("logits").numpy().tolist())
    try:
        signatures["step"](token_ids=tf.constant(row), **state)
        after = "goes on"
    except tf.errors.InvalidArgumentError as error:
        after = error.message
    answers[name] = {
        "written": [ask("generate", prompt=given["texts"], **options) for options in given["options"]],
        "harmless": [ask("generate", prompt=given["texts"], **options) for options in given["harmless"]],
        "one": ask("generate", prompt=given["texts"][-1:], **given["options"][0]),
        "served": ask("serving_default", text=given["texts"]),
        "score": ask("score", text=given["texts"])["score"],
        "logits": logits,
        "states": names,
        "after": after,
        "inputs": {
            key: {k: [spec.dtype.name, spec.shape.as_list()] for k, spec in each.items()} for key, each in specs.items()
        },
        "nlpkit": "nlpkit" in sys.modules,
    }
json.dump(answers, open(sys.argv[2], "w"))
"""


def texts_of(answer):
    return [bytes.fromhex(text).decode("utf-8") for text in answer["text"]]


@pytest.fixture(scope="module")
def generators():
    training = {"batch_size": 4, "learning_rate": 0.03, "sequence_length": 14}
    made = {}
    for name, settings in VARIANTS.items():
        options = {"training": training, **settings.get("options", {})}
        own = {"units": 16, "num_layers": 1, "epochs": 1, "random_state": 0, **settings, "options": options}
        made[name] = TextGenerator(**own).fit(TEXTS)
    return made


@pytest.fixture(scope="module")
def answers(generators, tmp_path_factory):
    """What each exported variant says in a process without nlpkit; compared here, so not verified on export."""
    folder = tmp_path_factory.mktemp("exports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generator_export, "verify_generator", lambda *arguments: 0.0)
        paths = {name: each.export(folder / name)[0].path for name, each in generators.items()}
    given = {"paths": paths, "texts": X, "options": OPTIONS, "harmless": HARMLESS, "steps": STEPS}
    (folder / "given.json").write_text(json.dumps(given))
    command = [sys.executable, "-I", "-c", READER, folder / "given.json", folder / "answers.json"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads((folder / "answers.json").read_text())
    for name, path in paths.items():
        found[name]["extra"] = {file.name: file for file in Path(path, "assets.extra").iterdir()}
    return found


@pytest.mark.parametrize("name", list(VARIANTS))
def test_it_writes_what_python_writes(generators, answers, name):
    generator, answer = generators[name], answers[name]
    assert not answer["nlpkit"]
    for options, found in zip(OPTIONS, answer["written"], strict=True):
        expected = generator.generate_details(X, **options)
        assert texts_of(found) == [detail["text"] for detail in expected], options
        np.testing.assert_allclose(found["score"], [each["score"] for each in expected], rtol=1e-5, atol=1e-4)
    assert len({text for found in answer["written"] for text in texts_of(found)}) > len(X)
    assert texts_of(answer["one"]) == texts_of(answer["written"][0])[-1:]
    assert texts_of(answer["served"]) == generator.generate(X, seed=0)


@pytest.mark.parametrize("name", list(VARIANTS))
def test_options_out_of_range_do_no_harm(generators, answers, name):
    expected = generators[name].generate(X, max_new_tokens=5, temperature=0)
    greedy, also_greedy, nothing = map(texts_of, answers[name]["harmless"])
    assert greedy == also_greedy == expected
    assert nothing == [""] * len(X)


@pytest.mark.parametrize("name", list(VARIANTS))
def test_it_scores_as_python_does(generators, answers, name):
    expected = generators[name].score(X)
    lengths = [1, *(len(row) for row in generators[name].text_to_ids_.encode(X[1:]))]
    assert len(set(expected.round(3))) == len(X)
    assert (np.abs(np.array(answers[name]["score"]) - expected) <= 1e-5 * np.array(lengths)).all()


@pytest.mark.parametrize("name", list(VARIANTS))
def test_steps_give_the_logits_of_the_full_forward_pass(generators, answers, name):
    network, answer = generators[name].network_, answers[name]
    full = network(np.array([STEPS], "int32"), training=False).numpy()[0]
    found = np.array(answer["logits"])
    np.testing.assert_allclose(found[:, 0], full, atol=1e-5)
    np.testing.assert_array_equal(found[:, 0], found[:, 1])
    assert np.ptp(full, axis=0).max() > 0.01, "the state changes nothing, so that nothing is tested"


@pytest.mark.parametrize("name", list(VARIANTS))
def test_signatures(answers, name):
    inputs, states = answers[name]["inputs"], answers[name]["states"]
    assert sorted(inputs) == ["generate", "ids", "init", "score", "serving_default", "step"]
    assert inputs["serving_default"] == inputs["score"] == {"text": ["string", [None]]}
    numbers = {"max_new_tokens": "int32", "temperature": "float32", "top_k": "int32", "top_p": "float32"}
    expected = {key: [kind, []] for key, kind in {**numbers, "seed": "int32"}.items()}
    assert inputs["generate"] == {"prompt": ["string", [None]], **expected}
    assert states == [f"state_{number}" for number in range(len(states))]
    assert sorted(inputs["step"]) == [*states, "token_ids"]
    assert all(shape[0] is None for _, shape in inputs["step"].values())
    sizes = ["batch_size", "max_length"] if "transformer" in name else ["batch_size"]
    assert inputs["init"] == {size: ["int32", []] for size in sizes}
    expected = {"word, lstm": 4, "char, transformer": 3, "byte, nplm": 1}
    assert len(states) == expected.get(name, len(states))


def test_a_full_cache_says_so_and_other_states_go_on(answers):
    for name, answer in answers.items():
        assert ("The cache is full" in answer["after"]) == ("transformer" in name)
        assert answer["after"] == "goes on" or "transformer" in name


def test_clients_that_keep_the_state_find_the_vocabulary(generators, answers):
    for name in ("word, lstm", "char, transformer"):
        lines = answers[name]["extra"]["vocabulary.txt"].read_text("utf-8").split("\n")
        assert tuple(lines[:4]) == ("<pad>", "<unk>", "<s>", "</s>")
        assert len(lines) == generators[name].text_to_ids_.vocabulary_size + 1
    assert answers["byte, nplm"]["extra"] == {}
    assert list(answers["subword, adaptive"]["extra"]) == ["sentencepiece.model"]


def test_the_command_exports_and_verifies(generators, tmp_path):
    folder = tmp_path / "lm"
    generators["byte, nplm"].save(folder)
    answer = CliRunner().invoke(app, ["export", str(folder), "--json"])
    assert answer.exit_code == 0, answer.output
    (result,) = json.loads(answer.stdout)["exports"]
    assert (result["format"], Path(result["path"])) == ("saved_model", folder / "1")
    assert 0.0 <= result["max_difference"] <= 1e-5 and result["texts_compared"] > 20
    assert [path.name for path in folder.iterdir() if path.is_dir()] == ["1"]


def test_a_wrong_artefact_is_refused_and_removed(generators, tmp_path, monkeypatch):
    def wrong(network):
        copy = portable_model(network)
        copy.set_weights([weights * 0.9 for weights in copy.get_weights()])
        return copy

    monkeypatch.setattr(generator_export, "portable_model", wrong)
    with pytest.raises(
        VerificationError, match=r"differs from the Keras model by .*step.* more than .e-05. It was removed"
    ):
        generators["byte, nplm"].export(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_each_part_is_compared(generators, monkeypatch):
    generator = generators["byte, nplm"]
    network, text = generator.network_, generator.text_to_ids_
    asked = {}

    def faithful(folder, run, given, needs_text, prefix):
        asked.update(given)
        details = [generator.generate_details(batch, **given["likely"]) for batch in given["texts"]]
        return {
            "text": [[each["text"] for each in batch] for batch in details],
            "written": [[each["score"] for each in batch] for batch in details],
            "drawn": generator.generate(given["texts"][0], **given["drawn"]),
            "default": generator.generate(given["texts"][0][:1], seed=0, max_new_tokens=100),
            "ids": Writer(network)
            .write(np.array(given["prompts"]), max_new_tokens=12, temperature=0)
            .token_ids,
            "score": generator.score([each for batch in given["texts"] for each in batch]),
            "logits": network(np.array([given["token_ids"]]))[0].numpy(),
        } | changed

    def verify():
        return verify_generator.verify_generator("folder", text, network, X)

    monkeypatch.setattr(verify_generator, "read_saved_model", faithful)
    changed = {}
    assert verify() <= 1e-5
    for name in ("text", "drawn", "default"):
        right = faithful(None, None, asked, None, None)[name]
        wrong = [["another", *right[0][1:]], *right[1:]] if name == "text" else ["another", *right[1:]]
        changed = {name: wrong}
        with pytest.raises(
            VerificationError, match="goes on with the text '' by 'another', the Keras model by"
        ):
            verify()
    changed = {"ids": np.ones((len(X) - 1, 12))}
    with pytest.raises(
        VerificationError, match="The signature `ids` of the SavedModel writes other ids than"
    ):
        verify()
    changed = {"score": generator.score(X) + np.array([0, 0, 0, 0, 1e-2])}
    with pytest.raises(
        VerificationError, match="in the log-probability per token, more than 1e-05. It was removed"
    ):
        verify()
    changed = {"written": [np.full(len(X) - 1, -1e3), [-1e3]]}
    with pytest.raises(VerificationError, match="in the log-probability of what is written, more than 1e-05"):
        verify()
    changed = {"logits": network(np.array([asked["token_ids"]]))[0].numpy() + np.nan}
    with pytest.raises(VerificationError, match="differs .* by nan in the logits of `step`"):
        verify()


def test_an_unknown_format_is_refused(generators, tmp_path):
    with pytest.raises(
        InputError, match=r"`to` must be among \['saved_model', 'tflite', 'onnx'\]. Received: 'gguf'"
    ):
        generators["word, lstm"].export(tmp_path, to=("saved_model", "gguf"))
    assert list(tmp_path.iterdir()) == []


def test_no_kernel_of_a_gpu_is_in_it_nor_an_assertion(monkeypatch, tmp_path):
    monkeypatch.setattr("nlpkit.layers.recurrent_direction.this_device", lambda: (CUDNN, "a GPU is there"))
    monkeypatch.setattr(generator_export, "verify_generator", lambda *arguments: 0.0)
    text = text_to_ids("byte", end=True)
    network = build_generator(text.vocabulary_size, cell="lstm", units=4)
    traced = tf.function(lambda ids: network(ids)).get_concrete_function(tf.TensorSpec((None, None), "int32"))
    assert any("Cudnn" in op for op in ops_of(traced.graph.as_graph_def())), "nothing is tested"
    path = Path(generator_export.export_generator(tmp_path, text, network).path)
    saved = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    found = set.union(*(ops_of(graph.graph_def) for graph in saved.meta_graphs))
    assert {"While", "StatelessWhile"} & found
    assert not [op for op in found if "Cudnn" in op or "Assert" in op]


def ops_of(graph):
    functions = graph.library.function
    return {node.op for node in graph.node} | {node.op for each in functions for node in each.node_def}


@pytest.mark.parametrize("cell", ["lstm", "transformer", "nplm"])
def test_the_portable_copy_is_the_same_and_leaves_the_network_alone(cell):
    network = build_generator(20, cell=cell, units=8, tie=False)
    ids = np.array([[3, 5, 6], [3, 7, 0]], "int32")
    portable = portable_model(network)
    np.testing.assert_allclose(portable(ids), network(ids), atol=1e-6)
    blocks = [layer for layer in portable._flatten_layers() if hasattr(layer, "use_cudnn")]
    assert all(layer.use_cudnn is False for layer in blocks) and bool(blocks) == (cell == "lstm")
    portable.set_weights([weights * 0 for weights in portable.get_weights()])
    assert np.abs(network(ids)).max() > 0
    blocks = [layer for layer in network._flatten_layers() if hasattr(layer, "use_cudnn")]
    assert all(layer.use_cudnn == "auto" for layer in blocks)
