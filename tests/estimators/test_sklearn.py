"""scikit-learn's own tools and checks on the classifier."""

import pickle

import joblib
import numpy as np
import pytest
from estimators.numbers_as_texts import NumbersAsTexts
from estimators.small_texts import QUICK, labels, quick, texts
from sklearn.base import clone
from sklearn.feature_extraction.text import strip_accents_unicode
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from nlpkit import TextClassifier

X, Y = texts(), labels()
# Every check runs on texts written from the checks' numbers. A check that cannot hold goes here, with its reason.
EXACT = "texts are computed in batches of similar length, and float32 sums of other widths can differ in their last bit"
EXPECTED_FAILED_CHECKS = {
    "check_methods_sample_order_invariance": EXACT,
    "check_methods_subset_invariance": EXACT,
}
# Each check fits several times, and most of a fit is tracing the network: so the smallest one there is, words alone.
SMALLEST = {**QUICK, "network": {"ngrams": 1, "embedding_dim": 0, "naive_bayes": True, "character_ngrams": 0}}


@parametrize_with_checks(
    [NumbersAsTexts("bag", epochs=1, random_state=0, options=SMALLEST)],
    expected_failed_checks=lambda _: EXPECTED_FAILED_CHECKS,
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_order_and_company_of_the_texts_change_nothing_but_rounding(fitted):
    expected = fitted.predict_proba(X)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(fitted.predict_proba([X[i] for i in order]), expected[order], atol=1e-6)
    alone = np.concatenate([fitted.predict_proba([text]) for text in X[:5]])
    np.testing.assert_allclose(alone, expected[:5], atol=1e-6)


def test_the_constructor_only_stores():
    options = {"training": {"batch_size": 8}}
    classifier = TextClassifier("gru", units=3, options=options)
    assert classifier.get_params()["options"] is options
    assert set(vars(classifier)) == set(classifier.get_params())
    assert "units=3" in repr(classifier)


def test_clone_is_unfitted_with_equal_settings(fitted):
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not hasattr(copy, "classes_")


def test_set_params_changes_what_fit_does():
    classifier = quick().set_params(tokenizer="char", epochs=1)
    classifier.fit(X, Y)
    assert classifier.text_to_ids_.settings()["level"] == "char"
    assert len(classifier.report_["history"]["loss"]) == 1


def test_pickle_and_joblib_keep_the_probabilities(fitted, tmp_path):
    expected = fitted.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), expected)
    joblib.dump(fitted, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)
    assert loaded.get_params() == fitted.get_params()
    assert loaded.report_["history"] == fitted.report_["history"]


def test_an_unfitted_classifier_can_be_pickled():
    assert pickle.loads(pickle.dumps(quick(units=5))).units == 5


def test_grid_search_over_an_array_of_settings():
    search = GridSearchCV(quick(), {"epochs": np.array([1, 3])}, cv=2).fit(X, Y)
    assert search.best_params_["epochs"] in (1, 3)
    assert len(search.cv_results_["mean_test_score"]) == 2
    assert set(search.predict(X)) <= {"neg", "pos"}


def test_cross_validation_finds_the_pattern():
    scores = cross_val_score(quick(epochs=4), X, Y, cv=2)
    assert scores.mean() > 0.9


def test_pipeline():
    model = make_pipeline(
        FunctionTransformer(lambda rows: [strip_accents_unicode(row) for row in rows]), quick()
    )
    model.fit(X, Y)
    assert model.predict(["a góod film", "an àwful book"]).tolist() == ["pos", "neg"]
    assert model.score(X, Y) == np.mean(model.predict(X) == np.array(Y))
