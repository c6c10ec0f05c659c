import json
import os

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from text.pipeline_layers import CORPUS, LEVELS, SIZES, TEXTS, keras_model

from nlpkit.errors import InputError
from nlpkit.text import Normalizer, Packer, TextToIds, WordTokenizer, text_to_ids


@given(texts=st.lists(st.text(), min_size=1, max_size=5), level=st.sampled_from(LEVELS))
@settings(deadline=None, max_examples=60)
def test_any_text_gives_valid_ids(layers, texts, level):
    layer = layers[level]
    ids = layer(texts).numpy()
    assert ids.dtype == np.int32 and ids.shape[0] == len(texts) and 1 <= ids.shape[1] <= 12
    lengths = (ids > 0).sum(axis=1)
    assert lengths.min() >= 1
    assert all((row[:length] > 0).all() for row, length in zip(ids, lengths, strict=True))
    assert ids.max() < layer.vocabulary_size
    assert [row.tolist() for row in layer.encode(texts)] == [
        r[:n].tolist() for r, n in zip(ids, lengths, strict=True)
    ]


@pytest.mark.parametrize("level", LEVELS)
def test_fit_encode_is_encode_with_the_new_vocabulary(level):
    layer = text_to_ids(level, max_length=9, vocabulary_size=SIZES.get(level), start=True, end=True)
    rows = layer.fit_encode([CORPUS[:3], CORPUS[3:]])
    assert len(rows) == len(CORPUS)
    assert [row.tolist() for row in rows] == [row.tolist() for row in layer.encode(CORPUS)]
    assert all(row[0] == 2 and row[-1] == 3 and len(row) <= 9 for row in rows)


@pytest.mark.parametrize("level", LEVELS)
def test_tf_data_gives_the_eager_ids(layers, level):
    layer = layers[level]
    batches = tf.data.Dataset.from_tensor_slices(TEXTS).batch(2).map(layer, num_parallel_calls=2)
    rows = [row[row > 0].tolist() for batch in batches.as_numpy_iterator() for row in batch]
    assert rows == [row.tolist() for row in layer.encode(TEXTS)]


@pytest.mark.parametrize("level", LEVELS)
def test_one_by_one_equals_the_batch(layers, level):
    rows = [layers[level]([text]).numpy()[0].tolist() for text in TEXTS]
    assert rows == [row.tolist() for row in layers[level].encode(TEXTS)]


@pytest.mark.parametrize("level", ["byte", "sentencepiece"])
def test_round_trip_is_exact_without_normalizer(layers, level):
    layer = TextToIds(layers[level].tokenizer)
    texts = [text for text in TEXTS if text]
    assert [text.decode() for text in layer.detokenize(layer(texts)).numpy()] == texts


@pytest.mark.parametrize("level", LEVELS)
def test_settings_and_vocabulary_file_rebuild_the_layer(layers, level, tmp_path):
    layers[level].save_vocabulary(tmp_path)
    files = {"byte": [], "sentencepiece": ["sentencepiece.model"]}.get(level, ["vocabulary.txt"])
    assert sorted(os.listdir(tmp_path)) == files
    again = TextToIds.from_settings(json.loads(json.dumps(layers[level].settings())), tmp_path)
    assert again.settings() == layers[level].settings()
    assert again(TEXTS).numpy().tolist() == layers[level](TEXTS).numpy().tolist()


def test_config_holds_every_argument():
    layer = TextToIds(WordTokenizer(), Normalizer(case=None), Packer(7, True), 500, 3)
    config = json.loads(json.dumps(layer.get_config()))
    again = TextToIds.from_config(config)
    assert again.settings() == layer.settings()
    assert TextToIds.from_config(TextToIds(WordTokenizer()).get_config()).normalizer is None


def test_symbolic_shape_and_dtype(layers):
    model = keras_model(layers["word"])
    assert model.output.shape == (None, None) and model.output.dtype == "int32"
    assert model.predict(tf.constant(TEXTS), verbose=0).tolist() == layers["word"](TEXTS).numpy().tolist()


def test_errors(tmp_path):
    layer = text_to_ids("word")
    with pytest.raises(InputError, match="This WordTokenizer has no vocabulary yet"):
        layer(["a"])
    with pytest.raises(InputError, match="This WordTokenizer has no vocabulary yet"):
        layer.save_vocabulary(tmp_path)
    with pytest.raises(InputError, match="`level` must be one of .* Received: level='syllable'"):
        text_to_ids("syllable")
    with pytest.raises(InputError, match="The vocabulary file vocabulary.txt is missing in"):
        TextToIds.from_settings(layer.settings(), tmp_path)
    with pytest.raises(InputError, match="something that can be read twice, .* Received: list_iterator"):
        text_to_ids("wordpiece").fit_encode(iter([["a"]]))
    with pytest.raises(InputError, match="`tokenizer` must be one of nlpkit's tokenizers. Received: Dense"):
        TextToIds(keras.layers.Dense(1)).settings()
