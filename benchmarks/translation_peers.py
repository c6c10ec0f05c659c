"""How decoding_speed.py translates: nlpkit's searches, and the keras.io way as a plain Keras script has it.

That way re-runs the decoder over the whole prefix for every token, padded to the longest target as in the keras.io
example "English-to-Spanish translation with a sequence-to-sequence Transformer". Its beam search is the plain one: the
best `beams` of all continuations, each time. Nothing ends a target before its last token, so that all sides write as
many. Weights are random; the networks have the same layers and sizes.
"""

import numpy as np

START, END, FIRST = 2, 3, 4


def sources_of(batch, sizes):
    """The same sources for all sides, without padding, each with its end."""
    ids = np.random.default_rng(1).integers(FIRST, sizes["vocabulary_size"], (batch, sizes["source"]))
    ids[:, -1] = END
    return ids.astype(np.int32)


def nlpkit_network(kind, sizes):
    """nlpkit's network, which never writes the end."""
    import nlpkit  # noqa: F401  before TensorFlow, for which it turns oneDNN on

    from nlpkit.models import build_encoder_decoder  # isort: skip

    options = {"units": sizes["units"], "num_layers": sizes["layers"]}
    if kind == "gru":
        options |= {"cell": "gru", "num_layers": 1, "bidirectional": True, "attention": "additive"}
    else:
        options |= {"cell": "transformer", "num_heads": sizes["heads"], "positions": "sine"}
    network = build_encoder_decoder(sizes["vocabulary_size"], sizes["vocabulary_size"], **options)
    bias = network.output_layer.bias
    bias.assign(np.where(np.arange(sizes["vocabulary_size"]) == END, -1e9, 0.0).astype("float32"))
    return network


def nlpkit_writer(kind, sizes, beams):
    """Function of the sources that gives the ids of the best targets, `(batch, new)`, with nlpkit."""
    from nlpkit.generation.target_writer import TargetWriter

    network = nlpkit_network(kind, sizes)
    writer, new = TargetWriter(network), sizes["new"]

    def write(source, new=new):
        if beams == 1:
            return writer.write(source, max_new_tokens=new, temperature=0).token_ids.numpy()
        return writer.search(source, max_new_tokens=new, beams=beams, length_penalty=1.0).token_ids.numpy()[
            :, 0
        ]

    return write, network.count_params()


def keras_model(kind, sizes):
    """A plain Keras model from source ids and target inputs to logits."""
    import keras

    source = keras.Input((None,), dtype="int32")
    target = keras.Input((sizes["new"],), dtype="int32")
    body = gru_body if kind == "gru" else transformer_body
    hidden = body(keras, source, target, sizes)
    return keras.Model([source, target], keras.layers.Dense(sizes["vocabulary_size"])(hidden))


def gru_body(keras, source, target, sizes):
    """Bidirectional GRU, a GRU that begins with its states, additive attention between it and the output."""
    units, layers = sizes["units"], keras.layers
    read = layers.Embedding(sizes["vocabulary_size"], units)(source)
    memory, *states = layers.Bidirectional(layers.GRU(units, return_sequences=True, return_state=True))(read)
    first = layers.Dense(units, activation="tanh")(layers.Concatenate()(states))
    written = layers.Embedding(sizes["vocabulary_size"], units)(target)
    hidden = layers.GRU(units, return_sequences=True)(written, initial_state=first)
    context = layers.AdditiveAttention()([hidden, layers.Dense(units)(memory)])
    return layers.Dense(units, activation="tanh")(layers.Concatenate()([context, hidden]))


def transformer_body(keras, source, target, sizes):
    """Transformer with learned positions, as the example has it."""
    layers, units = keras.layers, sizes["units"]

    def vectors(ids, room):
        places = layers.Embedding(room, units)(keras.ops.arange(room))
        return layers.Embedding(sizes["vocabulary_size"], units)(ids) + places

    def attend(x, context, **options):
        attention = layers.MultiHeadAttention(sizes["heads"], units // sizes["heads"])
        return layers.LayerNormalization()(x + attention(x, context, **options))

    def feed(x):
        inner = layers.Dense(4 * units, activation="relu")(x)
        return layers.LayerNormalization()(x + layers.Dense(units)(inner))

    memory = vectors(source, sizes["source"])
    for _ in range(sizes["layers"]):
        memory = feed(attend(memory, memory))
    x = vectors(target, sizes["new"])
    for _ in range(sizes["layers"]):
        x = feed(attend(attend(x, x, use_causal_mask=True), memory))
    return x


def keras_writer(kind, sizes, beams, how):
    """As `nlpkit_writer`, the keras.io way: `model.predict`, or the model called, for each token."""
    model = keras_model(kind, sizes)

    def logits(source, target, place):
        given = [source, target]
        scores = model.predict(given, len(source), verbose=0) if how == "predict" else model(given)
        return np.array(scores[:, place])

    return re_running(logits, sizes, beams), model.count_params()


def re_running(logits, sizes, beams):
    """Writes with a function that scores a place of targets from all the places before it.

    Args:
        logits: Function of sources `(rows, source)`, targets' inputs `(rows, new)` and a place, to floats
            `(rows, vocabulary_size)`.
        sizes: dict with `new`, the length of a target.
        beams: int. 1 takes the most likely token each time.

    Returns:
        Function of the sources, and of the number of tokens to write, to ids `(batch, tokens)`.
    """

    def write(source, new=sizes["new"]):
        batch, source = len(source), np.repeat(source, beams, axis=0)
        inputs = np.zeros((batch * beams, sizes["new"]), np.int32)
        inputs[:, 0] = START
        written = np.zeros((batch * beams, 0), np.int32)
        # All beams are alike at first: but one of them counts.
        scores = np.tile(np.where(np.arange(beams) == 0, 0.0, -np.inf).astype(np.float32), (batch, 1))
        for place in range(new):
            found = logits(source, inputs, place)
            found[:, [0, 1, START, END]] = -np.inf
            if beams > 1:
                found -= found.max(1, keepdims=True)
                found -= np.log(np.exp(found).sum(1, keepdims=True))
            total = (scores.reshape(-1, 1) + found).reshape(batch, -1)
            best = highest(total, beams)
            scores = np.take_along_axis(total, best, axis=1)
            rows, token = np.divmod(best, found.shape[1])
            rows = (rows + beams * np.arange(batch)[:, None]).ravel()
            written = np.concatenate([written[rows], token.reshape(-1, 1).astype(np.int32)], axis=1)
            inputs = inputs[rows]
            inputs[:, place + 1 : place + 2] = written[:, -1:]
        return written.reshape(batch, beams, new)[:, 0]

    return write


def highest(values, number):
    """Columns of the highest values of each row, the highest first."""
    if number == 1:
        return values.argmax(1)[:, None]
    columns = np.argpartition(-values, number - 1, axis=1)[:, :number]
    order = np.argsort(-np.take_along_axis(values, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)
