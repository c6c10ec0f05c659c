"""How a fitted text-to-text model writes."""

import math

import numpy as np
import tensorflow as tf
from sklearn.utils.validation import check_is_fitted

from nlpkit.data.batching import inference_batches
from nlpkit.errors import InputError
from nlpkit.estimators.copied_words import copied, most_attended, source_rows, texts_of
from nlpkit.estimators.labelled_texts import check_texts
from nlpkit.export.target_texts import replaces_unknown
from nlpkit.generation.beam_rules import Rules
from nlpkit.generation.options import check_number
from nlpkit.generation.target_writer import TargetWriter
from nlpkit.text.vocabulary import END, UNKNOWN
from nlpkit.text.vocabulary_tokenizer import VocabularyTokenizer

BATCH_SIZE = 32
BEAM_SIZE, LENGTH_PENALTY = 5, 1.0


class WritingTextToText:
    """Writes the targets of sources with the model that it is mixed into.

    Example:
        ```python
        from nlpkit import TextToText

        model = TextToText(level="char", units=16, epochs=2, random_state=0).fit(["ab", "cd"] * 30, ["ba", "dc"] * 30)
        print(model.predict(["ab"], beam_size=3))
        ```
    """

    def predict(self, X, *, beam_size=1, length_penalty=1.0, coverage_penalty=0.0, max_new_tokens=None):
        """Writes the most likely target of each source.

        Args:
            X: List of str. An empty one is read as what it is, a text of no tokens.
            beam_size: int. Targets that are carried on side by side; 1 always takes the most likely token. Defaults to
                1.
            length_penalty: float. The higher, the longer the targets; with beams only. Defaults to 1.
            coverage_penalty: float. What it costs not to have attended to all of the source; with beams only. Defaults
                to 0.
            max_new_tokens: int. Most tokens of a target. Defaults to `None`: enough for those in training.

        Returns:
            List of str.

        Raises:
            InputError: If texts or an option cannot be used.
        """
        found = self.predict_nbest(
            X, n=1, beam_size=beam_size, length_penalty=length_penalty, coverage_penalty=coverage_penalty,
            max_new_tokens=max_new_tokens,
        )  # fmt: skip
        return [results[0]["text"] for results in found]

    def predict_nbest(
        self,
        X,
        *,
        n=5,
        beam_size=5,
        length_penalty=1.0,
        coverage_penalty=0.0,
        max_new_tokens=None,
        alignments=False,
    ):
        """Writes the best targets of each source, with their scores.

        Args:
            X: List of str.
            n: int. Targets per source, at most `beam_size`. Defaults to 5.
            beam_size: int. As of `predict`. Defaults to 5.
            length_penalty: float. As of `predict`. Defaults to 1.
            coverage_penalty: float. As of `predict`. Defaults to 0.
            max_new_tokens: int. As of `predict`. Defaults to `None`.
            alignments: bool. Also gives what each token was written from. Defaults to `False`.

        Returns:
            List with a list of dicts per source, best first, fewer than `n` where there are no more: `"text"`,
            `"score"` (the log-probability over the length penalty, plus the coverage penalty) and `"tokens"`, the
            number of tokens written, the end among them; with `alignments` also `"source_tokens"`,
            `"target_tokens"` and `"attention"`, a list of weights over the source tokens for each target token.

        Raises:
            InputError: If texts or an option cannot be used.
        """
        check_is_fitted(self)
        texts = self._check_sources(X)
        check_number("beam_size", beam_size, "an integer, 1 or more", lambda x: x >= 1, whole=True)
        check_number(
            "n",
            n,
            f"an integer from 1 to `beam_size`, {beam_size}",
            lambda x: 1 <= x <= beam_size,
            whole=True,
        )
        check_number("length_penalty", length_penalty, "a number", math.isfinite)
        check_number("coverage_penalty", coverage_penalty, "0 (off) or more", lambda x: x >= 0)
        self._check_attends(coverage_penalty=coverage_penalty, alignments=alignments)
        if coverage_penalty and beam_size == 1:
            raise InputError(
                "`coverage_penalty` chooses among beams. Received: "
                f"coverage_penalty={coverage_penalty} with beam_size=1. Leave it out, or give more beams."
            )
        search = {
            "beams": beam_size, "n_best": n, "length_penalty": length_penalty, "coverage_penalty": coverage_penalty,
            "max_new_tokens": self._longest if max_new_tokens is None else max_new_tokens,
        }  # fmt: skip
        found = [None] * len(texts)
        for numbers, source in self._source_batches(texts):
            results = self._search(source, [texts[number] for number in numbers], search, alignments)
            for number, result in zip(numbers, results, strict=True):
                found[number] = result
        return found

    def _check_sources(self, X):
        return check_texts(X)

    def _check_attends(self, **options):
        for name, asked in options.items():
            if asked and not self.network_.attends:
                raise InputError(
                    f"`{name}` is about what is attended to. Received: {name}={asked!r} for a network without "
                    "attention. Leave it out, or train with a preset that has one, such as 'attention'."
                )

    def _search(self, source, texts, search, alignments):
        """The dicts of each source of a batch."""
        result, n = self._written(source, search), search["n_best"]
        sources, source = [text for text in texts for _ in range(n)], tf.repeat(source, n, axis=0)
        ids = tf.reshape(result.token_ids, (len(sources), search["max_new_tokens"])).numpy()
        facts = zip(
            self._texts(source, ids, sources),
            tf.reshape(result.score, [-1]).numpy().tolist(),
            tf.reshape(result.lengths, [-1]).numpy().tolist(),
            strict=True,
        )
        details = [dict(zip(("text", "score", "tokens"), fact, strict=True)) for fact in facts]
        if alignments and self.network_.attends:
            weights = self.network_.attention_scores(source, tf.constant(ids)).numpy()
            for detail, row, text, own in zip(details, ids, sources, weights, strict=True):
                detail |= self._alignment(row[: detail["tokens"]], text, own)
        by_source = (details[start : start + n] for start in range(0, len(details), n))
        # Where there are fewer targets than were asked for, the rest has no probability at all.
        return [[best, *(own for own in more if math.isfinite(own["score"]))] for best, *more in by_source]

    def _written(self, source, search):
        """What is found with beams; without, by always taking the most likely token up to the first end."""
        if search["beams"] > 1:
            return self._writer().search(source, **search)
        found = self._writer().write(source, max_new_tokens=search["max_new_tokens"], temperature=0)
        rules = Rules(None, None, search["length_penalty"], 0.0, None)
        return found._replace(score=found.score / rules.length_score(found.lengths))

    def _texts(self, source, ids, sources):
        """The texts of rows of ids that were written from sources, as ids or features and as they were given."""
        if self._copy:
            return texts_of(self.target_, ids, copied(self.target_, ids, sources))
        if self._replaces_unknown() and (ids == UNKNOWN).any():
            weights = self.network_.attention_scores(source, tf.constant(ids)).numpy()
            return texts_of(self.target_, ids, most_attended(self.source_, ids, sources, weights))
        return [text.decode("utf-8", "replace") for text in self.target_.detokenize(ids).numpy()]

    def _alignment(self, row, text, weights):
        sides, own = [self._source_rows([text])[0], row], [{}, {}]
        if self._copy:
            own = [copied(self.target_, ids[None], [text])[0] for ids in sides]
        layers = self.source_, self.target_
        source, target = (pieces_of(*side) for side in zip(layers, sides, own, strict=True))
        # As Python's floats, of which JSON shows four digits.
        shares = np.round(weights[: len(target), : len(source)].astype("float64"), 4).tolist()
        return {"source_tokens": source, "target_tokens": target, "attention": shares}

    def _source_batches(self, texts):
        """Numbers of texts of similar lengths, and what the network reads of them."""
        batches, order = inference_batches(self._source_rows(texts), batch_size=BATCH_SIZE)
        place = 0
        for ids in batches:
            yield order[place : place + len(ids)], ids
            place += len(ids)

    def _source_rows(self, texts):
        if self._copy:
            return source_rows(self.source_, texts, self._copy)
        return self.source_.encode(texts)

    def _replaces_unknown(self):
        """Whether an unknown word can be written and have the most attended source word put in its place."""
        return replaces_unknown(self.source_, self.target_, self.network_)

    def _writer(self):
        own = getattr(self, "_own_writer", None)
        if own is None or own.network is not self.network_:
            self._own_writer = TargetWriter(self.network_, allow_unknown=self._replaces_unknown())
        return self._own_writer


def pieces_of(layer, ids, own_words=None):
    """The tokens of a row of ids as strings; the end is `</s>`.

    Args:
        layer: `TextToIds`.
        ids: Int array of shape `(time,)`, without padding.
        own_words: dict from the column of a copied word to the word, as bytes. Defaults to `None`, none.

    Returns:
        List of str, one for each id.

    Example:
        >>> import numpy as np
        >>> from nlpkit.estimators.translating import pieces_of
        >>> from nlpkit.text import text_to_ids
        >>> pieces_of(text_to_ids("byte"), np.array([101, 102, 3]))
        ['a', 'b', '</s>']
    """
    ids = np.asarray(ids)
    real = ids[ids != END]
    if isinstance(layer.tokenizer, VocabularyTokenizer):
        real = np.where(real < layer.vocabulary_size, real, UNKNOWN)
    texts = iter(layer.detokenize(real[:, None]).numpy().tolist())
    pieces = [b"</s>" if i == END else next(texts) for i in ids]
    return [
        (own_words or {}).get(column, piece).decode("utf-8", "replace") for column, piece in enumerate(pieces)
    ]
