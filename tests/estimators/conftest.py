import pytest
from estimators.small_texts import labels, quick, texts, topics


@pytest.fixture(scope="session")
def fitted():
    """A classifier of `texts()` as "neg" or "pos"; tests must not change it."""
    return quick().fit(texts(), labels())


@pytest.fixture(scope="session")
def fitted_topics():
    """A classifier with several labels a text; tests must not change it."""
    return quick(multi_label=True, epochs=8).fit(texts(), topics())
