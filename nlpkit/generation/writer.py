"""A network and its searches as graphs, traced once for each kind of options; their values are fed."""

import random
from collections import OrderedDict

import tensorflow as tf

from nlpkit.generation.beams import beam_search
from nlpkit.generation.carry import begin, finish
from nlpkit.generation.contrast import contrastive_search
from nlpkit.generation.decoding import advance
from nlpkit.generation.options import check_number, check_option
from nlpkit.generation.sampling import SAMPLING, changes_nothing, check_sampling, sampling_filters
from nlpkit.layers.joined_weights import joined_weights

# Options whose values shape the graph.
STATIC = ("no_repeat_ngram", "bad_words")
PROMPTS = tf.TensorSpec((None, None), "int32")
# Graphs that are kept, those used last: more than a program goes back and forth between, but ever new lists of bad
# words must not fill the memory.
KEPT = 32
TO_THE_END = 2**30  # steps that no text has
INTEGER, NUMBER = tf.TensorSpec((), "int32"), tf.TensorSpec((), "float32")


class Writer:
    """Writes with a network that has `initial_state(batch_size, max_length)` and `step(token_ids, state)`.

    Args:
        network: `GeneratorNetwork`.

    Example:
        >>> import tensorflow as tf
        >>> from nlpkit.generation.writer import Writer
        >>> from nlpkit.models import build_generator
        >>> writer = Writer(build_generator(20, units=8))
        >>> writer.write(tf.constant([[3, 7], [3, 0]]), max_new_tokens=5, seed=1, top_k=4).token_ids.shape
        TensorShape([2, 5])
    """

    given, allow_unknown, attention_of = PROMPTS, False, None

    def __init__(self, network):
        self.network = network
        self._functions = OrderedDict()

    def write(self, prompts, *, max_new_tokens, seed=None, logprobs=None, **options):
        """Goes on with prompts to their end.

        Args:
            prompts: int32 tensor of shape `(batch, time)`, padded with 0 on the right.
            max_new_tokens: int.
            seed: int. Defaults to `None`: one is drawn.
            logprobs: int. As in `nlpkit.generation.generate`. Defaults to `None`.
            **options: As of `sampling_filters`; with a `temperature` of 0 the most likely token is always taken.

        Returns:
            `Generated`.
        """
        advance, generation = self.begin(
            prompts, max_new_tokens=max_new_tokens, seed=seed, logprobs=logprobs, **options
        )
        return finish(advance(generation, TO_THE_END))

    def begin(self, prompts, *, max_new_tokens, seed=None, logprobs=None, **options):
        """The generation before its first token, and what carries it on.

        Args:
            prompts: As of `write`.
            max_new_tokens: int.
            seed: int. As of `write`. Defaults to `None`.
            logprobs: int. As of `write`. Defaults to `None`.
            **options: As of `write`.

        Returns:
            Tuple of a callable `(generation, steps) -> Generation` and a `Generation`.

        Raises:
            InputError: If an option is unknown or out of its range.
        """
        self._check(max_new_tokens, options)
        if seed is not None:
            check_option("seed", seed)
        if logprobs is not None:
            most = self.network.vocabulary_size
            rule = f"an integer from 0 to the size of the vocabulary, {most}"
            check_number("logprobs", logprobs, rule, lambda x: 0 <= x <= most, whole=True)
        draws = options.get("temperature", 1.0) != 0
        if not draws:
            options = {**options, "temperature": 1.0}
        seed = tf.constant(random.getrandbits(31) if seed is None else seed)
        static, fed = _split(options)
        start = self.kept(("begin", logprobs), self._begin, logprobs)
        key = ("advance", logprobs, draws, static, tuple(fed))
        run = self.kept(key, self._advance, start, draws, dict(static), fed)

        def carry_on(generation, steps):
            return run(generation, tf.constant(steps), seed, fed)

        return carry_on, start(prompts, max_new_tokens)

    def search(
        self,
        prompts,
        *,
        max_new_tokens,
        beams,
        n_best=1,
        groups=1,
        diversity=0.5,
        length_penalty=0.0,
        coverage_penalty=0.0,
        **options,
    ):
        """Finds the best texts that go on from prompts; see `nlpkit.generation.beam_search`.

        Args:
            prompts: As of `write`.
            max_new_tokens: int.
            beams: int.
            n_best: int. Defaults to 1.
            groups: int. Defaults to 1.
            diversity: float. Defaults to 0.5.
            length_penalty: float. Defaults to 0.
            coverage_penalty: float. Of a network that attends to a source. Defaults to 0.
            **options: As of `write`, but for those of chance.

        Returns:
            `BeamResult`.

        Raises:
            InputError: If an option is unknown or out of its range.
        """
        self._check(max_new_tokens, options)
        check_option("diversity", diversity)
        static, fed = _split(options)
        settings = {"beams": beams, "n_best": n_best, "groups": groups}
        if coverage_penalty:
            settings |= {"coverage_penalty": coverage_penalty, "attention_of": self.attention_of}
        key = ("search", *settings.values(), static, tuple(fed))
        run = self.kept(key, self._search, settings, dict(static), fed)
        return run(prompts, max_new_tokens, tf.constant(length_penalty, "float32"),
                   tf.constant(diversity, "float32"), fed)  # fmt: skip

    def contrast(self, prompts, *, max_new_tokens, penalty, candidates=5, **options):
        """Goes on with prompts by likely tokens that are unlike; see `nlpkit.generation.contrastive_search`.

        The hidden vectors are those from which the network's scores come.

        Args:
            prompts: As of `write`.
            max_new_tokens: int.
            penalty: float.
            candidates: int. Defaults to 5.
            **options: As of `write`, but for those of chance.

        Returns:
            `Generated`.

        Raises:
            InputError: If an option is unknown or out of its range.
        """
        self._check(max_new_tokens, options)
        check_number("candidates", candidates, "an integer, 1 or more", lambda x: x >= 1, whole=True)
        check_number("penalty", penalty, "from 0 to 1", lambda x: 0 <= x <= 1)
        static, fed = _split(options)
        run = self.kept(("contrast", static, tuple(fed)), self._contrast, dict(static), fed)
        return run(prompts, max_new_tokens, tf.constant(candidates), tf.constant(penalty, "float32"), fed)

    def kept(self, key, make, *arguments):
        """A graph over the network that is made when it is first asked for, and then kept.

        Args:
            key: Tuple. What it is asked for by.
            make: callable. Makes it.
            *arguments: Of `make`.

        Returns:
            What `make` returned.
        """
        if key not in self._functions:
            self._functions[key] = make(*arguments)
        self._functions.move_to_end(key)
        if len(self._functions) > KEPT:
            self._functions.popitem(last=False)
        return self._functions[key]

    def prompts_of(self, given):
        """int32 tensor of shape `(batch, time)`. What the texts begin with: what is given."""
        return given

    def first_state(self, given, max_new_tokens):
        """The network's state before it reads the prompts.

        Args:
            given: int32 tensor of shape `(batch, time)`.
            max_new_tokens: int32 scalar tensor.

        Returns:
            Nest of tensors.
        """
        batch, length = tf.unstack(tf.shape(given))
        return self.network.initial_state(batch, tf.maximum(length, 1) + max_new_tokens)

    def _check(self, max_new_tokens, options):
        check_sampling(options, self.network.vocabulary_size)
        check_option("max_new_tokens", max_new_tokens)

    def _begin(self, logprobs):
        @tf.function(input_signature=[self.given, INTEGER], autograph=False)
        def run(given, max_new_tokens):
            state = self.first_state(given, max_new_tokens)
            return begin(state, self.prompts_of(given), max_new_tokens=max_new_tokens, logprobs=logprobs)

        return run

    def _advance(self, start, draws, static, fed):
        # Traced for generations of any size.
        found = start.get_concrete_function().structured_outputs
        generation = tf.nest.map_structure(lambda part: tf.TensorSpec(part.shape, part.dtype), found)

        @tf.function(input_signature=[generation, INTEGER, INTEGER, _specs(fed)], autograph=False)
        def run(generation, steps, seed, fed):
            filters = sampling_filters(**static, **fed)
            seed = seed if draws else None
            options = {"filters": filters, "seed": seed, "allow_unknown": self.allow_unknown}
            with joined_weights(self.network):
                return advance(self.network.step, generation, steps=steps, **options)

        return run.get_concrete_function()

    def _search(self, settings, static, fed):
        @tf.function(input_signature=[self.given, INTEGER, NUMBER, NUMBER, _specs(fed)], autograph=False)
        def run(given, max_new_tokens, length_penalty, diversity, fed):
            with joined_weights(self.network):
                return beam_search(
                    self.network.step,
                    self.first_state(given, max_new_tokens),
                    self.prompts_of(given),
                    max_new_tokens=max_new_tokens,
                    length_penalty=length_penalty,
                    diversity=diversity,
                    filters=sampling_filters(**static, **fed),
                    allow_unknown=self.allow_unknown,
                    **settings,
                )

        return run.get_concrete_function()

    def _contrast(self, static, fed):
        @tf.function(input_signature=[PROMPTS, INTEGER, INTEGER, NUMBER, _specs(fed)], autograph=False)
        def run(prompts, max_new_tokens, candidates, penalty, fed):
            state = self.first_state(prompts, max_new_tokens)
            hidden = self._hidden_step(tf.zeros(tf.shape(prompts)[:1], "int32"), (None, state))[1][0]
            return contrastive_search(
                self._hidden_step,
                (tf.zeros_like(hidden), state),  # of the hidden vector it is only the shape that counts
                prompts,
                max_new_tokens=max_new_tokens,
                hidden_of=lambda state: state[0],
                candidates=candidates,
                penalty=penalty,
                filters=sampling_filters(**static, **fed),
            )

        return run.get_concrete_function()

    def _hidden_step(self, token_ids, state):
        """The network's step, whose state also holds the hidden vector from which the logits came."""
        hidden, state = self.network.hidden_step(token_ids, state[1])
        return self.network.logits(hidden), (tf.cast(hidden, "float32"), state)


def _split(options):
    """Options that shape the graph, as something to look up, and tensors for the others."""
    used = {name: value for name, value in options.items() if not changes_nothing(name, value)}
    static = tuple((name, _hashable(used[name])) for name in STATIC if name in used)
    fed = {
        name: tf.constant(used[name], "float32" if isinstance(SAMPLING[name][2], float) else "int32")
        for name in SAMPLING
        if name in used and name not in STATIC
    }
    return static, fed


def _specs(fed):
    return {name: tf.TensorSpec([None] * value.shape.rank, value.dtype) for name, value in fed.items()}


def _hashable(value):
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value
