"""Language models: from the ids so far to the scores of the next one."""

import inspect

from nlpkit.errors import InputError
from nlpkit.layers import AdaptiveSoftmax, RecurrentBlock, RecurrentStack, TiedOutput, TokenEmbedding
from nlpkit.layers.attention_decoder import default_heads
from nlpkit.layers.decoder_stack import DecoderStack
from nlpkit.layers.window_network import WindowNetwork
from nlpkit.models.dtype_policy import dtype_policy
from nlpkit.models.generator_network import GeneratorNetwork

RECURRENT = ("gru", "lstm", "rnn")
CELLS = (*RECURRENT, "nplm", "transformer")
# Arguments that only some of the cells have a use for.
OWN = {
    "variational": RECURRENT, "recurrent_dropout": RECURRENT, "weight_drop": RECURRENT, "residual": RECURRENT,
    "use_cudnn": RECURRENT, "direct": ("nplm",), "window": ("nplm",), "num_heads": ("transformer",),
    "context": ("transformer",),
}  # fmt: skip
# Where the user gives none; `None` tells that from a setting that would change nothing, which is refused.
DEFAULTS = {"num_layers": 2, "tie": True, "window": 4}


def build_generator(
    vocabulary_size,
    *,
    cell="lstm",
    units=200,
    num_layers=None,
    embedding_dim=None,
    tie=None,
    cutoffs=None,
    dropout=0.0,
    variational=False,
    embedding_dropout=0.0,
    recurrent_dropout=0.0,
    weight_drop=0.0,
    residual=False,
    window=None,
    direct=False,
    num_heads=None,
    context=None,
    use_cudnn="auto",
    dtype=None,
):
    """Builds a language model over ids, which also runs step by step.

    Args:
        vocabulary_size: int. Number of ids.
        cell: `"lstm"`, `"gru"`, `"rnn"`, `"transformer"` or `"nplm"`, the neural probabilistic language model over a
            window of tokens. Defaults to `"lstm"`.
        units: int. Size of each layer. Defaults to 200.
        num_layers: int. Layers on top of each other. Defaults to `None`: 2; of `"nplm"` there is one.
        embedding_dim: int. Size of the token vectors. Defaults to `None`: `units`.
        tie: bool. Whether the output shares the matrix of the embedding; a projection comes between where the sizes
            differ. Defaults to `None`: it does, unless there are `cutoffs`.
        cutoffs: List of int. Clusters of an adaptive softmax for large vocabularies, in place of the tied or full one;
            its matrices are its own. Defaults to `None`.
        dropout: float. Of the vectors, and of each layer's outputs. Defaults to 0.
        variational: bool. Of recurrent layers: one dropout mask for all steps of a row. Defaults to `False`.
        embedding_dropout: float. Fraction of the vocabulary dropped from a batch. Defaults to 0.
        recurrent_dropout: float. Variational dropout of the recurrent states. Defaults to 0.
        weight_drop: float. Fraction of the recurrent matrices dropped in a batch. Defaults to 0.
        residual: bool. Adds its input to each recurrent layer's output, from the second on. Defaults to `False`.
        window: int. Tokens that `"nplm"` sees. Defaults to `None`: 4.
        direct: bool. Of `"nplm"`: connections from the vectors to the output. Defaults to `False`.
        num_heads: int. Attention heads of a Transformer. Defaults to `None`: one for each 32 units.
        context: int. Steps that each layer of a Transformer looks back, the present one among them. Defaults to `None`,
            all; a text that is longer than those it was trained on then leads it astray.
        use_cudnn: `"auto"`, `True` or `False`. For recurrent layers. Defaults to `"auto"`.
        dtype: str. Keras dtype policy such as `"mixed_float16"`; the logits are float32 always.

    Returns:
        `GeneratorNetwork`, a `keras.Model` from int32 ids `(batch, time)` to float32 logits
        `(batch, time, vocabulary_size)` of the token after each.

    Raises:
        InputError: If `cell` is unknown, an option belongs to another cell or would change nothing, or the sizes do not
            fit together.

    Example:
        >>> import numpy as np
        >>> from nlpkit.models import build_generator
        >>> network = build_generator(50, cell="gru", units=8)
        >>> network(np.array([[3, 7, 8]])).shape
        TensorShape([1, 3, 50])
        >>> logits, state = network.step(np.array([3]), network.initial_state(1))
        >>> logits.shape
        TensorShape([1, 50])

    Reference:
        [Bengio et al., 2003](https://www.jmlr.org/papers/v3/bengio03a.html),
        [Zaremba et al., 2014](https://arxiv.org/abs/1409.2329),
        [Gal & Ghahramani, 2016](https://arxiv.org/abs/1512.05287),
        [Merity et al., 2018](https://arxiv.org/abs/1708.02182)
    """
    given = dict(locals())
    _check(given)
    given |= {name: value for name, value in DEFAULTS.items() if given[name] is None}
    with dtype_policy(dtype):
        network = _network(given)
        network.build((None, None))
    return network


def _check(given):
    cell = given["cell"]
    if cell not in CELLS:
        raise InputError(f"`cell` must be one of {sorted(CELLS)}. Received: cell={cell!r}")
    parameters = inspect.signature(build_generator).parameters
    for name, cells in OWN.items():
        if cell not in cells and given[name] != parameters[name].default:
            raise InputError(
                f"`{name}` is an option of {', '.join(cells)}. Received: cell={cell!r}, {name}={given[name]!r}. Leave "
                "it out, or take another cell."
            )
    _check_together(given)


def _check_together(given):
    """What belongs to the cell, but not with its other settings."""
    if given["cell"] == "nplm" and given["num_layers"] not in (None, 1):
        raise InputError(
            "The network over a window has one layer. Received: cell='nplm', "
            f"num_layers={given['num_layers']!r}. Leave `num_layers` out, or take another cell."
        )
    if given["cell"] == "transformer" and given["embedding_dim"] not in (None, given["units"]):
        raise InputError(
            "The vectors of a Transformer are as wide as its layers. Received: "
            f"units={given['units']}, embedding_dim={given['embedding_dim']}. Leave `embedding_dim` out."
        )
    if given["cutoffs"] and given["tie"]:
        raise InputError(
            "An adaptive softmax has matrices of its own, so that there is nothing to tie. Received: "
            f"cutoffs={given['cutoffs']!r}, tie={given['tie']!r}. Leave out one of them."
        )


def _network(given):
    vocabulary_size, units, dropout = given["vocabulary_size"], given["units"], given["dropout"]
    size = given["embedding_dim"] or units
    embedding = TokenEmbedding(
        vocabulary_size,
        size,
        dropout=0.0 if given["variational"] else dropout,
        embedding_dropout=given["embedding_dropout"],
        name="embedding",
    )
    last = units + given["window"] * size if given["direct"] else units
    if given["cutoffs"]:
        output = AdaptiveSoftmax(vocabulary_size, given["cutoffs"], name="output")
    else:
        output = TiedOutput(projection=given["tie"] and last != size, name="output")
    own_table = not (given["tie"] or given["cutoffs"])
    return GeneratorNetwork(
        embedding,
        _body(given),
        output,
        table=TokenEmbedding(vocabulary_size, last, name="output_table") if own_table else None,
        dropout=dropout if given["variational"] else 0.0,
        name="generator",
    )


def _body(given):
    """What stands between the vectors and the output."""
    units, cell, dropout = given["units"], given["cell"], given["dropout"]
    if cell == "transformer":
        heads = given["num_heads"] or default_heads(units, even=units % 2 == 0)
        sizes = {"num_heads": heads, "intermediate_dim": 4 * units, "window": given["context"]}
        return DecoderStack(given["num_layers"], dropout=dropout, name="decoder", **sizes)
    if cell == "nplm":
        return WindowNetwork(units, given["window"], direct=given["direct"], return_state=True, name="window")
    options = {name: given[name] for name in ("recurrent_dropout", "weight_drop", "use_cudnn")}
    options["input_dropout" if given["variational"] else "dropout"] = dropout
    blocks = [
        RecurrentBlock(
            units,
            cell,
            return_state=True,
            residual=given["residual"] and number > 0,  # the vectors may have a size of their own
            name=f"block_{number}",
            **options,
        )
        for number in range(given["num_layers"])
    ]
    return RecurrentStack(blocks, name="stack")
