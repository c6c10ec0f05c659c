"""Dialogues to a model that answers."""

import tensorflow as tf
from sklearn.utils.validation import check_is_fitted

from nlpkit.errors import InputError
from nlpkit.estimators.labelled_texts import check_texts
from nlpkit.estimators.text_to_text import TextToText
from nlpkit.generation import finish
from nlpkit.generation.writer import TO_THE_END


class Chatbot(TextToText):
    """A `TextToText` whose source is the last turns of a dialogue, and whose target is the next turn.

    Args:
        preset: As in `TextToText`. Defaults to `"attention"`.
        turns: int. Turns before the answer that it reads, at most. Defaults to 3.
        separator: str. Stands between two turns. Defaults to `" ‖ "`.
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
                str, or a `TableReader`, as of `TextToText.fit`: turns joined by `separator`, and the answer.
            y: List of str, or `None`.
            validation_data: The same, as a pair with `y`. Defaults to a tenth of the answers, 2,000 at most.
            checkpoint: As of `TextToText.fit`. Defaults to `None`.
            resume: As of `TextToText.fit`. Defaults to `False`.

        Returns:
            The fitted chatbot itself.

        Raises:
            InputError: If dialogues or a setting cannot be used, or there is no checkpoint to resume from.
        """
        self._check_settings()
        if y is None and isinstance(X, list | tuple):
            X, y = self.pairs_of(X)
        if isinstance(validation_data, list):
            validation_data = self.pairs_of(validation_data)
        return super().fit(X, y, validation_data=validation_data, checkpoint=checkpoint, resume=resume)

    def pairs_of(self, dialogues):
        """What is trained on: the turns before each answer, joined, and the answers.

        Args:
            dialogues: List of lists of str.

        Returns:
            Tuple of two lists of str.

        Raises:
            InputError: If a dialogue is no list of str, or none has two turns.

        Example:
            >>> from nlpkit import Chatbot
            >>> Chatbot(turns=2).pairs_of([["hello", "hi", "how are you?", "fine"]])
            (['hello', 'hello ‖ hi', 'hi ‖ how are you?'], ['hi', 'how are you?', 'fine'])
        """
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
            history: List of str, the turns so far, the last one to be answered; or that turn alone.
            seed: int. The same seed gives the same answer. Defaults to `None`: one is drawn.
            max_new_tokens: int. Most tokens of the answer. Defaults to `None`: those of the longest one in training.
            **sampling: `temperature` and the other options of `TextGenerator.generate` that draw. Defaults to the most
                likely token at each place.

        Returns:
            str.

        Raises:
            InputError: If the history is empty or no text, or an option cannot be used.
        """
        check_is_fitted(self)
        turns = check_texts([history] if isinstance(history, str) else history, "history")
        joined = self._joined(turns)
        source = tf.constant(self._source_rows([joined]).padded())
        options = {"temperature": 1.0 if sampling else 0.0, **sampling}
        advance, generation = self._writer().begin(
            source,
            max_new_tokens=self._longest if max_new_tokens is None else max_new_tokens,
            seed=seed,
            **options,
        )
        ids = finish(advance(generation, TO_THE_END)).token_ids.numpy()
        return self._texts(source, ids, [joined])[0]

    def _joined(self, turns):
        return self.separator.join(turns[-self.turns :])

    def _check_settings(self):
        if isinstance(self.turns, bool) or not isinstance(self.turns, int) or self.turns < 1:
            raise InputError(
                f"`turns` (--turns) must be an integer, 1 or more. Received: turns={self.turns!r}"
            )
        if not isinstance(self.separator, str) or not self.separator:
            raise InputError(f"`separator` must be a str that is not empty. Received: {self.separator!r}")
