"""A text-to-text model or a captioner as a SavedModel: sources in, their targets out."""

from nlpkit.export.gpu_signatures import check_device, compared_prefixes, gpu_facts, gpu_signatures
from nlpkit.export.portable import portable_model
from nlpkit.export.text_to_text_module import TextToTextModule
from nlpkit.export.verify_text_to_text import captions_to_compare, pairs_to_compare, verify_text_to_text
from nlpkit.export.versions import ExportResult, write_version
from nlpkit.export.written_from import FromImages, FromTexts
from nlpkit.generation.options import check_number


def export_text_to_text(folder, model, beam_size=5, device=None):
    """Writes the next free version folder for TF Serving, and proves it before it is there.

    Its signatures, `batch` of any size:

    - `serving_default`: `text`, string `(batch,)` → `text`, string `(batch,)`, the target of each, and `score`, float32
      `(batch,)`, its log-probability over the length penalty. With beams, a length penalty of 1, and at most as many
      tokens as `max_new_tokens` of the report says.
    - `translate`: `text`, and the scalars `max_new_tokens` (int32) and `length_penalty` (float32) → the same.
    - `greedy`: as `translate`, but takes the most likely token at each place.
    - `score`: `text` and `target`, string `(batch,)` → `score`, the log-probability of each target, its end included.
    - `ids`: `source_ids`, int32 `(batch, time)`, padded with 0 on the right → `token_ids`, int32 `(batch, new)`, and
      `score`, as `serving_default` would write.
    - `init`: `text`, for a Transformer also `max_length` (int32 scalar) → `state_0`, `state_1`, …, the state before the
      first step. If words are copied, also `words`, string `(batch, extra)`, for the ids behind the vocabulary.
    - `step`: `token_ids`, int32 `(batch,)`, and the state → `logits`, float32 `(batch, vocabulary)`, and the next
      state. The first token is the start, id 2.

    A captioner has `caption` in place of `translate`, no `ids`, and in place of `text` as an input `image`, uint8
    `(batch, height, width, 3)` of the size of the training, where it reads pixels, and `features`, float32 `(batch,
    regions, features)`, where it reads what `nlpkit.estimators.image_features` makes of them.

    Unknown words are replaced and words are copied as `TextToText.predict` does. The vocabularies are in
    `assets.extra/source` and `assets.extra/target`: `vocabulary.txt`, one token per line in the order of their ids, or
    `sentencepiece.model`; a byte has the id 4 + byte.

    Args:
        folder: Path of the model folder; versions are `folder/1`, `folder/2`, …
        model: A fitted `TextToText`, `Chatbot` or `ImageCaptioner`.
        beam_size: int. Targets that `serving_default`, `translate` and `ids` carry on side by side; 1 writes as
            `greedy` does. Defaults to 5.
        device: str. `"gpu"` adds the signatures that read whole texts once more, named `gpu_…`, with kernels of cuDNN.
            Defaults to `None`.

    Returns:
        `ExportResult`.

    Raises:
        InputError: If `beam_size` is less than 1, `device` is another one, or there is no layer for it.
        VerificationError: If the artefact differs from the model; then nothing is left behind.

    Example:
        ```python
        import tempfile
        from nlpkit import TextToText
        from nlpkit.export import export_text_to_text

        sources, targets = ["one two", "two three"] * 20, ["two one", "three two"] * 20
        model = TextToText(level="word", units=8, epochs=1).fit(sources, targets)
        result = export_text_to_text(tempfile.mkdtemp(), model, beam_size=2)
        print(result.path, result.max_difference)
        ```
    """
    check_number("beam_size", beam_size, "an integer, 1 or more", lambda x: x >= 1, whole=True)
    check_device(device)
    network, sides = portable_model(model.network_), {"target": model.target_}
    if network.reader.takes_features:
        sources, pairs = FromImages(model.target_, network), captions_to_compare(network.source_shape)
    else:
        sides["source"] = model.source_
        sources, pairs = FromTexts(model.source_, model.target_, network), pairs_to_compare()
    parts = sources, network, beam_size, model.spec().max_new_tokens
    module = TextToTextModule(*parts)
    signatures = module.signatures()
    if device is not None:
        signatures |= gpu_signatures(network, lambda: TextToTextModule(*parts))
    path, difference = write_version(
        folder,
        network,
        list(sides.values()),
        signatures,
        lambda extra: _write_vocabularies(extra, sides),
        lambda path: max(
            verify_text_to_text(path, model, pairs, beam_size, sources, prefix)
            for prefix in compared_prefixes(signatures)
        ),
    )
    compared = sum(len(texts) for _, texts in pairs)
    return ExportResult("saved_model", path, difference, compared, gpu=gpu_facts(signatures))


def _write_vocabularies(extra, sides):
    for name, layer in sides.items():
        (extra / name).mkdir()
        layer.save_vocabulary(extra / name)
