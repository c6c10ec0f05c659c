"""Which options of `build_encoder_decoder` go together."""

from numbers import Integral, Real

from nlpkit.errors import InputError
from nlpkit.layers.attention_decoder import default_heads
from nlpkit.layers.recurrent_cells import CELLS

RECURRENT = tuple(CELLS)
# Positions that are added to the vectors, and those that the attention itself sees.
ADDED = ("learned", "sine")
# Options of recurrent decoders alone, and of Transformers, with the value that asks for nothing.
OF_RECURRENT = {
    "attention": None, "input_feeding": False, "coverage": False, "peeky": False, "residual": False, "bridge": "auto",
}  # fmt: skip
OF_TRANSFORMERS = {"num_heads": None, "positions": "rotary", "norm": "pre"}
CHOICES = {
    "cell": (*RECURRENT, "transformer"),
    "encoder": (*RECURRENT, "transformer", "none"),
    "bidirectional": (False, True, "bottom"),
    "attention": (None, "additive", "multiplicative", "multi_head"),
    "bridge": ("auto", "copy", "dense", "zero"),
    "positions": (*ADDED, "relative", "rotary"),
}
SIZE = ("an int of at least 1", Integral, lambda value: value >= 1)
PART = ("a number from 0 (off) to below 1", Real, lambda value: 0 <= value < 1)
NUMBERS = {
    "units": SIZE, "num_layers": SIZE, "encoder_units": SIZE, "encoder_layers": SIZE, "embedding_dim": SIZE,
    "num_heads": SIZE, "dropout": PART, "word_dropout": PART,
}  # fmt: skip
# Left out, they follow from the units.
LEFT_OUT = ("embedding_dim", "num_heads")


def check_encoder_decoder(given):
    """Raises unless the options are known and go together.

    Args:
        given: dict. The arguments of `build_encoder_decoder`, `encoder` filled in.

    Raises:
        InputError: If one is unknown, missing, out of range, or belongs to a model of another kind.
    """
    for name, choices in CHOICES.items():
        if given[name] not in choices:
            raise InputError(f"`{name}` must be one of {list(choices)}. Received: {name}={given[name]!r}")
    _check_numbers(given)
    _check_source(given)
    _check_vocabularies(given)
    _check_decoder(given)
    if "transformer" not in (given["cell"], given["encoder"]):
        _check_of_transformers(given)
    _check_encoder_sizes(given)
    widths = _widths_of_transformers(given)
    if given["embedding_dim"] is not None and widths - {given["embedding_dim"]}:
        raise InputError(
            "The vectors of a Transformer are as wide as its layers. Received: "
            f"units={given['units']}, embedding_dim={given['embedding_dim']}. Leave `embedding_dim` out."
        )
    for units in widths or {given["units"]}:
        _check_heads(given, units)


def _check_numbers(given):
    for name, (rule, kind, is_allowed) in NUMBERS.items():
        value = given[name]
        if value is None and name in LEFT_OUT:
            continue
        if isinstance(value, bool) or not isinstance(value, kind) or not is_allowed(value):
            raise InputError(f"`{name}` must be {rule}. Received: {name}={value!r}")


def _widths_of_transformers(given):
    """The sizes that layers of Transformers have on either side."""
    sides = (("cell", "units"), ("encoder", "encoder_units"))
    return {given[size] for kind, size in sides if given[kind] == "transformer"}


def _check_encoder_sizes(given):
    own = {name: given[name] for name in ("encoder_units", "encoder_layers")}
    usual = given["units"], given["num_layers"]
    if given["encoder"] == "none" and tuple(own.values()) != usual:
        raise InputError(
            "Without an encoder there are no layers that could have sizes of their own. Received: encoder='none', "
            f"{own}. Leave them out."
        )
    if given["share"] and given["embedding_dim"] is None and own["encoder_units"] != given["units"]:
        raise InputError(
            "With `share` both sides have vectors of one size. Received: "
            f"units={given['units']}, encoder_units={own['encoder_units']}. Give an `embedding_dim`, or one size."
        )


def _check_heads(given, units):
    """Heads share the units evenly; rotary positions turn the features of each in pairs."""
    heads = given["num_heads"]
    rotary = given["positions"] == "rotary" and "transformer" in (given["cell"], given["encoder"])
    if rotary and units % 2:
        raise InputError(
            f"With rotary positions `units` must be even. Received: units={units}, positions='rotary'. Take another "
            "number of units, or positions='sine'."
        )
    if units % ((heads or 1) * (2 if rotary else 1)):
        raise InputError(
            f"`num_heads` must divide `units`{', into heads of an even size with rotary positions' if rotary else ''}. "
            f"Received: units={units}, num_heads={heads}. Leave it out, or take a number that fits, such as "
            f"{default_heads(units, rotary)}."
        )


def _check_of_transformers(given):
    elsewhere = {
        "num_heads": (given["attention"] == "multi_head", " and of attention='multi_head'"),
        "positions": (given["encoder"] == "none" and given["positions"] in ADDED,
                      ", 'sine' and 'learned' also of encoder='none'"),
        "norm": (False, ""),
    }  # fmt: skip
    for name, nothing in OF_TRANSFORMERS.items():
        used, where = elsewhere[name]
        if given[name] != nothing and not used:
            raise InputError(
                f"`{name}` is an option of Transformers{where}. Received: cell={given['cell']!r}, "
                f"encoder={given['encoder']!r}, {name}={given[name]!r}. Leave it out."
            )


def _check_source(given):
    size, features = given["source_vocabulary_size"], given["features"]
    if (size is None) == (features is None):
        raise InputError(
            "The source is ids, with a `source_vocabulary_size`, or float sequences, with `features`. Received: "
            f"source_vocabulary_size={size!r}, features={features!r}. Give one of them, and None for the other."
        )
    if features is not None:
        _check_features(given)
    if given["filters"] is not None and not isinstance(features, list | tuple):
        raise InputError(
            f"`filters` are those of convolutions over images. Received: filters={given['filters']!r}, "
            f"features={features!r}. Leave them out, or give the shape of images as `features`."
        )
    if given["bidirectional"] and given["encoder"] not in RECURRENT:
        raise InputError(
            f"`bidirectional` is an option of {', '.join(RECURRENT)}. Received: encoder={given['encoder']!r}. Leave it "
            "out, or take another encoder."
        )


def _check_vocabularies(given):
    size, copy = given["source_vocabulary_size"], given["copy"]
    if isinstance(copy, bool) or not isinstance(copy, int) or copy < 0:
        raise InputError(
            "`copy` must be the most words of a source that can be copied, an int, 0 for none. Received: "
            f"copy={copy!r}"
        )
    one_vocabulary = size == given["target_vocabulary_size"]
    for name in ("share", "copy"):
        if given[name] and not one_vocabulary:
            raise InputError(
                f"With `{name}` source and target have one vocabulary. Received: source_vocabulary_size={size!r}, "
                f"target_vocabulary_size={given['target_vocabulary_size']!r}. Encode both with the same text layer."
            )


def _check_features(given):
    features, images = given["features"], isinstance(given["features"], list | tuple)
    sizes = list(features) if images else [features]
    # The height and the width of images may be open.
    known = [size for place, size in enumerate(sizes) if not (images and place < 2 and size is None)]
    if len(sizes) != (3 if images else 1) or not all(isinstance(size, int) and size > 0 for size in known):
        raise InputError(
            "`features` must be the number of features of a step, an int of at least 1, or the shape of images, "
            f"(height, width, channels). Received: features={features!r}"
        )
    if images and given["reverse_source"]:
        raise InputError(
            f"An image has no end to be read from. Received: features={features!r}, reverse_source=True. Leave "
            "`reverse_source` out."
        )


def _check_decoder(given):
    recurrent = given["cell"] in RECURRENT
    for name, nothing in OF_RECURRENT.items():
        if given[name] != nothing and not recurrent:
            raise InputError(
                f"`{name}` is an option of recurrent decoders. Received: cell={given['cell']!r}, "
                f"{name}={given[name]!r}. Leave it out, or take another cell."
            )
    if given["word_dropout"] and given["share"]:
        raise InputError(
            "`word_dropout` is of the decoder's own embedding. Received: "
            f"word_dropout={given['word_dropout']}, share=True. Leave one of them out."
        )
    attends = not recurrent or given["attention"]
    if given["copy"] and not attends:
        raise InputError(
            "`copy` takes the words that are attended to. Received: attention=None. Give an attention."
        )
    if given["bridge"] == "zero" and not (attends or given["peeky"]):
        raise InputError(
            "With bridge='zero' there is nothing but what is attended to. Received: attention=None. Give an attention, "
            "or another bridge."
        )
    if given["coverage"] and given["attention"] != "additive":
        raise InputError(
            f"`coverage` is known to additive attention. Received: attention={given['attention']!r}. Take "
            "attention='additive'."
        )
