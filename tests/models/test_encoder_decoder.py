"""Encoder-decoders of every kind: step by step as a whole, padded as not, among others as alone, loaded as saved."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.models import build_encoder_decoder
from nlpkit.models.decoded import inputs_for
from nlpkit.models.encoder_decoder_network import EncoderDecoderNetwork
from nlpkit.models.presets import PRESETS

WORDS, EXTRA, UNITS = 20, 3, 8
COPY = {"attention": "additive", "copy": EXTRA}
TRANSFORMER = {"cell": "transformer", "num_heads": 2}
TABLE = {
    **{name: {**preset["network"], "units": UNITS} for name, preset in PRESETS.items()},
    "rnn, fed": {"cell": "rnn", "attention": "multiplicative", "input_feeding": True, "num_layers": 2},
    "heads, both ways": {"attention": "multi_head", "num_heads": 2, "bidirectional": True, "input_feeding": "context"},
    "coverage": {"cell": "gru", "attention": "additive", "coverage": True, "input_feeding": "context"},
    "peeky, attention": {"cell": "gru", "attention": "additive", "peeky": True, "bidirectional": True},
    "deep, reverse": {
        "attention": "multiplicative", "num_layers": 3, "residual": True, "reverse_source": True,
        "bidirectional": "bottom",
    },
    "copy, shared": {**COPY, "share": True},
    "copy, reverse, peeky": {**COPY, "reverse_source": True, "peeky": True, "input_feeding": True},
    "copy, transformer": {**TRANSFORMER, "copy": EXTRA, "share": True},
    "untied": {"tie": False, "embedding_dim": 6, "attention": "additive", "bridge": "zero"},
    "post, learned": {**TRANSFORMER, "norm": "post", "positions": "learned"},
    "relative": {**TRANSFORMER, "positions": "relative", "num_layers": 2, "reverse_source": True},
    "gru on transformer": {"cell": "gru", "encoder": "transformer", "positions": "sine", "attention": "additive"},
    "transformer on lstm": {**TRANSFORMER, "encoder": "lstm", "bidirectional": True},
    "peephole": {"cell": "peephole_lstm", "encoder": "layer_norm_lstm", "attention": "additive", "input_feeding": True},
    "deep encoder": {"encoder_units": 6, "encoder_layers": 3, "bidirectional": "bottom", "attention": "additive"},
    "wide encoder, peeky": {"cell": "gru", "encoder_units": 12, "peeky": True, "embedding_dim": 5, "share": True},
    "deep transformer": {**TRANSFORMER, "encoder_units": 4, "encoder_layers": 2},
    "features": {"features": 5, "attention": "additive", "dropout": 0.3},
    "captioner of features": {**PRESETS["captioner"]["network"], "units": UNITS, "features": 5},
}  # fmt: skip
RANDOM = np.random.default_rng(0)
LENGTHS, STEPS = np.array([7, 4, 1]), np.array([6, 2, 4])  # the second source is nothing but its end
IDS = np.where(np.arange(7) < LENGTHS[:, None], RANDOM.integers(4, WORDS + EXTRA, (3, 7)), 0).astype("int32")
IDS[2, 0] = 3
FEATURES = (RANDOM.normal(size=(3, 7, 5)) * (IDS != 0)[:, :, None]).astype("float32")
TARGETS = np.where(np.arange(6) < STEPS[:, None], RANDOM.integers(4, WORDS, (3, 6)), 0).astype("int32")
INPUTS = np.where(TARGETS != 0, inputs_for(TARGETS), 0)


def build(**options):
    """A network whose weights leave no part of it idle."""
    keras.utils.set_random_seed(0)
    network = build_encoder_decoder(
        None if "features" in options else WORDS, WORDS, **{"units": UNITS, **options}
    )
    random = np.random.default_rng(1)
    network.set_weights([random.normal(size=weight.shape, scale=0.4) for weight in network.get_weights()])
    return network


def source_of(network):
    return FEATURES if network.reader.takes_features else IDS


def in_steps(network, source, inputs):
    """Logits and attention of one step after the other."""
    state, logits, weights = network.initial_state(source, inputs.shape[1] + 2), [], []
    for time in range(inputs.shape[1]):
        found, state = network.step(inputs[:, time], state)
        logits.append(found)
        weights.append(state.get("attention_scores", tf.zeros((len(inputs), 0))))
    return np.stack(logits, axis=1), np.stack(weights, axis=1)


def assert_near(found, expected):
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)


@pytest.fixture(params=TABLE, scope="module")
def network(request):
    return build(**TABLE[request.param])


def test_steps_give_what_the_whole_target_gives(network):
    source, real = source_of(network), INPUTS != 0
    logits, weights = in_steps(network, source, INPUTS)
    expected = network([source, INPUTS]).numpy()
    assert expected.shape == (3, 6, network.vocabulary_size) and expected.dtype == "float32"
    assert_near(logits[real], expected[real])
    if network.attends:
        decoded = network.decode(INPUTS, network.reader(source))
        assert_near(weights[real], decoded.attention_scores.numpy()[real])
    # The source makes a difference, and so does what was written before.
    assert np.abs(network([source[::-1], INPUTS]) - expected)[0].max() > 1e-3
    other = np.where(np.arange(6) == 1, 5, INPUTS)
    moved = np.abs(network([source, other]) - expected).max(axis=2)[0]
    assert moved[0] < 1e-5 < 1e-3 < moved[2]


def test_padding_of_any_length_changes_nothing(network):
    source = source_of(network)
    wide = np.pad(source, [(0, 0), (0, 4), *[(0, 0)] * (source.ndim - 2)])
    inputs, targets = (np.pad(ids, [(0, 0), (0, 3)]) for ids in (INPUTS, TARGETS))
    real = INPUTS != 0
    assert_near(network([wide, inputs]).numpy()[:, :6][real], network([source, INPUTS]).numpy()[real])
    losses = [
        network.losses_of(network.decode(*given[1:], memory), memory, own)
        for given, own in (((wide, inputs), targets), ((source, INPUTS), TARGETS))
        for memory in [network.reader(given[0])]
    ]
    assert_near(losses[0][:, :6], losses[1])
    assert not np.any(losses[0][:, 6:]) and np.all(losses[1].numpy()[TARGETS != 0] > 0)
    if network.attends:
        weights = network.attention_scores(wide, targets).numpy()
        assert_near(weights[:, :6, :7][real], network.attention_scores(source, TARGETS).numpy()[real])
        outside = np.arange(11) >= LENGTHS[:, None]
        assert not np.where(outside[:, None], weights, 0.0).any()
        np.testing.assert_allclose(weights[:, :6].sum(axis=2)[real], 1.0, atol=1e-5)


def test_a_pair_alone_gives_what_it_gives_among_others(network):
    source = source_of(network)
    together = network([source, INPUTS]).numpy()
    for row, (length, steps) in enumerate(zip(LENGTHS, STEPS, strict=True)):
        alone = network([source[row : row + 1, :length], INPUTS[row : row + 1, :steps]])
        assert_near(alone[0], together[row, :steps])


def test_a_network_from_the_config_is_the_same(network):
    source = source_of(network)
    expected = network([source, INPUTS]).numpy()
    assert json.loads(json.dumps(network.get_config())) == network.get_config()
    twin = EncoderDecoderNetwork.from_config(network.get_config())
    twin.build([network.source_shape, (None, None)])
    twin.set_weights(network.get_weights())
    np.testing.assert_array_equal(twin([source, INPUTS]), expected)


@pytest.mark.parametrize("name", ["gnmt", "transformer", "copy, reverse, peeky", "untied", "features"])
def test_a_saved_network_is_the_same(name, tmp_path):
    network = build(**TABLE[name])
    source = source_of(network)
    network.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded([source, INPUTS]), network([source, INPUTS]))
    assert loaded.get_config() == network.get_config() and loaded.source_shape == network.source_shape
    np.testing.assert_allclose(*(in_steps(one, source, INPUTS)[0] for one in (loaded, network)), atol=1e-6)


def test_every_weight_learns(network):
    with tf.GradientTape() as tape:
        memory = network.reader(source_of(network), training=True)
        decoded = network.decode(INPUTS, memory, training=True)
        loss = tf.reduce_sum(network.losses_of(decoded, memory, TARGETS))
    for weight, gradient in zip(
        network.trainable_weights, tape.gradient(loss, network.trainable_weights), strict=True
    ):
        size = np.abs(tf.convert_to_tensor(gradient)).max()
        # The bias of the keys adds the same to all scores of a query, which a softmax does not see.
        assert np.isfinite(size) and (size > 0 or weight.path.endswith("key/bias")), weight.path


def test_losses_are_those_of_keras(network):
    source = source_of(network)
    memory = network.reader(source)
    losses = network.losses_of(network.decode(INPUTS, memory), memory, TARGETS)
    logits = network([source, INPUTS])
    expected = keras.losses.sparse_categorical_crossentropy(TARGETS, logits, from_logits=True)
    assert_near(losses, np.where(TARGETS != 0, expected, 0.0))


def test_a_reversed_source_is_one_that_was_turned_by_hand():
    options = {"attention": "additive", "bidirectional": True}
    network, plain = build(**options, reverse_source=True), build(**options)
    plain.set_weights(network.get_weights())
    turned = np.array([np.pad(row[row != 0][::-1], (0, np.sum(row == 0))) for row in IDS])
    assert_near(network([IDS, INPUTS]), plain([turned, INPUTS]))
    assert not np.allclose(network([IDS, INPUTS]), plain([IDS, INPUTS]), atol=1e-3)
    # Weights are given in the source's own order.
    weights, other = network.attention_scores(IDS, TARGETS), plain.attention_scores(turned, TARGETS)
    for own, backwards, length in zip(weights, other, LENGTHS, strict=True):
        assert_near(own[:, :length], backwards[:, :length][:, ::-1])


@pytest.mark.parametrize("peeky", [False, True])
def test_only_a_peeky_decoder_sees_the_result_beside_its_first_state(peeky):
    network = build(peeky=peeky, num_layers=2)
    memory = network.reader(IDS)
    exchanged = {**memory, "result": memory["result"][::-1]}
    scores, other = (network.scores(network.decode(INPUTS, own), own) for own in (memory, exchanged))
    assert np.allclose(scores, other, atol=1e-6) != peeky
    if peeky:  # the result is enough, without a first state
        from_result = build(peeky=True, bridge="zero")([IDS, INPUTS])
        assert not np.allclose(from_result[0, 0], from_result[1, 0], atol=1e-3)
    # In every layer's input and in the output, which has a projection to the vectors' size for it.
    wide = UNITS + (UNITS if peeky else 0)
    kernels = [layer.weights[0].shape[0] for layer in network.decoder.layers]
    assert kernels == [wide, wide] and network.output_layer.projection == peeky
    assert network.decoder.compute_output_shape((None, None, UNITS), None, (None, UNITS))[-1] == wide


def test_gnmt_has_the_structure_of_the_paper():
    network = build(**TABLE["gnmt"])
    blocks, layers = network.reader.encoder.blocks, network.decoder.layers
    assert [block.bidirectional for block in blocks] == [True, False, False, False]
    # Both directions of the first layer go into the second.
    read = [block.weights[0].shape[0] for block in blocks]
    assert read == [UNITS, 2 * UNITS, UNITS, UNITS]
    # The context goes into every layer of the decoder.
    assert [weight.shape[0] for layer in layers for weight in layer.weights if weight.path.endswith("/kernel")
            and weight.shape[1] == 4 * UNITS] == [2 * UNITS] * 4  # fmt: skip
    assert (
        network.decoder.attending == 0
        and [hasattr(layer, "attention") for layer in layers] == [True] + [False] * 3
    )


def test_layers_from_the_third_one_on_add_their_input():
    """Layers whose weights are zero give zeros, so that what comes out is what went in."""
    options = {**TABLE["gnmt"], "bridge": "zero"}
    deep, shallow = build(**options), build(**{**options, "num_layers": 2, "residual": False})
    upper = [*deep.reader.encoder.blocks[2:], *deep.decoder.layers[2:]]
    for part in upper:
        part.set_weights([np.zeros_like(weight) for weight in part.get_weights()])
    upper = {weight.path for part in upper for weight in part.weights}
    shallow.set_weights([weight.numpy() for weight in deep.weights if weight.path not in upper])
    assert_near(deep([IDS, INPUTS]), shallow([IDS, INPUTS]))
    assert_near(in_steps(deep, IDS, INPUTS)[0][0], shallow([IDS, INPUTS])[0])


@pytest.mark.parametrize("name", [name for name in TABLE if name.startswith("copy")])
def test_copying_gives_the_probabilities_of_the_formula(name):
    network = build(**TABLE[name])
    memory = network.reader(IDS)
    hidden, vectors, attention = (x.numpy() for x in network.decode(INPUTS, memory))
    order, outputs = memory["ids"].numpy(), memory["outputs"].numpy()
    scores = network.output_layer(hidden, network.embedding.embeddings).numpy()
    written = np.exp(scores - scores.max(axis=-1, keepdims=True))
    written /= written.sum(axis=-1, keepdims=True)
    kernel, bias = network.pointer.gate.get_weights()
    gate = 1 / (
        1 + np.exp(-(np.concatenate([attention @ outputs, hidden, vectors], axis=-1) @ kernel + bias))
    )
    expected = np.pad(gate * written, [(0, 0), (0, 0), (0, EXTRA)])
    for row, time, place in np.ndindex(attention.shape):
        if order[row, place]:
            expected[row, time, order[row, place]] += (1 - gate[row, time, 0]) * attention[row, time, place]
    found = np.exp(network([IDS, INPUTS]))
    real = INPUTS != 0
    np.testing.assert_allclose(found[real], expected[real], atol=1e-5)
    np.testing.assert_allclose(found[real].sum(axis=-1), 1.0, atol=1e-5)
    # A word that the vocabulary lacks can be written where the source has it, and nowhere else.
    for row in range(3):
        for extra in range(WORDS, WORDS + EXTRA):
            assert (found[row, 0, extra] > 1e-4) == (extra in IDS[row])


def test_words_that_are_copied_are_read_as_unknown_ones():
    network = build(**TABLE["copy, shared"])
    state = network.initial_state(IDS, 9)
    copied, unknown = (network.step(np.full(3, i, "int32"), state)[0] for i in (WORDS + 1, 1))
    assert_near(copied, unknown)
    # Ids from beyond all vocabularies are unknown words as well.
    plain = build()
    beyond, read = np.where(IDS == IDS[0, 0], 999, IDS), np.where(IDS == IDS[0, 0], 1, IDS)
    assert_near(plain([beyond, INPUTS]), plain([read, INPUTS]))


def test_source_and_target_share_what_they_are_told_to():
    sizes = {
        (tie, share): build(tie=tie, share=share, units=6).count_params()
        for tie in (True, False)
        for share in (True, False)
    }
    table = WORDS * 6
    assert sizes[False, False] - sizes[True, False] == table == sizes[True, False] - sizes[True, True]
    assert sizes[False, True] - sizes[True, True] == table


@pytest.mark.parametrize("encoder", ["gru", "transformer"])
@pytest.mark.parametrize("cell", ["gru", "transformer"])
def test_how_long_vectors_are_at_first(encoder, cell):
    network = build_encoder_decoder(3000, 4000, encoder=encoder, cell=cell, units=16, tie=False)
    tables = {network.reader.source: encoder, network.embedding: cell, network.table: cell}
    for table, reader in tables.items():
        squares = np.sum(np.square(table.embeddings.numpy()), axis=1)
        length = {"gru": 1.0, "transformer": 0.05 * (16 / 3) ** 0.5}[reader]
        np.testing.assert_allclose(np.sqrt(squares.mean()), length, rtol=0.05)


def test_the_number_of_attention_heads():
    heads = {"attention": "multi_head", "units": 64}
    assert build(**heads).decoder.layers[0].attention.num_heads == 2
    assert build(**heads, num_heads=8).decoder.layers[0].attention.num_heads == 8
    assert build(cell="transformer", units=64).decoder.blocks[0].num_heads == 2
    assert build(**TRANSFORMER).reader.encoder.blocks[0].num_heads == 2


@pytest.mark.parametrize("positions", ["rotary", "sine"])
@pytest.mark.parametrize("units", [2, 30, 62, 66, 100, 150, 200, 250, 300])
def test_heads_of_a_transformer_of_any_width(units, positions):
    network = build_encoder_decoder(WORDS, WORDS, cell="transformer", units=units, positions=positions)
    for stack in (network.reader.encoder, network.decoder):
        attention = stack.blocks[0].attention
        assert attention.query_dense.kernel.shape == (
            units,
            attention.num_heads,
            units // attention.num_heads,
        )
        assert units % attention.num_heads == 0 and abs(attention.num_heads - max(units / 32, 1)) < 3
    assert network([IDS, INPUTS]).shape == (3, 6, WORDS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"units": 200, "num_heads": 6},
            "`num_heads` must divide `units`, into heads of an even size with rotary positions. Received: units=200, "
            "num_heads=6. Leave it out, or take a number that fits, such as 5.",
        ),
        ({"units": 200, "num_heads": 8}, "an even size .*units=200, num_heads=8. Leave it out, or .* such as 5."),
        (
            {"units": 200, "num_heads": 6, "positions": "sine"},
            "`num_heads` must divide `units`. Received: units=200, num_heads=6. Leave it out, or take a number ",
        ),
        ({"units": 8, "num_heads": 16, "cell": "gru", "attention": "multi_head"}, "divide `units`. .* such as 1."),
        (
            {"units": 75},
            "With rotary positions `units` must be even. Received: units=75, positions='rotary'. Take another number "
            "of units, or positions='sine'",
        ),
        ({"units": 75, "num_heads": 3, "cell": "gru", "encoder": "transformer"}, "`units` must be even.*units=75"),
    ],
)  # fmt: skip
def test_heads_that_cannot_share_the_units(options, message):
    with pytest.raises(InputError, match=message):
        build_encoder_decoder(WORDS, WORDS, **{"cell": "transformer", **options})


def test_odd_units_of_other_networks():
    assert build(cell="transformer", units=75, positions="sine").decoder.blocks[0].num_heads == 3
    assert build(units=75, attention="multi_head").decoder.layers[0].attention.num_heads == 3


@pytest.mark.parametrize("name", ["units", "num_layers", "embedding_dim", "num_heads"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True])
def test_sizes_that_cannot_be(name, value):
    with pytest.raises(InputError, match=f"`{name}` must be an int of at least 1. Received: {name}={value}"):
        build_encoder_decoder(WORDS, WORDS, **{"units": UNITS, "attention": "multi_head", name: value})


@pytest.mark.parametrize("name", ["dropout", "word_dropout"])
@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan"), None, "0.1"])
def test_parts_that_cannot_be_dropped(name, value):
    message = rf"`{name}` must be a number from 0 \(off\) to below 1. Received: {name}={value!r}"
    with pytest.raises(InputError, match=message):
        build_encoder_decoder(WORDS, WORDS, units=UNITS, **{name: value})


@pytest.mark.parametrize("name", ["attention", "transformer", "copy, reverse, peeky", "coverage"])
def test_half_precision(name):
    exact, network = build(**TABLE[name]), build(**TABLE[name], dtype="mixed_bfloat16")
    network.set_weights(exact.get_weights())
    assert network.decoder.compute_dtype == "bfloat16" and keras.config.dtype_policy().name == "float32"
    logits, expected = network([IDS, INPUTS]).numpy(), exact([IDS, INPUTS]).numpy()
    assert logits.dtype == "float32"
    chances, others = (np.asarray(tf.nn.softmax(x))[INPUTS != 0] for x in (logits, expected))
    np.testing.assert_allclose(chances, others, atol=0.1)
    twin = EncoderDecoderNetwork.from_config(network.get_config())
    twin.build([network.source_shape, (None, None)])
    twin.set_weights(network.get_weights())
    np.testing.assert_array_equal(twin([IDS, INPUTS]), logits)
    assert {layer.dtype_policy.name for layer in twin._flatten_layers()} == {"mixed_bfloat16"}
    state = network.initial_state(IDS, 9)
    after = network.step(INPUTS[:, 0], state)[1]
    described = [tf.nest.map_structure(lambda x: (tuple(x.shape), x.dtype), nest) for nest in (state, after)]
    assert described[0] == described[1]


@pytest.mark.parametrize("options", [{"dropout": 0.5}, {"word_dropout": 0.5}], ids=str)
def test_dropout_is_for_training_alone(options):
    network = build(attention="additive", input_feeding=True, **options)
    one, other = (network([IDS, INPUTS], training=True) for _ in range(2))
    assert not np.allclose(one, other)
    np.testing.assert_array_equal(network([IDS, INPUTS]), network([IDS, INPUTS]))


def test_a_graph_of_any_batch_and_lengths():
    network = build(**TABLE["deep, reverse"])
    ids = tf.TensorSpec((None, None), "int32")
    run = tf.function(lambda *given: network(list(given)), input_signature=[ids, ids])
    for rows in (1, 3):
        assert_near(run(IDS[:rows], INPUTS[:rows, :4]), network([IDS[:rows], INPUTS[:rows, :4]]))
    assert run.get_concrete_function().structured_outputs.shape.as_list() == [None, None, WORDS]


RECURRENT = "is an option of recurrent decoders. Received: cell='transformer', "


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"cell": "cnn"},
            r"`cell` must be one of \['gru', 'layer_norm_lstm', .*, 'transformer'\]. Received: cell='cnn'",
        ),
        ({"encoder": "bag"}, r"`encoder` must be one of \[.*'none'\]. Received: encoder='bag'"),
        (
            {"bidirectional": "top"},
            r"`bidirectional` must be one of \[False, True, 'bottom'\]. Received: .*'top'",
        ),
        (
            {"attention": "dot"},
            r"`attention` must be one of \[None, 'additive', .*\]. Received: attention='dot'",
        ),
        ({"bridge": "new"}, r"`bridge` must be one of \['auto', .*\]. Received: bridge='new'"),
        (
            {"positions": "alibi"},
            r"`positions` must be one of \['learned', .*\]. Received: positions='alibi'",
        ),
        (
            {**TRANSFORMER, "embedding_dim": 4},
            "as wide as its layers. Received: units=8, embedding_dim=4. Leave `embedding_dim` out",
        ),
        (
            {"features": 3},
            "Received: source_vocabulary_size=20, features=3. Give one of them, and None for the other",
        ),
        (
            {"encoder": "transformer", "bidirectional": True},
            "`bidirectional` is an option of gru, layer_norm_lstm, .*. Received: encoder='transformer'. Leave it out",
        ),
        (
            {**TRANSFORMER, "attention": "additive"},
            f"`attention` {RECURRENT}attention='additive'. Leave it out",
        ),
        ({**TRANSFORMER, "peeky": True}, f"`peeky` {RECURRENT}peeky=True"),
        ({**TRANSFORMER, "bridge": "dense"}, f"`bridge` {RECURRENT}bridge='dense'. Leave it out"),
        (
            {"norm": "post"},
            "`norm` is an option of Transformers. Received: cell='lstm', encoder='lstm', norm='post'. Leave it out",
        ),
        (
            {"num_heads": 2, "attention": "additive"},
            "`num_heads` is an option of Transformers and of attention='multi_head'. Received: .*, num_heads=2",
        ),
        (
            {"positions": "sine"},
            "`positions` is an option of Transformers, 'sine' and .* of encoder='none'. Received: .*, positions='sine'",
        ),
        (
            {"positions": "relative", "encoder": "none"},
            "`positions` is .* encoder='none', positions='relative'",
        ),
        (
            {"encoder": "none", "encoder_layers": 2},
            "no layers that could have sizes of their own. Received: encoder='none', .*'encoder_layers': 2}. Leave",
        ),
        (
            {"share": True, "encoder_units": 4},
            "With `share` both sides .* Received: units=8, encoder_units=4. Give an `embedding_dim`, or one size",
        ),
        ({"encoder_units": 0}, "`encoder_units` must be an int of at least 1. Received: encoder_units=0"),
        (
            {"copy": 3},
            "`copy` takes the words that are attended to. Received: attention=None. Give an attention",
        ),
        (
            {"copy": True, "attention": "additive"},
            "`copy` must be the most words .* 0 for none. Received: copy=True",
        ),
        ({"copy": -1, "attention": "additive"}, "`copy` must be the most words .*. Received: copy=-1"),
        (
            {"bridge": "zero"},
            "nothing but what is attended to. Received: attention=None. Give an attention, or an",
        ),
        (
            {"word_dropout": 0.1, "share": True},
            "decoder's own embedding. Received: word_dropout=0.1, share=True",
        ),
        (
            {"filters": (4,)},
            r"`filters` are those of convolutions over images. Received: filters=\(4,\), features=None",
        ),
        (
            {"attention": "multi_head", "coverage": True},
            "`coverage` is known to additive attention. Received: attention='multi_head'. Take attention='additive'",
        ),
        (
            {"input_feeding": True},
            "`input_feeding` feeds .* Received: input_feeding=True without `attention`",
        ),
        (
            {"residual": True, "num_layers": 2},
            "`residual` is about the third layer .* Received: num_layers=2",
        ),
    ],
)
def test_options_that_do_not_go_together(options, message):
    with pytest.raises(InputError, match=message):
        build_encoder_decoder(WORDS, WORDS, **{"units": UNITS, **options})


@pytest.mark.parametrize("name", ["share", "copy"])
def test_one_vocabulary_where_one_is_needed(name):
    message = (
        f"With `{name}` source .* source_vocabulary_size=30, target_vocabulary_size=20. Encode both with"
    )
    with pytest.raises(InputError, match=message):
        build_encoder_decoder(30, WORDS, units=UNITS, attention="additive", **{name: 2})


@pytest.mark.parametrize("features", [0, "many", (4, 3), (8, 8, 0), (8, 8, None)])
def test_features_that_cannot_be(features):
    with pytest.raises(
        InputError, match="`features` must be the number of features of a step, .* Received: features="
    ):
        build_encoder_decoder(None, WORDS, units=UNITS, features=features)


def test_an_image_has_no_end():
    with pytest.raises(InputError, match=r"Received: features=\(8, 8, 3\), reverse_source=True. Leave"):
        build_encoder_decoder(None, WORDS, units=UNITS, features=(8, 8, 3), reverse_source=True)


def test_neither_ids_nor_features():
    with pytest.raises(InputError, match="Received: source_vocabulary_size=None, features=None"):
        build_encoder_decoder(None, WORDS, units=UNITS)


def test_every_preset_names_what_the_builder_and_the_training_know():
    from nlpkit.spec import TextToTextSettings

    issue = {"seq2seq", "reverse", "peeky", "attention", "gnmt", "transformer", "captioner"}
    assert set(PRESETS) >= issue
    for preset in PRESETS.values():
        assert set(preset) == {"network", "training"}
        TextToTextSettings(**preset["training"])
