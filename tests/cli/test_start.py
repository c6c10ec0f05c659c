"""TensorFlow starts silently, and what a failing start printed is not lost."""

import os

import pytest

from nlpkit.cli.start import quiet_stderr


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
