"""Layers of nlpkit, each beside the Keras layers that it replaces; layer_speed.py times them.

`PAIRS` has, by name, what the peer is and the function of the sizes that makes the pair.
"""

from functools import partial

import keras
import tensorflow as tf
from layer_pairs import Pair, Side, built, reader
from recurrent_peers import RATE, RECURRENT_PAIRS

from nlpkit import layers

HEADS = 8
WIDTHS = (3, 4, 5)


def multi_head_attention(sizes, causal):
    heads = {"num_heads": HEADS, "key_dim": sizes.units // HEADS}
    own = built(layers.CachedAttention(**heads, causal=causal), sizes)
    peer = built(keras.layers.MultiHeadAttention(**heads), sizes, inputs=2)

    def forward(given, training):
        return peer(given["x"], given["x"], use_causal_mask=causal, training=training)

    return Pair(reader(own), Side(forward, [peer]))


def additive_attention(sizes):
    """Keras' layer has no projections of query and values; the peer is given them."""
    own = built(layers.AdditiveAttention(sizes.units), sizes, inputs=2, nested=True)
    query = built(keras.layers.Dense(sizes.units, use_bias=False), sizes)
    key = built(keras.layers.Dense(sizes.units), sizes)
    score = built(keras.layers.AdditiveAttention(), sizes, inputs=2, nested=True)

    def forward(given, training):
        return score([query(given["query"]), given["x"], key(given["x"])], training=training)

    peer = Side(forward, [query, key, score])
    return Pair(
        Side(lambda given, training: own([given["query"], given["x"]]), [own.query, own.key, own.vector]),
        peer,
        ("query", "x"),
    )


def dot_attention(sizes):
    own, peer = layers.MultiplicativeAttention("dot"), keras.layers.Attention()
    return Pair(
        Side(lambda given, training: own([given["query"], given["x"]])),
        Side(lambda given, training: peer([given["query"], given["x"]], training=training)),
        ("query", "x"),
    )


class TransformerPart(keras.layers.Layer):
    """A Transformer's block as the examples of keras.io compose it; with `decoder`, it also attends to a context."""

    def __init__(self, sizes, dropout, decoder):
        super().__init__()
        heads = {"num_heads": HEADS, "key_dim": sizes.units // HEADS, "dropout": dropout}
        names = ["attention", "context_attention"] if decoder else ["attention"]
        self.attentions = [keras.layers.MultiHeadAttention(**heads, name=name) for name in names]
        self.norms = [keras.layers.LayerNormalization() for _ in names]
        self.expand = keras.layers.Dense(4 * sizes.units, activation="relu")
        self.contract = keras.layers.Dense(sizes.units)
        self.last_norm = keras.layers.LayerNormalization()
        self.drop = keras.layers.Dropout(dropout)
        self.decoder = decoder

    def call(self, x, context=None, training=False):
        for number, (attention, norm) in enumerate(zip(self.attentions, self.norms, strict=True)):
            to, causal = (context, False) if number else (x, self.decoder)
            changed = attention(x, to, use_causal_mask=causal, training=training)
            x = norm(x + self.drop(changed, training=training))
        changed = self.contract(self.expand(x))
        return self.last_norm(x + self.drop(changed, training=training))


def transformer(sizes, decoder, dropout=0.1):
    options = {"dropout": dropout, "norm": "post", "activation": "relu"}
    inputs = ("x", "context") if decoder else ("x",)
    if decoder:
        own = layers.DecoderBlock(HEADS, 4 * sizes.units, cross_attention=True, **options)
    else:
        own = layers.EncoderBlock(HEADS, 4 * sizes.units, **options)
    own = built(own, sizes, inputs=len(inputs))
    peer = built(TransformerPart(sizes, dropout, decoder), sizes, inputs=len(inputs))
    pairs = [(own.attention, own.attention_norm)]
    if decoder:
        pairs.append((own.context_attention, own.context_norm))
    parts = [part for pair in pairs for part in pair]
    of_peer = [part for pair in zip(peer.attentions, peer.norms, strict=True) for part in pair]

    def side(layer, parts):
        return Side(lambda given, training: layer(*given.values(), training=training), parts)

    return Pair(
        side(own, [*parts, own.expand, own.contract, own.feedforward_norm]),
        side(peer, [*of_peer, peer.expand, peer.contract, peer.last_norm]),
        inputs,
    )


def feed_forward(sizes):
    own = built(layers.FeedForward(4 * sizes.units), sizes)
    peer = [keras.layers.Dense(4 * sizes.units, activation="gelu"), keras.layers.Dense(sizes.units)]
    built(keras.Sequential(peer), sizes)
    return Pair(
        Side(lambda given, training: own(given["x"]), [own.expand, own.contract]),
        Side(lambda given, training: peer[1](peer[0](given["x"])), peer),
    )


def embedding(sizes):
    own = layers.TokenEmbedding(sizes.words, sizes.units)
    peer = keras.layers.Embedding(sizes.words, sizes.units, mask_zero=True)
    for layer in (own, peer):
        layer.build((None, None))
    return Pair(
        Side(lambda given, training: own(given["ids"], training=training), [own]),
        Side(lambda given, training: peer(given["ids"]), [peer]),
        ("ids",),
    )


def tied_output(sizes):
    """The way in and the way out, since both use one matrix."""
    table, own = layers.TokenEmbedding(sizes.words, sizes.units), layers.TiedOutput(use_bias=False)
    peer = keras.layers.ReversibleEmbedding(sizes.words, sizes.units)
    for layer in (table, peer):
        layer.build((None, None))
    return Pair(
        Side(lambda given, training: own(*table(given["ids"], return_table=True)), [table]),
        Side(lambda given, training: peer(peer(given["ids"]), reverse=True), [peer]),
        ("ids",),
    )


def adaptive_softmax(sizes):
    """Log-probabilities of all words in prediction, the loss of one word a step in training."""
    words, cutoffs = sizes.many_words, [sizes.many_words // 25, sizes.many_words // 5]
    own = built(layers.AdaptiveSoftmax(words, cutoffs), sizes)
    peer = built(keras.layers.Dense(words), sizes)

    def full_loss(given):
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(given["rare_ids"], peer(given["x"]))
        return tf.reduce_mean(losses)

    return Pair(
        Side(lambda given, training: own(given["x"]), [own], lambda it: own.loss(it["x"], it["rare_ids"])),
        Side(lambda given, training: tf.nn.log_softmax(peer(given["x"])), [peer], full_loss),
        ("x", "rare_ids"),
        same=False,
        most_steps=64 * 50,
    )


def convolution(sizes, pooled):
    """Filters at each step, or the maximum of each over time."""
    own = built(layers.NgramConvolution(sizes.units, WIDTHS, return_sequences=not pooled), sizes)
    options = {"padding": "same", "activation": "relu"}
    peer = [built(keras.layers.Conv1D(sizes.units, width, **options), sizes) for width in WIDTHS]
    finish = keras.layers.GlobalMaxPooling1D() if pooled else keras.layers.Identity()

    def forward(given, training):
        return tf.concat([finish(layer(given["x"])) for layer in peer], axis=-1)

    return Pair(Side(lambda given, training: own(given["x"]), own.convolutions), Side(forward, peer))


def pooling(sizes, kind, peer, padded):
    own, peer = layers.SequencePool(kind), peer()

    def side(layer):
        def forward(given, training):
            return layer(given["x"], mask=given["mask"]) if padded else layer(given["x"])

        return Side(forward)

    return Pair(side(own), side(peer), ("x", "mask") if padded else ("x",))


def variational_dropout(sizes):
    own = layers.VariationalDropout(RATE)
    peer = keras.layers.Dropout(RATE, noise_shape=(None, 1, None))
    return Pair(
        Side(lambda given, training: own(given["x"], training=training)),
        Side(lambda given, training: peer(given["x"], training=training)),
        passes=("training",),
    )


PAIRS = RECURRENT_PAIRS | {
    "CachedAttention": ("MultiHeadAttention", partial(multi_head_attention, causal=False)),
    "CachedAttention, causal": ("MultiHeadAttention", partial(multi_head_attention, causal=True)),
    "AdditiveAttention": ("Dense, AdditiveAttention", additive_attention),
    "MultiplicativeAttention dot": ("Attention", dot_attention),
    "EncoderBlock": ("as on keras.io", partial(transformer, decoder=False)),
    "DecoderBlock, with context": ("as on keras.io", partial(transformer, decoder=True)),
    "FeedForward": ("Dense, Dense", feed_forward),
    "TokenEmbedding": ("Embedding", embedding),
    "TiedOutput and TokenEmbedding": ("ReversibleEmbedding", tied_output),
    "AdaptiveSoftmax": ("Dense, softmax", adaptive_softmax),
    "NgramConvolution": ("Conv1D side by side", partial(convolution, pooled=False)),
    "NgramConvolution, maximum": ("Conv1D, GlobalMaxPooling1D", partial(convolution, pooled=True)),
    "SequencePool mean, padded": (
        "GlobalAveragePooling1D",
        partial(pooling, kind="mean", peer=keras.layers.GlobalAveragePooling1D, padded=True),
    ),
    "SequencePool max": (
        "GlobalMaxPooling1D",
        partial(pooling, kind="max", peer=keras.layers.GlobalMaxPooling1D, padded=False),
    ),
    "VariationalDropout": ("Dropout(noise_shape)", variational_dropout),
}


def layer_of(name):
    """The layer that a pair is about."""
    return name.split()[0].rstrip(",")
