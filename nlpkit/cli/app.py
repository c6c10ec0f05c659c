"""The command `nlpkit`: its sub-commands, and the options before them."""

from typing import Annotated

import typer

from nlpkit.cli import chat, doctor, evaluate, export, generate, predict, quickstart, score, train, translate
from nlpkit.cli.command import Group, with_examples

app = typer.Typer(
    name="nlpkit",
    cls=with_examples(
        "nlpkit quickstart",
        "nlpkit train classifier --data reviews.csv --out saved_models/reviews",
        "nlpkit predict saved_models/reviews 'What a lovely place.'",
        "nlpkit translate saved_models/mt 'Ein Mann schläft.' --beam 5",
        "nlpkit chat saved_models/bot",
        "nlpkit generate saved_models/lm 'The company said' --temperature 0.8",
        base=Group,
    ),
    help="From a file of texts to a deployed model: train, evaluate, predict, translate, generate, export.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
for module in (quickstart, train, evaluate, predict, translate, chat, generate, score, export, doctor):
    module.register(app)


def _show_version(wanted: bool):
    if wanted:
        from nlpkit import __version__

        typer.echo(f"nlpkit {__version__}")
        raise typer.Exit()


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
):
    """Options before any command."""


def main():
    """Runs the command line with the arguments of this process."""
    app(prog_name="nlpkit")
