"""`nlpkit chat`: messages and answers in a pipe and in a terminal, its commands, and every way it refuses."""

import json
import os
import select
import subprocess
import sys
import time

import pytest

import nlpkit
from nlpkit import InputError


class Fake:
    """A bot that tells how many turns it was given and what the last one was, a word at a time."""

    turns = 3

    def __init__(self):
        self.asked, self.settings = [], []

    def reply(self, history, **settings):
        if settings.get("temperature") == -1:
            raise InputError("`temperature` must be 0 or more.")
        return ""

    def stream(self, history, **settings):
        self.asked.append(history)
        self.settings.append(settings)
        yield from (str(len(history)), " ", history[-1].upper())


@pytest.fixture
def fake(monkeypatch):
    bot = Fake()
    monkeypatch.setattr("nlpkit.cli.chat.load_model", lambda folder, task: bot)
    return bot


def test_a_pipe_gets_an_answer_per_line(run, fake):
    result = run("chat", "folder", input="hello\n  who are you? \r\n\n \nß")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "1 HELLO\n3 WHO ARE YOU?\n3 SS\n", "")
    assert fake.asked[1] == ["hello", "1 HELLO", "who are you?"]
    assert fake.asked[2] == ["who are you?", "3 WHO ARE YOU?", "ß"]


def test_json_lines(run, fake):
    result = run("chat", "folder", "--json", input="hello\n/reset\nß\n")
    assert result.exit_code == 0
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"message": "hello", "answer": "1 HELLO"}, {"message": "ß", "answer": "1 SS"},
    ]  # fmt: skip
    assert "ß" in result.stdout


def test_commands(run, fake):
    result = run("chat", "folder", input="a\n/reset\nb\n/resetting\n /quit \nc\n")
    assert (result.exit_code, result.stdout) == (0, "1 A\n1 B\n3 /RESETTING\n")


def test_an_answer_of_several_lines_is_one_line_for_a_program(run, fake, monkeypatch):
    monkeypatch.setattr(Fake, "stream", lambda self, history, **settings: iter(["one\n", "two\tthree"]))
    assert run("chat", "folder", input="a\n").stdout == "one two three\n"
    assert json.loads(run("chat", "folder", "--json", input="a\n").stdout)["answer"] == "one\ntwo\tthree"


def test_options_reach_the_bot(run, fake):
    args = ("--temperature", 0.8, "--top-p", 0.9, "--top-k", 5, "--max-new-tokens", 7)
    for seed in (0, 0, 1):
        assert run("chat", "folder", *args, "--seed", seed, input="a\nb\n").exit_code == 0
    seeds = [settings.pop("seed") for settings in fake.settings]
    assert fake.settings == [{"temperature": 0.8, "top_p": 0.9, "top_k": 5, "max_new_tokens": 7}] * 6
    assert seeds[:2] == seeds[2:4] and len(set(seeds)) == 4  # answers of a conversation are drawn apart
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_without_options_it_is_left_to_the_bot(run, fake):
    assert run("chat", "folder", input="a\n").exit_code == 0
    assert set(fake.settings[0]) == {"seed"}


def test_refusals_before_a_message_is_read(run, fake):
    result = run("chat", "folder", "--temperature", -1, input="a\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: `temperature` must be 0 or more.\n"
    result = run("chat", "folder", "--seed", 3, input="a\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: --seed is of answers that are drawn. Received: --seed 3 without --temperature, --top-k and --top-p. "
        "Add --temperature 1, or leave it out.\n"
    )
    assert fake.asked == []


def test_a_message_that_is_no_text_ends_it(run, fake):
    result = run("chat", "folder", input=b"hello\ncaf\xe9\nb\n")
    assert (result.exit_code, result.stdout) == (2, "1 HELLO\n")
    assert result.stderr.startswith("error: The message 1 is not valid UTF-8")


# In a terminal.


@pytest.fixture
def typed(run, fake, monkeypatch):
    """Runs a conversation as if lines were typed; an exception among them is what a key does."""
    monkeypatch.setattr("nlpkit.cli.chat._is_terminal", lambda stream: True)

    def converse(*lines, args=()):
        lines, prompts = iter(lines), []

        def answer(prompt):
            prompts.append(prompt)
            line = next(lines)
            if isinstance(line, type):
                raise line
            return line

        monkeypatch.setattr("builtins.input", answer)
        result = run("chat", "folder", *args)
        assert set(prompts) == {"> "}
        return result

    return converse


@pytest.mark.parametrize(("end", "last"), [("/quit", ""), (EOFError, "\n"), (KeyboardInterrupt, "\n")])
def test_every_way_to_end_is_a_clean_one(typed, fake, end, last):
    result = typed("hello", "", "/reset", "you", end)
    assert (result.exit_code, result.stdout) == (0, "1 HELLO\n1 YOU\n" + last)
    assert result.stderr == "/reset begins a new conversation, /quit ends it.\n"
    assert fake.asked == [["hello"], ["you"]]


def test_ctrl_c_while_an_answer_is_written(typed, monkeypatch):
    def interrupted(self, history, **settings):
        yield "one"
        raise KeyboardInterrupt

    monkeypatch.setattr(Fake, "stream", interrupted)
    result = typed("hello", "never")
    assert (result.exit_code, result.stdout) == (0, "one\n\n")


def test_json_in_a_terminal(typed):
    result = typed("hello", "/quit", args=["--json"])
    assert json.loads(result.stdout) == {"message": "hello", "answer": "1 HELLO"}


REAL = """
import sys
sys.path.insert(0, {tests!r})
from cli.test_chat import Fake
from nlpkit.cli import chat
chat.load_model = lambda folder, task: Fake()
from nlpkit.cli.app import main
sys.argv = ["nlpkit", "chat", "folder"]
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="there is no pseudo-terminal")
@pytest.mark.parametrize("key", [b"\x04", b"\x03", b"/quit\r"], ids=["Ctrl-D", "Ctrl-C", "/quit"])
def test_a_real_terminal(key):
    import pty

    own, terminal = pty.openpty()
    code = REAL.format(tests=os.path.dirname(os.path.dirname(__file__)))
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(terminal)
    for keys, awaited in ((b"", b"> "), (b"hello\r", b"1 HELLO\r\n> ")):
        os.write(own, keys)
        shown = _read(own, awaited)
        assert awaited in shown, shown
    for _ in range(3):  # Python overlooks a signal that comes between its prompt and its wait for a key
        if process.poll() is None:
            os.write(own, key)
            _read(own, None, seconds=20)
    assert process.wait(1) == 0
    os.close(own)


def _take_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that its keys become signals


def _read(descriptor, awaited, seconds=60):
    """What is shown until something is, or until the other side has closed."""
    shown, end = b"", time.monotonic() + seconds
    while time.monotonic() < end and (awaited is None or awaited not in shown):
        if select.select([descriptor], [], [], 1)[0]:
            try:
                part = os.read(descriptor, 4096)
            except OSError:  # how Linux tells that the other side has closed
                break
            if not part:
                break
            shown += part
    return shown


# With real models.


@pytest.fixture(scope="module")
def bot(run, tmp_path_factory):
    """The folder of a chatbot, and what training printed."""
    folder = tmp_path_factory.mktemp("bots")
    (folder / "dialogues.txt").write_text("hello\nhi\nwho are you ?\na bot\n\n\ngood night\nbye\n\n" * 20)
    (folder / "test.txt").write_text("hello\nhi\n\nalone\n")
    result = run(
        "train", "chatbot", "--data", folder / "dialogues.txt", "--test-data", folder / "test.txt", "--level", "word",
        "--units", 8, "--preset", "seq2seq", "--epochs", 2, "--turns", 2, "--batch-size", 10, "--dropout", 0,
        "--out", folder / "bot", "--json", "--quiet",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return folder / "bot", json.loads(result.stdout)


def test_answers_are_those_of_the_estimator(run, bot):
    expected = nlpkit.load(bot[0])
    result = run("chat", bot[0], "--max-new-tokens", 5, input="hello\nwho are you ?\n/reset\ngood night\n")
    assert result.exit_code == 0, result.output
    first = expected.reply("hello", max_new_tokens=5)
    second = expected.reply(["hello", first, "who are you ?"], max_new_tokens=5)
    third = expected.reply("good night", max_new_tokens=5)
    assert result.stdout == f"{first}\n{second}\n{third}\n" and result.stderr == ""


def test_answers_that_are_drawn_can_be_repeated(run, bot):
    options = ("--temperature", 2, "--top-k", 9)
    talks = [run("chat", bot[0], *options, "--seed", seed, input="hello\n" * 3).stdout for seed in (1, 1, 2)]
    assert talks[0] == talks[1] != talks[2] and len(talks[0].splitlines()) == 3


def test_wrong_values_of_a_real_bot(run, bot):
    result = run("chat", bot[0], "--top-p", 2, input="hello\n")
    assert (result.exit_code, result.stdout) == (2, "") and result.stderr.startswith("error: `top_p` must be")


def test_a_model_of_another_task_is_refused(run, model):
    result = run("chat", model, input="hello\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{model} holds a classifier; this command needs a chatbot. Use nlpkit predict" in result.stderr
    assert "nlpkit train chatbot --data FILE" in result.stderr
    missing = run("chat", model / "none", input="hello\n")
    assert missing.exit_code == 2 and "There is no model folder" in missing.stderr
