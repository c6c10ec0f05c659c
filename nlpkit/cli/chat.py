"""`nlpkit chat`: a conversation with a saved chatbot, in the terminal or through a pipe."""

import contextlib
import json
import random
import sys
from collections import deque
from functools import partial
from typing import Annotated

import typer

from nlpkit.cli import options
from nlpkit.cli.command import with_examples
from nlpkit.cli.prediction_lines import one_line
from nlpkit.cli.show import note
from nlpkit.cli.start import load_model
from nlpkit.cli.texts import check_encoding
from nlpkit.errors import InputError

EXAMPLES = (
    "nlpkit chat saved_models/bot",
    "nlpkit chat saved_models/bot --temperature 0.8 --top-p 0.9 --seed 1",
    "printf 'hello\\nwho are you?\\n' | nlpkit chat saved_models/bot --json",
)
PROMPT, RESET, QUIT = "> ", "/reset", "/quit"
# Without them the likeliest token is taken at each place, so that a seed would decide nothing.
DRAWING = ("temperature", "top_k", "top_p")

_drawing = partial(typer.Option, rich_help_panel="Drawing: each token by chance", show_default=False)
Temperature = Annotated[
    float | None,
    _drawing("--temperature", help="1 draws as the model says, below it the likely becomes likelier."),
]
TopK = Annotated[int | None, _drawing("--top-k", min=0, help="Draw from the k most likely tokens; 0 is all.")]
TopP = Annotated[
    float | None,
    _drawing("--top-p", help="Draw from the most likely tokens that together have this probability."),
]
Seed = Annotated[
    int | None, _drawing("--seed", min=0, help="The same seed gives the same answers to the same lines.")
]
MaxNewTokens = Annotated[
    int | None,
    typer.Option(
        "--max-new-tokens",
        min=1,
        help="Tokens of an answer, at most.",
        show_default="enough for those in training",
    ),
]
AsJsonLines = Annotated[
    bool, typer.Option("--json", help="Write JSON Lines: message, answer.", rich_help_panel="Output")
]


def register(app):
    """Adds `chat` to the command line."""
    app.command(cls=with_examples(*EXAMPLES))(chat)


def chat(
    model: options.ModelFolder,
    max_new_tokens: MaxNewTokens = None,
    temperature: Temperature = None,
    top_k: TopK = None,
    top_p: TopP = None,
    seed: Seed = None,
    as_json: AsJsonLines = False,
):
    """Talk with a saved chatbot.

    Each line is a message, and gets an answer in a line; blank lines get none. /reset begins a new conversation, /quit,
    Ctrl-D or Ctrl-C ends it.

    Without an option of drawing the likeliest token is taken at each place, and the same conversation gets the same
    answers.
    """
    settings = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "max_new_tokens": max_new_tokens}
    settings = {name: value for name, value in settings.items() if value is not None}
    if seed is not None and not set(DRAWING) & set(settings):
        raise InputError(
            f"--seed is of answers that are drawn. Received: --seed {seed} without --temperature, --top-k and --top-p. "
            "Add --temperature 1, or leave it out."
        )
    bot = load_model(model, "chatbot")
    # Settings that cannot be used are told before the first message, which then need not wait for the graphs either.
    bot.reply("", **{**settings, "max_new_tokens": 1})
    talk = partial(_talk, bot, settings, random.Random(seed))
    if not (_is_terminal(sys.stdin) and _is_terminal(sys.stdout)):
        talk(_piped(), _write_json if as_json else _write_line)
        return
    note(f"{RESET} begins a new conversation, {QUIT} ends it.")
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        talk(_typed(), _write_json if as_json else _write_pieces)
        return
    typer.echo()  # the shell's prompt begins a line of its own


def _talk(bot, settings, chance, lines, write):
    """Answers lines until there are no more, each as a part of the conversation so far."""
    history = deque(maxlen=bot.turns)
    for line in lines:
        message = line.strip()
        if message == QUIT:
            return
        if message == RESET:
            history.clear()
        elif message:
            check_encoding([message], "The message")
            history.append(message)
            pieces = bot.stream(list(history), seed=chance.getrandbits(31), **settings)
            history.append(write(message, pieces))


def _typed():
    """Lines as they are typed, with the keys that edit them where the system has them."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  (input uses it)
    while True:
        yield input(PROMPT)


def _piped():
    # Bytes that are no UTF-8 come through as lone surrogates, for a message of its own.
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", "surrogateescape")


def _write_pieces(message, pieces):
    """Shows an answer while it is written; returns it, as the other two do."""
    shown = []
    try:
        for piece in pieces:
            typer.echo(piece, nl=False)  # which also flushes
            shown.append(piece)
    finally:
        typer.echo()
    return "".join(shown)


def _write_line(message, pieces):
    answer = "".join(pieces)
    typer.echo(one_line(answer))
    return answer


def _write_json(message, pieces):
    answer = "".join(pieces)
    typer.echo(json.dumps({"message": message, "answer": answer}, ensure_ascii=False))
    return answer


def _is_terminal(stream):
    return stream.isatty()
