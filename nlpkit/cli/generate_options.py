"""Options of `nlpkit generate` alone."""

from functools import partial
from typing import Annotated

import typer

_search = partial(typer.Option, rich_help_panel="What is chosen")
_end = partial(typer.Option, rich_help_panel="Where it ends")
_output = partial(typer.Option, rich_help_panel="Output")

Prompts = Annotated[
    list[str] | None,
    typer.Argument(help="Beginnings to go on from; without any, a text of its own.", show_default=False),
]
MaxNewTokens = Annotated[int, _end("--max-new-tokens", min=0, help="Tokens that are added, at most.")]
Stop = Annotated[
    list[str] | None,
    _end("--stop", help="Stop before this string; may be given several times.", show_default=False),
]
# What is not given is left to the model's own defaults, for a search with beams refuses what belongs to drawing.
Temperature = Annotated[
    float | None,
    _search(
        "--temperature",
        help="Below 1 the likely becomes likelier, above 1 the rare; 0 always takes the likeliest.",
        show_default="1",
    ),
]
TopK = Annotated[
    int | None,
    _search("--top-k", min=0, help="Draw from the k most likely tokens; 0 is all.", show_default="0"),
]
TopP = Annotated[
    float | None,
    _search(
        "--top-p",
        help="Draw from the most likely tokens that together have this probability.",
        show_default="1",
    ),
]
MinP = Annotated[
    float | None,
    _search(
        "--min-p",
        help="Draw from tokens with this part of the best one's probability, at least.",
        show_default="0",
    ),
]
RepetitionPenalty = Annotated[
    float | None,
    _search("--repetition-penalty", help="Above 1, what was there before becomes rarer.", show_default="1"),
]
NoRepeatNgram = Annotated[
    int | None,
    _search(
        "--no-repeat-ngram",
        min=0,
        help="Never write the same n tokens twice; 0 is no limit.",
        show_default="0",
    ),
]
Seed = Annotated[
    int | None, _search("--seed", min=0, help="The same seed gives the same text.", show_default="by chance")
]
Beam = Annotated[
    int | None,
    _search("--beam", min=1, help="Search the most likely text with so many at a time.", show_default=False),
]
NumResults = Annotated[int, _search("--num-results", min=1, help="Texts for each prompt.")]
Stream = Annotated[bool, _output("--stream", help="Show the text while it is written.")]
AsJsonLines = Annotated[
    bool, _output("--json", help="Write JSON Lines: prompt, text (what was added), score and more.")
]
