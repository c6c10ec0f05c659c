"""Models that are tables of what follows a token."""

import numpy as np
import tensorflow as tf

END = 3
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def ids_of(text):
    """Letters as ids from 4 on; `.` is the end."""
    return [END if letter == "." else 4 + ALPHABET.index(letter) for letter in text]


def text_of(ids):
    return "".join("." if i == END else ALPHABET[i - 4] for i in ids if i)


def alphabet_step(token_ids, state):
    """After each letter surely the next one, after `z` the end."""
    following = tf.where(token_ids == 29, END, token_ids + 1)
    return tf.one_hot(following, 30, on_value=5.0), state


def random_table(seed, size, spread=2.0):
    """Log-probabilities of a Markov chain over `size` ids, float32."""
    logits = np.random.default_rng(seed).normal(0, spread, (size, size))
    return (logits - np.log(np.exp(logits).sum(-1, keepdims=True))).astype("float32")


def table_step(table):
    table = tf.constant(table)
    return lambda token_ids, state: (tf.gather(table, token_ids), state)


def random_tables(seed, size, places, spread=2.0):
    """A table for each place of a text, so that no two texts are equally likely by being made of the same pairs."""
    return np.stack([random_table([seed, place], size, spread) for place in range(places)])


def tables_step(tables):
    """The model of `random_tables`; its state is how many tokens each row has read."""
    tables = tf.convert_to_tensor(tables)
    return lambda token_ids, read: (tf.gather_nd(tables, tf.stack([read, token_ids], axis=1)), read + 1)
