"""The time of a training that is cut and goes on another day."""

import json
import time
from pathlib import Path


class Clock:
    """How long a training that is cut and goes on has taken so far, in a file beside its checkpoint.

    Args:
        checkpoint: Path of the checkpoint's folder.
    """

    def __init__(self, checkpoint):
        self.folder, self.path = Path(checkpoint), Path(f"{checkpoint}.clock.json")

    def start(self, resume):
        """Notes that a run begins; returns the seconds of those before it, up to their last checkpoint."""
        spent = 0.0
        if resume and self.path.exists():
            known = json.loads(self.path.read_text(encoding="utf-8"))
            written = [path.stat().st_mtime for path in self.folder.rglob("*") if path.is_file()]
            spent = known["spent"] + max(max(written, default=0.0) - known["started"], 0.0)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"spent": spent, "started": time.time()}), encoding="utf-8")
        return spent
