import numpy as np
import pytest
import tensorflow as tf

from nlpkit.estimators.copied_words import extended_rows, most_attended, texts_of
from nlpkit.export.target_texts import (
    copied_words,
    read_sources,
    read_targets,
    replaces_unknown,
    rows_and_words,
    write_targets,
)
from nlpkit.models import build_encoder_decoder
from nlpkit.text import text_to_ids

SOURCES = ["Zoe met Ada, Bo and Cy", "Ada met Bo", "", "Bo Bo Zoe Bo"]
TARGETS = ["Cy met Zoe", "Zoe", "Ada", ""]
COPY = 2


@pytest.fixture(scope="module")
def words():
    layer = text_to_ids("word", html=False, case=None, end=True)
    layer.fit_encode(["Ada met, and"])
    return layer


@pytest.fixture(scope="module")
def pointer(words):
    size = words.vocabulary_size
    return build_encoder_decoder(size, size, units=4, attention="additive", share=True, copy=COPY)


@pytest.fixture(scope="module")
def attending(words):
    network = build_encoder_decoder(
        words.vocabulary_size, words.vocabulary_size, units=4, attention="additive"
    )
    draw = np.random.default_rng(0)
    network.set_weights([draw.normal(size=weights.shape) for weights in network.get_weights()])
    return network


def rows_of(ids):
    return [row[row != 0].tolist() for row in ids.numpy()]


@pytest.mark.parametrize("truncate", ["end", "start", "middle"])
@pytest.mark.parametrize("level", ["word", "space", "char"])
def test_words_stand_behind_their_ids(level, truncate):
    layer = text_to_ids(level, max_length=4, start=True, end=True, truncate=truncate, case=None)
    rows = layer.fit_encode(["Ada met Bo and Eve", ""])
    ids, words = rows_and_words(layer, tf.constant(["Ada met Bo and Eve", ""]))
    assert rows_of(ids) == [row.tolist() for row in rows]
    tokens = layer.tokenizer.tokens_of(ids).to_list()
    assert [[word for word in row if word] for row in words.numpy()] == tokens
    assert words.shape == ids.shape and len(tokens[0]) == 2 and tokens[1] == []


def test_unknown_words_get_the_ids_that_training_gives_them(words, pointer):
    expected = extended_rows(words, [(SOURCES, TARGETS)], COPY)
    ids, own = read_sources(words, pointer, tf.constant(SOURCES))
    targets = read_targets(words, pointer, tf.constant(TARGETS), ids, own)
    for found, rows in zip((ids, targets), expected, strict=True):
        assert rows_of(found) == [row.tolist() for row in rows]
    size = words.vocabulary_size
    assert {size, size + 1} <= set(ids.numpy().ravel()) and ids.numpy().max() < size + COPY
    assert 1 in ids.numpy()[0], "a third unknown word has no id of its own"
    assert copied_words(pointer, ids, own).numpy().tolist() == [
        [b"Zoe", b"Bo"], [b"Bo", b""], [b"", b""], [b"Bo", b"Zoe"],
    ]  # fmt: skip


def test_copied_words_are_written(words, pointer):
    ids, own = read_sources(words, pointer, tf.constant(SOURCES))
    ada, size = words.tokenizer.vocabulary.index["Ada"], words.vocabulary_size
    written = tf.constant(
        [[size + 1, ada, size, 3], [ada, size, 3, 0], [3, 0, 0, 0], [size, size + 1, 1, size]]
    )
    texts = write_targets(words, pointer, written, ids, own, False).numpy().tolist()
    assert texts == [b"Bo Ada Zoe", b"Ada Bo", b"", b"Bo Zoe <unk> Bo"]
    nothing_there = write_targets(words, pointer, written[:1], ids[1:2], own[1:2], False).numpy().tolist()
    assert nothing_there == [b"<unk> Ada Bo"]


def test_unknown_words_are_taken_from_where_was_attended(words, attending):
    assert replaces_unknown(words, words, attending)
    ids, own = read_sources(words, attending, tf.constant(SOURCES))
    assert rows_of(ids) == [row.tolist() for row in words.encode(SOURCES)]
    ada = words.tokenizer.vocabulary.index["Ada"]
    written = tf.constant([[1, ada, 1, 1, 3], [1, 1, 3, 0, 0], [1, ada, 1, ada, 3], [ada, 3, 0, 0, 0]])
    run = tf.function(lambda written: write_targets(words, attending, written, ids, own, True))
    weights = attending.attention_scores(ids, written).numpy()
    places = most_attended(words, written.numpy(), SOURCES, weights)
    assert len({word for row in places for word in row.values()}) > 2, (
        "always the same word: nothing is tested"
    )
    expected = [text.encode() for text in texts_of(words, written.numpy(), places)]
    assert run(written).numpy().tolist() == expected
    assert expected[2] == b"Ada Ada", "an empty source has no word to give"
    assert run(tf.where(written == 1, ada, written)).numpy()[3] == b"Ada"


def test_without_words_texts_are_as_the_layer_has_them(attending):
    layer = text_to_ids("byte", end=True)
    network = build_encoder_decoder(260, 260, units=4)
    assert not replaces_unknown(layer, layer, network) and not replaces_unknown(layer, layer, attending)
    ids, own = read_sources(layer, network, tf.constant(["aé"]))
    assert (rows_of(ids), own) == ([[101, 199, 173, 3]], None)
    broken = tf.constant([[101, 199, 3], [199, 173, 3], [173, 173, 230]])
    texts = write_targets(layer, network, broken, ids, own, False).numpy()
    assert [text.decode() for text in texts] == ["a\ufffd", "é", "\ufffd\ufffd\ufffd"]
