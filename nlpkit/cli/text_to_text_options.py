"""Options of the commands of text-to-text models alone."""

from functools import partial
from typing import Annotated, Literal

import typer

from nlpkit.models.presets import PRESETS_OF_TEXTS

# What models of pairs of texts are for.
TASKS_OF_PAIRS = ("text_to_text", "chatbot")
LEVELS = Literal["word", "char", "byte", "subword"]

_data = partial(typer.Option, rich_help_panel="Data")
_model = partial(typer.Option, rich_help_panel="Model", show_default="by the preset")
_training = partial(typer.Option, rich_help_panel="Training", show_default="by the preset")
_search = partial(typer.Option, rich_help_panel="Search")
_output = partial(typer.Option, rich_help_panel="Output")

Source = Annotated[str | None, _data("--source", help="The column of the sources.", show_default="source")]
Target = Annotated[str | None, _data("--target", help="The column of the targets.", show_default="target")]
Preset = Annotated[
    Literal[PRESETS_OF_TEXTS],
    _model("--preset", metavar="PRESET", help=f"{', '.join(PRESETS_OF_TEXTS)}.", show_default=True),
]
Cell = Annotated[
    Literal["lstm", "gru", "rnn", "peephole_lstm", "layer_norm_lstm", "transformer"] | None,
    _model("--cell", metavar="CELL", help="lstm, gru, rnn, peephole_lstm, layer_norm_lstm or transformer."),
]
Units = Annotated[int | None, _model("--units", min=1, help="Size of each layer.")]
Layers = Annotated[
    int | None, _model("--num-layers", min=1, help="Layers on top of each other, on each side.")
]
Dropout = Annotated[
    float | None, _model("--dropout", min=0.0, max=0.99, help="Part of the values left out in training.")
]
SourceLevel = Annotated[
    LEVELS | None,
    _model("--source-level", metavar="LEVEL", help="The level of the sources alone.", show_default="--level"),
]
TargetLevel = Annotated[
    LEVELS | None,
    _model("--target-level", metavar="LEVEL", help="The level of the targets alone.", show_default="--level"),
]
Shared = Annotated[
    bool, _model("--shared", help="One vocabulary and one embedding for both sides.", show_default=False)
]
VocabularySize = Annotated[
    int | None,
    _model(
        "--vocabulary-size",
        min=5,
        help="Tokens of each side that are told apart, at most.",
        show_default="by the level",
    ),
]
Copy = Annotated[
    int | None,
    _model(
        "--copy",
        min=0,
        metavar="N",
        help="Words of the source may be copied, also N unknown ones; with --shared and --level word.",
        show_default="0",
    ),
]
ReverseSource = Annotated[
    bool, _model("--reverse-source", help="Read the source from its end.", show_default=False)
]
Peeky = Annotated[
    bool,
    _model("--peeky", help="Show the encoder's result to every step and the output.", show_default=False),
]
BatchSize = Annotated[int | None, _training("--batch-size", min=1, help="Pairs of a step.")]
BatchTokens = Annotated[
    int | None,
    _training("--batch-tokens", min=1, help="As many pairs as fit into so many tokens, in place of it."),
]
MaxSourceLength = Annotated[
    int | None,
    _training(
        "--max-source-length",
        min=2,
        help="Tokens of a source that training reads, the end among them; longer ones are cut.",
        show_default="by the data",
    ),
]

Beam = Annotated[
    int,
    _search("--beam", min=1, help="Targets carried on side by side; 1 always takes the likeliest token."),
]
NBest = Annotated[
    int | None,
    _search("--nbest", min=1, help="The best so many targets, with their scores.", show_default=False),
]
LengthPenalty = Annotated[
    float | None,
    _search("--length-penalty", help="With --beam: the higher, the longer the targets.", show_default="1"),
]
CoveragePenalty = Annotated[
    float | None,
    _search(
        "--coverage-penalty",
        min=0.0,
        help="With --beam: what it costs to leave a part of the source unread.",
        show_default="0",
    ),
]
MaxNewTokens = Annotated[
    int | None,
    _search(
        "--max-new-tokens",
        min=1,
        help="Tokens of a target, at most.",
        show_default="enough for those in training",
    ),
]
Alignments = Annotated[
    bool, _output("--alignments", help="With --json: what each token of the target was written from.")
]
