"""Which options of `build_encoder_decoder` go together."""

from nlpkit.errors import InputError

RECURRENT = ("gru", "lstm", "rnn")
# Positions that are added to the vectors, and those that the attention itself sees.
ADDED = ("learned", "sine")
CHOICES = {
    "cell": (*RECURRENT, "transformer"),
    "encoder": (*RECURRENT, "transformer", "none"),
    "bidirectional": (False, True, "bottom"),
    "attention": (None, "additive", "multiplicative", "multi_head"),
    "bridge": ("auto", "copy", "dense", "zero"),
    "positions": (*ADDED, "relative", "rotary"),
}


def check_encoder_decoder(given):
    """Raises unless the options are known and go together.

    Args:
        given: dict. The arguments of `build_encoder_decoder`, `encoder` filled in.

    Raises:
        InputError: If one is unknown, missing, or belongs to a model of another kind.
    """
    for name, choices in CHOICES.items():
        if given[name] not in choices:
            raise InputError(f"`{name}` must be one of {list(choices)}. Received: {name}={given[name]!r}")
    _check_source(given)
    _check_decoder(given)
    if "transformer" in (given["cell"], given["encoder"]) and given["embedding_dim"] not in (
        None,
        given["units"],
    ):
        raise InputError(
            "The vectors of a Transformer are as wide as its layers. Received: "
            f"units={given['units']}, embedding_dim={given['embedding_dim']}. Leave `embedding_dim` out."
        )


def _check_source(given):
    size, features = given["source_vocabulary_size"], given["features"]
    if (size is None) == (features is None):
        raise InputError(
            "The source is ids, with a `source_vocabulary_size`, or float sequences, with `features`. Received: "
            f"source_vocabulary_size={size!r}, features={features!r}. Give one of them, and None for the other."
        )
    if given["bidirectional"] and given["encoder"] not in RECURRENT:
        raise InputError(
            f"`bidirectional` is an option of {', '.join(RECURRENT)}. Received: encoder={given['encoder']!r}. Leave it "
            "out, or take another encoder."
        )
    one_vocabulary = size == given["target_vocabulary_size"]
    for name in ("share", "copy"):
        if given[name] and not one_vocabulary:
            raise InputError(
                f"With `{name}` source and target have one vocabulary. Received: source_vocabulary_size={size!r}, "
                f"target_vocabulary_size={given['target_vocabulary_size']!r}. Encode both with the same text layer."
            )


def _check_decoder(given):
    recurrent = given["cell"] in RECURRENT
    for name in ("attention", "input_feeding", "coverage", "peeky", "residual"):
        if given[name] and not recurrent:
            raise InputError(
                f"`{name}` is an option of recurrent decoders. Received: cell={given['cell']!r}, "
                f"{name}={given[name]!r}. Leave it out, or take another cell."
            )
    attends = not recurrent or given["attention"]
    if given["copy"] and not attends:
        raise InputError(
            "`copy` takes the words that are attended to. Received: attention=None. Give an attention."
        )
    if given["bridge"] == "zero" and not attends:
        raise InputError(
            "With bridge='zero' there is nothing but what is attended to. Received: attention=None. Give an attention, "
            "or another bridge."
        )
    if given["coverage"] and given["attention"] != "additive":
        raise InputError(
            f"`coverage` is known to additive attention. Received: attention={given['attention']!r}. Take "
            "attention='additive'."
        )
