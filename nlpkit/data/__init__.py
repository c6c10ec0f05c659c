"""From files to texts, and from ids to batches of rows of similar length; a sample corpus."""

from nlpkit._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Chunk": ".readers",
        "PAIRS": ".columns",
        "IdRows": ".id_rows",
        "IdRowsBuilder": ".id_rows",
        "RepeatedRows": ".repeated_rows",
        "SampleReviews": ".samples",
        "TableReader": ".readers",
        "copy_task": ".synthetic",
        "inference_batches": ".batching",
        "load_sample_reviews": ".samples",
        "make_dates": ".synthetic_pairs",
        "make_shape_captions": ".shape_captions",
        "make_sums": ".synthetic_pairs",
        "pair_batches": ".pair_batching",
        "pair_batches_once": ".pair_batching",
        "restore_order": ".batching",
        "training_batches": ".batching",
    },
)
