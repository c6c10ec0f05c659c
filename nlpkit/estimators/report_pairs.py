"""What the report of a model that writes targets shows beside what all reports show."""

TASKS = ("text_to_text", "captioner", "chatbot")
MEASURES = {
    "bleu": "BLEU", "chrf": "chrF", "rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L",
    "exact_match": "Exactly right",
}  # fmt: skip


def pairs_view(report):
    """The measures of written targets, for the page.

    Args:
        report: dict. The `report_` of a fitted `TextToText`, `ImageCaptioner` or `Chatbot`.

    Returns:
        dict: `"parts"`, the measured parts by name, the last one unseen in training if there is such; `"rows"`, tuples
        of a measure's name and its value in each part; `"perplexity"`, that of the validation part; `"examples"`;
        `"missing"`, why there are no measures. `None` for a report of another task.

    Example:
        >>> from nlpkit.estimators.report_pairs import pairs_view
        >>> view = pairs_view({"task": "text_to_text", "metrics": {"test": {"bleu": 31.42}}})
        >>> view["rows"][0]
        ('BLEU', [31.42])
    """
    if report.get("task") not in TASKS:
        return None
    parts = report.get("metrics") or {}
    parts = {
        name: parts[name] for name in sorted(parts, key=lambda name: (name != "validation", name == "test"))
    }
    return {
        "parts": parts,
        "rows": [(title, [part.get(key) for part in parts.values()]) for key, title in MEASURES.items()],
        "perplexity": (report.get("perplexity") or {}).get("validation"),
        "examples": report.get("examples") or [],
        "missing": report.get("metrics_missing"),
    }
