"""A picture of attention from a saved model."""

import sys

import alignment_picture
import matplotlib.image

from nlpkit import TextToText


def test_a_saved_model_is_drawn(tmp_path, monkeypatch, capsys):
    model = TextToText(level="word", units=8, epochs=1, random_state=0)
    model.fit(["ein Hund", "eine Frau"] * 8, ["a dog", "a woman"] * 8).save(tmp_path / "model")
    path = tmp_path / "picture.png"
    arguments = [str(tmp_path / "model"), "ein Hund", "eine Frau singt $", "--out", str(path), "--beam", "2"]
    monkeypatch.setattr(sys, "argv", ["alignment_picture.py", *arguments])
    alignment_picture.main()
    assert capsys.readouterr().out == f"{path}\n"
    # Two panels of three and five tokens, wider than high, and not of one colour.
    image = matplotlib.image.imread(path)
    assert image.shape[1] > image.shape[0] and image.std() > 0.05


def test_tokens_are_shown_as_they_are():
    assert [alignment_picture._shown(token) for token in ("</s>", "▁the", "$5")] == ["■", "_the", r"\$5"]
