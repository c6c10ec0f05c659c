"""Start-up: `import nlpkit` and `--help` of each command must take less than half a second.

The best of five runs counts. Run from the repository root: python benchmarks/startup.py
"""

import argparse
import sys

from common import apart, header, met, print_table, result_name, timed, write_result

LIMIT = 0.5
RUNS, QUICK_RUNS = 5, 1


def commands():
    """Asks the command line for all its sub-commands, as lists of words."""
    import typer

    from nlpkit.cli.app import app

    def walk(command, words):
        yield words
        for name, child in getattr(command, "commands", {}).items():
            yield from walk(child, [*words, name])

    return {"commands": list(walk(typer.main.get_command(app), []))}


def measure(runs):
    """Best seconds of each, in fresh processes."""
    found = {"import nlpkit": [sys.executable, "-c", "import nlpkit"]}
    for words in apart(commands)["commands"]:
        found[" ".join(["nlpkit", *words, "--help"])] = [sys.executable, "-m", "nlpkit", *words, "--help"]
    python = min(timed([sys.executable, "-c", "pass"])["seconds"] for _ in range(runs))
    best = {name: min(timed(command)["seconds"] for _ in range(runs)) for name, command in found.items()}
    return {name: round(seconds, 3) for name, seconds in {"python alone": python, **best}.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one run of each, to see that it works")
    quick = parser.parse_args().quick
    seconds = measure(QUICK_RUNS if quick else RUNS)
    rows = [
        [name, f"{value:.2f}", LIMIT, met(value, LIMIT, at_least=False)] for name, value in seconds.items()
    ]
    print_table("Start-up", ["", "seconds", "limit", "within"], rows)
    worst = max(seconds.values())
    result = {
        "limit": LIMIT,
        "seconds": seconds,
        "slowest": worst,
        "within": met(worst, LIMIT, at_least=False),
    }
    write_result(result_name("startup", quick), {**header(), **result})


if __name__ == "__main__":
    main()
