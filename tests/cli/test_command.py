"""How commands end."""

import pytest
import typer
from typer.testing import CliRunner

from nlpkit.cli.command import Group
from nlpkit.errors import InputError


def invoke(error, args=("doctor",)):
    app = typer.Typer(cls=Group, pretty_exceptions_enable=False)
    app.callback()(lambda: None)

    @app.command("doctor")
    def fail():
        raise error

    return CliRunner().invoke(app, list(args))


@pytest.mark.parametrize(
    ("error", "code", "stderr"),
    [
        (InputError("a.csv, line 3: bad."), 2, "error: a.csv, line 3: bad.\n"),
        (
            OSError(28, "No space left on device", "models/x"),
            2,
            "error: models/x: No space left on device. Check the path, its permissions and the free space.\n",
        ),
        (
            OSError("the file is too large"),
            2,
            "error: the file is too large. Check the path, its permissions and the free space.\n",
        ),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (KeyboardInterrupt("interrupted; go on with --resume"), 130, "interrupted; go on with --resume\n"),
    ],
)
def test_line_and_exit_code(error, code, stderr):
    result = invoke(error)
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", stderr)


def test_other_errors_keep_their_traceback():
    result = invoke(ZeroDivisionError("a bug"))
    assert isinstance(result.exception, ZeroDivisionError)
    assert result.exit_code == 1
