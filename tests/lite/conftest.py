import json

import pytest
from lite.nasty_texts import NASTY

from nlpkit.lite import TextToIds as LiteTextToIds
from nlpkit.text import Normalizer, TextToIds, Vocabulary
from nlpkit.text.levels import LEVELS

SIZES = {"wordpiece": 600, "sentencepiece": 600}
# Several ways to write each of the texts, so that many of their tokens are known.
FORMS = [
    {},
    {"case": None, "html": False},
    {"unicode_form": "NFD", "case": None},
    {"unicode_form": "NFKC", "case": "fold", "strip_accents": True},
]


@pytest.fixture(scope="session")
def tokenizers():
    """Level to a tokenizer of the graph that has learned from the texts."""
    texts = [
        text.replace("\0", " ").replace("\x11", " ")[:500].encode("utf-8", "replace").decode()
        for text in NASTY
    ]
    for switches in FORMS:
        texts += [text.decode() for text in Normalizer(**switches)(texts[: len(NASTY)]).numpy()]
    learned = {level: tokenizer_class() for level, (tokenizer_class, _) in LEVELS.items()}
    for level, tokenizer in learned.items():
        if level != "byte":
            tokenizer.train(texts, **({"vocabulary_size": SIZES[level]} if level in SIZES else {}))
    pieces = dict.fromkeys([*learned["wordpiece"].vocabulary.tokens, "#", "##.", "a.b", "##x", "x", "##é"])
    learned["wordpiece"].set_vocabulary(Vocabulary(list(pieces)))
    return learned


@pytest.fixture(scope="session")
def both(tokenizers, tmp_path_factory):
    """Makes the layer of the graph, and its twin without TensorFlow."""
    files = {}
    for level, tokenizer in tokenizers.items():
        folder = tmp_path_factory.mktemp(level)
        TextToIds(tokenizer).save_vocabulary(folder)
        files[level] = {path.name: path.read_bytes() for path in folder.iterdir()}

    def make(level, switches=None, packer=None):
        normalizer = None if switches is None else Normalizer(**switches)
        layer = TextToIds(tokenizers[level], normalizer, packer)
        return layer, LiteTextToIds(json.loads(json.dumps(layer.settings())), files[level])

    return make
