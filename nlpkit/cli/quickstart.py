"""`nlpkit quickstart`: the whole way once, on the sample reviews."""

from pathlib import Path
from typing import Annotated

import typer

from nlpkit.cli import options
from nlpkit.cli.command import with_examples
from nlpkit.cli.folders import check_free
from nlpkit.cli.prediction_lines import prediction_line
from nlpkit.cli.show import note, numbers, print_evaluations, write_json
from nlpkit.cli.start import start_tensorflow

EXAMPLES = ("nlpkit quickstart", "nlpkit quickstart --out saved_models/first --seed 1")
TEXTS = (
    "Lovely little place, the staff could not have been kinder.",
    "Broke after two days and nobody answers my emails.",
    "I expected more, but my children adore it.",
)
OUT = Path("saved_models/quickstart")
Out = Annotated[Path, typer.Option("--out", help="Folder for the model; an earlier quickstart is replaced.")]
Seed = Annotated[int, typer.Option(min=0, help="Another seed gives a slightly different model.")]


def register(app):
    """Adds `quickstart` to the command line."""
    app.command(cls=with_examples(*EXAMPLES))(quickstart)


def quickstart(
    out: Out = OUT,
    seed: Seed = 0,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
):
    """Train, evaluate, export and use a classifier of sample reviews, in less than a minute."""
    check_free(out, overwrite=out == OUT)
    say = (lambda text: None) if quiet or as_json else note
    start_tensorflow()
    from nlpkit import TextClassifier
    from nlpkit.data import load_sample_reviews

    train, test = load_sample_reviews("train"), load_sample_reviews("test")
    say(f"1. data      {len(train.texts):,} sample reviews to learn from, {len(test.texts)} to test with")
    classifier = TextClassifier(random_state=seed).fit(train.texts, train.labels)
    report = classifier.report_
    encoder = next(choice for choice in report["choices"] if choice["setting"] == "encoder")
    say(f"2. training  {report['seconds']:.0f} s with the encoder {encoder['value']}: {encoder['reason']}")
    evaluation = classifier.add_test(test.texts, test.labels)
    say(f"3. test      {evaluation['accuracy']:.1%} of the test reviews are labelled right")
    classifier.save(out)
    say(f"4. saved     {out} holds the network, its settings and report.html with curves and mistakes")
    exported = classifier.export(out, to=("saved_model",))[0]
    say(f"5. exported  {exported.path} for TensorFlow Serving; reloaded, it gives the same probabilities")
    if as_json:
        write_json({"model": str(out), "saved_model": str(exported.path), "seconds": report["seconds"],
                    "evaluation": {"test": numbers(evaluation)}})  # fmt: skip
        return
    say("6. predicted")
    _show_predictions(classifier)
    print_evaluations(report["evaluation"])
    _say_next(say, out)


def _show_predictions(classifier):
    classes = classifier.classes_.tolist()
    probabilities = classifier.predict_proba(list(TEXTS))
    labels = classifier.labels_of(probabilities).tolist()
    for text, label, row in zip(TEXTS, labels, probabilities.tolist(), strict=True):
        typer.echo(f"   {prediction_line('plain', text, label, classes, row)}")


def _say_next(say, out):
    say("\nnext:")
    say(f"  nlpkit predict {out} 'your own text'")
    say(f"  open {out / 'report.html'} in a browser")
    say("  nlpkit train classifier --data your_file.csv --out saved_models/yours")
