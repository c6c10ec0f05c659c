"""docs/layers.md shows every layer once, with a source that the code has too and pictures that can be drawn again."""

import inspect
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from nlpkit import layers
from nlpkit.layers.recurrent_cells import CELLS

HOME = Path(__file__).parents[1]
PAGE = (HOME / "docs" / "layers.md").read_text(encoding="utf-8")
IMAGES = sorted((HOME / "docs" / "images").glob("layer_*.png"))
LARGEST = 80_000
# How it is called and what it returns is no part of the formula.
NO_FORMULA = {"self", "units", "cell", "return_sequences", "return_state", "use_cudnn", "seed", "kwargs"}


def rows():
    """Cells of the rows of all tables, by the names in the first one."""
    for line in PAGE.splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            yield re.findall(r"`([^`]+)`", cells[0]), cells


NAMES = [name for names, _ in rows() for name in names]


@pytest.mark.parametrize("name", layers.__all__)
def test_layer_is_there_once(name):
    assert NAMES.count(name) == 1


def test_nothing_else_is_called_a_layer():
    options = {*inspect.signature(layers.RecurrentBlock).parameters, *(f'"{cell}"' for cell in CELLS), "cell"}
    assert set(NAMES) <= {*layers.__all__, *options}


def test_every_cell_and_option_of_the_recurrent_block_is_there():
    options = set(inspect.signature(layers.RecurrentBlock.__init__).parameters) - NO_FORMULA
    assert {*options, *(f'"{cell}"' for cell in CELLS)} <= set(NAMES)


def test_every_layer_has_a_line_a_formula_and_a_source():
    for names, cells in rows():
        if set(names) & set(layers.__all__):
            assert len(cells) == 4 and all(cells), names
            assert "](http" in cells[3] or cells[3] == "nlpkit's own", names


def test_sources_are_those_of_the_code():
    code = "\n".join(path.read_text(encoding="utf-8") for path in (HOME / "nlpkit" / "layers").glob("*.py"))
    for name, link in re.findall(r"\[([^]]+)\]\((http[^)]+)\)", PAGE):
        assert f"[{name}]({link})" in code


@pytest.fixture(scope="module")
def pictures():
    """The script that draws them."""
    sys.path.insert(0, str(HOME / "docs"))
    import layer_pictures

    return layer_pictures


def test_pictures_are_small_and_shown(pictures):
    assert {path.stem for path in IMAGES} == {f"layer_{name}" for name in pictures.PICTURES}
    for path in IMAGES:
        assert f"](images/{path.name})" in PAGE
        assert path.stat().st_size < LARGEST


def test_pictures_are_drawn(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["layer_pictures.py", "--quick", "--folder", str(tmp_path)])
    pictures.main()
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in IMAGES]


def test_pictures_show_what_is_dropped(pictures):
    kept = {name.partition(":")[0]: np.asarray(mask) != 0 for name, mask in pictures.dropout_masks()}
    assert all(0.1 < 1 - mask.mean() < 0.7 for mask in kept.values())
    variational, words, types = (kept[f"{kind}Dropout"] for kind in ("Variational", "Word", "Embedding"))
    assert (variational == variational[0]).all()
    assert (words == words[:, :1]).all() and (types == types[:, :1]).all()
    the = [step for step, token in enumerate(pictures.TOKENS) if token == "the"]
    assert len({*words[the, 0]}) == 2 and len({*types[the, 0]}) == 1
