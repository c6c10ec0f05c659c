import copy
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from estimators.untrained import untrained
from tensorflow.core.protobuf import saved_model_pb2
from typer.testing import CliRunner

import nlpkit.export.text_to_text as text_to_text_export
import nlpkit.export.verify_text_to_text as verification
from nlpkit import InputError, TextToText
from nlpkit.cli.app import app
from nlpkit.errors import VerificationError
from nlpkit.export import export_text_to_text, portable_model
from nlpkit.export.written_from import FromTexts
from nlpkit.layers.recurrent_kernel import CUDNN
from nlpkit.text.vocabulary import END, START, UNKNOWN

SOURCES = ["One two, three four five.", "red grün blaü weiß black €"] * 4
TARGETS = ["five. four; three", "black weiß grün red"] * 4
X = ["", "Zoe met One", "red grün, unseen wörds <br /> 😀", "red green blue " * 30, SOURCES[0]]
Y = ["black", "", "unseen four", "red weiß " * 9, "five"]
VARIANTS = {
    "word, attention": {"level": "word", "options": {"network": {"reverse_source": True}}},
    "word, copy": {
        "level": "word", "shared": True,
        "options": {"network": {"copy": 3, "coverage": True, "input_feeding": "context"}},
    },
    "word, plain copy": {"level": "word", "shared": True, "options": {"network": {"copy": 3}}},
    "byte to subword, transformer": {
        "preset": "transformer", "source_level": "byte", "target_level": "subword", "num_layers": 1,
        "options": {"source": {"max_length": 90}, "target": {"vocabulary_size": 310}},
    },
}  # fmt: skip
BEAMS = 3
OPTIONS = [
    {"max_new_tokens": 12, "length_penalty": 1.0},
    {"max_new_tokens": 25, "length_penalty": 0.0},
    {"max_new_tokens": 6, "length_penalty": 3.0},
]
STEPS = [START, 4, 6, -1, 5, 1, 4]

# Runs isolated: nothing but TensorFlow, as a server has it.
READER = """
import json, sys
import tensorflow as tf
given = json.load(open(sys.argv[1]))
answers = {}
for name, path in given["paths"].items():
    if "subword" in name:
        import tensorflow_text
    signatures = tf.saved_model.load(path).signatures
    specs = {key: function.structured_input_signature[1] for key, function in signatures.items()}
    def ask(key, **inputs):
        found = signatures[key](**{k: tf.constant(v, specs[key][k].dtype) for k, v in inputs.items()})
        found = {k: v.numpy().tolist() for k, v in found.items()}
        return found | {"text": [text.decode("utf-8") for text in found.get("text", ())]}
    texts = given["texts"]
    sizes = {"max_length": len(given["steps"][name])}
    room = {key: tf.constant(sizes[key]) for key in specs["init"] if key in sizes}
    state = signatures["init"](text=tf.constant(texts), **room)
    words = state.pop("words", tf.constant([""])).numpy().tolist()
    names, logits = sorted(state), []
    for token in given["steps"][name]:
        state = signatures["step"](token_ids=tf.fill([len(texts)], token), **state)
        logits.append(state.pop("logits").numpy().tolist())
    answers[name] = {
        key: [ask(key, text=texts, **options) for options in given["options"]] for key in ("translate", "greedy")
    } | {
        "one": ask("translate", text=texts[-1:], **given["options"][0]),
        "nothing": ask("translate", text=texts, max_new_tokens=-3, length_penalty=1.0),
        "no texts": [ask(key, text=[], **given["options"][0])["text"] for key in ("translate", "greedy")],
        "served": ask("serving_default", text=texts),
        "ids": ask("ids", source_ids=given["ids"][name]),
        "score": ask("score", text=texts, target=given["targets"])["score"],
        "logits": logits,
        "states": names,
        "words": str(words),
        "inputs": {
            key: {k: [spec.dtype.name, spec.shape.as_list()] for k, spec in each.items()} for key, each in specs.items()
        },
        "nlpkit": "nlpkit" in sys.modules,
    }
json.dump(answers, open(sys.argv[2], "w"))
"""


@pytest.fixture(scope="module")
def models():
    """Models with random weights: what they write is varied, and they need no training."""
    made = {}
    with untrained():
        for name, settings in VARIANTS.items():
            made[name] = TextToText(units=16, random_state=0, **settings).fit(SOURCES, TARGETS)
            _randomise(made[name].network_)
    return made


def _randomise(network):
    draw = np.random.default_rng(1)
    network.set_weights([draw.normal(scale=0.5, size=weights.shape) for weights in network.get_weights()])
    bias = np.zeros(network.output_layer.bias.shape)
    bias[[END, UNKNOWN]] = 1.5, 2.5
    network.output_layer.bias.assign(bias)
    if network.pointer is not None:
        network.pointer.gate.bias.assign([-1.0])


def source_ids(model):
    rows = model._source_rows(X)
    return [row.tolist() + [0] * (rows.lengths.max() - len(row)) for row in rows]


def steps_of(model):
    return [step % model.network_.vocabulary_size for step in STEPS]


@pytest.fixture(scope="module")
def answers(models, tmp_path_factory):
    """What each exported variant says in a process without nlpkit; compared here, so not verified on export."""
    folder = tmp_path_factory.mktemp("exports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_to_text_export, "verify_text_to_text", lambda *arguments: 0.0)
        paths = {
            name: each.export(folder / name, beam_size=np.int64(BEAMS))[0].path
            for name, each in models.items()
        }
    given = {"paths": paths, "texts": X, "targets": Y, "options": OPTIONS}
    given["ids"] = {name: source_ids(model) for name, model in models.items()}
    given["steps"] = {name: steps_of(model) for name, model in models.items()}
    (folder / "given.json").write_text(json.dumps(given))
    command = [sys.executable, "-I", "-c", READER, folder / "given.json", folder / "answers.json"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads((folder / "answers.json").read_text())
    for name, path in paths.items():
        extra = Path(path, "assets.extra")
        found[name]["extra"] = {file.relative_to(extra).as_posix(): file for file in extra.rglob("*.*")}
    return found


def check_written(found, expected):
    assert found["text"] == [best["text"] for best, *_ in expected]
    np.testing.assert_allclose(found["score"], [best["score"] for best, *_ in expected], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", list(VARIANTS))
def test_it_writes_what_python_writes(models, answers, name):
    model, answer = models[name], answers[name]
    assert not answer["nlpkit"]
    for key, beams in (("translate", BEAMS), ("greedy", 1)):
        for options, found in zip(OPTIONS, answer[key], strict=True):
            check_written(found, model.predict_nbest(X, n=1, beam_size=beams, **options))
    check_written(answer["served"], model.predict_nbest(X, n=1, beam_size=BEAMS))
    assert answer["one"]["text"] == answer["translate"][0]["text"][-1:]
    assert answer["nothing"]["text"] == [""] * len(X)
    assert answer["no texts"] == [[], []]
    different = {text for found in [*answer["translate"], *answer["greedy"]] for text in found["text"]}
    assert len(different) > len(X), "always the same: nothing is tested"


def test_unknown_words_are_replaced_and_copied(answers):
    for name in ("word, attention", "word, copy"):
        written = " ".join(text for found in answers[name]["translate"] for text in found["text"]).split()
        assert {"Zoe", "unseen", "green", "😀"} & set(written) and "<unk>" not in written, (name, written)
    assert answers["word, copy"]["words"].startswith(
        "[[b'', b'', b''], [b'Zoe', b'met', b''], [b'unseen', b'w"
    )
    assert answers["word, attention"]["words"] == "[b'']"


@pytest.mark.parametrize("name", list(VARIANTS))
def test_it_scores_as_python_does(models, answers, name):
    expected = models[name].score(X, Y)
    lengths = models[name].target_.encode(Y).lengths
    assert len(set(expected.round(3))) == len(X)
    assert (np.abs(np.array(answers[name]["score"]) - expected) <= 1e-5 * lengths).all()


@pytest.mark.parametrize("name", list(VARIANTS))
def test_ids_give_the_ids_of_what_is_served(models, answers, name):
    found, served = answers[name]["ids"], answers[name]["served"]
    np.testing.assert_allclose(found["score"], served["score"], rtol=1e-6)
    if "subword" in name:
        texts = models[name].target_.detokenize(found["token_ids"]).numpy()
        assert [text.decode("utf-8", "replace") for text in texts] == served["text"]


@pytest.mark.parametrize("name", list(VARIANTS))
def test_steps_give_the_logits_of_the_full_forward_pass(models, answers, name):
    network = models[name].network_
    target = np.array([steps_of(models[name])] * len(X), "int32")
    full = network([np.array(source_ids(models[name]), "int32"), target]).numpy()
    found = np.array(answers[name]["logits"]).transpose(1, 0, 2)
    np.testing.assert_allclose(found, full, atol=1e-5 * max(1, np.abs(full).max()))
    assert np.ptp(full, axis=0).max() > 0.01, "the source changes nothing, so that nothing is tested"


@pytest.mark.parametrize("name", list(VARIANTS))
def test_signatures(answers, name):
    inputs, states = answers[name]["inputs"], answers[name]["states"]
    assert sorted(inputs) == ["greedy", "ids", "init", "score", "serving_default", "step", "translate"]
    text = ["string", [None]]
    assert inputs["serving_default"] == {"text": text}
    assert inputs["score"] == {"text": text, "target": text}
    options = {"max_new_tokens": ["int32", []], "length_penalty": ["float32", []]}
    assert inputs["translate"] == inputs["greedy"] == {"text": text, **options}
    assert inputs["ids"] == {"source_ids": ["int32", [None, None]]}
    room = {"max_length": ["int32", []]} if "transformer" in name else {}
    assert inputs["init"] == {"text": text, **room}
    assert states == sorted(f"state_{number}" for number in range(len(states)))
    assert sorted(inputs["step"]) == [*states, "token_ids"]
    assert all(shape[0] is None for _, shape in inputs["step"].values())


def test_clients_that_keep_the_state_find_the_vocabularies(models, answers):
    for name in ("word, attention", "word, copy"):
        for side in ("source", "target"):
            lines = answers[name]["extra"][f"{side}/vocabulary.txt"].read_text("utf-8").split("\n")
            assert tuple(lines[:4]) == ("<pad>", "<unk>", "<s>", "</s>")
            assert len(lines) == getattr(models[name], f"{side}_").vocabulary_size + 1
    assert list(answers["byte to subword, transformer"]["extra"]) == ["target/sentencepiece.model"]


def test_the_command_exports_and_verifies(models, tmp_path):
    folder = tmp_path / "mt"
    models["word, copy"].save(folder)
    answer = CliRunner().invoke(app, ["export", str(folder), "--beam", "2", "--json"])
    assert answer.exit_code == 0, answer.output
    (result,) = json.loads(answer.stdout)["exports"]
    assert (result["format"], Path(result["path"])) == ("saved_model", folder / "1")
    assert 0.0 <= result["max_difference"] <= 1e-5 and result["texts_compared"] > 20
    assert [path.name for path in folder.iterdir() if path.name.isdigit()] == ["1"]


def test_a_wrong_artefact_is_refused_and_removed(models, tmp_path, monkeypatch):
    def wrong(network):
        other = portable_model(network)
        other.set_weights([weights * 0.9 for weights in other.get_weights()])
        return other

    monkeypatch.setattr(text_to_text_export, "portable_model", wrong)
    with pytest.raises(
        VerificationError, match=r"differs from the Keras model by .*step.* more than .e-0.\. It was removed"
    ):
        models["byte to subword, transformer"].export(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_each_part_is_compared(models, monkeypatch):
    model, pairs = models["word, attention"], [(X[:-1], Y[:-1]), (X[-1:], Y[-1:])]
    scores = {len(texts): model.score(texts, targets) for texts, targets in pairs}
    monkeypatch.setattr(model, "score", lambda texts, targets: scores[len(texts)])
    monkeypatch.setattr(model, "predict_nbest", _remembering(model.predict_nbest))
    faithful, change = {}, None
    sources = FromTexts(model.source_, model.target_, model.network_)

    def read(folder, run, given, needs_text, prefix):
        found = faithful or faithful.update(_faithful(model, given)) or faithful
        return change(copy.deepcopy(found))

    def verify(name, changed):
        nonlocal change

        def change(found):
            found[name] = changed(found[name])
            return found

        return verification.verify_text_to_text("folder", model, pairs, 2, sources)

    monkeypatch.setattr(verification, "read_saved_model", read)
    assert verify("score", lambda score: score) <= 1e-5
    # One of each search: two batches with beams, one of them without a penalty, the most likely tokens, and as served.
    for row in (1, 4, 6, 10, 14):
        for wrong, message in (
            ("another", "writes 'another' .* the Keras model '"),
            (None, "It was removed"),
        ):
            with pytest.raises(VerificationError, match=message):
                verify("written", lambda written, row=row, wrong=wrong: _with_wrong(written, row, wrong))
    with pytest.raises(VerificationError, match="in the log-probability per token, more than 1e-05"):
        verify("score", lambda score: score + np.array([0, 0, 0, 0, 1e-3]))
    with pytest.raises(VerificationError, match="differs .* by nan in the logits of `step`"):
        verify("logits", lambda logits: logits + np.nan)
    with pytest.raises(VerificationError, match="in the score of `ids`"):
        verify("ids", lambda ids: [ids[0] + 1e-3])


def _remembering(predict):
    """Asked the same again, it does not search again."""
    known = {}

    def answer(texts, **options):
        key = (tuple(texts), *sorted(options.items()))
        if key not in known:
            known[key] = predict(texts, **options)
        return known[key]

    return answer


def _faithful(model, given):
    """What a SavedModel with two beams would answer."""
    written = []
    for name, inputs in given["searches"]:
        options = {key: value for key, value in inputs.items() if key != "text"}
        best = model.predict_nbest(inputs["text"], n=1, beam_size=1 if name == "greedy" else 2, **options)
        written += [[found["text"], found["score"]] for found, *_ in best]
    logits = model.network_([np.array(given["ids"]), np.array([given["token_ids"]])])[0].numpy()
    ids = [model.predict_nbest(given["first"]["text"], beam_size=2, n=1)[0][0]["score"]]
    score = np.concatenate([model.score(source["text"], targets) for source, targets in given["pairs"]])
    assert len(written) == 15
    return {"written": written, "score": score, "logits": logits, "ids": ids}


def _with_wrong(written, row, text):
    """Targets of which one is another text, or has another score."""
    written[row] = [text or written[row][0], written[row][1] - (0 if text else 1e-3)]
    return written


def test_targets_of_one_score_may_change_places(models):
    likely = [
        {"text": "a b", "score": -1.0},
        {"text": "b a", "score": -1.000001},
        {"text": "c", "score": -1.1},
    ]
    verification._check_target("image 3", "b a", -1.000001, likely)
    with pytest.raises(
        VerificationError, match="writes 'c' with a score of -1.1 for the image 3, the Keras model"
    ):
        verification._check_target("image 3", "c", -1.1, likely)


def test_what_cannot_be_exported_is_refused(models, tmp_path):
    model = models["word, attention"]
    with pytest.raises(
        InputError, match=r"`to` must be among \['saved_model', 'tflite', 'onnx'\]. Received: 'gguf'"
    ):
        model.export(tmp_path, to=("saved_model", "gguf"))
    with pytest.raises(InputError, match="`beam_size` must be an integer, 1 or more. Received: beam_size=0"):
        model.export(tmp_path, beam_size=0)
    assert list(tmp_path.iterdir()) == []


def test_beams_of_a_model_without_any_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "nlpkit.estimators.saving.read_spec", lambda folder: SimpleNamespace(task="classifier")
    )
    monkeypatch.setattr("nlpkit.cli.export.load_model", lambda folder: None)
    answer = CliRunner().invoke(app, ["export", str(tmp_path), "--beam", "2"])
    assert answer.exit_code == 2
    message = "--beam is about a model that writes targets. Received: "
    assert message in answer.stderr and "a classifier. Leave it out." in answer.stderr


def test_no_kernel_of_a_gpu_is_in_it(models, monkeypatch, tmp_path):
    monkeypatch.setattr("nlpkit.layers.recurrent_direction.this_device", lambda: (CUDNN, "a GPU is there"))
    monkeypatch.setattr(text_to_text_export, "verify_text_to_text", lambda *arguments: 0.0)
    model = models["word, copy"]
    network, ids = model.network_, tf.TensorSpec((None, None), "int32")
    traced = tf.function(lambda source, target: network([source, target])).get_concrete_function(ids, ids)
    assert any("Cudnn" in op for op in ops_of(traced.graph.as_graph_def())), "nothing is tested"
    path = Path(export_text_to_text(tmp_path, model).path)
    saved = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    found = set.union(*(ops_of(graph.graph_def) for graph in saved.meta_graphs))
    assert {"While", "StatelessWhile"} & found
    assert not [op for op in found if "Cudnn" in op or "PyFunc" in op]


def ops_of(graph):
    functions = graph.library.function
    return {node.op for node in graph.node} | {node.op for each in functions for node in each.node_def}
