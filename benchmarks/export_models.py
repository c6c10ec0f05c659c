"""Small models of every task, cell and direction, for what is said about all exports.

`MODELS` holds callables by `(task, cell, direction)`, each of which trains one for an epoch; `ASKED` what they are
asked: texts of one word and of many, unknown words, and an empty one.
"""

from functools import partial

TEXTS = ["a good film", "a dull and very long film", "good", "what a good , good film it is"] * 6
LABELS = ["yes", "no", "yes", "yes"] * 6
TOPICS = [["praise"], ["film", "length"], ["praise"], []] * 6
DIALOGUES = [
    ["hello", "hi", "a good film ?", "good"],
    ["hello", "good", "what film is it ?", "a long film"],
] * 6
TARGETS = ["ein guter film", "ein sehr langer film", "gut", "was für ein guter film"] * 6
ASKED = ["good", "a very good film", "", "a film of words that nobody knows , at all"]
CELLS = ("rnn", "lstm", "gru", "transformer")
SMALL = {"units": 8, "num_layers": 1, "epochs": 1, "random_state": 0}


def classifier(cell, direction):
    """A `TextClassifier` by words."""
    from nlpkit import TextClassifier

    both = None if cell == "transformer" else direction == "both"
    model = TextClassifier(cell, bidirectional=both, options={"network": {"embedding_dim": 8}}, **SMALL)
    return model.fit(TEXTS, LABELS)


def of_pieces(tokenizer, **text):
    """A `TextClassifier` by what tensorflow-text cuts or changes."""
    from nlpkit import TextClassifier

    options = {"network": {"embedding_dim": 8}, "text": text}
    return TextClassifier("lstm", tokenizer=tokenizer, options=options, **SMALL).fit(TEXTS, LABELS)


def of_topics():
    """A `TextClassifier` of several labels a text."""
    from nlpkit import TextClassifier

    options = {"network": {"embedding_dim": 8}}
    return TextClassifier("lstm", multi_label=True, options=options, **SMALL).fit(TEXTS, TOPICS)


def generator(cell, direction, level="word"):
    """A `TextGenerator`, by words unless another level is given."""
    from nlpkit import TextGenerator

    network = {"num_heads": 2} if cell == "transformer" else {}
    return TextGenerator(cell, level=level, options={"network": network}, **SMALL).fit(TEXTS)


def text_to_text(cell, direction):
    """A `TextToText` by words, with attention; a Transformer's encoder looks both ways."""
    from nlpkit import TextToText

    if cell == "transformer":
        options = {"network": {"num_heads": 2}}
        return TextToText("transformer", level="word", options=options, **SMALL).fit(TEXTS, TARGETS)
    options = {"network": {"bidirectional": direction == "both"}}
    return TextToText("attention", cell=cell, level="word", options=options, **SMALL).fit(TEXTS, TARGETS)


def copying():
    """A `TextToText` that may copy words of the source."""
    from nlpkit import TextToText

    options = {"network": {"copy": 3, "coverage": True}}
    return TextToText("attention", level="word", shared=True, options=options, **SMALL).fit(TEXTS, TARGETS)


def chatbot():
    """A `Chatbot` by words."""
    from nlpkit import Chatbot

    return Chatbot(level="word", **SMALL).fit(DIALOGUES)


def captioner(cell, direction):
    """An `ImageCaptioner` of pictures that are made up."""
    from nlpkit import ImageCaptioner

    images, captions = pictures()
    preset = "transformer" if cell == "transformer" else "captioner"
    given = {} if cell == "transformer" else {"cell": cell}
    network = {"filters": [4], **({"num_heads": 2} if cell == "transformer" else {})}
    options = {"image": {"size": 16}, "network": network}
    return ImageCaptioner(preset, options=options, **given, **SMALL).fit(images, captions)


def captioner_of_features():
    """An `ImageCaptioner` of what another network saw."""
    from nlpkit import ImageCaptioner

    _, captions = pictures()
    return ImageCaptioner(**SMALL).fit(features(), captions)


def features():
    """Features of regions, float32 `(n, 5, 7)`, of as many images as there are pictures."""
    import numpy as np

    images, _ = pictures()
    return np.random.default_rng(0).normal(size=(len(images), 5, 7)).astype("float32")


def pictures():
    """Images, uint8 `(n, 32, 32, 3)`, and a caption of each."""
    from nlpkit.data import make_shape_captions

    images, captions, _ = make_shape_captions(16, seed=3)
    return images, [first for first, *_ in captions]


def _all():
    for task, make in (("classifier", classifier), ("text_to_text", text_to_text)):
        for cell in CELLS:
            for direction in ("both",) if cell == "transformer" else ("forward", "both"):
                yield (task, cell, direction), partial(make, cell, direction)
    for task, make in (("generator", generator), ("captioner", captioner)):
        for cell in CELLS:
            yield (task, cell, "forward"), partial(make, cell, "forward")


MODELS = dict(_all())
