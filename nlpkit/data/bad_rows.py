"""What happens to a row that cannot be used: stop with its message, or count it and go on."""

from nlpkit.errors import InputError

KEPT_MESSAGES = 5
SKIP_HINT = "Mend the row, or go on without such rows (--on-bad-row skip)."


class BadRows:
    """Stops at the first bad row, or counts bad rows and keeps the first five messages.

    Args:
        policy: str. `"error"` or `"skip"`.

    Raises:
        InputError: If `policy` is unknown.

    Example:
        >>> from nlpkit.data.bad_rows import BadRows
        >>> bad_rows = BadRows("skip")
        >>> bad_rows.report("reviews.csv, line 3", "the text is empty.")
        >>> bad_rows.skipped, bad_rows.first_messages
        (1, ['reviews.csv, line 3: the text is empty.'])
    """

    def __init__(self, policy):
        if policy not in ("error", "skip"):
            raise InputError(f"`on_bad_row` must be 'error' or 'skip'. Received: on_bad_row={policy!r}")
        self.policy = policy
        self.skipped = 0
        self.first_messages = []

    def report(self, where, problem):
        """Takes note of one bad row.

        Args:
            where: str. File and line.
            problem: str. The rule that the row breaks, what was received, and what to do.

        Raises:
            InputError: If bad rows are errors.
        """
        message = f"{where}: {problem}"
        if self.policy == "error":
            raise InputError(f"{message} {SKIP_HINT}")
        self.skipped += 1
        if len(self.first_messages) < KEPT_MESSAGES:
            self.first_messages.append(message)
