"""What TensorFlow's text operations say of every character, as tables.

Python's `unicodedata`, `str.lower` and `re` follow another version of Unicode than TensorFlow, and not the same one in
every Python. Nothing here asks them: the tables hold TensorFlow's own answers for all code points, so that a text gives
the same ids in every version of Python. `tests/lite/make_unicode_tables.py` writes them.
"""

import functools
import json
import os
import re
import zlib

TABLES_FILE = os.path.join(os.path.dirname(__file__), "unicode_tables.json.gz")
GZIP = 31  # tells zlib that the data has gzip's header

# For use inside a character class: the spaces of ASCII, and those that Unicode adds to them.
ASCII_SPACES = r"\t-\r "
WIDE_SPACES = "\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


@functools.cache
def read_tables():
    """Reads the tables, once.

    Returns:
        dict from the name of a table to a dict of characters, a list, or a str of the ends of ranges.
    """
    with open(TABLES_FILE, "rb") as file:
        return json.loads(zlib.decompress(file.read(), GZIP))


@functools.cache
def character_class(name):
    """The inside of a regular expression's character class.

    Args:
        name: str. A table of ranges: `"accents"`, `"alone"`, `"asian"`, `"cased"`, `"combining"`, `"ignorable"`,
            `"punctuation"` or `"vanishing"`.

    Returns:
        str.

    Example:
        >>> import re
        >>> from nlpkit.lite.text.unicode_tables import character_class
        >>> re.findall(f"[{character_class('asian')}]", "film 电影")
        ['电', '影']
    """
    ends = iter(read_tables()[name])
    return "".join(f"{re.escape(first)}-{re.escape(last)}" for first, last in zip(ends, ends, strict=True))


@functools.cache
def translation(*names):
    """A table for `str.translate`.

    Args:
        *names: str. Tables of characters and what becomes of them; a later one goes before an earlier one.

    Returns:
        dict from code point to str.

    Example:
        >>> from nlpkit.lite.text.unicode_tables import translation
        >>> "É".translate(translation("lower"))
        'é'
    """
    table = {chr(code): chr(code) for code in range(128)}  # faster than characters that are missing
    for name in names:
        table.update(read_tables()[name])
    return str.maketrans(table)
