"""Docstrings say what signatures say, and their examples run."""

import ast
import contextlib
import doctest
import importlib
import io
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nlpkit"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__main__.py")
FUNCTION = ast.FunctionDef
# Keras, typer and Python call these; what they mean is written down there.
INHERITED = re.compile(
    r"call|build|get_config|from_config|variable_dtype|compute_\w+|on_\w+|set_state|set_vocabulary|"
    r"save_assets|load_assets|format_help|invoke|list_commands|parse_args"
)
# A helper inside the package with so few arguments may name them in its one line.
FEW = 2


@dataclass
class Item:
    """A public function, class or method and where it is defined."""

    path: Path
    name: str
    node: ast.AST
    is_method: bool = False

    def __post_init__(self):
        self.text = ast.get_docstring(self.node) or ""
        self.is_class = isinstance(self.node, ast.ClassDef)
        self.is_api = self.is_method or self.name in API
        self.is_command = not self.is_class and any(a.annotation for a in self.node.args.args)

    def __str__(self):
        return f"{self.path.relative_to(PACKAGE).with_suffix('')}:{self.name}"


def lazy_names():
    """The names that packages offer: the keys of the dicts in their `__init__` files."""
    for path in PACKAGE.rglob("__init__.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                yield from (key.value for key in node.keys)


def items_of(path):
    """Public definitions at the top of a file, and the public methods of its public classes."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, FUNCTION | ast.ClassDef) or node.name.startswith("_"):
            continue
        yield Item(path, node.name, node)
        for child in node.body if isinstance(node, ast.ClassDef) else []:
            if isinstance(child, FUNCTION) and not child.name.startswith("_"):
                if not INHERITED.fullmatch(child.name):
                    yield Item(path, f"{node.name}.{child.name}", child, is_method=True)


API = set(lazy_names())
ITEMS = [item for path in FILES for item in items_of(path)]


def section(text, title):
    """The indented lines below a title, or an empty string."""
    match = re.search(rf"^{title}:(.*(?:\n(?:[ \t].*|$))*)", text, re.MULTILINE)
    return textwrap.dedent(match.group(1).lstrip("\n")) if match else ""


def documented_arguments(text):
    """Names in the section of the arguments."""
    found = (re.match(r"\*{0,2}(\w+(?:, \w+)*):", line) for line in section(text, "Args").splitlines())
    return [name for match in found if match for name in match.group(1).split(", ")]


def parameters(function):
    """Names of the parameters, and of those that collect further ones."""
    arguments = function.args
    names = [a.arg for a in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]]
    more = {a.arg for a in (arguments.vararg, arguments.kwarg) if a}
    return [name for name in names if name not in ("self", "cls")], more


def expected_arguments(item):
    """Names to document and names that may be; a class stands for its constructor or its fields."""
    if not item.is_class:
        return parameters(item.node)
    body = item.node.body
    init = next((n for n in body if isinstance(n, FUNCTION) and n.name == "__init__"), None)
    if init is not None:
        names, more = parameters(init)
        return [name for name in names if name != "name"], more | {"name"}
    head = [*item.node.decorator_list, *item.node.bases]
    if not any(word in ast.unparse(part) for part in head for word in ("dataclass", "_Settings")):
        return documented_arguments(item.text), set()  # it has its parent's constructor
    return [n.target.id for n in body if isinstance(n, ast.AnnAssign)], set()


def returns_a_value(function):
    """Whether a function itself returns or yields something; functions inside it are left out."""
    todo = list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, FUNCTION | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
            return True
        todo.extend(ast.iter_child_nodes(node))
    return False


def is_brief(item):
    """A helper, or a method, whose one line says all, or that refers to where its arguments are described."""
    if not item.is_api and re.search(r"\b[Aa]s in `|; see `", item.text):
        return True
    names, _ = expected_arguments(item)
    few = len(names) <= (1 if item.is_method else FEW)
    return (item.is_method or not item.is_api) and few and not section(item.text, "Args")


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_there_is_a_summary_line(item):
    assert item.text, "no docstring"
    first, *rest = item.text.splitlines()
    assert first.endswith((".", ":")), f"the summary is not one line: {first!r}"
    assert not rest or rest[0] == "", "the line after the summary is not empty"
    assert "{{" not in item.text


@pytest.mark.parametrize("item", [i for i in ITEMS if not i.is_command and not is_brief(i)], ids=str)
def test_arguments_are_those_of_the_signature(item):
    names, optional = expected_arguments(item)
    assert [name for name in documented_arguments(item.text) if name not in optional] == names


@pytest.mark.parametrize(
    "item", [i for i in ITEMS if not (i.is_class or i.is_command or is_brief(i))], ids=str
)
def test_functions_say_what_they_return(item):
    if returns_a_value(item.node):
        assert section(item.text, "Returns") or section(item.text, "Yields"), "no section `Returns`"


@pytest.mark.parametrize("item", [i for i in ITEMS if i.is_api and not i.is_method], ids=str)
def test_public_names_have_an_example(item):
    assert re.search(r"^(>>> |```python)", section(item.text, "Example"), re.MULTILINE), "no `Example`"


def python_blocks(text):
    """Blocks between ```python and ```, at any indentation."""
    for indent, block in re.findall(r"^( *)```python\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL):
        yield textwrap.dedent(re.sub(rf"^{indent}", "", block, flags=re.MULTILINE))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_examples_run(path, tmp_path, monkeypatch, unverified):
    monkeypatch.chdir(tmp_path)
    parser, runner, report = doctest.DocTestParser(), doctest.DocTestRunner(), io.StringIO()
    items = [item for item in ITEMS if item.path == path and ("python\n" in item.text or ">>>" in item.text)]
    for item in items:
        module = ".".join(["nlpkit", *path.relative_to(PACKAGE).with_suffix("").parts])
        importlib.import_module(module.removesuffix(".__init__"))  # registers layers, as a user's import does
        test = parser.get_doctest(item.text, {}, str(item), str(path), item.node.lineno)
        runner.run(test, out=report.write)
        for block in python_blocks(item.text):
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block, str(item), "exec"), {"__name__": "example"})
    assert runner.failures == 0, report.getvalue()


def test_a_wrong_docstring_is_found():
    source = 'def f(a, b, c):\n    """Adds.\n\n    Args:\n        a: int.\n        x: int.\n    """\n    return a\n'
    item = Item(PACKAGE / "x.py", "f", ast.parse(source).body[0])
    with pytest.raises(AssertionError):
        test_arguments_are_those_of_the_signature(item)
    with pytest.raises(AssertionError, match="no section `Returns`"):
        test_functions_say_what_they_return(item)
