"""What a file must be before anything of it runs."""

import numpy as np
import pytest

from nlpkit.errors import InputError
from nlpkit.lite import load
from nlpkit.lite.model_file import ModelFile

MODEL = b"\x1c\0\0\0TFL3" + bytes(range(256)) * 4


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "model.tflite"
    file.write_bytes(ModelFile(MODEL, {"task": "classifier"}, {"labels.txt": b"a\nb\n"}).to_bytes())
    return file


def test_it_comes_back(path):
    file = ModelFile.read(path)
    assert (
        file.model == MODEL and file.files == {"labels.txt": b"a\nb\n"} and file.spec["task"] == "classifier"
    )


def test_it_is_a_file_for_any_reader_of_zips(path):
    import zipfile

    with zipfile.ZipFile(path) as pack:
        assert sorted(pack.namelist()) == ["labels.txt", "nlpkit.json"] and pack.testzip() is None


def test_its_places_count_from_the_beginning_of_the_file(path):
    content = path.read_bytes()
    first = int.from_bytes(content[-6:-2], "little")  # of the directory, as the end of a zip says
    assert content[first : first + 4] == b"PK\1\2"


def test_every_flipped_bit_is_found(path):
    whole = path.read_bytes()
    for place in range(len(MODEL), len(whole)):
        for bit in range(8):
            changed = bytearray(whole)
            changed[place] ^= 1 << bit
            path.write_bytes(changed)
            try:
                file = ModelFile.read(path)
            except InputError:
                continue
            # What has no meaning, such as a date.
            assert file.files == {"labels.txt": b"a\nb\n"} and file.spec["task"] == "classifier"


def test_a_file_that_lost_its_labels(path):
    file = ModelFile.read(path)
    path.write_bytes(ModelFile(MODEL, {**file.spec, "task": "classifier"}, {"other.txt": b"a\n"}).to_bytes())
    with pytest.raises(InputError, match="is damaged: the files behind the model are not those it had. Copy"):
        load(path)


def test_a_spec_that_lacks_something(path):
    with pytest.raises(InputError, match="does not say 'labels' of its model: it was changed, or written by"):
        load(path)


def test_no_file(tmp_path):
    with pytest.raises(
        InputError, match="x.tflite cannot be read: No such file or directory. Make one: nlpkit export"
    ):
        load(tmp_path / "x.tflite")


def test_a_file_of_another_kind(path):
    path.write_bytes(b"PK\3\4 and more")
    with pytest.raises(
        InputError, match="is no TFLite file: it should have 'TFL3' at its fifth byte. Received:"
    ):
        load(path)


def test_a_model_of_another_program(path):
    path.write_bytes(MODEL)
    with pytest.raises(
        InputError, match="does not hold what nlpkit puts behind a TFLite model .* written by another"
    ):
        load(path)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_a_file_that_was_cut_short(path, part):
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(
        InputError, match="it was cut short, damaged, or written by another program. Copy the file"
    ):
        load(path)


def test_a_damaged_file(path):
    """Any byte: an error, and never a crash of the interpreter."""
    content, random = path.read_bytes(), np.random.default_rng(0)
    for place in random.integers(8, len(content), 200):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            assert ModelFile.read(path) == ModelFile.read(path)
        except InputError:
            continue
        # What was changed is of no account: a date or an attribute of an entry.
        assert ModelFile.read(path).model == MODEL


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"format_version": 9},
            r"must have format_version 1 in its nlpkit.json. Received: 9. Use the nlpkit version",
        ),
        ({"checksum": 3}, r"is damaged: its model does not have the checksum it had. Copy the file again"),
        (
            {"task": "poet"},
            r"must be of a task among \['captioner', .*Received: 'poet'. Use the nlpkit version",
        ),
    ],
)
def test_what_the_file_says_of_itself(path, spec, message):
    path.write_bytes(ModelFile(MODEL, {"task": "classifier", **spec}).to_bytes())
    with pytest.raises(InputError, match=message):
        load(path)
