"""Files of which each is one text: a book, a play, a program."""

from nlpkit.data.readers import TableReader
from nlpkit.data.sources import open_text


class WholeFileReader(TableReader):
    """Reads each file as one text, with its line breaks (as `\\n`), whatever the name of the file.

    It can be used wherever a `TableReader` can; its texts have no labels. A text is in memory as a whole.

    Args:
        files: str, path, or list of them. Paths and globs, also of files compressed with gzip; `"-"` is standard
            input.
        on_bad_row: str. `"error"`, or `"skip"` to go on without files that are not valid UTF-8. Defaults to `"error"`.

    Raises:
        InputError: If a file cannot be used, and while iterating: naming file and rule.

    Example:
        >>> import pathlib, tempfile
        >>> from nlpkit.data.whole_files import WholeFileReader
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "play.txt"
        >>> _ = path.write_text("First Citizen:\\nSpeak, speak.\\n")
        >>> [chunk.texts for chunk in WholeFileReader(path)]
        [['First Citizen:\\nSpeak, speak.\\n']]
    """

    def __init__(self, files, *, on_bad_row="error"):
        super().__init__(files, label=False, format="txt", on_bad_row=on_bad_row)

    def _blocks(self, bad_rows):
        for source in self._sources:
            with open_text(source, self._path(source), None) as stream:
                text = stream.read()
            yield source, [1], [text], None
