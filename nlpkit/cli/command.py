"""How commands look and end: examples below the help, one line and an exit code for what users can mend."""

import os
import sys

import typer
from typer.core import TyperCommand, TyperGroup

from nlpkit.errors import InputError, VerificationError

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130
USAGE_ERROR = typer.BadParameter.__base__  # click's; which click that is depends on the version of typer
ORDER = (
    "quickstart", "train", "evaluate", "predict", "translate", "chat", "generate", "score", "export", "doctor",
)  # fmt: skip


class Group(TyperGroup):
    """The outermost command: turns bad input, Ctrl-C and a closed pipe into a line and an exit code.

    Bad input, and a file or folder that cannot be read or written, end with code 2, Ctrl-C with 130; a reader
    that closes the pipe early (`| head`) is no error.
    """

    def list_commands(self, ctx):
        return sorted(super().list_commands(ctx), key=ORDER.index)

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except InputError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(BAD_INPUT) from error
        except VerificationError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(FAILED) from error
        except KeyboardInterrupt as interrupt:
            typer.echo(str(interrupt) or "interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from interrupt
        except BrokenPipeError as closed:
            # What is still buffered must go somewhere, or Python complains about the pipe when it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit() from closed
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            typer.echo(
                f"error: {where}{error.strerror or error}. Check the path, its permissions and the free space.",
                err=True,
            )
            raise typer.Exit(BAD_INPUT) from error


class Command(TyperCommand):
    """A command that names the likeliest first of the options that one it does not have may have meant."""

    def parse_args(self, ctx, args):
        try:
            return super().parse_args(ctx, args)
        except USAGE_ERROR as error:
            if getattr(error, "possibilities", None):  # as they were found; typer would sort them by name
                error.message += f" (Possible options: {', '.join(error.possibilities)})"
                error.possibilities = None
            raise


def with_examples(*lines, base=Command):
    """Makes a command class whose help ends with examples, each on a line of its own.

    Args:
        *lines: str. Commands as typed into a shell; a long one goes on after a backslash and a line break.
        base: type. The class to extend. Defaults to a plain command.

    Returns:
        Subclass of `base`, for typer's `cls` argument.

    Example:
        >>> from nlpkit.cli.command import with_examples
        >>> with_examples("nlpkit doctor", "nlpkit doctor --json").examples
        ('nlpkit doctor', 'nlpkit doctor --json')
    """

    class CommandWithExamples(base):
        examples = lines

        def format_help(self, ctx, formatter):
            # Not typer's epilog: its versions join or part the lines differently.
            super().format_help(ctx, formatter)
            indented = "\n".join(f"   {part}" for line in lines for part in line.split("\n"))
            formatter.write(f" {typer.style('Examples', bold=True)}\n{indented}\n")

    return CommandWithExamples
