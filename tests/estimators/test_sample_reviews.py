"""The default classifier on the corpus that comes with nlpkit."""

from nlpkit import TextClassifier
from nlpkit.data import load_sample_reviews


def test_the_defaults_reach_85_percent_on_the_sample_corpus():
    train, test = load_sample_reviews("train"), load_sample_reviews("test")
    classifier = TextClassifier(random_state=0).fit(train.texts, train.labels)
    assert classifier.score(test.texts, test.labels) >= 0.85
