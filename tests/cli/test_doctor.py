"""`nlpkit doctor`."""

import json
import sys

import pytest

from nlpkit.cli import doctor


def test_json(run):
    found = json.loads(run("doctor", "--json").stdout)
    assert {"python", "nlpkit", "tensorflow", "keras", "tensorflow-text"} <= set(found["versions"])
    assert found["kernel"] in ("cuDNN", "nlpkit's loops")
    assert any(device.startswith("CPU") for device in found["devices"])


def test_missing_extras_come_with_the_command_that_installs_them(run, monkeypatch):
    monkeypatch.setattr(doctor, "EXTRAS", {"parquet": (("no_such_module",), "reading .parquet files")})
    result = run("doctor")
    assert (
        "missing          parquet, for reading .parquet files: pip install 'nlpkit[parquet]'" in result.stdout
    )
    monkeypatch.setattr(doctor, "EXTRAS", {"parquet": (("json",), "reading .parquet files")})
    assert "all installed" in run("doctor").stdout


def test_missing_packages_are_told_and_no_crash(run, monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("no-such-package",))
    assert "no-such-package  not installed" in run("doctor").stdout
    monkeypatch.setattr(doctor.util, "find_spec", lambda name: None)
    assert doctor.devices()["reason"] == "TensorFlow is not installed; pip install nlpkit"


@pytest.mark.skipif(sys.platform == "darwin", reason="TensorFlow has no oneDNN kernels there")
@pytest.mark.parametrize(("value", "words"), [("1", "oneDNN"), ("0", "plain")])
def test_says_whether_onednn_kernels_run(run, monkeypatch, value, words):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", value)
    assert f"CPU kernels      {words}" in run("doctor").stdout
    assert json.loads(run("doctor", "--json").stdout)["onednn"] is (value == "1")
