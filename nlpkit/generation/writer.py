"""A network and its searches as graphs, traced once for each kind of options; their values are fed."""

import random

import tensorflow as tf

from nlpkit.generation.beams import beam_search
from nlpkit.generation.carry import begin, finish
from nlpkit.generation.decoding import advance
from nlpkit.generation.options import check_number
from nlpkit.generation.sampling import SAMPLING, changes_nothing, check_sampling, sampling_filters

# Options whose values shape the graph.
STATIC = ("no_repeat_ngram", "bad_words")
PROMPTS = tf.TensorSpec((None, None), "int32")
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

    def __init__(self, network):
        self.network = network
        self._functions = {}

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
        check_sampling(options, self.network.vocabulary_size)
        check_number("max_new_tokens", max_new_tokens, "an integer, 0 or more", lambda x: x >= 0, whole=True)
        if seed is not None:
            rule = "an integer from -2147483648 to 2147483647"
            check_number("seed", seed, rule, lambda x: -(2**31) <= x < 2**31, whole=True)
        if logprobs is not None:
            most = self.network.vocabulary_size
            rule = f"an integer from 0 to the size of the vocabulary, {most}"
            check_number("logprobs", logprobs, rule, lambda x: 0 <= x <= most, whole=True)
        draws = options.get("temperature", 1.0) != 0
        if not draws:
            options = {**options, "temperature": 1.0}
        seed = tf.constant(random.getrandbits(31) if seed is None else seed)
        static, fed = _split(options)
        start = self._function(("begin", logprobs), self._begin, logprobs)
        key = ("advance", logprobs, draws, static, tuple(fed))
        run = self._function(key, self._advance, start, draws, dict(static), fed)

        def carry_on(generation, steps):
            return run(generation, tf.constant(steps), seed, fed)

        return carry_on, start(prompts, max_new_tokens)

    def search(self, prompts, *, max_new_tokens, beams, n_best=1, length_penalty=0.0, **options):
        """Finds the best texts that go on from prompts; see `nlpkit.generation.beam_search`.

        Args:
            prompts: As of `write`.
            max_new_tokens: int.
            beams: int.
            n_best: int. Defaults to 1.
            length_penalty: float. Defaults to 0.
            **options: As of `write`, but for those of chance.

        Returns:
            `BeamResult`.

        Raises:
            InputError: If an option is unknown or out of its range.
        """
        check_sampling(options, self.network.vocabulary_size)
        check_number("max_new_tokens", max_new_tokens, "an integer, 0 or more", lambda x: x >= 0, whole=True)
        static, fed = _split(options)
        key = ("search", beams, n_best, static, tuple(fed))
        run = self._function(key, self._search, {"beams": beams, "n_best": n_best}, dict(static), fed)
        return run(prompts, max_new_tokens, tf.constant(length_penalty, "float32"), fed)

    def _function(self, key, make, *arguments):
        if key not in self._functions:
            self._functions[key] = make(*arguments)
        return self._functions[key]

    def _begin(self, logprobs):
        @tf.function(input_signature=[PROMPTS, INTEGER], autograph=False)
        def run(prompts, max_new_tokens):
            batch, length = tf.unstack(tf.shape(prompts))
            state = self.network.initial_state(batch, tf.maximum(length, 1) + max_new_tokens)
            return begin(state, prompts, max_new_tokens=max_new_tokens, logprobs=logprobs)

        return run

    def _advance(self, start, draws, static, fed):
        # Traced for generations of any size.
        found = start.get_concrete_function().structured_outputs
        generation = tf.nest.map_structure(lambda part: tf.TensorSpec(part.shape, part.dtype), found)

        @tf.function(input_signature=[generation, INTEGER, INTEGER, _specs(fed)], autograph=False)
        def run(generation, steps, seed, fed):
            filters = sampling_filters(**static, **fed)
            seed = seed if draws else None
            return advance(self.network.step, generation, steps=steps, filters=filters, seed=seed)

        return run.get_concrete_function()

    def _search(self, settings, static, fed):
        @tf.function(input_signature=[PROMPTS, INTEGER, NUMBER, _specs(fed)], autograph=False)
        def run(prompts, max_new_tokens, length_penalty, fed):
            batch, length = tf.unstack(tf.shape(prompts))
            return beam_search(
                self.network.step,
                self.network.initial_state(batch, tf.maximum(length, 1) + max_new_tokens),
                prompts,
                max_new_tokens=max_new_tokens,
                length_penalty=length_penalty,
                filters=sampling_filters(**static, **fed),
                **settings,
            )

        return run.get_concrete_function()


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
    return {name: tf.TensorSpec((), value.dtype) for name, value in fed.items()}


def _hashable(value):
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value
