"""Sentiment analysis from start to served model.

python examples/sentiment_analysis.py                  # on the sample reviews
python examples/sentiment_analysis.py reviews.csv      # on a table with the columns text and label
"""

import sys
from pathlib import Path

import nlpkit
from nlpkit.data import TableReader, load_sample_reviews

FOLDER = Path("saved_models/sentiment")
TEXTS = ["What a wonderful little hotel!", "The screen broke after a week.", "Not bad at all."]


def main(files):
    classifier = nlpkit.TextClassifier(random_state=0, verbose=1)
    if files:
        # Read in chunks, so the file may be larger than memory; a part of it is kept apart for validation.
        classifier.fit(TableReader(files))
        evaluation = classifier.report_["evaluation"]["validation"]
    else:
        train, test = load_sample_reviews("train"), load_sample_reviews("test")
        classifier.fit(train.texts, train.labels)
        evaluation = classifier.add_test(test.texts, test.labels)
    print(f"accuracy {evaluation['accuracy']:.3f}, macro F1 {evaluation['macro_f1']:.3f}")

    classifier.save(FOLDER)
    loaded = nlpkit.load(FOLDER)
    for text, label, row in zip(TEXTS, loaded.predict(TEXTS), loaded.predict_proba(TEXTS), strict=True):
        print(f"{label}  {row.max():.2f}  {text}")

    exported = loaded.export(FOLDER, to=("saved_model",))[0]
    print(f"\nreport: {FOLDER / 'report.html'}")
    print(f"exported: {exported.path}, reloaded and compared on {exported.texts_compared} texts")
    print(f"next: nlpkit predict {FOLDER} 'your own text'")


if __name__ == "__main__":
    main(sys.argv[1:])
