"""Dialogues to a model that answers."""

import numpy as np
import tensorflow as tf
from sklearn.utils.validation import check_is_fitted

from nlpkit.data import TableReader
from nlpkit.errors import InputError
from nlpkit.estimators.labelled_texts import check_texts
from nlpkit.estimators.pair_training import HELD_OUT, MOST_HELD_OUT
from nlpkit.estimators.search_options import OF_DRAWING
from nlpkit.estimators.search_words import with_ids
from nlpkit.estimators.settings import random_seed
from nlpkit.estimators.text_pairs import TextPairs
from nlpkit.estimators.text_to_text import TextToText
from nlpkit.generation import finish, stream
from nlpkit.generation.options import check_number
from nlpkit.generation.writer import TO_THE_END

STREAM_STEPS = 1  # tokens that are written between two pieces of a stream
FEWEST_DIALOGUES = 10  # of fewer, one would be more than the part that is held out


class Chatbot(TextToText):
    """A `TextToText` whose source is the last turns of a dialogue, and whose target is the next turn.

    Args:
        preset: As in `TextToText`. Defaults to `"attention"`.
        turns: int. Turns before the answer that it reads, at most. Defaults to 3.
        separator: str. Stands between two turns; where a turn holds it, a space takes its place. Defaults to `" ‖ "`.
        cell: As in `TextToText`. Defaults to `None`.
        units: As in `TextToText`. Defaults to `None`.
        num_layers: As in `TextToText`. Defaults to `None`.
        level: As in `TextToText`. Defaults to `"subword"`.
        shared: As in `TextToText`, but defaults to `True`: both sides speak the same language.
        normalize: As in `TextToText`. Defaults to `True`.
        epochs: int. Largest number of passes over the data.
        minutes: float. Time that training may take; `None` sets no limit.
        options: As in `TextToText`. Defaults to `None`.
        random_state: int. Seed; `None` draws one.
        verbose: int. 1 shows a progress bar. Defaults to 0.

    Attributes:
        report_: dict. What `report.json` holds.
        source_: `TextToIds` of the histories.
        target_: `TextToIds` of the answers.
        network_: `EncoderDecoderNetwork`.

    Raises:
        InputError: If dialogues cannot be used, or a setting is unknown.

    Example:
        ```python
        from nlpkit import Chatbot

        dialogues = [["hello", "hello, who are you?", f"I am number {n}", f"welcome, {n}"] for n in range(30)]
        bot = Chatbot(level="word", units=32, epochs=5, random_state=0).fit(dialogues)
        print(bot.reply(["hello"]))
        ```

    Reference:
        [Vinyals & Le, 2015](https://arxiv.org/abs/1506.05869)
    """

    task = "chatbot"

    def __init__(
        self,
        preset="attention",
        *,
        turns=3,
        separator=" ‖ ",
        cell=None,
        units=None,
        num_layers=None,
        level="subword",
        shared=True,
        normalize=True,
        epochs=None,
        minutes=None,
        options=None,
        random_state=None,
        verbose=0,
    ):
        super().__init__(
            preset,
            cell=cell,
            units=units,
            num_layers=num_layers,
            level=level,
            shared=shared,
            normalize=normalize,
            epochs=epochs,
            minutes=minutes,
            options=options,
            random_state=random_state,
            verbose=verbose,
        )
        self.turns = turns
        self.separator = separator

    def fit(self, X, y=None, *, validation_data=None, checkpoint=None, resume=False):
        """Trains on dialogues.

        Args:
            X: List of dialogues, each a list of str, of which every turn but the first is an answer. With `y` a list of
                str, or a `TableReader`, as of `TextToText.fit`: turns joined by `separator`, of which the last `turns`
                are read, and the answer.
            y: List of str; `None` with dialogues or a reader.
            validation_data: List of dialogues, if `X` is one, or a `TableReader`; else as of `TextToText.fit`. Defaults
                to a tenth of the dialogues, 2,000 at most; of fewer than ten, and without dialogues, to a tenth of the
                answers.
            checkpoint: As of `TextToText.fit`. Defaults to `None`.
            resume: As of `TextToText.fit`. Defaults to `False`.

        Returns:
            The fitted chatbot itself.

        Raises:
            InputError: If dialogues or a setting cannot be used, or there is no checkpoint to resume from.
        """
        self._check_settings()
        if y is None and isinstance(X, list | tuple):
            X, y, validation_data = self._parts(X, validation_data)
        return super().fit(X, y, validation_data=validation_data, checkpoint=checkpoint, resume=resume)

    def pairs_of(self, dialogues):
        """What is trained on: the turns before each answer, joined, and the answers.

        Args:
            dialogues: List of lists of str.

        Returns:
            Tuple of two lists of str.

        Raises:
            InputError: If a dialogue is no list of str, none has two turns, or `turns` or `separator` cannot be used.

        Example:
            >>> from nlpkit import Chatbot
            >>> Chatbot(turns=2).pairs_of([["hello", "hi", "how are you?", "fine"]])
            (['hello', 'hello ‖ hi', 'hi ‖ how are you?'], ['hi', 'how are you?', 'fine'])
        """
        self._check_settings()
        histories, answers = [], []
        for number, dialogue in enumerate(dialogues):
            turns = check_texts(dialogue, f"dialogue {number}")
            for place in range(1, len(turns)):
                histories.append(self._joined(turns[:place]))
                answers.append(turns[place])
        if not answers:
            raise InputError(
                "`X` must hold dialogues of two turns or more, each a list of str. Received: "
                f"{len(dialogues)} dialogues, none with an answer."
            )
        return histories, answers

    def reply(self, history, *, seed=None, max_new_tokens=None, **sampling):
        """Answers.

        Args:
            history: List of str, the turns so far, the last one to be answered; or that turn alone. Of a longer one
                the last `turns` are read.
            seed: int. Of an answer that is drawn: the same seed gives the same one. Defaults to `None`: one is drawn.
            max_new_tokens: int. Most tokens of the answer. Defaults to `None`: enough for those in training.
            **sampling: Options of `TextGenerator.generate` for one text: filters, penalties and the like, not
                beams or stop strings. With `temperature`, `top_k`, `top_p`, `min_p` or `typical_p` the answer is
                drawn; without, it is the most likely token at each place.

        Returns:
            str.

        Raises:
            InputError: If the history is empty or no text, or an option is unknown or out of its range.
        """
        text_of, advance, generation = self._begin(history, seed, max_new_tokens, sampling)
        found = finish(advance(generation, TO_THE_END))
        return text_of(found.token_ids[0, : int(found.lengths[0])].numpy().tolist())

    def stream(self, history, *, seed=None, max_new_tokens=None, **sampling):
        """Answers piece by piece, while the answer is written.

        Args:
            history: As of `reply`.
            seed: As of `reply`. Defaults to `None`.
            max_new_tokens: As of `reply`. Defaults to `None`.
            **sampling: As of `reply`.

        Returns:
            Generator of str, none of them empty; joined they are what `reply` gives.

        Raises:
            InputError: As of `reply`, before there is a generator.
        """
        text_of, advance, generation = self._begin(history, seed, max_new_tokens, sampling)
        return stream(lambda so_far: advance(so_far, STREAM_STEPS), generation, text_of)

    def _begin(self, history, seed, max_new_tokens, sampling):
        """What tells the text of ids, what carries an answer on, and the answer before its first token."""
        check_is_fitted(self)
        turns = [history] if isinstance(history, str) else history
        if hasattr(turns, "__len__") and len(turns) == 0:
            raise InputError("`history` must hold the turn to answer. Received: an empty history.")
        if "logprobs" in sampling:
            raise InputError(
                f"An answer is a text. Received: logprobs={sampling['logprobs']!r}. Leave it out; `predict_nbest` "
                "tells how likely targets are."
            )
        joined = self._joined(check_texts(turns, "history"))
        source = tf.constant(self._source_rows([joined]).padded())
        most = self._longest if max_new_tokens is None else max_new_tokens
        drawn = any(name in OF_DRAWING for name in sampling)
        options = {"temperature": 1.0 if drawn else 0.0, "max_new_tokens": most, **sampling}
        advance, generation = self._writer().begin(source, seed=seed, **with_ids(options, self.target_))

        def text_of(ids):
            return self._texts(source, np.array([ids], "int32"), [joined])[0] if ids else ""

        return text_of, advance, generation

    def _joined(self, turns):
        """The last turns as one text, which has the separator only where a turn ends."""
        mark = self.separator.strip()
        last = (turn.replace(self.separator, " ").replace(mark, " ") for turn in turns[-self.turns :])
        return self.separator.join(last)

    def _last_turns(self, joined):
        return self.separator.join(joined.split(self.separator)[-self.turns :])

    def _pairs(self, X, y=None, name="pairs"):
        return TextPairs(X, y, name, read=self._last_turns)

    def _check_sources(self, X):
        return list(map(self._last_turns, super()._check_sources(X)))

    def _parts(self, dialogues, validation_data):
        """Histories, answers, and validation data; no dialogue is in both."""
        histories, answers = self.pairs_of(dialogues)
        if isinstance(validation_data, TableReader):
            return histories, answers, validation_data
        if validation_data is not None:
            if not isinstance(validation_data, list):
                raise InputError(
                    "With dialogues as `X`, `validation_data` must be a list of dialogues too, or a TableReader. "
                    f"Received: {type(validation_data).__name__}"
                )
            return histories, answers, self.pairs_of(validation_data)
        answered = [dialogue for dialogue in dialogues if len(dialogue) > 1]
        if len(answered) < FEWEST_DIALOGUES:
            return histories, answers, None
        order = np.random.default_rng(random_seed(self.random_state)).permutation(len(answered))
        held = min(int(HELD_OUT * len(answered)), MOST_HELD_OUT)
        train, held_out = (
            self.pairs_of([answered[number] for number in sorted(numbers)])
            for numbers in (order[held:], order[:held])
        )
        return *train, held_out

    def _check_settings(self):
        check_number("turns", self.turns, "an integer, 1 or more", lambda x: x >= 1, whole=True)
        if not isinstance(self.separator, str) or not self.separator.strip():
            raise InputError(
                "`separator` must be a str with a character that is no white space, for white space may be lost when "
                f"texts are read. Received: separator={self.separator!r}"
            )
