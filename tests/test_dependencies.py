"""What is imported, installed, pinned, documented and looked for by `nlpkit doctor` is the same."""

import ast
import re
import sys
from pathlib import Path

from nlpkit.cli import doctor

HOME = Path(__file__).parents[1]
IMPORTED_AS = {"scikit-learn": "sklearn"}
WITH_TENSORFLOW = {"google"}  # protobuf, of which its files are made


def constants(path):
    """The constants of a file that are written out in it; the file is not run."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                yield node.targets[0].id, ast.literal_eval(node.value)
            except ValueError:  # it is computed
                continue


def names(requirements):
    return [re.match(r"[\w-]+", requirement).group() for requirement in requirements]


def modules(packages):
    return {IMPORTED_AS.get(package, package.replace("-", "_")) for package in packages}


def pinned(name):
    lines = (HOME / "requirements" / name).read_text(encoding="utf-8").splitlines()
    return set(names(line for line in lines if "==" in line))


def documented(title):
    """Rows of the table below a title of docs/dependencies.md."""
    page = (HOME / "docs" / "dependencies.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL).group(1)
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip(" `") for cell in row] for row in rows[2:]]


SETUP = dict(constants(HOME / "setup.py"))
CORE, TOOLS = names(SETUP["CORE"]), names(SETUP["TOOLS"])
EXTRAS = {extra: names(requirements) for extra, requirements in SETUP["EXTRAS"].items()}


def test_the_core_is_what_the_package_imports():
    found = set()
    for path in (HOME / "nlpkit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module.split(".")[0])
    optional = modules(package for packages in EXTRAS.values() for package in packages)
    assert found - set(sys.stdlib_module_names) - {"nlpkit"} - optional - WITH_TENSORFLOW == modules(CORE)


def test_extras_are_those_that_doctor_looks_for():
    looked_for = {extra: set(found) for extra, (found, _) in doctor.EXTRAS.items()}
    assert looked_for == {extra: modules(packages) for extra, packages in EXTRAS.items()}


def test_documented_are_the_core_and_the_extras():
    assert sorted(package for package, _ in documented("Core")) == sorted(CORE)
    found = {}
    for extra, packages, _ in documented("Extras"):
        extra = extra or list(found)[-1]  # the line goes on with the extra above it
        found[extra] = [*found.get(extra, []), *packages.split(", ")]
    assert found == {**EXTRAS, "all": ["the above"], "dev": TOOLS}


def test_what_setup_names_is_pinned_in_ci_and_the_rest_in_constraints():
    assert pinned("ci.txt") == {*CORE, *TOOLS, *(name for packages in EXTRAS.values() for name in packages)}
    assert not pinned("ci.txt") & pinned("constraints.txt")
