"""How generation_speed.py writes texts: nlpkit's loop, and what others do for it.

Each function gets `(batch, sizes)` and returns `write`: `write(new)` gives the tokens that follow the prompt,
the most likely one each time, as an int array `(batch, new)`. LSTMs have the same weights on all sides.
"""

import numpy as np
from language_data import END
from language_peers import initial_weights, keras_model, own_model, torch_model


def prompt_of(batch, sizes):
    """The same prompts for all sides; no padding in them."""
    random = np.random.default_rng(1)
    return random.integers(4, sizes["vocabulary_size"], (batch, sizes["prompt"])).astype(np.int32)


def lstm_sizes(sizes):
    """Arguments of the LSTMs."""
    return sizes["vocabulary_size"], sizes["units"], sizes["layers"]


def nlpkit_lstm(batch, sizes):
    """nlpkit: the whole generation in the graph."""
    return _nlpkit(lambda: own_model(*lstm_sizes(sizes)), batch, sizes)


def nlpkit_transformer(batch, sizes):
    """nlpkit: the same with a Transformer, whose caches have room for the whole text."""

    def make():
        from nlpkit.models import build_generator

        return build_generator(
            sizes["vocabulary_size"], cell="transformer", units=sizes["units"], num_layers=sizes["layers"],
            num_heads=sizes["heads"],
        )  # fmt: skip

    return _nlpkit(make, batch, sizes)


def _nlpkit(make, batch, sizes):
    import nlpkit  # noqa: F401  before TensorFlow, for which it turns oneDNN on

    from nlpkit.generation.writer import Writer  # isort: skip

    network, prompt = make(), prompt_of(batch, sizes)
    # The end is not to be written: all sides write as many tokens.
    network.output_layer.bias.assign(np.where(np.arange(sizes["vocabulary_size"]) == END, -1e9, 0.0))
    writer = Writer(network)
    return lambda new: writer.write(prompt, max_new_tokens=new, temperature=0).token_ids.numpy()


def predict_lstm(batch, sizes):
    """The tutorial way: `model.predict` on the whole text so far, for each token."""
    import keras

    vocabulary_size, units, layers = lstm_sizes(sizes)
    model = keras.Sequential([
        keras.Input((None,), dtype="int32"),
        keras.layers.Embedding(vocabulary_size, units),
        *(keras.layers.LSTM(units, return_sequences=layer < layers - 1) for layer in range(layers)),
        keras.layers.Dense(vocabulary_size),
    ])  # fmt: skip
    model.set_weights(initial_weights(*lstm_sizes(sizes)))
    return _grow(lambda text: model.predict(text, verbose=0), batch, sizes)


def predict_transformer(batch, sizes):
    """The tutorial way: a miniature GPT as on keras.io, `model.predict` on the padded text, for each token."""
    import keras

    room, units = sizes["prompt"] + sizes["new"], sizes["units"]
    ids = keras.Input((room,), dtype="int32")
    places = keras.layers.Embedding(room, units)(keras.ops.arange(room))
    x = keras.layers.Embedding(sizes["vocabulary_size"], units)(ids) + places
    for _ in range(sizes["layers"]):
        attention = keras.layers.MultiHeadAttention(sizes["heads"], units // sizes["heads"])
        x = keras.layers.LayerNormalization()(x + attention(x, x, use_causal_mask=True))
        inner = keras.layers.Dense(4 * units, activation="gelu")(x)
        x = keras.layers.LayerNormalization()(x + keras.layers.Dense(units)(inner))
    model = keras.Model(ids, keras.layers.Dense(sizes["vocabulary_size"])(x))

    def last(text):
        padded = np.pad(text, [(0, 0), (0, room - text.shape[1])])
        return model.predict(padded, verbose=0)[:, text.shape[1] - 1]

    return _grow(last, batch, sizes)


def _grow(logits, batch, sizes):
    prompt = prompt_of(batch, sizes)

    def write(new):
        text = prompt
        for _ in range(new):
            token = logits(text).argmax(-1)[:, None]
            text = np.concatenate([text, token.astype(np.int32)], axis=1)
        return text[:, prompt.shape[1] :]

    return write


def step_lstm(batch, sizes):
    """The tutorial way: a stateful model, called for each token."""
    model = keras_model(*lstm_sizes(sizes), rows=batch)

    return _step_by_step(model, lambda token: model(token[:, None]).numpy()[:, 0], batch, sizes)


def compiled_step_lstm(batch, sizes):
    """TensorFlow's tutorial: one step as a `tf.function`, called for each token."""
    import tensorflow as tf

    model = keras_model(*lstm_sizes(sizes), rows=batch)
    compiled = tf.function(lambda token: model(token[:, None])[:, 0])

    return _step_by_step(model, lambda token: compiled(tf.constant(token)).numpy(), batch, sizes)


def _step_by_step(model, step, batch, sizes):
    prompt = prompt_of(batch, sizes)

    def write(new):
        for layer in model.layers[1:-1]:
            layer.reset_states()
        for token in prompt.T[:-1]:
            step(token)
        tokens = [prompt[:, -1]]
        for _ in range(new):
            tokens.append(step(tokens[-1]).argmax(-1).astype(np.int32))
        return np.stack(tokens[1:], axis=1)

    return write


def keras_hub(batch, sizes):
    """KerasHub's `generate()` with a GPT-2 of equal size."""
    import keras_hub

    room = sizes["prompt"] + sizes["new"]
    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=sizes["vocabulary_size"], num_layers=sizes["layers"], num_heads=sizes["heads"],
        hidden_dim=sizes["units"], intermediate_dim=4 * sizes["units"], max_sequence_length=room,
        dropout=0.0,
    )  # fmt: skip
    model = keras_hub.models.GPT2CausalLM(backbone=backbone, preprocessor=None)
    model.compile(sampler="greedy")
    prompt = prompt_of(batch, sizes)
    given = {
        "token_ids": np.pad(prompt, [(0, 0), (0, sizes["new"])]),
        "padding_mask": np.repeat(np.arange(room)[None] < sizes["prompt"], batch, axis=0).astype(np.int32),
    }

    def write(new):
        found = model.generate(given, stop_token_ids=None)["token_ids"]
        return np.asarray(found)[:, sizes["prompt"] : sizes["prompt"] + new]

    return write


def torch_lstm(batch, sizes):
    """PyTorch: the loop of the example word_language_model."""
    import torch

    model = torch_model(*lstm_sizes(sizes)).eval()
    prompt = torch.tensor(prompt_of(batch, sizes))

    @torch.inference_mode()
    def write(new):
        logits, state = model(prompt)
        tokens = []
        for _ in range(new):
            tokens.append(logits[:, -1].argmax(-1, keepdim=True))
            if len(tokens) < new:
                logits, state = model(tokens[-1], state)
        return torch.cat(tokens, dim=1).numpy()

    return write
