"""SentencePiece, run by its own library."""

from nlpkit.errors import InputError
from nlpkit.text.vocabulary import SPECIAL_TOKENS

MODEL_FILE = "sentencepiece.model"
# What a trained model makes of these two characters, as its normalisation; `detokenize` undoes it in reverse order.
ESCAPES = (("\ue000", "\ue0000"), ("\u2581", "\ue0001"))


class SentencePieceTokenizer:
    """Pieces of a unigram language model, as the layer `nlpkit.text.SentencePieceTokenizer` gives them.

    Args:
        model: bytes. A SentencePiece model with the ids 0 pad, 1 unknown, 2 start, 3 end.

    Raises:
        InputError: If the library `sentencepiece` is missing, or the bytes are no such model.

    Example:
        >>> from nlpkit.lite.text.sentencepiece_tokenizer import SentencePieceTokenizer
        >>> from nlpkit.text import SentencePieceTokenizer as Layer
        >>> model = Layer().train(["a good film", "a bad film"] * 20, 300).model
        >>> tokenizer = SentencePieceTokenizer(model)
        >>> tokenizer.detokenize(tokenizer.encode("a good day"))
        'a good day'
    """

    def __init__(self, model):
        self._processor = _processor(model)
        self.vocabulary_size = self._processor.vocab_size()
        first = range(min(len(SPECIAL_TOKENS), self.vocabulary_size))
        specials = tuple(self._processor.id_to_piece(id) for id in first)
        if specials != SPECIAL_TOKENS:
            raise InputError(
                f"{MODEL_FILE} must have the pieces {', '.join(SPECIAL_TOKENS)} at the ids 0 to 3. "
                f"Received: {', '.join(specials)}"
            )

    def encode(self, text):
        """Ids of a text.

        Args:
            text: str.

        Returns:
            List of int.
        """
        return self._processor.encode(text)

    def detokenize(self, ids):
        """The text of ids; padding, start and end become nothing.

        Args:
            ids: List of int.

        Returns:
            str.

        Raises:
            InputError: If an id is not in the model.
        """
        for id in ids:
            if not 0 <= id < self.vocabulary_size:
                raise InputError(f"Ids must lie between 0 and {self.vocabulary_size - 1}. Received: {id}")
        text = self._processor.decode(ids)
        for character, written in reversed(ESCAPES):
            text = text.replace(written, character)
        return text


def _processor(model):
    try:
        from sentencepiece import SentencePieceProcessor
    except ImportError as error:
        raise InputError(
            "The texts of this model are cut by the library 'sentencepiece', which is not installed. "
            "Install it: pip install sentencepiece"
        ) from error
    processor = SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(model)
    except RuntimeError as error:
        raise InputError(f"{MODEL_FILE} is not a SentencePiece model ({error}).") from error
    return processor
