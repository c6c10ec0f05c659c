"""The peer for accuracy: TF-IDF of words and word pairs with logistic regression, as scikit-learn has it.

It learns from the whole training set: it needs no validation part, and so takes one that was only held out.
Chinese takes characters and character pairs. Run from the repository root: python benchmarks/tfidf.py
"""

import time

import corpora
from common import apart, header, print_table, read_result, result_name, write_result

QUICK = 500


def measure(data, fold, limit):
    """Fits one pipeline and tests it, in this process."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    corpus = corpora.load(data, fold, limit)
    texts, labels = corpus.whole_train
    analyzer = "char" if data == "chnsenticorp" else "word"
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), analyzer=analyzer), LogisticRegression(max_iter=1000)
    )
    start = time.perf_counter()
    model.fit(texts, labels)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "accuracy": float(model.score(*corpus.test))}


def summary(data, folds, limit=None):
    """Measures all folds of a data set.

    Args:
        data: str. Name of the data set.
        folds: int. Folds of it to run at most.
        limit: int. Texts per part, for quick runs.

    Returns:
        dict with mean accuracy, mean seconds, largest peak memory and the accuracy of each fold.
    """
    runs = [
        apart(measure, data=data, fold=fold, limit=limit) for fold in range(min(folds, corpora.folds(data)))
    ]
    accuracies = [run["accuracy"] for run in runs]
    return {
        "test_accuracy": sum(accuracies) / len(runs),
        "seconds": round(sum(run["seconds"] for run in runs) / len(runs), 2),
        "peak_mb": max(run["peak_mb"] for run in runs),
        "folds": accuracies,
    }


def main():
    parser = corpora.parser(__doc__, corpora.FILES)
    parser.add_argument("--folds", type=int, default=corpora.FOLDS, help="folds of mr that are run")
    options = parser.parse_args()
    name = result_name("tfidf", options.quick)
    rows = []
    for data in corpora.chosen(options.data, corpora.FILES):
        found = summary(data, options.folds, QUICK if options.quick else None)
        result = read_result(name)
        result.setdefault("data", {})[data] = {**header(), **found}
        write_result(name, result)
        rows.append(
            [data, f"{100 * found['test_accuracy']:.2f}", f"{found['seconds']:.1f}", found["peak_mb"]]
        )
    if rows:
        print_table("TF-IDF + logistic regression", ["data", "test %", "fit s", "peak MiB"], rows)


if __name__ == "__main__":
    main()
