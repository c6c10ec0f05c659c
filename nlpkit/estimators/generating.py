"""How a fitted text generator writes."""

import tensorflow as tf
from sklearn.utils.validation import check_is_fitted

from nlpkit.errors import InputError
from nlpkit.estimators.labelled_texts import check_texts
from nlpkit.generation import Generated, finish, stream
from nlpkit.generation.options import check_number
from nlpkit.generation.stop_strings import check_stop_strings, find_stop
from nlpkit.generation.texts import prompt_ids, texts_behind
from nlpkit.generation.writer import TO_THE_END, Writer
from nlpkit.text.vocabulary import UNKNOWN

# Tokens that are written between two looks for a stop string, and between two pieces of a stream.
STOP_STEPS, STREAM_STEPS = 16, 1
OF_WHOLE_TEXTS = ("stop", "beam_size", "num_results", "length_penalty")
DEFAULTS = {
    "max_new_tokens": 100, "stop": (), "beam_size": None, "num_results": 1, "length_penalty": 0.0, "seed": None,
}  # fmt: skip


class WritingGenerator:
    """Writes texts with the generator that it is mixed into.

    Example:
        ```python
        from nlpkit import TextGenerator

        generator = TextGenerator(units=16, epochs=2, random_state=0).fit(["to be or not to be"] * 50)
        print(generator.generate("to be", max_new_tokens=4, seed=1))
        ```
    """

    def generate(
        self,
        prompts="",
        *,
        max_new_tokens=100,
        stop=(),
        beam_size=None,
        num_results=1,
        length_penalty=0.0,
        seed=None,
        **sampling,
    ):
        """Goes on with texts.

        Args:
            prompts: str or list of str. Their beginnings; an empty one begins a text. Defaults to `""`.
            max_new_tokens: int. Most tokens that are written. Defaults to 100.
            stop: str or sequence of str. Where one occurs, the text is cut before it. Defaults to none.
            beam_size: int. Searches for the most likely text with so many beams, in place of drawing. Defaults to
                `None`.
            num_results: int. Texts per prompt. Defaults to 1.
            length_penalty: float. Of a search with beams: the higher, the longer the texts. Defaults to 0.
            seed: int. The same seed writes the same texts. Defaults to `None`: one is drawn.
            **sampling: `temperature` (1; 0 always takes the most likely token), `top_k` (0), `top_p` (1), `min_p` (0),
                `typical_p` (1), `repetition_penalty` (1), `presence_penalty` (0), `frequency_penalty` (0),
                `no_repeat_ngram` (0), `bad_words` (strings that must not occur), `min_new_tokens` (0); see
                `nlpkit.generation`.

        Returns:
            What was added: a str for a str, a list for a list; of several results per prompt, a list of them each.

        Raises:
            InputError: If an option is unknown, out of its range, or does not go together with another.
        """
        found = self.generate_details(
            prompts,
            max_new_tokens=max_new_tokens,
            stop=stop,
            beam_size=beam_size,
            num_results=num_results,
            length_penalty=length_penalty,
            seed=seed,
            **sampling,
        )
        texts = [detail["text"] for detail in found]
        if num_results > 1:
            texts = [texts[start : start + num_results] for start in range(0, len(texts), num_results)]
        return texts[0] if isinstance(prompts, str) else texts

    def generate_details(self, prompts="", *, logprobs=None, **options):
        """Goes on with texts, and tells how likely they are.

        Args:
            prompts: As of `generate`.
            logprobs: int. Also gives the log-probability of each token, and those of so many of the most likely ones in
                its place. Not with beams. Defaults to `None`.
            **options: All others of `generate`.

        Returns:
            List of dicts, `num_results` for each prompt: `"prompt"`, `"text"`, `"score"` (the log-probability of all
            that was written, before it was cut; of beams over the length penalty), `"tokens"`; with `logprobs` also
            `"logprobs"`, one per token, and `"top_logprobs"`, one dict of ids per token.

        Raises:
            InputError: As for `generate`.
        """
        check_is_fitted(self)
        given = [prompts] if isinstance(prompts, str) else check_texts(prompts, "prompts")
        options = {**DEFAULTS, **options}
        _check(options, logprobs)
        stop, beam_size, results, length_penalty = (options.pop(name) for name in OF_WHOLE_TEXTS)
        stop, rows = check_stop_strings(stop), self._prompt_ids(given)
        each = tf.repeat(rows, results, axis=0)
        if beam_size is None:
            found = self._draw(each, stop, logprobs=logprobs, **options)
        else:
            del options["seed"]
            found = self._search(
                rows, beams=beam_size, n_best=results, length_penalty=length_penalty, **options
            )
        details = [
            {"prompt": prompt, "text": text[: find_stop(text, stop)], "score": score, "tokens": tokens}
            for prompt, text, score, tokens in zip(
                [text for text in given for _ in range(results)],
                self._texts_behind(each, found.token_ids),
                found.score.numpy().tolist(),
                found.lengths.numpy().tolist(),
                strict=True,
            )
        ]
        return details if found.logprobs is None else _with_logprobs(details, found.logprobs)

    def stream(self, prompt="", *, max_new_tokens=100, stop=(), seed=None, **sampling):
        """Goes on with a text and yields it piece by piece.

        Args:
            prompt: str. Defaults to `""`.
            max_new_tokens: int. As of `generate`. Defaults to 100.
            stop: As of `generate`.
            seed: int. As of `generate`. Defaults to `None`.
            **sampling: As of `generate`.

        Yields:
            str, never empty; joined they are the text that `generate` writes.

        Raises:
            InputError: As for `generate`.
        """
        check_is_fitted(self)
        rows = self._prompt_ids([prompt])
        advance, generation = self._writer().begin(
            rows, max_new_tokens=max_new_tokens, seed=seed, **self._with_ids(sampling)
        )
        yield from stream(
            lambda generation: advance(generation, STREAM_STEPS),
            generation,
            lambda ids: self._texts_behind(rows, tf.constant([ids], "int32"))[0],
            stop=stop,
        )

    def _draw(self, rows, stop, **options):
        """Writes until the end, or until each text holds a stop string."""
        advance, generation = self._writer().begin(rows, **self._with_ids(options))
        while True:
            generation = advance(generation, STOP_STEPS if stop else TO_THE_END)
            if not stop or tf.reduce_all(generation.done):
                return finish(generation)
            texts = self._texts_behind(rows, finish(generation).token_ids)
            stopped = [find_stop(text, stop) is not None for text in texts]
            generation = generation._replace(done=generation.done | stopped)

    def _search(self, rows, **options):
        """The best texts of each prompt, one after the other."""
        found = self._writer().search(rows, **self._with_ids(options))
        token_ids = tf.reshape(found.token_ids, (-1, options["max_new_tokens"]))
        return Generated(token_ids, tf.reshape(found.lengths, [-1]), tf.reshape(found.score, [-1]), None)

    def _writer(self):
        if getattr(self, "_own_writer", None) is None or self._own_writer.network is not self.network_:
            self._own_writer = Writer(self.network_)
        return self._own_writer

    def _prompt_ids(self, texts):
        return prompt_ids(self.text_to_ids_, tf.constant(texts))

    def _with_ids(self, options):
        """Words that must not occur as ids; those that the vocabulary lacks cannot."""
        words = options.get("bad_words", ())
        if not words:
            return options
        # Each but for the end that stands before a prompt, and the padding behind it.
        rows = [[int(id) for id in row[1:] if id] for row in self._prompt_ids(list(words)).numpy()]
        return {**options, "bad_words": tuple(tuple(row) for row in rows if row and UNKNOWN not in row)}

    def _texts_behind(self, rows, token_ids):
        texts = texts_behind(self.text_to_ids_, rows, token_ids).numpy()
        return [text.decode("utf-8") for text in texts]


def _check(options, logprobs):
    """What the graphs cannot see: options that do not go together."""
    check_number("num_results", options["num_results"], "an integer, 1 or more", lambda x: x >= 1, whole=True)
    if options["beam_size"] is None:
        if options["length_penalty"]:
            raise InputError(
                "`length_penalty` belongs to a search with beams. Received: "
                f"length_penalty={options['length_penalty']!r} without `beam_size`. Give it, or leave this out."
            )
        return
    chance = sorted({"temperature", "top_k", "top_p", "min_p", "typical_p"} & set(options))
    if options["seed"] is not None:
        chance.append("seed")
    if logprobs is not None:
        chance.append("logprobs")
    if chance:
        raise InputError(
            f"A search with beams leaves nothing to chance. Received: beam_size={options['beam_size']!r} with "
            f"{', '.join(chance)}. Leave out one or the other."
        )


def _with_logprobs(details, logprobs):
    chosen, ids, best = (part.numpy().tolist() for part in logprobs)
    for row, detail in enumerate(details):
        detail["logprobs"] = chosen[row][: detail["tokens"]]
        pairs = zip(ids[row], best[row], strict=True)
        detail["top_logprobs"] = [dict(zip(*pair, strict=True)) for pair in pairs][: detail["tokens"]]
    return details
