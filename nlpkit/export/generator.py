"""A language model as a SavedModel: texts in, what follows them out."""

from nlpkit.export.generator_module import GeneratorModule
from nlpkit.export.gpu_signatures import check_device, compared_prefixes, gpu_facts, gpu_signatures
from nlpkit.export.portable import portable_model
from nlpkit.export.verify_generator import generator_texts, over_long_text, verify_generator
from nlpkit.export.versions import ExportResult, write_version


def export_generator(folder, text_to_ids, network, device=None):
    """Writes the next free version folder for TF Serving, and proves it before it is there.

    Its signatures, `batch` of any size:

    - `serving_default`: `text`, string `(batch,)` → `text`, string `(batch,)`, what is written behind it, and `score`,
      float32 `(batch,)`, its log-probability. With at most 100 new tokens, drawn as they are likely, and seed 0.
    - `generate`: `prompt`, string `(batch,)`, and the scalars `max_new_tokens` (int32), `temperature` (float32),
      `top_k` (int32), `top_p` (float32) and `seed` (int32) → `text` and `score`, as `TextGenerator.generate` writes.
    - `score`: `text`, string `(batch,)` → `score`, the log-probability of each text, its end included.
    - `init`: `batch_size`, for a Transformer also `max_length` (int32 scalars) → `state_0`, `state_1`, …, the state
      before the first step.
    - `step`: `token_ids`, int32 `(batch,)`, and the state → `logits`, float32 `(batch, vocabulary)`, and the next
      state. The first token of a text is the end of another one, id 3.

    The vocabulary is in `assets.extra/vocabulary.txt`, one token per line in the order of their ids, or in
    `assets.extra/sentencepiece.model`; a byte has the id 4 + byte.

    Args:
        folder: Path of the model folder; versions are `folder/1`, `folder/2`, …
        text_to_ids: `TextToIds` that adds the end to each text.
        network: `GeneratorNetwork`.
        device: str. `"gpu"` adds the signatures that read whole texts once more, named `gpu_…`, with kernels of cuDNN.
            Defaults to `None`.

    Returns:
        `ExportResult`.

    Raises:
        InputError: If `device` is another one, or there is no layer for it.
        VerificationError: If the artefact differs from the model; then nothing is left behind.

    Example:
        ```python
        import tempfile
        from nlpkit.export import export_generator
        from nlpkit.models import build_generator
        from nlpkit.text import text_to_ids

        text = text_to_ids("byte", end=True)
        result = export_generator(tempfile.mkdtemp(), text, build_generator(text.vocabulary_size, units=8))
        print(result.path, result.max_difference)
        ```
    """
    check_device(device)
    portable, texts = portable_model(network), [*generator_texts(), over_long_text()]
    module = GeneratorModule(text_to_ids, portable)
    signatures = module.signatures()
    if device is not None:
        signatures |= gpu_signatures(portable, lambda: GeneratorModule(text_to_ids, portable))
    path, difference = write_version(
        folder,
        portable,
        [text_to_ids],
        signatures,
        text_to_ids.save_vocabulary,
        lambda path: max(
            verify_generator(path, text_to_ids, network, texts, prefix)
            for prefix in compared_prefixes(signatures)
        ),
    )
    return ExportResult("saved_model", path, difference, len(texts), gpu=gpu_facts(signatures))
