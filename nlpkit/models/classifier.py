"""The classifier: ids to logits."""

import keras

from nlpkit.layers import (
    CharacterNgrams,
    DistinctTokens,
    HashedNgrams,
    SequencePool,
    TokenEmbedding,
    WeightedBag,
)
from nlpkit.models.dtype_policy import dtype_policy
from nlpkit.models.encoders import RECURRENT, check_encoder, encode
from nlpkit.models.pretrained import build_encoder


def build_classifier(
    vocabulary_size,
    num_classes,
    *,
    encoder="lstm",
    units=64,
    num_layers=1,
    bidirectional=True,
    embedding_dim=100,
    pooling="max",
    dropout=0.3,
    residual=False,
    layer_norm=False,
    word_dropout=0.0,
    ngrams=1,
    buckets=2**18,
    naive_bayes=False,
    character_ngrams=0,
    min_count=1,
    multi_label=False,
    use_cudnn="auto",
    dtype=None,
):
    """Builds a text classifier from ids to logits.

    Ids are embedded, encoded, pooled to one vector and classified. `encoder="bag"` pools the embedded words and
    hashed n-grams directly (fastText). `naive_bayes` adds the logits of a linear bag of words and n-grams scaled
    by naive-Bayes log-count ratios, beside any encoder; its ratios must be counted from the training data with
    `nlpkit.models.adapt_bag`. `embedding_dim=0` leaves out the embedding, so that only that bag remains.

    A dict as `encoder` makes it the lower part of a language model, `nlpkit.models.pretrained.LanguageModelEncoder`,
    which can start from the weights of one. It has its own sizes and its own dropouts: `units`, `num_layers`,
    `bidirectional`, `embedding_dim`, `residual` and `layer_norm` do not apply.

    Args:
        vocabulary_size: int. Number of ids.
        num_classes: int. Number of classes.
        encoder: `"lstm"`, `"gru"`, `"rnn"`, `"transformer"`, `"cnn"` or `"bag"`, or a Keras layer or list of
            layers from `(batch, time, features)` to the same, or a dict, the arguments of `build_generator` but for
            `vocabulary_size`, `use_cudnn` and `dtype`. Defaults to `"lstm"`.
        units: int. Units per direction, filters per width, or size of the Transformer. Defaults to 64.
        num_layers: int. Blocks on top of each other. Defaults to 1.
        bidirectional: bool. Whether a recurrent encoder reads both ways. Defaults to `True`.
        embedding_dim: int. Size of the token vectors. Defaults to 100.
        pooling: `"mean"`, `"max"`, `"last"`, `"attention"` or a list of them. Defaults to `"max"`.
        dropout: float. After the embedding, after each block and before the output. After the embedding of a recurrent
            encoder, all occurrences of a token in the batch share one draw. With a dict as `encoder` only before the
            output. Defaults to 0.3.
        residual: bool. Adds its input to each recurrent block's output, from the second block on. Defaults to `False`.
        layer_norm: bool. Layer normalisation of each recurrent block's output. Defaults to `False`.
        word_dropout: float. Fraction of the tokens dropped as a whole. Defaults to 0.
        ngrams: int. Longest hashed n-gram of a bag, in words. Defaults to 1.
        buckets: int. Buckets that the n-grams are hashed to. Defaults to 262,144.
        naive_bayes: bool. Adds the scaled linear bag. Defaults to `False`.
        character_ngrams: int. Buckets for the character n-grams of the words in that bag; 0 leaves them out,
            the default.
        min_count: int. Training texts that a feature of that bag must be in to count. Defaults to 1.
        multi_label: bool. Whether a text has any number of classes. Defaults to `False`.
        use_cudnn: `"auto"`, `True` or `False`. For recurrent encoders. Defaults to `"auto"`.
        dtype: str. Keras dtype policy such as `"mixed_float16"`; the logits are float32 always.

    Returns:
        `keras.Model` from int32 ids `(batch, time)` to float32 logits `(batch, num_classes)`.

    Raises:
        InputError: If `encoder` or `pooling` is unknown, or `residual` or `layer_norm` is set for an encoder that is
            not recurrent.

    Example:
        >>> from nlpkit.models import build_classifier
        >>> build_classifier(1000, 3, encoder="gru", units=16).output_shape
        (None, 3)

    Reference:
        [Joulin et al., 2016](https://arxiv.org/abs/1607.01759), [Kim, 2014](https://arxiv.org/abs/1408.5882),
        [Wang & Manning, 2012](https://aclanthology.org/P12-2018)
    """
    if not isinstance(encoder, dict):
        check_encoder(encoder, residual=residual, layer_norm=layer_norm)
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    features, size = token_ids, vocabulary_size
    if ngrams > 1:
        features = HashedNgrams(vocabulary_size, buckets, ngrams, name="ngrams")(token_ids)
        size += buckets
    logits = []
    if isinstance(encoder, dict):
        with dtype_policy(dtype):
            read = build_encoder(
                vocabulary_size, encoder, word_dropout=word_dropout, use_cudnn=use_cudnn, dtype=dtype
            )
            x = _pool(read(token_ids), pooling, dropout)
    elif embedding_dim:
        ids, ids_size = (features, size) if encoder == "bag" else (token_ids, vocabulary_size)
        stack = {"units": units, "num_layers": num_layers, "bidirectional": bidirectional, "residual": residual,
                 "layer_norm": layer_norm, "use_cudnn": use_cudnn}  # fmt: skip
        with dtype_policy(dtype):
            vectors = _embed(ids, ids_size, embedding_dim, encoder, dropout, word_dropout)
            x = _encode_and_pool(vectors, encoder, pooling, dropout, stack)
    if embedding_dim or isinstance(encoder, dict):
        logits.append(keras.layers.Dense(num_classes, dtype="float32", name="scores")(x))
    if naive_bayes or not logits:
        if character_ngrams:
            spelling = CharacterNgrams(vocabulary_size, character_ngrams, offset=size, name="spelling")
            features = keras.ops.concatenate([features, spelling(token_ids)], axis=1)
            size += character_ngrams
        bag = WeightedBag(size, num_classes, multi_label=multi_label, min_count=min_count,
                          dropout=word_dropout, dtype="float32", name="bag")  # fmt: skip
        logits.append(bag(features))
    outputs = keras.layers.Add(name="logits", dtype="float32")(logits) if len(logits) > 1 else logits[0]
    return keras.Model(token_ids, outputs, name="classifier")


def _is_recurrent(encoder):
    return isinstance(encoder, str) and encoder in RECURRENT


def _embed(ids, size, embedding_dim, encoder, dropout, word_dropout):
    """Vectors of the ids; for a recurrent encoder of the distinct ones, beside their positions."""
    dropout = 0.0 if encoder == "bag" else dropout
    embedding = TokenEmbedding(
        size, embedding_dim, dropout=dropout, word_dropout=word_dropout, name="embedding"
    )
    if not _is_recurrent(encoder):
        return embedding(ids)
    tokens, positions = DistinctTokens(name="distinct")(ids)
    return [embedding(tokens), positions]


def _encode_and_pool(vectors, encoder, pooling, dropout, stack):
    """One vector per text. The last states of a recurrent encoder come from it without its other states."""
    recurrent = _is_recurrent(encoder)
    states = recurrent and pooling in ("last", ["last"])
    x = encode(vectors, encoder, dropout=dropout, return_sequences=not states, **stack)
    if not states:
        pooling = "mean" if encoder == "bag" else pooling
        return _pool(x, pooling, dropout, recurrent and stack["bidirectional"])
    return keras.layers.Dropout(dropout, name="pool_dropout")(x)


def _pool(x, pooling, dropout, bidirectional=False):
    x = SequencePool(pooling, bidirectional=bidirectional, name="pool")(x)
    return keras.layers.Dropout(dropout, name="pool_dropout")(x)
