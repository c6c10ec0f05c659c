"""Pieces of a text: joined they are the text, however they are cut."""

import pytest
import tensorflow as tf
from fake_steps import END

from nlpkit.errors import InputError
from nlpkit.generation import advance, begin, stream

BYTES = 4  # the id of the byte 0


def writing(text):
    """A model that writes a text, byte by byte, whatever it is given to read."""
    ids = tf.constant([BYTES + byte for byte in text.encode()] + [END] * 2)

    def step(token_ids, place):
        following = tf.gather(ids, tf.minimum(place, tf.size(ids) - 1))
        return tf.one_hot(following, 260), place + 1

    return step


def spell(token_ids):
    return bytes(i - BYTES for i in token_ids).decode(errors="replace")


def pieces(text, stop=(), at_once=1, new=80, spell=spell):
    start = begin(tf.zeros(1, tf.int32), [[END]], max_new_tokens=new)
    step = writing(text)
    run = tf.function(lambda at: advance(step, at, steps=at_once), autograph=False)
    return list(stream(run, start, spell, stop=stop))


@pytest.mark.parametrize("at_once", [1, 2, 3, 7, 100])
@pytest.mark.parametrize(
    ("text", "stop", "expected"),
    [
        ("naïve 你好 🎉!", [], "naïve 你好 🎉!"),
        ("one\n\ntwo", "\n\n", "one"),
        ("one\ntwo\n", "\n\n", "one\ntwo\n"),
        ("aab", ["ab"], "a"),
        ("abc", ["b", "abc"], "a"),
        ("stop", ["stop"], ""),
        ("你好。再见", ["。再"], "你好"),
        ("", [], ""),
    ],
)
def test_joined_they_are_the_text_before_the_stop(text, stop, expected, at_once):
    found = pieces(text, stop, at_once)
    assert "".join(found) == expected
    assert "" not in found


def test_nothing_waits_longer_than_it_must():
    assert pieces("aé–b") == ["a", "é", "–", "b"]
    assert pieces("abxaby", ["xaz"]) == ["a", "b", "xab", "y"]


def test_half_a_character_at_the_end_is_given_as_it_is():
    assert pieces("aé", new=2) == ["a", "\ufffd"]


def test_no_token_is_written_behind_a_stop_string():
    calls = []
    start = begin(tf.zeros(1, tf.int32), [[END]], max_new_tokens=80)

    def run(at):
        calls.append(1)
        return advance(writing("abcdefgh"), at, steps=2)

    assert list(stream(run, start, spell, stop="d")) == ["ab", "c"]
    assert len(calls) == 2


def test_what_cannot_be_streamed_is_said():
    start = begin(tf.zeros(2, tf.int32), [[END], [END]], max_new_tokens=8)
    with pytest.raises(
        InputError, match="`generation` must have one row: one text is streamed. Received: 2 rows"
    ):
        next(stream(lambda at: at, start, spell))
    with pytest.raises(InputError, match="The text of more ids must begin with .* Received: 'ba' after 'a'"):
        pieces("ab", spell=lambda ids: spell(ids)[::-1])
    with pytest.raises(InputError, match="`stop` must be a string"):
        pieces("ab", stop=[""])
