import subprocess
import sys

HEAVY = ["tensorflow", "keras", "pandas", "pyarrow", "sklearn"]


def test_reading_imports_nothing_heavy():
    program = (
        "import sys, nlpkit.data.readers, nlpkit.data.id_rows, nlpkit.data.samples, nlpkit.data.batching;"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_public_names_are_lazy_and_complete():
    import nlpkit.data

    for name in nlpkit.data.__all__:
        assert getattr(nlpkit.data, name).__doc__
