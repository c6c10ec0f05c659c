"""The n-gram language model: interpolated modified Kneser-Ney over token ids, in NumPy."""

import dataclasses
import os
import zipfile
from pathlib import Path

import numpy as np

from nlpkit.errors import InputError
from nlpkit.models.ngram_counts import Level, estimate, read_stream, walk
from nlpkit.text.vocabulary import END, PAD

MAX_ORDER = 5


class NgramModel:
    """Predicts each token from the few before it, by counts: the baseline of language models.

    Interpolated Kneser-Ney smoothing with three discounts per order, found from the counts of counts. Shorter
    n-grams count the different tokens before them; the shortest is mixed with the uniform distribution over the
    vocabulary. Padding and START are no part of it and have probability 0.

    Ids come in one of two forms. A stream is a flat int array `tokens… END tokens… END`; a list of rows, or a
    padded int array of shape `(rows, time)`, holds `tokens… END` in each. In both, END stands before the first
    token without being written: it is what the first token is predicted from, and is itself not predicted. The
    END that closes a sentence is predicted, once. Contexts begin at the last END and never reach across it, as
    `<s>` and `</s>` do it in SRILM and KenLM, so that the same sentences give the same model as one stream and
    as rows.

    Where no n-gram of an order occurs once, twice or three times, or a discount comes out at 0 or below, the order
    takes 0.5, 1 and 1.5, as KenLM does with `--discount_fallback`; SRILM gives up.

    Args:
        order: int. Length of the longest n-grams, 1 to 5. Defaults to 5.
        vocabulary_size: int. Number of ids, the special ones included. Defaults to `None`: the largest id that
            `fit` sees, plus one.

    Raises:
        InputError: If `order` or `vocabulary_size` is out of range.

    Example:
        >>> import numpy as np
        >>> from nlpkit.models import NgramModel
        >>> model = NgramModel(order=2).fit(np.array([4, 5, 5, 5, 3, 4, 6, 3]))
        >>> round(model.perplexity([[4, 5, 3]]), 2)
        2.45
        >>> model.next_probabilities([4, 5]).round(2).tolist()
        [0.0, 0.05, 0.0, 0.3, 0.09, 0.47, 0.09]

    Reference: Chen & Goodman (1999), An empirical study of smoothing techniques for language modeling, Computer
        Speech & Language 13.
    """

    def __init__(self, order=5, vocabulary_size=None):
        if not _is_int(order) or not 1 <= order <= MAX_ORDER:
            raise InputError(f"`order` must be an int from 1 to {MAX_ORDER}. Received: order={order!r}")
        if vocabulary_size is not None and (not _is_int(vocabulary_size) or vocabulary_size <= END):
            raise InputError(
                f"`vocabulary_size` must be an int of at least {END + 1}: it counts the special ids too. "
                f"Received: vocabulary_size={vocabulary_size!r}"
            )
        self.order, self.vocabulary_size = order, vocabulary_size
        self.levels_ = None

    def fit(self, ids):
        """Counts the n-grams of a corpus; what was fitted before is forgotten.

        Args:
            ids: int array of shape `(ids,)`, the stream, or a list of rows; see the class.

        Returns:
            The model. `vocabulary_size_` is the number of ids, `discounts_` the discounts of counts of 1, 2 and
            3 or more, float64 of shape `(order, 3)`.

        Raises:
            InputError: If `ids` is empty, out of range or not in one of the forms, or has no n-gram of this order.
        """
        stream = read_stream(ids, self.vocabulary_size)
        size = self.vocabulary_size or int(stream.tokens.max()) + 1
        self.unigrams_, self.levels_, self.discounts_ = estimate(stream, self.order, size)
        self.vocabulary_size_ = size
        return self

    def log_probabilities(self, rows):
        """The natural logarithm of the probability of each id after those before it in its row.

        Args:
            rows: int array or list of rows, as in `fit`.

        Returns:
            float64 array of shape `(ids,)` for a stream; a list of such arrays, one per row without its padding,
            for rows.

        Raises:
            InputError: If `rows` is empty, out of range or not in one of the forms, or the model is not fitted.
        """
        stream, found = self._score(rows)
        return found if np.ndim(rows[0]) == 0 else np.split(found, np.cumsum(stream.lengths)[:-1])

    def perplexity(self, rows):
        """The perplexity per id, each END counted.

        Args:
            rows: int array or list of rows, as in `fit`.

        Returns:
            float: the exponential of the mean negative log-probability.

        Raises:
            InputError: As in `log_probabilities`.
        """
        return float(np.exp(-self._score(rows)[1].mean()))

    def next_probabilities(self, context):
        """The distribution of the next token.

        Args:
            context: sequence of int. The ids of a text so far, END before the first understood; may be empty.

        Returns:
            float64 array of shape `(vocabulary_size,)` that sums to 1.

        Raises:
            InputError: If an id is out of range, or the model is not fitted.
        """
        self._check_fitted()
        if np.ndim(context) != 1:
            raise InputError(f"`context` must be one row of ids. Received: shape {np.shape(context)}")
        known = [END]
        if len(context):
            known = read_stream(np.asarray(context), self.vocabulary_size_).tokens
        state = self.initial_state(1)
        kept = known[max(0, len(known) - self.order + 1) :]
        state[0, state.shape[1] - len(kept) :] = kept
        return self._distributions(state)[0]

    def initial_state(self, batch_size, max_length=None):
        """The state before the first step: nothing is known; the first id of a text to be given is END.

        Args:
            batch_size: int. Rows.
            max_length: Not needed; other models have to know how long a text can get. Defaults to `None`.

        Returns:
            int32 array of shape `(batch_size, order - 1)`.
        """
        return np.full((batch_size, self.order - 1), PAD, np.int32)

    def step(self, token_ids, state):
        """Takes one token per row and gives the distribution of the next.

        Args:
            token_ids: int array of shape `(batch,)`. PAD makes a row forget what was before.
            state: int32 array of shape `(batch, order - 1)`, the latest ids, from `initial_state` or `step`.

        Returns:
            Tuple of log-probabilities, float32 of shape `(batch, vocabulary_size)`, -inf for padding and START, and
            the next state.

        Raises:
            InputError: If an id is out of range, or the model is not fitted.
        """
        self._check_fitted()
        token_ids = np.asarray(token_ids)
        if np.any((token_ids < 0) | (token_ids >= self.vocabulary_size_)):
            raise InputError(
                f"`token_ids` must be at least 0 and below the vocabulary size, {self.vocabulary_size_}. "
                f"Received: {token_ids.tolist()}"
            )
        state = np.concatenate([state, token_ids[:, None]], axis=1)[:, 1:].astype(np.int32)
        with np.errstate(divide="ignore"):
            return np.log(self._distributions(state)).astype(np.float32), state

    def save(self, path):
        """Writes the model as a NumPy archive, whole or not at all.

        Args:
            path: str or path. The file; its name is taken as it is.

        Raises:
            InputError: If the model is not fitted.
        """
        self._check_fitted()
        arrays = {"order": self.order, "vocabulary_size": self.vocabulary_size_}
        arrays |= {"unigrams": self.unigrams_, "discounts": self.discounts_}
        for order, level in enumerate(self.levels_, 2):
            arrays |= {f"{name}_{order}": array for name, array in vars(level).items()}
        temporary = Path(f"{path}.tmp")
        with open(temporary, "wb") as file:
            np.savez(file, **arrays)
        os.replace(temporary, path)

    @classmethod
    def load(cls, path):
        """Reads what `save` wrote; executes nothing from the file.

        Args:
            path: str or path. The file.

        Returns:
            A fitted `NgramModel`.

        Raises:
            InputError: If the file is not there or is no n-gram model.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            model = cls(int(arrays["order"]), int(arrays["vocabulary_size"]))
            model.vocabulary_size_ = model.vocabulary_size
            model.unigrams_, model.discounts_ = arrays["unigrams"], arrays["discounts"]
            names = [field.name for field in dataclasses.fields(Level)]
            orders = range(2, model.order + 1)
            model.levels_ = [Level(*(arrays[f"{name}_{order}"] for name in names)) for order in orders]
        except OSError as error:
            raise InputError(f"Cannot read the n-gram model {path}: {error.strerror or error}.") from error
        except (ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{path} is not an n-gram model that `NgramModel.save` wrote: {error}"
            ) from error
        return model

    def _check_fitted(self):
        if self.levels_ is None:
            raise InputError("The n-gram model has not counted anything yet. Call `fit` or `load` first.")

    def _score(self, rows):
        """The stream and the log-probabilities of its ids."""
        self._check_fitted()
        stream = read_stream(rows, self.vocabulary_size_)
        found = self.unigrams_[stream.tokens]
        walked = walk(self.levels_, stream.tokens, self.vocabulary_size_)
        for level, (_, context, ngram) in zip(self.levels_, walked, strict=True):
            weights = np.where(context >= 0, level.weights[context], 1.0)
            found = np.where(ngram >= 0, level.probabilities[ngram], weights * found)
        return stream, np.log(found[stream.predicted])

    def _distributions(self, histories):
        """Distributions of the next token after the latest ids, `(batch, order - 1)`."""
        found = np.tile(self.unigrams_, (len(histories), 1))
        # One after another: what is looked up at the end of a row does not reach into the row before.
        tokens = histories.ravel().astype(np.int64)
        size = self.vocabulary_size_
        for level, (ending, _, _) in zip(self.levels_, walk(self.levels_, tokens, size), strict=True):
            contexts = ending.reshape(histories.shape)[:, -1]
            rows = np.flatnonzero(contexts >= 0)
            contexts = contexts[rows]
            found[rows] *= level.weights[contexts][:, None]
            first, last = np.searchsorted(level.keys, [contexts * size, (contexts + 1) * size])
            # The n-grams of all the contexts, as one array of their numbers.
            lengths = last - first
            ngrams = np.arange(lengths.sum()) + np.repeat(first - np.cumsum(lengths) + lengths, lengths)
            found[np.repeat(rows, lengths), level.keys[ngrams] % size] = level.probabilities[ngrams]
        return found


def _is_int(value):
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
