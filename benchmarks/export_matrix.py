"""Every task, cell and direction in every format, with and without padding; writes the table of docs/export.md.

A small model of each kind (export_models.py) is exported, which compares it with itself in another process; then what
the export says is compared once more, by the API that users call, of one text alone, of texts of several lengths side
by side, padded (TFLite reads one text: there it is a classifier that always reads 16 tokens), and of an empty text. Of
classifiers the ids are asked, too, with padding on the left and with gaps.
Run from the repository root: python benchmarks/export_matrix.py
"""

import argparse
import tempfile

import export_models
import numpy as np
from common import ROOT, header, print_table, result_name, write_result

QUICK = [("classifier", "lstm", "both"), ("generator", "gru", "forward")]
ASKED = {"alone": ["a very good film"], "padded": export_models.ASKED, "empty": [""]}
IDS = {"left": [[0, 0, 0, 5, 4, 6]], "gaps": [[5, 0, 0, 4, 0, 6]]}
FORMATS = {"SavedModel": {"to": "saved_model"}, "TFLite": {"to": "tflite"}, "ONNX": {"to": "onnx"}}
STEPS = 16
DOCS, MARKS = ROOT / "docs" / "export.md", ("<!-- matrix -->\n", "<!-- end of the matrix -->\n")


class SavedModel:
    """An exported SavedModel with the methods of an estimator."""

    def __init__(self, path):
        import tensorflow as tf
        import tensorflow_text  # noqa: F401  the ops of the text part

        self.signatures = tf.saved_model.load(path).signatures

    def _ask(self, name, *given):
        import tensorflow as tf

        specs = self.signatures[name].structured_input_signature[1]
        order = [key for key in ("text", "image", "source", "target") if key in specs]
        inputs = {key: tf.constant(value, specs[key].dtype) for key, value in zip(order, given, strict=True)}
        return self.signatures[name](**inputs)

    def predict_proba(self, X):
        return self._ask("serving_default", X)["probabilities"].numpy()

    def score(self, *given):
        return self._ask("score", *given)["score"].numpy()

    def of_ids(self, token_ids):
        import tensorflow as tf

        return self.signatures["ids"](token_ids=tf.constant(token_ids))["probabilities"].numpy()


def answer(task, predictor, texts):
    """Probabilities of texts, or the log-probabilities of texts, of targets or of captions."""
    if task == "classifier":
        return np.asarray(predictor.predict_proba(texts))
    if task == "generator":
        return np.asarray(predictor.score(texts))
    if task == "text_to_text":
        return np.asarray(predictor.score(texts, export_models.TARGETS[: len(texts)]))
    images, captions = (each[: len(texts)] for each in export_models.pictures())
    return np.asarray(predictor.score(images, captions))


def answer_to_ids(name, predictor, token_ids):
    """Probabilities of ids, as the format itself gives them."""
    if name == "SavedModel":
        return predictor.of_ids(token_ids)
    return predictor._run("classify", token_ids=np.array(token_ids, "int32"))["probabilities"]


def load(name, path):
    if name == "SavedModel":
        return SavedModel(path)
    import nlpkit.lite

    return nlpkit.lite.load(path)


def differences(key, model, name):
    """The largest difference of each pattern, over one where the number is larger; or what the export said."""
    from nlpkit.errors import InputError

    task, found = key[0], {}
    with tempfile.TemporaryDirectory(prefix="nlpkit-") as folder:
        try:
            (result,) = model.export(folder, **FORMATS[name])
            predictor = load(name, result.path)
            for pattern, token_ids in IDS.items() if task == "classifier" else ():
                found[pattern] = _apart(
                    answer_to_ids(name, predictor, token_ids), _of_network(model, token_ids)
                )
            for pattern, texts in ASKED.items():
                if pattern == "padded" and name == "TFLite" and task == "classifier":
                    (result,) = model.export(folder, **FORMATS[name], steps=STEPS)
                    predictor = load(name, result.path)
                if task == "captioner" and pattern == "empty":
                    continue  # an image is never empty
                found[pattern] = _apart(answer(task, predictor, texts), answer(task, model, texts))
        except InputError as error:
            return {"refused": str(error)}
    return found


def _of_network(model, token_ids):
    from nlpkit.export.saved_model import probabilities_of

    return probabilities_of(
        model.network_, np.array(token_ids), model.temperature_, model.multi_label
    ).numpy()


def _apart(found, expected):
    return float((np.abs(found - expected) / np.maximum(1, np.abs(expected))).max())


def write_docs(columns, lines, marks=MARKS, notes=()):
    """Puts a table, and notes below it, between its marks in docs/export.md."""
    text = DOCS.read_text(encoding="utf-8")
    before, rest = text.split(marks[0])
    _, after = rest.split(marks[1])
    rows = [columns, ["---"] * len(columns), *lines]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows) + "".join(f"\n{note}\n" for note in notes)
    DOCS.write_text(before + marks[0] + table + marks[1] + after, encoding="utf-8")


def shown(found):
    """A cell of the table."""
    if "refused" in found:
        return "—"
    order = [pattern for pattern in (*ASKED, *IDS) if pattern in found]
    return " / ".join(one_digit(found[pattern]) for pattern in order)


def one_digit(difference):
    """A difference as it is shown."""
    return f"{difference:.0e}".replace("e-0", "e-") if difference else "0"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two models, to see that it works")
    quick = parser.parse_args().quick
    rows = {}
    for key in QUICK if quick else export_models.MODELS:
        model = export_models.MODELS[key]()
        rows[" ".join(key)] = {name: differences(key, model, name) for name in FORMATS}
        print(" ".join(key), {name: shown(found) for name, found in rows[" ".join(key)].items()}, flush=True)
    columns = ["task", "cell", "direction", *FORMATS]
    lines = [[*name.split(), *(shown(found) for found in row.values())] for name, row in rows.items()]
    print_table("Largest difference: alone / padded / empty / padding on the left / gaps", columns, lines)
    if not quick:
        write_docs(columns, lines)
    write_result(result_name("export_matrix", quick), {**header(), "rows": rows})


if __name__ == "__main__":
    main()
