"""Every task, cell and direction in every format, with and without padding; writes the table of docs/export.md.

A small model of each kind (export_models.py) is exported, which compares it with itself in another process; then what
the export says is compared once more, by the API that users call, of one text alone, of texts of several lengths side
by side, padded (TFLite reads one text: there it is a classifier that always reads 16 tokens), and of an empty text.
Run from the repository root: python benchmarks/export_matrix.py
"""

import argparse
import tempfile

import export_models
import numpy as np
from common import ROOT, header, print_table, result_name, write_result

QUICK = [("classifier", "lstm", "both"), ("generator", "gru", "forward")]
ASKED = {"alone": ["a very good film"], "padded": export_models.ASKED, "empty": [""]}
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
            for pattern, texts in ASKED.items():
                if pattern == "padded" and name == "TFLite" and task == "classifier":
                    (result,) = model.export(folder, **FORMATS[name], steps=STEPS)
                    predictor = load(name, result.path)
                if task == "captioner" and pattern == "empty":
                    continue  # an image is never empty
                expected = answer(task, model, texts)
                apart = np.abs(answer(task, predictor, texts) - expected) / np.maximum(1, np.abs(expected))
                found[pattern] = float(apart.max())
        except InputError as error:
            return {"refused": str(error)}
    return found


def write_docs(columns, lines):
    """Puts the table between its marks in docs/export.md."""
    text = DOCS.read_text(encoding="utf-8")
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    rows = [columns, ["---"] * len(columns), *lines]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    DOCS.write_text(before + MARKS[0] + table + MARKS[1] + after, encoding="utf-8")


def shown(found):
    """A cell of the table."""
    if "refused" in found:
        return "—"
    return " / ".join(f"{value:.0e}".replace("e-0", "e-") if value else "0" for value in found.values())


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
    print_table("Largest difference: alone / padded / empty", columns, lines)
    if not quick:
        write_docs(columns, lines)
    write_result(result_name("export_matrix", quick), {**header(), "rows": rows})


if __name__ == "__main__":
    main()
