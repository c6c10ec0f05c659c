"""An exported language model: texts in, what follows them out."""

import secrets

import numpy as np

from nlpkit.checks import check_number
from nlpkit.generation.stop_strings import check_stop_strings, find_stop
from nlpkit.lite.text_to_ids import TextToIds
from nlpkit.lite.texts import as_list
from nlpkit.text.vocabulary import END

# What an option must be, whether a number keeps to that, and whether it must be a whole one.
RULES = {
    "max_new_tokens": ("an integer, 0 or more", lambda x: x >= 0, True),
    "temperature": ("0 (always the most likely token) or more", lambda x: x >= 0, False),
    "top_k": ("an integer, 0 (off) or more", lambda x: x >= 0, True),
    "top_p": ("above 0 and at most 1 (off)", lambda x: 0 < x <= 1, False),
    "seed": ("an integer of 32 bits", lambda x: -(2**31) <= x < 2**31, True),
}


class LiteGenerator:
    """Writes as the `TextGenerator` that was exported: the same text for a seed.

    Args:
        file: `ModelFile` or `OnnxFiles` of a generator.
        num_threads: int. Processor threads. Defaults to 1.

    Example:
        ```python
        import tempfile
        import nlpkit.lite
        from nlpkit import TextGenerator

        folder = tempfile.mkdtemp()
        TextGenerator(units=8, epochs=1).fit(["a small text", "another one"] * 20).export(folder, to="tflite")
        print(nlpkit.lite.load(folder + "/model.tflite").generate("a", max_new_tokens=5, seed=1))
        ```
    """

    def __init__(self, file, num_threads=1):
        self.text_to_ids = TextToIds(file.spec["text"], file.files)
        self._run = file.interpreter(num_threads)

    def generate(
        self, prompts="", *, max_new_tokens=100, stop=(), seed=None, temperature=1.0, top_k=0, top_p=1.0
    ):
        """Goes on with texts.

        Args:
            prompts: str or list of str. Their beginnings; an empty one begins a text. Defaults to `""`.
            max_new_tokens: int. Most tokens that are written. Defaults to 100.
            stop: str or sequence of str. Where one occurs, the text is cut before it. Defaults to none.
            seed: int. The same seed writes the same texts. Defaults to `None`: one is drawn.
            temperature: float. 0 always takes the most likely token. Defaults to 1.
            top_k: int. Draws among so many most likely tokens; 0 among all. Defaults to 0.
            top_p: float. Draws among the most likely tokens that together have this probability. Defaults to 1.

        Returns:
            What was added: a str for a str, a list for a list.

        Raises:
            InputError: If a prompt is no str, a stop string is empty, or a number is not what it must be.
        """
        stop = check_stop_strings(stop)
        options = {
            "max_new_tokens": max_new_tokens,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "seed": secrets.randbelow(2**31) if seed is None else seed,
        }
        for name, (rule, allowed, whole) in RULES.items():
            check_number(name, options[name], rule, allowed, whole)
        given = as_list([prompts] if isinstance(prompts, str) else prompts)
        texts = [self._go_on(prompt, row, options) for row, prompt in enumerate(given)]
        texts = [text[: find_stop(text, stop)] for text in texts]
        return texts[0] if isinstance(prompts, str) else texts

    def score(self, X):
        """The log-probability of each text, its end included, each read by itself.

        Args:
            X: List of str.

        Returns:
            Float array `(n,)`, in nats.

        Raises:
            InputError: If `X` is no list of str.
        """
        rows = self.text_to_ids.rows(as_list(X))
        return np.array([self._run("score", token_ids=[row])["score"][0] for row in rows], "float32")

    def _go_on(self, prompt, row, options):
        token_ids = [END, *self.text_to_ids.uncut(prompt)]
        new = self._run("generate", token_ids=[token_ids], first_row=row, **options)["token_ids"][0]
        before, whole = self.text_to_ids.detokenize([token_ids, [*token_ids, *new.tolist()]])
        return whole[len(before) :]
