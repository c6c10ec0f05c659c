"""Options of `nlpkit generate` alone."""

from functools import partial
from typing import Annotated

import typer

_end = partial(typer.Option, rich_help_panel="Where a text ends")
_drawing = partial(typer.Option, rich_help_panel="Drawing: each token by chance")
_search = partial(typer.Option, rich_help_panel="Searching, in place of drawing", show_default=False)
_rules = partial(typer.Option, rich_help_panel="What must, must not or should rarely occur")
_output = partial(typer.Option, rich_help_panel="Output")

Prompts = Annotated[
    list[str] | None,
    typer.Argument(help="Beginnings to go on from; an empty one begins a text.", show_default=False),
]
MaxNewTokens = Annotated[int, _end("--max-new-tokens", min=0, help="Tokens that are added, at most.")]
MinNewTokens = Annotated[
    int | None, _end("--min-new-tokens", min=0, help="Tokens before the end, at least.", show_default="0")
]
Stop = Annotated[
    list[str] | None,
    _end("--stop", help="Stop before this string; may be given several times.", show_default=False),
]
# What is not given is left to the model's own defaults, so that beside a search only what was given is noted.
Temperature = Annotated[
    float | None,
    _drawing(
        "--temperature",
        help="Below 1 the likely becomes likelier, above 1 the rare; 0 always takes the likeliest.",
        show_default="1",
    ),
]
TopK = Annotated[
    int | None,
    _drawing("--top-k", min=0, help="Draw from the k most likely tokens; 0 is all.", show_default="0"),
]
TopP = Annotated[
    float | None,
    _drawing(
        "--top-p",
        help="Draw from the most likely tokens that together have this probability.",
        show_default="1",
    ),
]
MinP = Annotated[
    float | None,
    _drawing(
        "--min-p",
        help="Draw from tokens with this part of the best one's probability, at least.",
        show_default="0",
    ),
]
TypicalP = Annotated[
    float | None,
    _drawing(
        "--typical-p",
        help="Draw from the tokens of expected surprise that together have this probability.",
        show_default="1",
    ),
]
Seed = Annotated[
    int | None, _drawing("--seed", min=0, help="The same seed gives the same text.", show_default="by chance")
]
Beam = Annotated[
    int | None, _search("--beam", min=1, help="Search the most likely text with so many at a time.")
]
LengthPenalty = Annotated[
    float | None,
    _search("--length-penalty", help="With --beam: the higher, the longer the texts.", show_default="0"),
]
BeamGroups = Annotated[
    int | None,
    _search("--beam-groups", min=1, help="With --beam: so many groups that differ.", show_default="1"),
]
Diversity = Annotated[
    float | None,
    _search(
        "--diversity", min=0.0, help="With --beam-groups: what the same token costs.", show_default="0.5"
    ),
]
ContrastivePenalty = Annotated[
    float | None,
    _search(
        "--contrastive-penalty",
        min=0.0,
        max=1.0,
        help="Of the --top-k (5) likeliest tokens take one unlike what was there before; 0.6 is usual.",
    ),
]
ForcedPrefix = Annotated[
    str | None,
    _rules("--forced-prefix", help="What is added begins with this string.", show_default=False),
]
BadWords = Annotated[
    list[str] | None,
    _rules("--bad-words", help="Never write this string; may be given several times.", show_default=False),
]
NoRepeatNgram = Annotated[
    int | None,
    _rules(
        "--no-repeat-ngram",
        min=0,
        help="Never write the same n tokens twice; 0 is no limit.",
        show_default="0",
    ),
]
RepetitionPenalty = Annotated[
    float | None,
    _rules("--repetition-penalty", help="Above 1, what was there before becomes rarer.", show_default="1"),
]
PresencePenalty = Annotated[
    float | None,
    _rules("--presence-penalty", help="Above 0, what was added before becomes rarer.", show_default="0"),
]
FrequencyPenalty = Annotated[
    float | None,
    _rules("--frequency-penalty", help="The same for each time that it was added before.", show_default="0"),
]
NumResults = Annotated[int, _output("--num-results", min=1, help="Texts for each prompt.")]
Stream = Annotated[
    bool, _output("--stream", help="Show the text while it is written; with --json a line for each piece.")
]
AsJsonLines = Annotated[
    bool,
    _output(
        "--json",
        help="Write JSON Lines: prompt, text (what was added), score and more; with --stream each piece as text.",
    ),
]
