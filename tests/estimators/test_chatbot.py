"""`Chatbot`: what it is trained on, what it reads of a history, what it answers, and every way it refuses."""

import pickle
import re

import numpy as np
import pytest
from estimators.untrained import untrained
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import nlpkit
from nlpkit import Chatbot, InputError
from nlpkit.data import TableReader
from nlpkit.estimators.text_pairs import TextPairs
from nlpkit.estimators.text_to_text_fitting import encoded
from nlpkit.text.vocabulary import END, UNKNOWN

NAMES = ("Ada", "Bo", "Cem")
DIALOGUES = [[name, "who ?", f"it is {name} ."] for name in NAMES] * 40
HISTORIES = [f"{name} ‖ who ?" for name in NAMES]


def small(**settings):
    training = {"batch_size": 6, "learning_rate": 0.01}
    options = {"training": training, "network": {"dropout": 0.0}}
    defaults = {"level": "word", "units": 16, "epochs": 1, "options": options, "random_state": 0}
    return Chatbot(**{**defaults, **settings})


@pytest.fixture(scope="module")
def bot():
    answers = [f"it is {name} ." for name in NAMES]
    return small(epochs=4).fit(HISTORIES * 40, answers * 40, validation_data=(HISTORIES, answers))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Pairs in a file, as a bot with `SEPARATED` reads them."""
    path = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    pairs = zip(*Chatbot(**SEPARATED).pairs_of(DIALOGUES[:30]), strict=True)
    path.write_text("".join(f"{history}\t{answer}\n" for history, answer in pairs))
    return path


SEPARATED = {"turns": 2, "separator": " <> "}


@pytest.fixture(scope="module")
def unsure(table):
    """Not trained, so that there is something to draw from."""
    reader = TableReader(table, text="source", label="target", columns="source,target")
    with untrained():
        return small(preset="seq2seq", units=4, **SEPARATED).fit(reader)


# What it is trained on.


def test_a_history_is_as_long_as_there_are_turns_to_read():
    dialogue = list("abcd")
    assert Chatbot(turns=1).pairs_of([dialogue]) == (["a", "b", "c"], ["b", "c", "d"])
    histories, answers = Chatbot(turns=9, separator="|").pairs_of([dialogue, ["x", "y"]])
    assert histories == ["a", "a|b", "a|b|c", "x"] and answers == ["b", "c", "d", "y"]
    assert Chatbot(turns=np.int64(2)).pairs_of([dialogue])[0][-1] == "b ‖ c"


def test_the_separator_stands_only_where_a_turn_ends():
    histories, answers = Chatbot().pairs_of([["a ‖ b‖c", "d ‖ e", "f"]])
    assert histories == ["a b c", "a b c ‖ d e"] and answers == ["d ‖ e", "f"]


def test_dialogues_of_one_turn_add_nothing():
    dialogues = [["alone"], ["a", "b"], ["alone too"]]
    assert Chatbot().pairs_of(dialogues) == (["a"], ["b"])
    with pytest.raises(InputError) as caught:
        Chatbot().fit([["alone"], ["alone too"]])
    assert str(caught.value) == (
        "`X` must hold dialogues of two turns or more, each a list of str. Received: 2 dialogues, none with an answer."
    )


def test_no_dialogue_is_both_trained_on_and_held_out():
    dialogues = [[f"{number}.{turn}" for turn in range(4)] for number in range(30)] + [["alone"]] * 30
    histories, answers, held_out = Chatbot(random_state=3)._parts(dialogues, None)
    of_training, of_validation = (
        {text.split(".")[0] for text in part} for part in (histories + answers, held_out[0] + held_out[1])
    )
    assert len(of_validation) == 3 and of_training == {str(n) for n in range(30)} - of_validation
    assert len(answers) == 27 * 3 and len(held_out[1]) == 3 * 3
    assert Chatbot(random_state=3)._parts(dialogues, None) == (histories, answers, held_out)
    assert Chatbot(random_state=4)._parts(dialogues, None)[2] != held_out


def test_of_few_dialogues_answers_are_held_out():
    model, few = Chatbot(random_state=0), DIALOGUES[:9] + [["alone"]] * 9
    assert model._parts(few, None) == (*model.pairs_of(few), None)


def test_validation_data_in_every_form(table):
    reader = TableReader(table, text="source", label="target", columns="source,target")
    model = Chatbot()
    histories, answers, found = model._parts(DIALOGUES, reader)
    assert found is reader and (histories, answers) == model.pairs_of(DIALOGUES)
    assert model._parts(DIALOGUES, DIALOGUES[:2])[2] == model.pairs_of(DIALOGUES[:2])
    for wrong in ((DIALOGUES[0], DIALOGUES[1]), np.array([["a", "b"]])):
        message = "`validation_data` must be a list of dialogues too, or a TableReader. Received: "
        with pytest.raises(InputError, match=re.escape(message + type(wrong).__name__)):
            model.fit(DIALOGUES, validation_data=wrong)


def test_a_fit_to_dialogues():
    model = small(preset="seq2seq", units=4).fit(DIALOGUES[:20])
    data = model.report_["data"]
    assert (data["train"]["rows"], data["validation"]["rows"]) == (36, 4)
    sources = {example["source"] for example in model.report_["examples"]}
    assert sources <= set(model.pairs_of(DIALOGUES[:20])[0]) and any(" ‖ " in source for source in sources)


def test_pairs_from_a_table(unsure, table):
    data = unsure.report_["data"]
    assert data["train"]["files"] == [str(table)] and data["train"]["rows"] == 60
    assert data["train"]["sha256"] == TextPairs(*unsure.pairs_of(DIALOGUES[:30])).facts()["sha256"]


def test_of_longer_histories_in_a_table_the_last_turns_are_read(tmp_path):
    """In training, in validation and in every measure, as in `reply`."""
    path, answers = tmp_path / "pairs.tsv", [f"it is {name} ." for name in NAMES]
    long, short = ([f"{before}{name} <> who ?" for name in NAMES] for before in ("hello <> ", ""))
    path.write_text(
        "".join(f"{history}\tit is {name} .\n" for history, name in zip(long, NAMES, strict=True))
    )
    reader = TableReader(path, text="source", label="target", columns="source,target")
    with untrained():
        model = small(preset="seq2seq", units=4, **SEPARATED).fit(reader, validation_data=(long, answers))
    assert "hello" not in model.target_.tokenizer.vocabulary.tokens
    assert {example["source"] for example in model.report_["examples"]} == set(short)
    assert model.predict(long) == model.predict(short)
    np.testing.assert_array_equal(model.score(long, answers), model.score(short, answers))
    assert model.evaluate(reader) == model.add_test(long, answers) == model.evaluate(short, answers)
    assert model.report_["data"]["test"]["sha256"] == TextPairs(short, answers).facts()["sha256"]


# What it answers.


@pytest.mark.parametrize(
    ("history", "read"),
    [
        ("who ?", "who ?"),
        (["who ?"], "who ?"),
        (("Bo", "who ?"), "Bo ‖ who ?"),
        (["Ada", "hello", "Bo", "who ?"], "hello ‖ Bo ‖ who ?"),
        (np.array(["Bo ‖ Cem", "who ?"]), "Bo Cem ‖ who ?"),
        (["", ""], " ‖ "),
    ],
)
def test_what_is_read_of_a_history(bot, monkeypatch, history, read):
    seen, rows = [], type(bot)._source_rows
    monkeypatch.setattr(Chatbot, "_source_rows", lambda self, texts: seen.extend(texts) or rows(self, texts))
    assert "".join(bot.stream(history)) == bot.reply(history) == bot.predict([read])[0]
    assert seen == [read] * 3


def test_of_a_longer_history_the_last_turns_are_read(unsure):
    options = {"seed": 1, "temperature": 1.0}
    for history in (["Bo", "who ?"], ["it is Bo .", "Cem"]):
        assert unsure.reply(["Ada", "hello", *history], **options) == unsure.reply(history, **options)


def test_turns_of_no_tokens_are_answered(bot):
    for history in ("", ["", ""], ["   "], "☃"):
        assert isinstance(bot.reply(history), str)


def test_the_same_seed_gives_the_same_answer(unsure):
    answers = [unsure.reply("who ?", seed=seed, temperature=2.0) for seed in range(5)]
    assert answers == [unsure.reply("who ?", seed=seed, temperature=2.0) for seed in range(5)]
    assert len(set(answers)) > 1


@pytest.mark.parametrize("name", ["temperature", "top_k", "top_p", "min_p", "typical_p"])
def test_each_option_of_chance_draws(unsure, name):
    value = {"temperature": 1.0, "top_k": 9, "top_p": 0.99, "min_p": 0.001, "typical_p": 0.99}[name]
    assert len({unsure.reply("who ?", seed=seed, **{name: value}) for seed in range(6)}) > 1


def test_rules_alone_do_not_draw(unsure):
    plain = unsure.reply("who ?", max_new_tokens=4)
    options = {"no_repeat_ngram": 1, "min_new_tokens": 4}
    answers = {unsure.reply("who ?", seed=seed, max_new_tokens=4, **options) for seed in range(3)}
    assert len(answers) == 1 and answers != {plain}
    assert (
        plain
        == unsure.reply("who ?", max_new_tokens=4, top_k=1)
        == unsure.reply("who ?", seed=8, max_new_tokens=4)
    )


def test_words_may_be_forbidden_and_forced(bot):
    assert "Bo" not in bot.reply(["Bo", "who ?"], bad_words=["Bo"])
    assert bot.reply(["Bo", "who ?"], forced_prefix="is it").startswith("is it")


def test_an_answer_is_no_longer_than_it_may_be(bot):
    assert bot.reply(["Bo", "who ?"], max_new_tokens=2, forced_prefix="it is") == "it is"
    assert bot.reply(["Bo", "who ?"], max_new_tokens=0) == ""


def test_a_stream_gives_the_answer_in_pieces(bot, unsure):
    assert list(bot.stream("Bo", max_new_tokens=4, forced_prefix="it is Bo .")) == ["it", " is", " Bo", "."]
    for seed in range(4):
        options = {"seed": seed, "temperature": 1.5, "max_new_tokens": 6}
        assert "".join(unsure.stream("who ?", **options)) == unsure.reply("who ?", **options)


def test_a_stream_of_bytes_holds_half_characters_back():
    with untrained():
        model = small(level="byte", preset="seq2seq", units=4).fit([["ä", "ö€"]] * 20)
    for seed in range(4):
        options = {"seed": seed, "temperature": 1.0, "max_new_tokens": 12, "bad_words": ["\n"]}
        assert "".join(model.stream("ä", **options)) == model.reply("ä", **options)


def test_words_that_it_does_not_know_are_written_from_the_history():
    words = [f"w{number}" for number in range(200)]  # each but once, so that the vocabulary has none of them
    dialogues = [[f"say {word}", f"{word}s"] for word in words]
    model = small().fit(dialogues)
    options = {"min_new_tokens": 2, "bad_words": ["say"]}
    answer = model.reply("Kuala Lumpur", **options)
    assert set(answer.split()) <= {"Kuala", "Lumpur"} and len(answer.split()) == 2
    assert "".join(model.stream("Kuala Lumpur", **options)) == answer


def test_a_bot_that_copies_answers_with_words_of_earlier_turns(tmp_path):
    words = [f"w{number}" for number in range(40)]
    dialogues = [[f"I am {word}", "hello", "who am I", f"you are {word}"] for word in words]
    with untrained():
        model = small(options={"network": {"copy": 3}, "source": {"min_frequency": 30}}).fit(dialogues)
    network, source = model.network_, model.source_
    assert "w7" not in source.tokenizer.vocabulary.tokens and network.pointer is not None
    gate = network.pointer.gate
    gate.bias.assign(np.full(gate.bias.shape, -20.0))  # it copies, and writes nothing of its own
    history = ["I am Kirsi", "hello", "who am I"]
    options = {"min_new_tokens": 2, "max_new_tokens": 4}
    answer = model.reply(history, **options)
    assert answer and set(answer.split()) <= set(" ".join(history).split()) | {"‖"}
    unknown = model.reply(["Kirsi", "Kirsi", "Kirsi"], bad_words=["‖"], **options)
    assert set(unknown.split()) == {"Kirsi"}
    assert "".join(model.stream(history, **options)) == answer
    model.save(tmp_path / "bot")
    assert nlpkit.load(tmp_path / "bot").reply(history, **options) == answer


# Files, copies, reports.


def test_a_saved_bot_answers_alike(bot, tmp_path):
    bot.save(tmp_path / "bot")
    loaded, unpickled = nlpkit.load(tmp_path / "bot"), pickle.loads(pickle.dumps(bot))
    for copy in (loaded, unpickled):
        assert type(copy) is Chatbot and copy.get_params() == bot.get_params()
        assert copy.source_ is copy.target_
        assert [copy.reply(history) for history in HISTORIES] == bot.predict(HISTORIES)
    assert loaded.reply("Bo", seed=3, temperature=3.0) == bot.reply("Bo", seed=3, temperature=3.0)
    assert loaded.spec().task == "chatbot" and "chatbot" in (tmp_path / "bot" / "report.html").read_text()


def test_turns_and_separator_are_saved(unsure, tmp_path):
    unsure.save(tmp_path / "bot")
    loaded = nlpkit.load(tmp_path / "bot")
    assert loaded.pairs_of([list("abcd")])[0] == ["a", "a <> b", "b <> c"]


def test_a_clone_is_not_fitted(bot):
    copy = clone(bot).set_params(turns=1)
    assert copy.get_params() == {**bot.get_params(), "turns": 1} and bot.turns == 3
    for answer in (copy.reply, copy.stream):
        with pytest.raises(NotFittedError):
            answer("hello")


def test_the_report_of_a_bot(bot):
    answers = [f"it is {name} ." for name in NAMES]
    nats, tokens = -bot.score(HISTORIES, answers).sum(), 3 * len("it is Ada . END".split())
    assert bot.report_["perplexity"]["validation"] == pytest.approx(np.exp(nats / tokens), rel=1e-3)
    assert bot.report_["metrics"]["validation"] == bot.evaluate(HISTORIES, answers)


def test_the_separator_is_a_token_that_is_known(bot):
    sources, targets = encoded(bot, TextPairs(["Bo ‖ who"], ["it"]))
    assert len(sources[0]) == 4 and UNKNOWN not in sources[0]
    assert sources[0][-1] == targets[0][-1] == END


# Refusals.


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"turns": 0}, "`turns` must be an integer, 1 or more. Received: turns=0"),
        ({"turns": 2.0}, "`turns` must be an integer, 1 or more. Received: turns=2.0"),
        ({"turns": True}, "`turns` must be an integer, 1 or more. Received: turns=True"),
        (
            {"separator": "\n"},
            "`separator` must be a str with a character that is no white space, for white space may be lost when texts "
            "are read. Received: separator='\\n'",
        ),
        ({"separator": ""}, "texts are read. Received: separator=''"),
        ({"separator": None}, "texts are read. Received: separator=None"),
    ],
)
def test_settings_that_cannot_be_used(settings, message):
    for use in (lambda bot: bot.fit(["a"], ["b"]), lambda bot: bot.pairs_of(DIALOGUES)):
        with pytest.raises(InputError, match=re.escape(message) + "$"):
            use(Chatbot(**settings))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (["hello", "hi"], "dialogue 0 must be a list of texts. Received: str."),
        ([["a", "b"], ["a", 3]], "dialogue 1 must be a list of texts (str). Received: 3 of type int at 1."),
        ([["a", "b"], []], "dialogue 1 must hold at least one text."),
        ([], "Received: 0 dialogues, none with an answer."),
    ],
)
def test_what_is_no_dialogue(X, message):
    with pytest.raises(InputError, match=re.escape(message)):
        Chatbot().fit(X)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([], "`history` must hold the turn to answer. Received: an empty history."),
        (None, "history must be a list of texts. Received: NoneType."),
        (["hello", None], "history must be a list of texts (str). Received: None of type NoneType at 1."),
    ],
)
def test_what_is_no_history(bot, history, message):
    for answer in (bot.reply, bot.stream):
        with pytest.raises(InputError, match=re.escape(message)):
            answer(history)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temprature": 1}, "The options of a generation are .*temperature.* Received: temprature$"),
        ({"beam_size": 3}, "Received: beam_size$"),
        ({"logprobs": 3}, "An answer is a text. Received: logprobs=3. Leave it out; `predict_nbest` tells"),
        ({"temperature": -1}, "temperature"),
        ({"top_p": 0}, "`top_p` must be"),
        (
            {"max_new_tokens": -1},
            "`max_new_tokens` must be an integer, 0 or more. Received: max_new_tokens=-1",
        ),
        ({"seed": 2**31, "top_k": 3}, "`seed` must be an integer from .* Received: seed=2147483648"),
        ({"forced_prefix": "xylophone"}, "must be made of tokens that the vocabulary has"),
    ],
)
def test_options_that_cannot_be_used(bot, options, message):
    for answer in (bot.reply, bot.stream):
        with pytest.raises(InputError, match=message):
            answer("hello", **options)
