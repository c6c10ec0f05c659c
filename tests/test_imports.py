"""Imports point one way, and the outermost names cost nothing."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nlpkit"
# A part may import itself and what stands in an earlier line; parts of one line do not know each other.
ORDER = [
    ["errors", "_lazy"],
    ["checks"],
    ["spec", "data"],
    ["text", "layers"],
    ["models"],
    ["training"],
    ["generation"],
    ["lite"],
    ["export", "inspection"],
    ["estimators"],
    ["serving"],
    ["cli"],
    ["__main__"],
]
LEVEL = {part: level for level, parts in enumerate(ORDER) for part in parts}
HEAVY = ["tensorflow", "keras", "sklearn", "pandas", "numpy", "scipy", "pyarrow", "matplotlib", "pydantic"]
FILES = sorted(PACKAGE.rglob("*.py"))


def part_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(tree):
    """Parts of nlpkit that a file imports anywhere in it, with the lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            names = [node.module] if node.module != "nlpkit" else [f"nlpkit.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            pieces = name.split(".")
            if pieces[0] == "nlpkit" and len(pieces) > 1:
                yield pieces[1], node.lineno


def wrong_imports(path, tree):
    own = part_of(path)
    for part, line in imported_parts(tree):
        if part not in LEVEL:
            continue  # a public name of the package such as __version__; `test_every_part_has_its_place` sees modules
        if part != own and LEVEL[part] >= LEVEL[own]:
            yield f"{path.name}:{line}: {own} must not import {part}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    if part_of(path) == "__init__":
        return
    assert list(wrong_imports(path, ast.parse(path.read_text(encoding="utf-8")))) == []


def test_a_wrong_import_is_found():
    tree = ast.parse("def f():\n    from nlpkit.estimators.saving import load\n")
    assert list(wrong_imports(PACKAGE / "layers" / "x.py", tree)) == [
        "x.py:2: layers must not import estimators"
    ]


def test_every_part_has_its_place():
    assert {part_of(path) for path in FILES} - {"__init__"} <= set(LEVEL)


@pytest.mark.parametrize(
    "module", ["nlpkit", "nlpkit.cli.app", "nlpkit.estimators", "nlpkit.export", "nlpkit.text"]
)
def test_importing_loads_nothing_heavy(module):
    program = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=PACKAGE.parent)
    assert run.stdout.strip() == "[]", run.stderr


@pytest.mark.parametrize(("own", "found"), [(None, "1"), ("0", "0")])
def test_onednn_kernels_are_on_unless_the_user_decided(own, found):
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": own}
    program = "import nlpkit, os; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    environment = {name: value for name, value in environment.items() if value is not None}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=PACKAGE.parent,
                         env=environment)  # fmt: skip
    assert run.stdout.strip() == found


def test_public_names_exist_and_unknown_ones_say_what_there_is():
    import nlpkit

    for name in nlpkit.__all__:
        assert getattr(nlpkit, name).__doc__
    assert set(dir(nlpkit)) >= set(nlpkit.__all__)
    with pytest.raises(
        AttributeError, match="'nlpkit' has no attribute 'Textclassifier'. It has: .*'TextClassifier'"
    ):
        _ = nlpkit.Textclassifier
