"""Dialogues from text files: a turn a line, a blank line between two dialogues."""

from nlpkit.data.readers import TableReader
from nlpkit.data.sources import resolve_sources
from nlpkit.errors import InputError


def holds_dialogues(files, *, source, target, columns, format):
    """Whether files hold turns, and not a table of histories and answers.

    Args:
        files: list of str. Files, globs or `"-"`, which holds turns unless something says otherwise.
        source, target, columns, format: As in `nlpkit.cli.pairs.pair_reader`; `None` where not given.

    Returns:
        bool. Where there are tables beside text files, they decide.

    Raises:
        InputError: If a file is missing or of no known format.

    Example:
        >>> from nlpkit.cli.dialogues import holds_dialogues
        >>> holds_dialogues(["-"], source=None, target=None, columns=None, format=None)
        True
    """
    if source or target or columns:
        return False
    return {found.format for found in resolve_sources(files, format)} == {"txt"}


def read_dialogues(files, option, on_bad_row="error"):
    """Reads dialogues into memory.

    Args:
        files: list of str. Text files, globs or `"-"`. The end of a file ends a dialogue too.
        option: str. The option that named them, for the message.
        on_bad_row: str. `"error"`, or `"skip"` to go on without lines that cannot be used. Defaults to `"error"`.

    Returns:
        Tuple of a list of dialogues, each a list of str without white space at both ends, and the `TableReader`, which
        knows what was skipped.

    Raises:
        InputError: If a line cannot be used, or nothing is an answer.

    Example:
        ```python
        import pathlib, tempfile
        from nlpkit.cli.dialogues import read_dialogues

        path = pathlib.Path(tempfile.mkdtemp()) / "dialogues.txt"
        path.write_text("hello\\nhi\\nwho are you?\\n\\ngood morning\\nhello\\n")
        print(read_dialogues([path], "--data")[0])  # [['hello', 'hi', 'who are you?'], ['good morning', 'hello']]
        ```
    """
    reader = TableReader(files, label=False, on_bad_row=on_bad_row, format="txt")
    dialogues, place = [[]], None
    for chunk in reader:
        if chunk.source != place:
            place = chunk.source
            dialogues.append([])
        for line in map(str.strip, chunk.texts):
            if line:
                dialogues[-1].append(line)
            else:
                dialogues.append([])
    dialogues = [turns for turns in dialogues if turns]
    if all(len(turns) < 2 for turns in dialogues):
        raise InputError(
            f"{option} must hold dialogues: a turn a line, each the answer to the one before, and a blank line between "
            f"two dialogues. Received: {len(dialogues)} turns that nothing answers, in {', '.join(reader.files)}."
        )
    return dialogues, reader
