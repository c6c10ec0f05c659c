"""What the report of a language model shows beside what all reports show."""

import math

# How a token of a level is called.
TOKEN = {"word": "word", "char": "character", "byte": "byte", "subword": "subword"}
# Texts that a model writes for its report, their tokens at most by level, and the chance that they are drawn by.
EXAMPLES, SEED, TEMPERATURE = 3, 0, 0.8
TOKENS = {"word": 40, "char": 200, "byte": 200, "subword": 40}


def language_view(report):
    """The perplexities of a language model and what follows from them, for the page.

    Args:
        report: dict. The `report_` of a fitted text generator.

    Returns:
        dict: `"token"` is what a token is called, `"vocabulary"` the number of tokens that are told apart, `"parts"`
        each evaluated part with its `"perplexity"`, `"bits_per_token"` and, where its characters were counted,
        `"bits_per_character"`, which `"characters_known"` says of any; `"examples"`, what the model has written, and
        the `"temperature"` of that. `None` for a report of another task.

    Example:
        >>> from nlpkit.estimators.report_language import language_view
        >>> view = language_view({"task": "generator", "perplexity": {"test": 8.0}})
        >>> view["parts"]["test"]["bits_per_token"]
        3.0
    """
    if report.get("task") != "generator":
        return None
    settings = report.get("settings") or {}
    data = report.get("data") or {}
    perplexities = report.get("perplexity") or {}
    # as for classifiers: the last part is the one that the training never saw
    names = sorted(perplexities, key=lambda name: (name != "validation", name == "test"))
    parts = {name: _part(perplexities[name], data.get(name) or {}) for name in names}
    token = TOKEN.get((settings.get("estimator") or {}).get("level"), "token")
    known = any(part["bits_per_character"] is not None for part in parts.values())
    return {
        "token": token,
        "vocabulary": settings.get("vocabulary_size"),
        "characters_known": known and token != "character",  # of which the bits are there already
        "parts": parts,
        "examples": report.get("examples") or [],
        "temperature": TEMPERATURE,
    }


def write_examples(generator):
    """Short texts that a model writes, for its report.

    Args:
        generator: A fitted `TextGenerator`.

    Returns:
        List of str, without blank ones; always the same of the same model.

    Example:
        >>> from types import SimpleNamespace
        >>> from nlpkit.estimators.report_language import write_examples
        >>> write_examples(SimpleNamespace(level="word", generate=lambda *args, **options: ["a cat", " "]))
        ['a cat']
    """
    texts = generator.generate(
        num_results=EXAMPLES, max_new_tokens=TOKENS[generator.level], temperature=TEMPERATURE, seed=SEED
    )
    return [text for text in texts if text.strip()]


def _part(perplexity, facts):
    bits = math.log2(perplexity) if perplexity else None
    tokens, characters = total_tokens(facts), facts.get("characters")
    known = bits is not None and tokens is not None and characters
    return {
        "perplexity": perplexity,
        "bits_per_token": bits,
        "bits_per_character": bits * tokens / characters if known else None,
        "tokens": tokens,
    }


def total_tokens(facts):
    """The number of tokens of a part of the data.

    Args:
        facts: dict. Facts about the part, as in a report.

    Returns:
        int, or `None` if it is not known.

    Example:
        >>> from nlpkit.estimators.report_language import total_tokens
        >>> total_tokens({"rows": 4, "tokens": {"mean": 2.5}})
        10
    """
    if "total_tokens" in facts or "tokens" not in facts:
        return facts.get("total_tokens")
    return round(facts["rows"] * facts["tokens"]["mean"])
