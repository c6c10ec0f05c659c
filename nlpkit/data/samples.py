"""A small corpus of reviews written for nlpkit, for first steps, examples and tests without a download."""

from dataclasses import dataclass
from importlib import resources

from nlpkit.errors import InputError

SPLITS = ("train", "test")


@dataclass
class SampleReviews:
    """Reviews with their class and what they are about.

    Args:
        texts: list of str. The reviews.
        labels: list of str. `"negative"` or `"positive"`.
        domains: list of str. What is reviewed.

    Example:
        >>> from nlpkit.data import load_sample_reviews
        >>> reviews = load_sample_reviews("test")
        >>> len(reviews.texts) == len(reviews.labels) == len(reviews.domains)
        True
    """

    texts: list
    labels: list
    domains: list


def load_sample_reviews(split=None):
    """Loads the sample reviews that come with nlpkit.

    Args:
        split: str. `"train"` or `"test"`. Defaults to `None`: both, the training split first.

    Returns:
        `SampleReviews`.

    Raises:
        InputError: If `split` is unknown.

    Example:
        >>> from nlpkit.data import load_sample_reviews
        >>> reviews = load_sample_reviews("test")
        >>> sorted(set(reviews.labels))
        ['negative', 'positive']
    """
    if split is not None and split not in SPLITS:
        raise InputError(f"`split` must be one of {SPLITS} or None. Received: split={split!r}")
    rows = [row for name in SPLITS if split in (None, name) for row in _read(name)]
    labels, domains, texts = map(list, zip(*rows, strict=True))
    return SampleReviews(texts, labels, domains)


def _read(split):
    file = resources.files("nlpkit.data") / "sample_reviews" / f"{split}.tsv"
    lines = file.read_text(encoding="utf-8").rstrip("\n").split("\n")
    return [line.split("\t") for line in lines]  # label, domain, text
