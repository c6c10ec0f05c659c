"""The search of an encoder-decoder finds what trying out everything finds, for each source by itself."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from all_texts import all_texts

from nlpkit.errors import InputError
from nlpkit.generation.target_writer import TargetWriter
from nlpkit.models import build_encoder_decoder

END, LONGEST, WORDS = 3, 4, (4, 5, 6)
# 7 is a word that the vocabulary lacks.
SOURCES = np.array([[4, 7, 6, 4, 3], [6, 6, 3, 0, 0], [3, 0, 0, 0, 0]], "int32")
NETWORKS = {
    "attention": {"cell": "gru", "attention": "additive", "input_feeding": "context", "bidirectional": True},
    "reverse, coverage": {"attention": "additive", "coverage": True, "reverse_source": True},
    "transformer": {"cell": "transformer", "num_layers": 2, "positions": "sine"},
    "copy": {"attention": "multiplicative", "copy": 1},
    "plain": {"peeky": True},
}


def build(**options):
    keras.utils.set_random_seed(0)
    network = build_encoder_decoder(7 if "features" not in options else None, 7, **{"units": 8, **options})
    random = np.random.default_rng(5)
    network.set_weights([random.normal(size=weight.shape, scale=0.6) for weight in network.get_weights()])
    return network


@pytest.fixture(scope="module", params=NETWORKS)
def writer(request):
    return TargetWriter(build(**NETWORKS[request.param]))


def words_of(network):
    """All ids that may be written: of a copied word, too."""
    return (*WORDS, *range(7, network.vocabulary_size))


def by_trying(network, source, alpha=0.0, beta=0.0):
    """Score, log-probability and text of all that could be written, best first, by whole targets and in NumPy."""
    texts = list(all_texts(LONGEST, words_of(network)))
    targets = np.array([[*text, *[0] * (LONGEST - len(text))] for text in texts], "int32")
    inputs = np.pad(targets[:, :-1], [(0, 0), (1, 0)], constant_values=2)
    sources = np.repeat(source[None][:, source != 0], len(texts), axis=0)
    logits = tf.nn.log_softmax(network([sources, inputs])).numpy()
    chosen = np.take_along_axis(logits, targets[:, :, None], axis=2)[:, :, 0]
    totals, lengths = (chosen * (targets != 0)).sum(axis=1), (targets != 0).sum(axis=1)
    scores = totals / ((5 + lengths) / 6) ** alpha
    if beta:
        seen = (network.attention_scores(sources, targets).numpy() * (targets != 0)[:, :, None]).sum(axis=1)
        scores += beta * np.log(np.minimum(seen, 1.0)).sum(axis=1)
    order = np.argsort(-scores)
    return scores[order], totals[order], [texts[number] for number in order]


def texts_of(result, row):
    pairs = zip(result.token_ids[row].numpy(), result.lengths[row].numpy(), strict=True)
    return [tuple(ids[:length].tolist()) for ids, length in pairs]


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.0), (0.6, 0.4)])
def test_wide_beams_find_what_trying_out_everything_finds(writer, alpha, beta):
    if beta and not writer.network.attends:
        return
    beams = len(words_of(writer.network)) ** (LONGEST - 1)
    options = {"beams": beams, "n_best": 4, "length_penalty": alpha, "coverage_penalty": beta}
    result = writer.search(SOURCES, max_new_tokens=LONGEST, **options)
    assert result.token_ids.shape == (3, 4, LONGEST)
    for row, source in enumerate(SOURCES):
        scores, totals, texts = by_trying(writer.network, source, alpha, beta)
        assert texts_of(result, row) == texts[:4]
        np.testing.assert_allclose(result.score[row], scores[:4], atol=1e-4)
        np.testing.assert_allclose(result.log_probability[row], totals[:4], atol=1e-4)


def test_a_batch_gives_what_each_source_gives_alone(writer):
    options = {"max_new_tokens": 6, "beams": 3, "n_best": 3, "length_penalty": 1.0}
    options["coverage_penalty"] = 0.3 if writer.network.attends else 0.0
    together = writer.search(SOURCES, **options)
    wide = writer.search(np.pad(SOURCES, [(0, 0), (0, 3)]), **options)
    greedy = writer.write(SOURCES, max_new_tokens=6, temperature=0)
    for row, source in enumerate(SOURCES):
        alone = writer.search(source[None][:, source != 0], **options)
        assert texts_of(alone, 0) == texts_of(together, row) == texts_of(wide, row)
        np.testing.assert_allclose(alone.score[0], together.score[row], atol=1e-4)
        np.testing.assert_allclose(wide.score[row], together.score[row], atol=1e-4)
        by_itself = writer.write(source[None][:, source != 0], max_new_tokens=6, temperature=0)
        np.testing.assert_array_equal(by_itself.token_ids[0], greedy.token_ids[row])


def test_at_temperature_0_it_takes_the_most_likely_token(writer):
    network = writer.network
    result = writer.write(SOURCES, max_new_tokens=6, temperature=0)
    for row, source in enumerate(SOURCES):
        written, total = [], 0.0
        while len(written) < 6 and END not in written:
            inputs = np.array([[2, *written]], "int32")
            logits = tf.nn.log_softmax(network([source[None], inputs])[0, -1]).numpy()
            token = int(np.where(np.isin(np.arange(len(logits)), (0, 1, 2)), -np.inf, logits).argmax())
            written.append(token)
            total += logits[token]
        assert result.token_ids[row].numpy().tolist() == written + [0] * (6 - len(written))
        assert float(result.score[row]) == pytest.approx(total, abs=1e-4)


def test_the_unknown_token_is_written_on_request_only():
    network = build(**NETWORKS["plain"])
    bias = network.output_layer.bias
    bias.assign(np.eye(7)[1] * 50.0)
    for allow_unknown in (False, True):
        writer = TargetWriter(network, allow_unknown)
        ids = writer.write(SOURCES, max_new_tokens=3, temperature=0).token_ids.numpy()
        searched = writer.search(SOURCES, max_new_tokens=3, beams=2).token_ids.numpy()
        assert (ids[:, 0] == 1).all() == (1 in ids) == (1 in searched) == allow_unknown


def test_features_are_a_source_too():
    network = build(features=3, encoder="none", attention="additive")
    features = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    features[1, 2:] = 0.0
    writer = TargetWriter(network)
    assert writer.given == tf.TensorSpec((None, None, 3), "float32")
    together = writer.search(features, max_new_tokens=4, beams=3, coverage_penalty=0.5)
    alone = writer.search(features[1:, :2], max_new_tokens=4, beams=3, coverage_penalty=0.5)
    np.testing.assert_array_equal(together.token_ids[1], alone.token_ids[0])
    np.testing.assert_allclose(together.score[1], alone.score[0], atol=1e-4)


def test_targets_begin_with_the_start():
    writer = TargetWriter(build())
    assert writer.prompts_of(SOURCES).numpy().tolist() == [[2], [2], [2]]


def test_numbers_that_cannot_be():
    writer = TargetWriter(build())
    with pytest.raises(InputError, match="`max_new_tokens` must be an integer, 0 or more. Received: .*=-1"):
        writer.write(SOURCES, max_new_tokens=-1)
    with pytest.raises(InputError, match="`n_best` at most `beams`. Received: beams=2, n_best=3"):
        writer.search(SOURCES, max_new_tokens=2, beams=2, n_best=3)
