"""`nlpkit quickstart`, which `make quickstart` runs once all is installed: within 3 minutes, at least 85 % right.

Run from the repository root: python benchmarks/quickstart.py
"""

import json
import sys
import tempfile
from pathlib import Path

from common import header, met, print_table, timed, write_result

LIMIT_SECONDS, FLOOR = 180.0, 0.85


def measure():
    """Trains, tests, saves, exports and predicts on the sample reviews, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "quickstart")
        run = timed([sys.executable, "-m", "nlpkit", "quickstart", "--out", out, "--json"])
    test = json.loads(run["output"])["evaluation"]["test"]
    return {"seconds": round(run["seconds"], 1), "peak_mb": run["peak_mb"], "test_accuracy": test["accuracy"]}


def main():
    found = measure()
    found |= {
        "fast_enough": met(found["seconds"], LIMIT_SECONDS, at_least=False),
        "accurate_enough": met(found["test_accuracy"], FLOOR),
    }
    print_table("Quickstart", list(found), [list(found.values())])
    write_result("quickstart", {**header(), **found})


if __name__ == "__main__":
    main()
