"""Long sources and targets: what is chosen from the data, what is cut, and what the report says of it."""

import numpy as np
import pytest

from nlpkit import ImageCaptioner, InputError, TextToText
from nlpkit.data import IdRows
from nlpkit.estimators.pair_lengths import length_limit, limit_sources
from nlpkit.spec import TextToTextSettings

KNOWN, END, UNKNOWN = 10, 3, 1


def rows(*lists):
    return IdRows.from_lists(lists)


def lists(ids):
    return [row.tolist() for row in ids]


@pytest.mark.parametrize("count", [1, 2, 200])
def test_of_few_texts_the_longest_counts(count):
    lengths = np.array([5] * (count - 1) + [900])
    assert length_limit(lengths, "targets") == (900, "the longest of the targets in training")


def test_of_many_texts_a_few_long_ones_do_not_count():
    for outliers in (1, 4):
        limit, reason = length_limit(np.array([11] * 995 + [1_200] * outliers), "sources")
        assert limit == 17 and reason == (
            "99.5% of the sources in training have 11 tokens or fewer, and half as many again is room; the longest has "
            "1,200"
        )
    assert length_limit(np.array([11] * 980 + [1_200] * 20), "sources")[0] == 1_200
    assert length_limit(np.array([11] * 995 + [14] * 4), "sources")[0] == 14  # within the room


def limited(train, limit=None, validation=None):
    reasons, validation = [], validation or (rows([4, END]), rows([5, END]))
    settings = TextToTextSettings(max_source_length=limit)
    train, validation, settings = limit_sources(train, validation, settings, reasons, KNOWN)
    return train, validation, settings.max_source_length, reasons


def test_sources_are_cut_and_keep_their_end():
    sources = rows([4, 5, 6, 7, END], [8, END], [9, 9, 9, END], [4, 5, END])
    targets = rows([5, END], [6, END], [7, END], [8, END])
    long = rows([4, 4, 4, 4, END]), rows([6, END])
    train, validation, limit, reasons = limited((sources, targets), 3, long)
    assert lists(train[0]) == [[4, 5, END], [8, END], [9, 9, END], [4, 5, END]]
    assert lists(train[1]) == lists(targets) and lists(validation[0]) == [[4, 4, END]]
    assert (limit, reasons) == (3, [])
    assert lists(sources)[0] == [4, 5, 6, 7, END]  # what was given stays as it was


def test_a_copied_word_that_is_cut_off_is_unknown():
    sources = rows([KNOWN, 4, KNOWN + 1, END], [4, KNOWN + 1, END])
    targets = rows([KNOWN + 1, KNOWN, 9, END], [KNOWN + 1, END])
    (cut, written), *_ = limited((sources, targets), 3)
    assert lists(cut) == [[KNOWN, 4, END], [4, KNOWN + 1, END]]
    assert lists(written) == [[UNKNOWN, KNOWN, 9, END], [KNOWN + 1, END]]


def test_a_limit_is_chosen_from_the_training_sources():
    short = [[4, 5, END]] * 400
    train, _, limit, reasons = limited((rows(*short, [4] * 99 + [END]), rows(*[[5, END]] * 401)))
    assert limit == 5 and lists(train[0])[-1] == [4, 4, 4, 4, END]
    assert [row["setting"] for row in reasons] == ["max_source_length"] and reasons[0]["value"] == 5
    pair = (rows([4, 5, END]), rows([6, END]))
    train, _, limit, reasons = limited(pair)
    assert train == pair and limit == 3
    assert reasons[0]["reason"] == "the longest of the sources in training"


def test_one_long_pair_sets_neither_limit():
    pairs = [(f"{a} {b}", f"{b} {a}") for a in "abcdefghij" for b in "klmnopqrstuvwxyzABCDEF"]
    sources, targets = map(list, zip(*pairs, ("a " * 70, "k " * 90), strict=True))
    training = {"batch_size": 64}
    model = TextToText(
        "seq2seq", level="word", units=4, epochs=1, random_state=0, options={"training": training}
    )
    model.fit(sources, targets, validation_data=(sources[:20], targets[:20]))
    chosen = {row["setting"]: row["value"] for row in model.report_["choices"]}
    assert chosen["max_source_length"] == chosen["max_new_tokens"] == 5  # of 2 words and the end
    assert model.spec().max_new_tokens == 5 and model.spec().training.max_source_length == 5
    assert model.predict_nbest(["a k " * 30], beam_size=1, n=1)[0][0]["tokens"] <= 5


def test_images_have_no_length():
    model = ImageCaptioner(options={"training": {"max_source_length": 9}})
    with pytest.raises(InputError) as caught:
        model.fit(np.zeros((4, 3, 5), "float32"), ["a"] * 4)
    assert str(caught.value) == (
        "`max_source_length` is about sources that are texts. Received: max_source_length=9 for an ImageCaptioner. "
        "Leave it out."
    )
