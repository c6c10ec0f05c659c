"""The command line as a whole: help, examples, nothing heavy before a command runs."""

import re
import shlex
import subprocess
import sys

import pytest
import typer

from nlpkit.cli.app import app

# Help may load pydantic: typer from 0.29 on checks its own options with it.
HEAVY = ("tensorflow", "keras", "sklearn", "pandas", "numpy", "matplotlib", "pyarrow")


def commands(command=None, path=()):
    command = command or typer.main.get_command(app)
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


PATHS = [path for path, _ in commands()]
EXAMPLES = [line for _, command in commands() for line in command.examples]


def test_importing_and_help_load_nothing_heavy():
    code = (
        "import sys\nfrom nlpkit.cli.app import app\nif 'pydantic' in sys.modules: sys.exit('pydantic')\n"
        "try: app(['train', 'classifier', '--help'])\nexcept SystemExit: pass\n"
        f"found = [name for name in {HEAVY} if name in sys.modules]\nsys.exit(str(found) if found else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_python_m_nlpkit_shows_the_version():
    result = subprocess.run([sys.executable, "-m", "nlpkit", "--version"], capture_output=True, text=True)
    assert re.fullmatch(r"nlpkit \d+\.\d+\.\d+\n", result.stdout)


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_help_ends_with_examples_line_by_line(run, path):
    result = run(*path, "--help")
    assert result.exit_code == 0
    shown = [line.strip() for line in result.stdout.split("Examples")[1].splitlines()]
    command = dict(commands())[path]
    assert [line for line in shown if line] == [
        part.strip() for line in command.examples for part in line.split("\n")
    ]


@pytest.mark.parametrize("example", sorted(set(EXAMPLES)))
def test_examples_parse(example):
    words = shlex.split(example.replace("\\\n", " "))
    start = words.index("nlpkit") + 1
    end = next((i for i, word in enumerate(words) if i > start and word in ("|", ">")), len(words))
    root, ran = typer.main.get_command(app), []
    for _, command in commands(root):
        if not hasattr(command, "commands"):
            command.callback = lambda **values: ran.append(values)
    root.main(words[start:end], standalone_mode=False)
    assert len(ran) == 1


def test_commands_are_listed_in_the_order_of_use(run):
    names = re.findall(r"^│ (\w+) ", run("--help").stdout.split("Commands")[1], re.MULTILINE)
    order = "quickstart train evaluate predict translate chat generate score export doctor"
    assert names == order.split()


@pytest.mark.parametrize("command", ["generate", "score"])
def test_of_several_options_the_likeliest_comes_first(run, command):
    typo = {"generate": "--penalty", "score": "--whol-fil"}[command]
    told = " ".join(run(command, "folder", typo).stderr.replace("│", " ").split())
    found = {
        "generate": "--length-penalty, --presence-penalty, --frequency-penalty",
        "score": "--whole-files, --no-whole-files",
    }
    assert f"No such option: {typo} (Possible options: {found[command]}). A text that begins with" in told


@pytest.mark.parametrize("args", [["evaluat"], ["predict"], ["doctor", "--no"], ["train", "tagger"]])
def test_misspelled_commands_and_options_exit_with_code_2(run, args):
    result = run(*args)
    assert result.exit_code == 2
    assert "Usage: " in result.stderr
