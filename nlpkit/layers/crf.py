"""The linear-chain conditional random field: its layer, its loss, and the rules of BIO tags."""

import keras
import numpy as np
import tensorflow as tf

from nlpkit.errors import InputError
from nlpkit.layers.crf_chain import (
    FORBIDDEN,
    best_path,
    span_probabilities,
    tag_chain,
    tag_log_probabilities,
    tag_marginals,
)


@keras.saving.register_keras_serializable(package="nlpkit")
class CRF(keras.layers.Layer):
    """Linear-chain conditional random field over a right-padded sequence of tag scores.

    Learns what it is worth for a tag to follow another, to begin and to end a sentence, and gives the log-probability
    of every tag given the tag before and the whole sentence. That is all there is to know: these add up to the
    log-probability of any tags, so that `CRFLoss`, which has no weights and knows no layer, trains a model that ends
    with this layer (see there). Such a model is compiled, saved, loaded and trained on like any other.

    The methods take the emissions, the layer's inputs. All is computed in float32, also in mixed precision. Memory
    grows with the square of the number of tags, as the time does.

    Args:
        num_tags: int. Size of the tag set.
        constraints: Bool array of shape `(num_tags + 1, num_tags + 1)`: whether the tag of the column may follow that
            of the row; the last row says which tags may begin a sentence, the last column which may end it. See
            `bio_transitions`. For every length of sentence there must be tags that keep them. The layer gives no
            probability to tags that break them, so the tags to train with must keep them too. Defaults to `None`,
            all is allowed.

    Call arguments:
        emissions: Float tensor of shape `(batch, time, num_tags)`, the score of each tag at each step.
        mask: Bool tensor of shape `(batch, time)`.

    Returns:
        Float32 tensor of shape `(batch, time, num_tags, num_tags)`: log-probabilities, by the tag before and the tag.
        Zero at padded steps. At the first step the tag before does not matter.

    Raises:
        InputError: If `constraints` or the emissions do not fit `num_tags`.

    Example:
        >>> import numpy as np
        >>> from nlpkit.layers.crf import CRF, bio_transitions
        >>> tags = ["O", "B-PER", "I-PER"]
        >>> emissions = np.array([[[0, 1, 2], [0, 0, 2], [3, 0, 0]]], "float32")
        >>> best, _ = CRF(3, bio_transitions(tags)).decode(emissions)
        >>> [tags[tag] for tag in best[0]]
        ['B-PER', 'I-PER', 'O']

    Reference:
        [Lafferty et al., 2001](https://dl.acm.org/doi/10.5555/645530.655813)
    """

    def __init__(self, num_tags, constraints=None, **kwargs):
        # Neither emissions nor, below, weights in float32 are rounded to half precision.
        super().__init__(autocast=False, **kwargs)
        self.num_tags = num_tags
        self.constraints = None if constraints is None else np.array(constraints, bool)
        if self.constraints is not None and self.constraints.shape != (num_tags + 1, num_tags + 1):
            raise InputError(
                "`constraints` must have a row and a column for each tag, and one more row for the start and column "
                f"for the end: shape {(num_tags + 1, num_tags + 1)}. Received: shape {self.constraints.shape}"
            )
        self.supports_masking = True

    def build(self, input_shape):
        if input_shape[-1] != self.num_tags:
            raise InputError(
                f"The emissions must have one score for each of `num_tags` ({self.num_tags}) tags; give the layer "
                f"before as many units. Received: shape {tuple(input_shape)}"
            )
        size = self.num_tags
        options = {"initializer": "zeros", "autocast": False}
        self.transitions = self.add_weight(shape=(size, size), name="transitions", **options)
        self.start = self.add_weight(shape=(size,), name="start", **options)
        self.end = self.add_weight(shape=(size,), name="end", **options)

    def call(self, emissions, mask=None):
        weights = [tf.cast(weight, self._sum_dtype) for weight in (self.transitions, self.start, self.end)]
        if self.constraints is not None:
            allowed = self.constraints[:-1, :-1], self.constraints[-1, :-1], self.constraints[:-1, -1]
            weights = [tf.where(*pair, FORBIDDEN) for pair in zip(allowed, weights, strict=True)]
        return tag_chain(tf.cast(emissions, self._sum_dtype), *weights, mask=_as_bool(mask))

    def log_likelihood(self, emissions, tags, mask=None):
        """Log-probability of the tags of each sentence.

        Args:
            emissions: Float tensor of shape `(batch, time, num_tags)`.
            tags: Int tensor of shape `(batch, time)`. What stands at padded steps, also -1, does not matter.
            mask: Bool tensor of shape `(batch, time)`. Defaults to `None`, no padding.

        Returns:
            Float32 tensor of shape `(batch,)`; 0 for a row of padding alone.
        """
        chain = self(emissions, mask=mask)
        return tf.reduce_sum(tag_log_probabilities(chain, tf.cast(tags, "int32")), axis=1)

    def decode(self, emissions, mask=None):
        """The most probable tags of each sentence, by the Viterbi algorithm; they keep the constraints.

        Args:
            emissions: Float tensor of shape `(batch, time, num_tags)`.
            mask: Bool tensor of shape `(batch, time)`. Defaults to `None`, no padding.

        Returns:
            Tuple of the tags, int32 tensor of shape `(batch, time)` with 0 at padded steps, and their scores, float32
            tensor of shape `(batch,)`: the log-probability of those tags.
        """
        return best_path(self(emissions, mask=mask))

    def marginals(self, emissions, mask=None):
        """Probability of every tag at every step, over all tags that the rest of the sentence may have.

        Args:
            emissions: Float tensor of shape `(batch, time, num_tags)`.
            mask: Bool tensor of shape `(batch, time)`. Defaults to `None`, no padding.

        Returns:
            Float32 tensor of shape `(batch, time, num_tags)`, zero at padded steps.
        """
        return tag_marginals(self(emissions, mask=mask), _as_bool(mask))

    def span_marginals(self, emissions, mask, starts, ends, tags):
        """Probability that whole labelled spans occur, whatever the tags around them.

        That of an entity that goes no further is the difference of two: that of its tags less that of its tags and
        one more inside tag.

        Args:
            emissions: Float tensor of shape `(batch, time, num_tags)`.
            mask: Bool tensor of shape `(batch, time)`, or `None`, no padding.
            starts: Int tensor of shape `(batch, spans)`, the first step of each span.
            ends: Int tensor of shape `(batch, spans)`, the step after the last.
            tags: Int tensor of shape `(batch, spans, longest)`, the tags of each span, right-padded.

        Returns:
            Float32 tensor of shape `(batch, spans)`; 0 for a span that runs into the padding, 1 for an empty one.
        """
        spans = [tf.cast(x, "int32") for x in (starts, ends, tags)]
        return span_probabilities(self(emissions, mask=mask), *spans, mask=_as_bool(mask))

    @property
    def _sum_dtype(self):
        """float32, or float64 where the weights have it."""
        return keras.backend.result_type(self.variable_dtype, "float32")

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.num_tags, self.num_tags)

    def compute_output_spec(self, emissions, mask=None):
        return keras.KerasTensor(self.compute_output_shape(emissions.shape), self._sum_dtype)

    def get_config(self):
        constraints = None if self.constraints is None else self.constraints.tolist()
        return {**super().get_config(), "num_tags": self.num_tags, "constraints": constraints}


@keras.saving.register_keras_serializable(package="nlpkit")
class CRFLoss(keras.losses.Loss):
    """Negative log-likelihood of tags under the `CRF` that a model ends with.

    The loss of a step is that of its tag given the one before, so that the mean is per real step, and weights may be
    given per sentence, `(batch, 1)`, or per step. `reduction="sum"` gives the likelihood of whole sentences.

    Call arguments:
        y_true: Int tensor of shape `(batch, time)`. What stands at padded steps, also -1, does not matter.
        y_pred: Float tensor of shape `(batch, time, num_tags, num_tags)`, the output of `CRF`.

    Returns:
        Float scalar, the mean over the real steps where Keras knows the mask, or over all.

    Example:
        ```python
        import keras
        import numpy as np
        from nlpkit.layers.crf import CRF, CRFLoss
        ids, tags = np.array([[5, 6, 7], [6, 5, 0]]), np.array([[0, 1, 1], [1, 0, 0]])
        token_ids = keras.Input((None,), dtype="int32")
        embedded = keras.layers.Embedding(10, 8, mask_zero=True)(token_ids)
        crf = CRF(num_tags=2)
        model = keras.Model(token_ids, crf(keras.layers.Dense(2)(embedded)))
        model.compile("adam", loss=CRFLoss())
        model.fit(ids, tags, verbose=0)
        ```

    Reference:
        [Lafferty et al., 2001](https://dl.acm.org/doi/10.5555/645530.655813)
    """

    def __init__(self, name="crf_loss", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        return -tag_log_probabilities(y_pred, tf.cast(y_true, "int32"))


def bio_transitions(tags):
    """Which tag may follow which where spans are written as BIO tags: the `constraints` of `CRF`.

    A span of type `X` begins with `B-X` and goes on with `I-X`; `O` is outside. So `I-X` needs `B-X` or `I-X` before
    it, and everything else is allowed.

    Args:
        tags: List of str. The names of the tags, in the order of their ids.

    Returns:
        Bool array of shape `(len(tags) + 1, len(tags) + 1)`, from the row to the column; the last row is the start of
        a sentence, the last column its end.

    Raises:
        InputError: If a name is not a BIO tag, or no span of its type can begin.

    Example:
        >>> from nlpkit.layers.crf import bio_transitions
        >>> bio_transitions(["O", "B-X", "I-X"]).astype(int).tolist()
        [[1, 1, 0, 1], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 1]]

    Reference:
        [Ramshaw & Marcus, 1995](https://aclanthology.org/W95-0107)
    """
    for tag in tags:
        if tag != "O" and tag[:2] not in ("B-", "I-"):
            raise InputError(f"`tags` must be 'O' or begin with 'B-' or 'I-'. Received: {tag!r}")
        if tag[:2] == "I-" and "B-" + tag[2:] not in tags:
            raise InputError(
                f"`tags` must have {'B-' + tag[2:]!r}, which spans begin with, where they have {tag!r}. "
                f"Received: {list(tags)}"
            )
    return np.array(
        [
            [not after.startswith("I-") or before in (after, "B-" + after[2:]) for after in [*tags, "O"]]
            for before in [*tags, "O"]
        ]
    )


def _as_bool(mask):
    return None if mask is None else tf.cast(mask, "bool")
