"""What the pictures of layers.md show: two small networks trained for it, and what each dropout lets through."""

import keras
import numpy as np
import tensorflow as tf

from nlpkit import layers
from nlpkit.layers.embedding_dropout import EmbeddingDropout

RATE = 0.4  # of every dropout
TOKENS = "the cat saw the dog and the bird".split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"
START = len(LETTERS) + 1  # letters are 1 to 26, 0 is padding
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def spell(words, length):
    """Letters as ids, right-padded."""
    return np.array(
        [[LETTERS.index(letter) + 1 for letter in word] + [0] * (length - len(word)) for word in words]
    )


def reverser():
    """An encoder and a decoder that writes words backwards: letters and letters before, to logits and weights."""
    ids, before = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    letters = layers.TokenEmbedding(START + 1, 32)
    encoded = layers.RecurrentBlock(32, "gru", bidirectional=True)(letters(ids))
    decoder = layers.AttentionDecoder(64, "gru", "additive")
    outputs, weights = decoder([letters(before), encoded], return_attention_scores=True)
    logits = keras.layers.Dense(START)(outputs)
    return keras.Model([ids, before], [logits, weights])


def reversing(rows, random, length=9):
    """Random words of 4 to 9 letters: the letters, the reversed ones one step late, and the reversed ones."""
    ids, targets = np.zeros((rows, length), "int32"), np.zeros((rows, length), "int32")
    for row, size in enumerate(random.integers(4, length + 1, rows)):
        ids[row, :size] = random.integers(1, START, size)
        targets[row, :size] = ids[row, :size][::-1]
    return ids, late(targets), targets


def late(ids):
    return np.concatenate([np.full((len(ids), 1), START), ids[:, :-1]], axis=1).astype("int32")


def train_reverser(steps, seed=0):
    keras.utils.set_random_seed(seed)
    model, random = reverser(), np.random.default_rng(seed)
    optimizer = keras.optimizers.Adam(5e-3, global_clipnorm=1.0)
    optimizer.build(model.trainable_variables)

    @tf.function
    def train(ids, before, targets):
        with tf.GradientTape() as tape:
            logits, _ = model([ids, before], training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
            loss = tf.reduce_mean(tf.boolean_mask(losses, targets > 0))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    for _ in range(steps):
        train(*map(tf.constant, reversing(64, random)))
    return model


def sentences(rows, random, length=12):
    """Random tags as a small language has them: names of two or three words, places of one or two."""
    found = np.zeros((rows, length), "int32")
    for row in found:
        at = random.integers(0, 3)
        while at < length:
            kind, size = (1, random.integers(2, 4)) if random.random() < 0.5 else (3, random.integers(1, 3))
            row[at : at + size] = [kind, kind + 1, kind + 1][: min(size, length - at)]
            at += size + random.integers(1, 4)
    return found


def train_crf(steps):
    """A CRF that has seen tags alone, beside scores that say nothing of them."""
    crf, random = layers.CRF(len(TAGS), layers.bio_transitions(TAGS)), np.random.default_rng(0)
    tags = sentences(200, random)
    emissions = tf.zeros((*tags.shape, len(TAGS)))
    crf.build(emissions.shape)
    optimizer = keras.optimizers.Adam(0.05)
    optimizer.build(crf.trainable_variables)

    @tf.function
    def train():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(crf.log_likelihood(emissions, tags))
        gradients = tape.gradient(loss, crf.trainable_variables)
        optimizer.apply_gradients(zip(gradients, crf.trainable_variables, strict=True))

    for _ in range(steps):
        train()
    return crf


def dropout_masks(units=12):
    """What goes through, by each way to drop: `(steps, features)`, of weight-drop `(units, units)`."""
    steps, ids = len(TOKENS), np.array([[4 + TOKENS.index(token) for token in TOKENS]])
    ones = np.ones((1, steps, units), "float32")
    yield "Dropout:\neach number by itself", keras.layers.Dropout(RATE, seed=1)(ones, training=True)[0]
    variational = layers.VariationalDropout(RATE, seed=3)(ones, training=True)
    yield "VariationalDropout:\nthe same at all steps", variational[0]
    words = layers.WordDropout(RATE, seed=13)(ids, training=True) == ids
    yield "WordDropout: words\nread as unknown", np.repeat(words[0][:, None], units, axis=1)
    embedded = EmbeddingDropout(vocabulary_size=4 + len(TOKENS), rate=RATE, seed=7)
    yield "EmbeddingDropout: a word\nwherever it stands", embedded(ids, ones, training=True)[0]
    yield "RecurrentBlock, weight_drop:\nthe recurrent matrix", recurrent_matrix(units)
    random = np.random.default_rng(0).normal(size=ones.shape).astype("float32")
    states = layers.RecurrentBlock(units, "rnn", zoneout=RATE, seed=5)(random, training=True)[0]
    yield "RecurrentBlock, zoneout:\nstates that do not change", np.diff(states, axis=0, prepend=0)


def recurrent_matrix(units):
    """What weight-drop leaves of the recurrent matrix: row i is where a state in unit i alone leads."""
    block = layers.RecurrentBlock(units, "rnn", weight_drop=RATE, seed=4)
    block.build((None, None, units))
    kernel, *others = block.get_weights()
    block.set_weights([np.eye(units, dtype=kernel.dtype), *others])
    first = np.stack([np.eye(units), np.zeros((units, units))], axis=1).astype("float32")
    return block(first, training=True)[:, 1]
