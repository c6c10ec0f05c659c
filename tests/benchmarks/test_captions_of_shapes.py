"""Captions are judged by what they say; a page of pictures."""

import numpy as np
import pytest
import shape_captions

import nlpkit
from nlpkit.data import shape_captions as shape_captions_data


def test_what_captions_say():
    _, captions, attributes = shape_captions.pictures("held_out", {"test": 4})
    # Any wording of the same is right.
    assert shape_captions.matches([texts[2] for texts in captions], attributes)["exact_match"] == 100
    one = [{"shape": "circle", "colour": "red", "position": "left"}]
    written = ["on the left is a red circle", "a red circle on the right", "a blue square on the left", "a a"]
    found = shape_captions.matches(written, [one] * 4)
    assert found == {"exact_match": 25.0, "shape": 50.0, "colour": 50.0, "position": 50.0}


def test_combinations_are_held_out():
    sizes = {"train": 200, "test": 50}
    seen, held = (
        {(one["shape"], one["colour"]) for row in shape_captions.pictures(part, sizes)[2] for one in row}
        for part in ("train", "held_out")
    )
    assert held and not seen & held
    images = [shape_captions.pictures(part, sizes)[0] for part in ("train", "seen")]
    assert not any((image == images[0]).all(axis=(1, 2, 3)).any() for image in images[1])


def test_a_page(tmp_path):
    images = np.zeros((12, 24, 24, 3), "uint8")
    written = ["a red circle at the top and a blue cross on the left"] * 12
    right = [shape_captions_data.attributes_of(text) for text in written]
    pages = [tmp_path / "right.png", tmp_path / "wrong.png"]
    for page, attributes in zip(pages, (right, [[]] * 12), strict=True):
        shape_captions.draw(images, attributes, written, page)
    both = [page.read_bytes() for page in pages]
    # What is wrong is shown in another colour.
    assert both[0].startswith(b"\x89PNG") and both[0] != both[1]


@pytest.mark.skipif(not hasattr(nlpkit, "ImageCaptioner"), reason="no ImageCaptioner")
def test_what_a_run_writes(quick, capsys):
    result = quick("shape_captions")
    assert result["met"] == ("yes" if result["held_out"]["exact_match"] >= 95 else "no")
    assert len(result["held_out"]["written"]) == 12 and result["epochs"] == 1
    assert "combinations held out: at least 95 % right" in capsys.readouterr().out
