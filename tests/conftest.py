"""Quiet TensorFlow, `tests/` importable as the home of `checks`, and what tests of many small graphs would wait for."""

import gc
import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parent))

# Graphs are many objects, nearly all of which stay: looking for garbage after every 700 new ones finds little.
gc.set_threshold(20_000, 10, 10)


@pytest.fixture(scope="module", autouse=True)
def garbage_is_looked_for_in_what_a_module_makes():
    """What stays of TensorFlow and of the modules before is not looked through again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def unverified(monkeypatch):
    """SavedModels are not compared with their models: its process takes seconds, and tests/export runs it."""
    for kind in ("saved_model", "generator", "text_to_text"):
        monkeypatch.setattr(f"nlpkit.export.{kind}.verify_{kind}", lambda *arguments: 0.0)
