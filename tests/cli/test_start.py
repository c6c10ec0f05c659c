"""TensorFlow starts silently, and what a failing start printed is not lost."""

import os
from types import SimpleNamespace

import pytest

from nlpkit.cli.export import _export
from nlpkit.cli.start import quiet_stderr, quiet_unless_asked
from nlpkit.errors import InputError


def test_messages_are_kept_from_the_user(capfd):
    with quiet_stderr():
        os.write(2, b"noise\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_messages_of_a_failing_block_are_shown(capfd):
    with pytest.raises(ImportError, match="broken"):
        with quiet_stderr():
            os.write(2, b"why it is broken\n")
            raise ImportError("broken")
    assert capfd.readouterr().err == "why it is broken\n"


@pytest.mark.parametrize(("level", "shown"), [(None, ""), ("3", ""), ("2", "noise\n"), ("0", "noise\n")])
def test_who_asks_for_messages_gets_them(capfd, monkeypatch, level, shown):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    if level is not None:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)
    with quiet_unless_asked():
        os.write(2, b"noise\n")
    assert capfd.readouterr().err == shown


def test_an_export_is_silent_and_its_errors_are_told(capfd, monkeypatch, tmp_path):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")

    def export(folder, to, error=None):
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        if error:
            raise error
        return [str(folder), *to]

    estimator = SimpleNamespace(export=export)
    assert _export(estimator, tmp_path, ["tflite"], {}) == [str(tmp_path), "tflite"]
    assert capfd.readouterr().err == ""
    with pytest.raises(InputError, match="why"):
        _export(estimator, tmp_path, ["tflite"], {"error": InputError("why")})
    assert "INFO" in capfd.readouterr().err
