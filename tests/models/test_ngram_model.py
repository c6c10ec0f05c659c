import re
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from nlpkit.data import IdRows
from nlpkit.errors import InputError
from nlpkit.models import ngram_counts
from nlpkit.models.ngram_model import NgramModel

PAD, UNKNOWN, START, END = range(4)
SIZE = 14
ORDERS = [1, 2, 3, 4, 5]


def corpus(sentences=300, seed=0, words=9):
    """Sentences, some empty, of words of which each depends on the two before it; frequent ones and rare ones."""
    random = np.random.default_rng(seed)
    chances = 1 / np.arange(1, words + 1) ** 1.5
    rows = []
    for length in random.integers(0, 9, sentences):
        row = []
        for _ in range(length):
            shift = sum(row[-2:]) % 3
            row.append(4 + (random.choice(words, p=chances / chances.sum()) + shift) % words)
        rows.append([*map(int, row), END])
    return rows


class Reference:
    """Chen & Goodman's formulas word for word, with dicts of tuples; sentences in `<s>` and `</s>`."""

    def __init__(self, rows, order, size=SIZE):
        self.order = order
        self.vocabulary = [id for id in range(size) if id not in (PAD, START)]
        counts = {length: {} for length in range(1, order + 1)}
        for row in rows:
            marked = ["<s>", *row]
            for length in counts:
                for end in range(max(length, 2), len(marked) + 1):
                    gram = tuple(marked[end - length : end])
                    counts[length][gram] = counts[length].get(gram, 0) + 1
        self.counts = {order: counts[order]}
        for length in range(1, order):
            before = Counter(longer[1:] for longer in counts[length + 1])
            self.counts[length] = {
                gram: count if gram[0] == "<s>" else before[gram] for gram, count in counts[length].items()
            }
        self.discounts = {length: self.discounts_of(length) for length in self.counts}
        self.following = {}
        for length, grams in self.counts.items():
            for gram, count in grams.items():
                self.following.setdefault((length, gram[:-1]), []).append(count)

    def discounts_of(self, length):
        n = {k: list(self.counts[length].values()).count(k) for k in (1, 2, 3, 4)}
        if 0 in (n[1], n[2], n[3]):
            return 0.5, 1, 1.5
        y = n[1] / (n[1] + 2 * n[2])
        found = 1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3]
        return found if min(found) > 0 else (0.5, 1, 1.5)

    def probability(self, history, token):
        length = len(history) + 1
        shorter = self.probability(history[1:], token) if history else 1 / len(self.vocabulary)
        following = self.following.get((length, history))
        if not following:
            return shorter
        d1, d2, d3 = self.discounts[length]
        freed = d1 * following.count(1) + d2 * following.count(2) + d3 * sum(c >= 3 for c in following)
        count = self.counts[length].get((*history, token), 0)
        kept = count - (0, d1, d2, d3)[min(count, 3)]
        return (kept + freed * shorter) / sum(following)

    def distribution(self, text):
        """After the ids of a text so far."""
        text = list(text)
        while END in text:
            text = text[text.index(END) + 1 :]
        marked = ["<s>", *text]
        history = tuple(marked[max(0, len(marked) - self.order + 1) :]) if self.order > 1 else ()
        return {token: self.probability(history, token) for token in self.vocabulary}


def test_a_small_case_by_hand():
    # a b, a c, a b with a = 4, b = 5, c = 6; five ids can be predicted: unknown, END, a, b, c.
    # Single ids, counted by the different ids before them: a 1 (END), b 1 (a), c 1 (a), END 2 (b, c); together 5.
    # None is counted 3 times, so that the discounts are 0.5, 1, 1.5. Freed: (3 * 0.5 + 1 * 1) / 5 = 0.5.
    #   p(a) = p(b) = p(c) = 0.5 / 5 + 0.5 / 5 = 0.2;  p(END) = 1 / 5 + 0.5 / 5 = 0.3;  p(unknown) = 0.5 / 5 = 0.1
    # Pairs: END a 3, a b 2, b END 2, a c 1, c END 1, so n1 = 2, n2 = 2, n3 = 1, n4 = 0 and Y = 2 / (2 + 2 * 2) = 1/3.
    #   D1 = 1 - 2 * 1/3 * 2/2 = 1/3;  D2 = 2 - 3 * 1/3 * 1/2 = 1.5;  D3 = 3 - 4 * 1/3 * 0/1 = 3
    #   p(a | END) = (3 - 3) / 3 + 3 / 3 * 0.2 = 0.2
    #   p(b | a) = (2 - 1.5) / 3 + (1.5 + 1/3) / 3 * 0.2 = 1/6 + 11/18 * 1/5 = 13/45
    #   p(END | b) = (2 - 1.5) / 2 + 1.5 / 2 * 0.3 = 0.475
    #   p(unknown | c) = 1/3 / 1 * 0.1 = 1/30
    model = NgramModel(2).fit([[4, 5, END], [4, 6, END], [4, 5, END]])
    np.testing.assert_allclose(model.discounts_, [[0.5, 1, 1.5], [1 / 3, 1.5, 3]])
    (found,) = model.log_probabilities([[4, 5, END]])
    np.testing.assert_allclose(np.exp(found), [0.2, 13 / 45, 0.475], rtol=1e-12)
    assert model.perplexity([[4, 5, END]]) == pytest.approx((0.2 * 13 / 45 * 0.475) ** (-1 / 3), rel=1e-12)
    assert model.next_probabilities([4, 6])[UNKNOWN] == pytest.approx(1 / 30, rel=1e-12)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("sentences", [300, 12])
def test_equals_the_formulas_by_brute_force(order, sentences):
    rows, other = corpus(sentences), [*corpus(20, seed=1, words=10), [UNKNOWN, 12, END]]
    model, reference = NgramModel(order, SIZE).fit(rows), Reference(rows, order)
    np.testing.assert_allclose(model.discounts_, [reference.discounts[n + 1] for n in range(order)])
    expected = [
        [np.log(reference.distribution(row[:place])[id]) for place, id in enumerate(row)] for row in other
    ]
    found = model.log_probabilities(other)
    for row, by_hand in zip(found, expected, strict=True):
        np.testing.assert_allclose(row, by_hand, rtol=1e-10)
    assert model.perplexity(other) == pytest.approx(np.exp(-np.mean(np.concatenate(expected))), rel=1e-10)
    for row in other[-6:]:
        by_hand = reference.distribution(row)
        np.testing.assert_allclose(
            model.next_probabilities(row)[list(by_hand)], list(by_hand.values()), rtol=1e-10
        )


def test_both_kinds_of_discounts_are_met():
    assert not np.allclose(NgramModel(3, SIZE).fit(corpus(300)).discounts_[1:], [0.5, 1, 1.5])
    np.testing.assert_allclose(NgramModel(3, SIZE).fit(corpus(12)).discounts_[2], [0.5, 1, 1.5])


def equal_discount(monkeypatch, order):
    """One discount for all counts, none for single ids: plain Kneser-Ney without a uniform distribution."""
    given = iter([np.zeros(4), *[np.array([0, 0.6, 0.6, 0.6])] * (order - 1)])
    monkeypatch.setattr(ngram_counts, "discounts", lambda counts: next(given))


def nltk_model(rows, order):
    lm = pytest.importorskip("nltk.lm", reason="nltk is not installed; `pip install nltk` to compare with it")
    from nltk.util import everygrams

    texts = [["3", *map(str, row)] for row in rows]  # END before each row
    model = lm.KneserNeyInterpolated(order, discount=0.6)
    model.fit(
        [everygrams(text, max_len=order) for text in texts], [str(id) for id in range(SIZE) if id != PAD]
    )
    return model


def test_pairs_equal_nltk_on_sentences(monkeypatch):
    rows = corpus(60)
    peer = nltk_model(rows, 2)
    equal_discount(monkeypatch, 2)
    model = NgramModel(2, SIZE).fit(rows)
    for last in [END, 4, 5, 6, 11, 12]:
        expected = [peer.score(str(id), [str(last)]) for id in range(1, SIZE)]
        np.testing.assert_allclose(model.next_probabilities([last])[1:], expected, rtol=1e-10)


@pytest.mark.parametrize("order", [3, 4, 5])
def test_longer_ngrams_equal_nltk_inside_a_text(order, monkeypatch):
    # At the beginning of a text nltk counts what stands before `<s>`, which is nothing.
    text = [id for row in corpus(60) for id in row if id != END]
    peer = nltk_model([text], order)
    equal_discount(monkeypatch, order)
    model = NgramModel(order, SIZE).fit([text])
    for history in [text[9 : 9 + order], text[70:80], [4, 12, 4, 12, 7], [5, 5, 5, 5, 5]]:
        expected = [peer.score(str(id), list(map(str, history[-order + 1 :]))) for id in range(1, SIZE)]
        np.testing.assert_allclose(model.next_probabilities(history)[1:], expected, rtol=1e-10)


@pytest.mark.parametrize("order", [2, 3, 4, 5])
def test_perplexity_equals_nltk(order, monkeypatch):
    text = [id for row in corpus(60) for id in row if id != END]
    peer = nltk_model([text], order)
    equal_discount(monkeypatch, order)
    model = NgramModel(order, SIZE).fit([text])
    read = text[20:120]
    grams = [tuple(map(str, read[end - order : end])) for end in range(order, len(read) + 1)]
    found = [
        model.next_probabilities(read[end - order : end - 1])[read[end - 1]] for end in range(order, 101)
    ]
    assert np.exp(-np.mean(np.log(found))) == pytest.approx(peer.perplexity(grams), rel=1e-9)


def test_perplexity_of_sentences_equals_nltk(monkeypatch):
    from_nltk = pytest.importorskip("nltk.util", reason="nltk is not installed: nothing to compare with")
    rows, held_out = corpus(60), [row for row in corpus(30, seed=5) if len(row) > 1]
    peer = nltk_model(rows, 2)
    equal_discount(monkeypatch, 2)
    model = NgramModel(2, SIZE).fit(rows)
    pairs = [pair for row in held_out for pair in from_nltk.ngrams(["3", *map(str, row)], 2)]
    assert model.perplexity(held_out) == pytest.approx(peer.perplexity(pairs), rel=1e-9)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("rows", [corpus(300), corpus(40, seed=2), [[4, 5, 6, END]], [[4] * 9]], ids=len)
def test_distributions_sum_to_one(order, rows):
    model = NgramModel(order, SIZE).fit(rows)
    histories = [[], [END], [UNKNOWN], [13], [4], [4, 5], [4, END], *(row[:-1] for row in corpus(30, seed=3))]
    found = np.array([model.next_probabilities(history) for history in histories])
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    assert np.all(found[:, [PAD, START]] == 0)
    assert np.all(np.delete(found, [PAD, START], axis=1) > 0)


def test_a_stream_and_rows_in_any_form_are_the_same():
    rows = [row for row in corpus(50) if len(row) > 1]
    lists = IdRows.from_lists(rows)
    stream = np.concatenate(rows)
    expected = NgramModel(4, SIZE).fit(rows)
    for form in [stream, stream.tolist(), lists, lists.padded(), [np.array(row) for row in rows]]:
        model = NgramModel(4, SIZE).fit(form)
        np.testing.assert_array_equal(model.levels_[-1].probabilities, expected.levels_[-1].probabilities)
        assert model.perplexity(form) == pytest.approx(expected.perplexity(rows))
        found = model.log_probabilities(form)
        lengths = [len(stream)] if form is stream or isinstance(form[0], int) else [len(row) for row in rows]
        assert [len(row) for row in (found if isinstance(found, list) else [found])] == lengths
    np.testing.assert_array_equal(
        np.concatenate(expected.log_probabilities(rows)), expected.log_probabilities(stream)
    )


def test_contexts_end_at_the_border_of_a_sentence():
    rows = corpus(60)
    forwards, backwards = (NgramModel(5, SIZE).fit(list(order)) for order in (rows, reversed(rows)))
    assert [len(level.keys) for level in forwards.levels_] == [len(level.keys) for level in backwards.levels_]
    assert forwards.perplexity(rows) == pytest.approx(backwards.perplexity(rows), rel=1e-12)
    found = [forwards.next_probabilities(context) for context in ([4], [END, 4], [7, 8, END, 4])]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_a_row_cut_before_its_end_is_scored_as_far_as_it_goes():
    model = NgramModel(3, SIZE).fit(corpus())
    whole, cut, second = model.log_probabilities([[4, 5, 6, END], [4, 5], [6, END]])
    np.testing.assert_array_equal(whole[:2], cut)
    assert second[0] == pytest.approx(np.log(model.next_probabilities([])[6]))


@pytest.mark.parametrize("order", ORDERS)
def test_steps_give_the_same_as_whole_rows(order):
    model = NgramModel(order, SIZE).fit(corpus())
    table = np.array([[5, 4, 6, 7, 4, 12], [12, 13, END, 4, 5, 6]])
    state = model.initial_state(2, max_length=10)
    assert state.shape == (2, order - 1)
    given = np.concatenate([[[END], [END]], table], axis=1)
    for place in range(table.shape[1]):
        logits, state = model.step(given[:, place], state)
        assert logits.dtype == np.float32 and state.dtype == np.int32
        assert np.all(np.isneginf(logits[:, [PAD, START]]))
        expected = [model.log_probabilities(row)[place] for row in table]
        np.testing.assert_allclose(logits[[0, 1], table[:, place]], expected, rtol=1e-5)
    alone, _ = model.step(np.array([PAD]), state[:1])
    np.testing.assert_allclose(np.exp(alone[0]), model.unigrams_, atol=1e-6)


def test_a_second_fit_starts_anew():
    model = NgramModel(2).fit([[4, 9, END]])
    assert model.vocabulary_size_ == 10
    model.fit([[4, 20, END]])
    assert model.vocabulary_size_ == 21 and model.vocabulary_size is None
    np.testing.assert_array_equal(
        model.next_probabilities([4]), NgramModel(2).fit([[4, 20, END]]).next_probabilities([4])
    )


@pytest.mark.parametrize("order", [1, 5])
def test_save_and_load(order, tmp_path):
    rows = corpus()
    model = NgramModel(order, SIZE).fit(rows)
    model.save(tmp_path / "model.ngrams")
    assert [path.name for path in tmp_path.iterdir()] == ["model.ngrams"]
    loaded = NgramModel.load(tmp_path / "model.ngrams")
    assert (loaded.order, loaded.vocabulary_size_) == (order, SIZE)
    assert loaded.perplexity(rows) == model.perplexity(rows)
    np.testing.assert_array_equal(loaded.discounts_, model.discounts_)
    assert loaded.fit(rows[:50]).vocabulary_size_ == SIZE


def test_files_that_are_no_model(tmp_path):
    with pytest.raises(InputError, match=r"Cannot read the n-gram model .*none: No such file"):
        NgramModel.load(tmp_path / "none")
    (tmp_path / "text").write_text("not a model")
    np.savez(tmp_path / "other.npz", order=2)
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.save(tmp_path / "pickle.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "empty").write_bytes(b"")
    for name in ["text", "other.npz", "array.npy", "pickle.npy", "empty"]:
        with pytest.raises(InputError, match=f"{name} is not an n-gram model that `NgramModel.save` wrote"):
            NgramModel.load(tmp_path / name)


@pytest.mark.parametrize("order", [0, 6, 2.0, True, None])
def test_order_must_be_1_to_5(order):
    with pytest.raises(InputError, match=f"`order` must be an int from 1 to 5. Received: order={order}"):
        NgramModel(order)


@pytest.mark.parametrize("size", [3, 0, 10.5, "10"])
def test_vocabulary_size_must_hold_the_special_ids(size):
    with pytest.raises(InputError, match=f"`vocabulary_size` must be an int of at least 4.*={size!r}"):
        NgramModel(2, size)


def test_bad_contexts_and_steps():
    model = NgramModel(2, SIZE).fit(corpus())
    with pytest.raises(InputError, match="below the vocabulary size, 14.*Received: id 14"):
        model.next_probabilities([14])
    with pytest.raises(InputError, match=r"`context` must be one row of ids. Received: shape \(1, 2\)"):
        model.next_probabilities([[4, 5]])
    for ids in ([14], [-1]):
        message = f"`token_ids` must be at least 0 and below the vocabulary size, 14. Received: {ids}"
        with pytest.raises(InputError, match=re.escape(message)):
            model.step(np.array(ids), model.initial_state(1))


def test_before_fit(tmp_path):
    model = NgramModel(2)
    calls = [
        lambda: model.perplexity([[4, END]]),
        lambda: model.log_probabilities([[4, END]]),
        lambda: model.next_probabilities([4]),
        lambda: model.step(np.array([4]), model.initial_state(1)),
        lambda: model.save(tmp_path / "model"),
    ]
    for call in calls:
        with pytest.raises(InputError, match="has not counted anything yet. Call `fit` or `load` first"):
            call()


def test_it_needs_no_tensorflow():
    program = (
        "import sys, nlpkit.models.ngram_model; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.strip() == "False False", run.stderr
