"""Texts given as arguments, in files, or piped in."""

import sys
from typing import Annotated

import typer

from nlpkit.cli import options
from nlpkit.cli.command import USAGE_ERROR, Command, with_examples
from nlpkit.errors import InputError

Files = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        help=f"{options.DATA_HELP} '-' is standard input.",
        show_default=False,
        rich_help_panel="Data",
    ),
]


class _TextsCommand(Command):
    # Says how to give a text that looks like an option.
    def parse_args(self, ctx, args):
        try:
            return super().parse_args(ctx, args)
        except USAGE_ERROR as error:
            if type(error).__name__ == "NoSuchOption":
                way = f"{ctx.command_path} MODEL -- '-a text'"
                error.message += f". A text that begins with a dash goes after --: {way}"
            raise


def texts_command(*examples):
    """Makes the class of a command whose arguments are texts; it says how to give one that begins with a dash.

    Args:
        *examples: str. Commands, as `with_examples` takes them.

    Returns:
        Class, for typer's `cls` argument.

    Example:
        >>> from nlpkit.cli.texts import texts_command
        >>> texts_command("nlpkit score saved_models/lm 'a text'").examples
        ("nlpkit score saved_models/lm 'a text'",)
    """
    return with_examples(*examples, base=_TextsCommand)


def reader_of(texts, data, purpose, make_reader):
    """The reader of a command's texts, unless they are arguments.

    Args:
        texts: list of str, or `None`. The arguments.
        data: list of str, or `None`. Files; without these and without texts, standard input is read.
        purpose: str. What is done with the texts, for the message: `"label"`.
        make_reader: callable. From a list of files to a `TableReader`.

    Returns:
        `TableReader`, or `None` for texts from arguments, which are checked.

    Raises:
        InputError: If there are both or neither, or a text is no valid Unicode.
    """
    if texts and data:
        raise InputError(
            f"Give texts or --data, not both. Received: {len(texts)} text(s) and --data {' '.join(data)}."
        )
    if texts:
        return check_encoding(texts)
    if not data and _is_terminal(sys.stdin):
        raise InputError(
            f"There is nothing to {purpose}. Give texts, name a file with --data, or pipe texts in."
        )
    return make_reader(data or ["-"])


def nothing_piped():
    """Whether no text can come from standard input: it is closed, a terminal, or empty.

    Returns:
        bool.
    """
    return sys.stdin is None or _is_terminal(sys.stdin) or not sys.stdin.buffer.peek(1)


def check_encoding(texts, name="Text"):
    """Makes sure that texts from the command line can be written as UTF-8.

    Args:
        texts: list of str.
        name: str. What a text is, for the message. Defaults to `"Text"`.

    Raises:
        InputError: If one cannot.
    """
    from nlpkit.data.row_checks import encoding_problem

    for number, text in enumerate(texts, start=1):
        problem = encoding_problem(text)
        if problem:
            raise InputError(f"{name} {number} {problem}")


def chunks_of(texts, reader, quiet):
    """The texts of a command as lists, with a counter in the terminal while a reader is read.

    Args:
        texts: list of str, for which there is no reader.
        reader: `TableReader` or `None`.
        quiet: bool. Whether to show no counter.

    Yields:
        list of str.
    """
    if reader is None:
        yield texts
        return
    chunks = (chunk.texts for chunk in reader)
    # In a terminal that also shows the results, a moving counter would be in their way.
    if quiet or _is_terminal(sys.stdout) or not _is_terminal(sys.stderr):
        yield from chunks
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,} texts"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=None)
        for chunk in chunks:
            yield chunk
            progress.advance(task, len(chunk))


def _is_terminal(stream):
    return stream.isatty()
