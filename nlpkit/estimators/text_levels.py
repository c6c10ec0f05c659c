"""The text layer of an estimator that writes texts: what a token is, and how little is done to a text before."""

from nlpkit.errors import InputError
from nlpkit.estimators.settings import settings_of
from nlpkit.text import text_to_ids

LEVELS = ("byte", "char", "subword", "word")


def text_layer(level, normalize, options, *, argument="level", group="text", seen=1):
    """A text layer without a vocabulary, whose rows end with the end id.

    Args:
        level: `"byte"`, `"char"`, `"subword"` or `"word"`.
        normalize: bool. Words: split off punctuation; subwords: collapse white space. Without, words are what stands
            between spaces. Characters and bytes stay as they are in any case.
        options: dict. Further settings of `text_to_ids`.
        argument: str. How the estimator calls `level`. Defaults to `"level"`.
        group: str. The group of its `options` that these are from. Defaults to `"text"`.
        seen: int. How often a word may occur that is taken for one that occurs once. Defaults to 1.

    Returns:
        `TextToIds`.

    Raises:
        InputError: If the level is unknown, or an option cannot be used.

    Example:
        >>> from nlpkit.estimators.text_levels import text_layer
        >>> text_layer("byte", True, {})(["a"]).numpy().tolist()
        [[101, 3]]
    """
    if level not in LEVELS:
        flag = "--" + argument.replace("_", "-")
        raise InputError(f"`{argument}` ({flag}) must be one of {', '.join(LEVELS)}. Received: {level!r}")
    level = {"subword": "sentencepiece"}.get(level, level)
    # Characters are all there is at their level: line breaks, case and runs of spaces belong to the text.
    normalize = normalize and level not in ("byte", "char")
    if level == "word" and not normalize:
        level = "space"
    own = {"html": False, "case": None, "collapse_whitespace": normalize, "end": True}
    if level == "word":
        own["min_frequency"] = 1 + seen  # such words teach what to expect where the vocabulary ends
    with settings_of(group, "nlpkit.text.text_to_ids"):
        return text_to_ids(level, **{**own, **options})
