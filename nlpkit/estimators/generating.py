"""How a fitted text generator writes."""

import math

import tensorflow as tf
from sklearn.utils.validation import check_is_fitted

from nlpkit.errors import InputError
from nlpkit.estimators.labelled_texts import check_texts
from nlpkit.estimators.search_options import check_lengths, check_names, check_search, check_streamed
from nlpkit.estimators.search_words import with_ids
from nlpkit.generation import Generated, finish, stream
from nlpkit.generation.number_rules import check_numbers
from nlpkit.generation.sampling import SAMPLING
from nlpkit.generation.stop_strings import check_stop_strings, find_stop
from nlpkit.generation.texts import prompt_ids, texts_behind
from nlpkit.generation.writer import TO_THE_END, Writer

# Tokens that are written between two looks for a stop string, and between two pieces of a stream.
STOP_STEPS, STREAM_STEPS = 16, 1
CANDIDATES, DIVERSITY = 5, 0.5
DEFAULTS = {
    "max_new_tokens": 100, "stop": (), "num_results": 1, "seed": None, "beam_size": None, "length_penalty": 0.0,
    "beam_groups": 1, "diversity": None, "contrastive_penalty": None,
}  # fmt: skip

STREAMED = ("max_new_tokens", "stop", "seed")


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
        num_results=1,
        seed=None,
        beam_size=None,
        length_penalty=0.0,
        beam_groups=1,
        diversity=None,
        contrastive_penalty=None,
        **sampling,
    ):
        """Goes on with texts.

        Args:
            prompts: str or list of str. Their beginnings; an empty one begins a text. Defaults to `""`.
            max_new_tokens: int. Most tokens that are written. Defaults to 100.
            stop: str or sequence of str. Where one occurs, the text is cut before it. Defaults to none, as `None`.
            num_results: int. Texts per prompt; a search with beams gives fewer where there are no more. Defaults to 1.
            seed: int. The same seed writes the same texts. Defaults to `None`: one is drawn.
            beam_size: int. Searches for the most likely text with so many beams, in place of drawing. Defaults to
                `None`.
            length_penalty: float. Of a search with beams: the higher, the longer the texts. Defaults to 0.
            beam_groups: int. The beams are searched in so many groups, of which each avoids what those before it have
                chosen. Defaults to 1.
            diversity: float. Of groups: what it costs to choose the same token. Defaults to `None`: 0.5.
            contrastive_penalty: float from 0 to 1. Tries the `top_k` (5) most likely tokens at each place, in place of
                drawing, and takes the one of the highest probability, less this part of its likeness to what was there
                before. Defaults to `None`.
            **sampling: `temperature` (1; 0 always takes the most likely token), `top_k` (0), `top_p` (1), `min_p` (0),
                `typical_p` (1), `repetition_penalty` (1), `presence_penalty` (0), `frequency_penalty` (0),
                `no_repeat_ngram` (0), `bad_words` (strings that must not occur), `min_new_tokens` (0), `forced_prefix`
                (a str that what is written begins with); see `nlpkit.generation`.

        Returns:
            What was added: a str for a str, a list for a list; of several results per prompt, a list of them each. If
            rules leave no text at all, nothing was added.

        Raises:
            InputError: If an option is unknown, out of its range, or does not go together with another.
        """
        if "logprobs" in sampling:
            raise InputError(
                "`generate` gives texts alone. Received: logprobs="
                f"{sampling['logprobs']!r}. Use `generate_details`, which also tells how likely they are."
            )
        found = self._details_by_prompt(
            prompts,
            max_new_tokens=max_new_tokens,
            stop=stop,
            num_results=num_results,
            seed=seed,
            beam_size=beam_size,
            length_penalty=length_penalty,
            beam_groups=beam_groups,
            diversity=diversity,
            contrastive_penalty=contrastive_penalty,
            **sampling,
        )
        texts = [[detail["text"] for detail in details] for details in found]
        if num_results == 1:
            texts = ["".join(one) for one in texts]
        return texts[0] if isinstance(prompts, str) else texts

    def generate_details(self, prompts="", *, logprobs=None, **options):
        """Goes on with texts, and tells how likely they are.

        Args:
            prompts: As of `generate`.
            logprobs: int. Also gives the log-probability of each token, and those of so many of the most likely ones in
                its place. Of texts that are drawn only. Defaults to `None`.
            **options: All others of `generate`.

        Returns:
            List of dicts, `num_results` for each prompt, or fewer of beams: `"prompt"`, `"text"`, `"score"` (the
            log-probability; of beams without a forced prefix and over the length penalty), `"tokens"`; with `logprobs`
            also `"token_ids"`, `"logprobs"`, one per token, and `"top_logprobs"`, one dict of ids per token. `stop`
            cuts the text alone: the others are of all that was written, also of what was cut off.

        Raises:
            InputError: As for `generate`.
        """
        found = self._details_by_prompt(prompts, logprobs=logprobs, **options)
        return [detail for details in found for detail in details]

    def _details_by_prompt(self, prompts, *, logprobs=None, **options):
        """A list of the `generate_details` of each prompt."""
        check_is_fitted(self)
        given = [prompts] if isinstance(prompts, str) else check_texts(prompts, "prompts")
        options = {**DEFAULTS, **options}
        check_names(options, [*DEFAULTS, *SAMPLING])
        check_numbers(options)
        check_search({**options, "logprobs": logprobs})
        stop, results = check_stop_strings(options.pop("stop")), options.pop("num_results")
        rows = self._prompt_ids(given)
        each = tf.repeat(rows, results, axis=0)
        found = self._find(rows, each, stop, results, logprobs, options)
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
        if found.logprobs is not None:
            details = _with_logprobs(details, found)
        by_prompt = (details[start : start + results] for start in range(0, len(details), results))
        # What a search with beams could not find has minus infinity in its place.
        return [[detail for detail in one if detail["score"] != -math.inf] for one in by_prompt]

    def stream(self, prompt="", *, max_new_tokens=100, stop=(), seed=None, **sampling):
        """Goes on with a text, piece by piece while it is written.

        Args:
            prompt: str. Defaults to `""`.
            max_new_tokens: int. As of `generate`. Defaults to 100.
            stop: As of `generate`.
            seed: int. As of `generate`. Defaults to `None`.
            **sampling: As of `generate`.

        Returns:
            Generator of str, none of them empty; joined they are the text that `generate` writes.

        Raises:
            InputError: As for `generate`, before there is a generator.
        """
        check_is_fitted(self)
        if not isinstance(prompt, str):
            raise InputError(
                f"`prompt` must be a str, for one text is streamed. Received: prompt={prompt!r}. Use `generate` for "
                "several."
            )
        check_streamed(sampling)
        check_names(sampling, [*STREAMED, *SAMPLING])
        options = {"max_new_tokens": max_new_tokens, "seed": seed, **sampling}
        check_numbers(options)
        check_lengths(options)
        stop = check_stop_strings(stop)
        rows = self._prompt_ids([prompt])
        advance, generation = self._writer().begin(rows, **with_ids(options, self.text_to_ids_))
        return stream(
            lambda generation: advance(generation, STREAM_STEPS),
            generation,
            lambda ids: self._texts_behind(rows, tf.constant([ids], "int32"))[0],
            stop=stop,
        )

    def _find(self, rows, each, stop, results, logprobs, options):
        """What the search that was asked for finds: `results` texts for each of the rows."""
        options = with_ids(options, self.text_to_ids_)
        seed, beams, contrastive = (
            options.pop(name) for name in ("seed", "beam_size", "contrastive_penalty")
        )
        length_penalty, groups, diversity = (
            options.pop(name) for name in ("length_penalty", "beam_groups", "diversity")
        )
        if beams is not None:
            diversity = DIVERSITY if diversity is None else diversity
            return self._search(
                rows, beams=beams, n_best=results, groups=groups, diversity=diversity, length_penalty=length_penalty,
                **options,
            )  # fmt: skip
        if contrastive is not None:
            candidates = options.pop("top_k", CANDIDATES)
            return self._writer().contrast(rows, penalty=contrastive, candidates=candidates, **options)
        return self._draw(each, stop, seed=seed, logprobs=logprobs, **options)

    def _draw(self, rows, stop, **options):
        """Writes until the end, or until each text holds a stop string."""
        advance, generation = self._writer().begin(rows, **options)
        while True:
            generation = advance(generation, STOP_STEPS if stop else TO_THE_END)
            if not stop or tf.reduce_all(generation.done):
                return finish(generation)
            texts = self._texts_behind(rows, finish(generation).token_ids)
            stopped = [find_stop(text, stop) is not None for text in texts]
            generation = generation._replace(done=generation.done | stopped)

    def _search(self, rows, **options):
        """The best texts of each prompt, one after the other."""
        found = self._writer().search(rows, **options)
        token_ids = tf.reshape(found.token_ids, (-1, options["max_new_tokens"]))
        return Generated(token_ids, tf.reshape(found.lengths, [-1]), tf.reshape(found.score, [-1]), None)

    def _writer(self):
        if getattr(self, "_own_writer", None) is None or self._own_writer.network is not self.network_:
            self._own_writer = Writer(self.network_)
        return self._own_writer

    def _prompt_ids(self, texts):
        return prompt_ids(self.text_to_ids_, tf.constant(texts))

    def _texts_behind(self, rows, token_ids):
        texts = texts_behind(self.text_to_ids_, rows, token_ids).numpy()
        return [text.decode("utf-8") for text in texts]


def _with_logprobs(details, found):
    chosen, ids, best = (part.numpy().tolist() for part in found.logprobs)
    for row, detail in enumerate(details):
        detail["token_ids"] = found.token_ids[row, : detail["tokens"]].numpy().tolist()
        detail["logprobs"] = chosen[row][: detail["tokens"]]
        pairs = zip(ids[row], best[row], strict=True)
        detail["top_logprobs"] = [dict(zip(*pair, strict=True)) for pair in pairs][: detail["tokens"]]
    return details
