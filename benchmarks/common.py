"""What the benchmarks share: measurements in processes of their own, one after another, tables, result files.

Run as a script it is such a process: it calls one function of a benchmark and prints its result as JSON.
"""

import datetime
import importlib
import inspect
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks"
RESULTS = FOLDER / "results"
# ru_maxrss counts KiB on Linux and bytes on macOS.
RSS_PER_MB = 2**20 if sys.platform == "darwin" else 2**10


def peak_mb():
    """Largest memory that this process has had, in MiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / RSS_PER_MB)


def apart(function, **arguments):
    """Calls a function of a benchmark in a fresh process.

    Args:
        function: A function on the top level of a script of this folder, returning a dict.
        arguments: Its arguments; JSON values.

    Returns:
        What it returned, with `peak_mb` added unless the function gave its own.
    """
    module = Path(inspect.getsourcefile(function)).stem
    command = [sys.executable, str(FOLDER / "common.py"), module, function.__name__, json.dumps(arguments)]
    return json.loads(timed(command)["output"].splitlines()[-1])


def run_plain(**options):
    """Runs plain_keras.py with options such as `data="sst2"` and returns what it writes."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "result.json"
        command = [sys.executable, str(FOLDER / "plain_keras.py"), "--output", str(output)]
        for name, value in options.items():
            if value is not None and value is not False:
                command += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        timed(command)
        return json.loads(output.read_text())


def timed(command, discard_output=False):
    """Runs a command to its end and measures it.

    Args:
        command: list of str.
        discard_output: bool. Sends its output to the null device. Defaults to `False`.

    Returns:
        dict with `seconds`, `peak_mb` and `output`.

    Raises:
        SystemExit: If the command fails; with the end of its error output.
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        target = subprocess.DEVNULL if discard_output else output
        start = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=target, stderr=errors)
        try:
            # wait4 is the one call that tells the memory of this child alone. A child counts the memory of
            # the process that started it until its program begins, so that the benchmarks stay small.
            _, status, usage = os.wait4(process.pid, 0)
        except KeyboardInterrupt:
            process.kill()
            raise
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            shown = " ".join(Path(part).name if part.startswith("/") else part for part in command)
            raise SystemExit(f"failed ({process.returncode}): {shown}\n{errors.read()[-4000:]}")
        return {
            "seconds": seconds,
            "peak_mb": round(usage.ru_maxrss / RSS_PER_MB),
            "output": output.read(),
        }


def machine():
    """Where a result was measured, without names."""
    return {
        "cpus": usable_cpus(),
        "architecture": platform.machine(),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{name: version(name) for name in ("tensorflow", "keras", "scikit-learn")},
    }


def usable_cpus():
    """Number of processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def header():
    """Date, command and machine: the first entries of each result."""
    command = " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    return {"date": datetime.date.today().isoformat(), "command": command, "machine": machine()}


def result_name(name, quick):
    """Name of a result; quick runs are kept beside the real ones, and out of git."""
    return f"{name}_quick" if quick else name


def read_result(name):
    """Reads a result of an earlier run; an empty dict where there is none."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_result(name, result):
    """Writes benchmarks/results/<name>.json."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")


def print_table(title, columns, rows):
    """Prints a table; the first column is the name of the row, the others are figures."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def met(value, limit, at_least=True):
    """`"yes"` or `"no"`: whether a goal was met."""
    return "yes" if (value >= limit if at_least else value <= limit) else "no"


def _main(module, function, arguments):
    result = getattr(importlib.import_module(module), function)(**json.loads(arguments))
    print(json.dumps({"peak_mb": peak_mb(), **result}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
