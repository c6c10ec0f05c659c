"""Text to ids and back: vocabulary, normaliser, tokenizers, packer, and the layer that joins them."""

from nlpkit._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "ByteTokenizer": ".byte_tokenizer",
        "CharTokenizer": ".char_tokenizer",
        "Normalizer": ".normalizer",
        "Packer": ".packer",
        "PretrainedVectors": ".pretrained_vectors",
        "SentencePieceTokenizer": ".sentencepiece_tokenizer",
        "SpaceTokenizer": ".space_tokenizer",
        "TextToIds": ".pipeline",
        "Vocabulary": ".vocabulary",
        "WordPieceTokenizer": ".wordpiece_tokenizer",
        "WordTokenizer": ".word_tokenizer",
        "read_vectors": ".pretrained_vectors",
        "text_to_ids": ".pipeline",
    },
)
