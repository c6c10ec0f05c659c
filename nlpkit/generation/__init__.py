"""Search: writes texts with a model that it knows only by its step, all in the graph."""

from nlpkit._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Generated": ".carry",
        "Generation": ".carry",
        "SoFar": ".history",
        "advance": ".decoding",
        "apply_filters": ".filters",
        "bad_words": ".constraints",
        "BeamResult": ".beams",
        "beam_search": ".beams",
        "begin": ".carry",
        "finish": ".carry",
        "forced_prefix": ".constraints",
        "frequency_penalty": ".penalties",
        "generate": ".decoding",
        "greedy": ".filters",
        "min_p": ".filters",
        "minimum_length": ".constraints",
        "no_repeat_ngrams": ".constraints",
        "presence_penalty": ".penalties",
        "contrastive_search": ".contrast",
        "find_stop": ".stop_strings",
        "reorder": ".step",
        "repetition_penalty": ".penalties",
        "sampling_filters": ".sampling",
        "stream": ".streaming",
        "temperature": ".filters",
        "top_k": ".filters",
        "top_p": ".filters",
        "typical": ".filters",
    },
)
