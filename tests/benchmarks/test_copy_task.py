"""New names are new, sentences say the same, and the script says what it found."""

import copy_task
import pytest


def test_names_of_the_test_are_new():
    used = set(copy_task.KNOWN)
    sources, targets, new = copy_task.sentences(300, 0, used)
    words = {word for source in sources for word in source.split()}
    again = copy_task.sentences(300, 1, used)
    made_up = used - set(copy_task.KNOWN)
    assert len(made_up) == sum(new) + sum(again[2])
    assert sum(word in words for word in made_up) == sum(new)
    for source, target, number in zip(sources, targets, new, strict=True):
        names = [word for word in source.split() if word in used]
        assert sorted(names) == sorted(word for word in target.split() if word in used)
        assert sum(name in made_up for name in names) == number and len(set(names)) == 2
    assert copy_task.sentences(300, 0, set(copy_task.KNOWN)) == (sources, targets, new)


def test_known_words_alone_never_say_a_new_name():
    from estimators.untrained import untrained

    from nlpkit import TextToText

    sources, targets, _ = copy_task.sentences(60, 0, set(copy_task.KNOWN))
    with untrained():
        model = TextToText("attention", level="word", shared=True, units=8, random_state=0).fit(
            sources, targets
        )
    written = copy_task.known_words(model, sources)
    known = set(model.target_.tokenizer.vocabulary.tokens[4:])
    assert len(written) == 60 and {word for text in written for word in text.split()} <= known
    found = copy_task.exact(["a", "b", "x", "x"], ["a", "b", "c", "d"], [0, 1, 2, 2])
    assert found == {"exact_match": 50.0, "by_new_names": [100.0, 100.0, 0.0]}


def test_what_a_run_writes(quick, monkeypatch, capsys):
    monkeypatch.setattr(copy_task, "MODELS", {"copy": copy_task.MODELS["copy"]})
    result = quick("copy_task")
    row = result["rows"]["copy"]
    assert result["met"] == ("yes" if row["exact_match"] >= 95 else "no")
    assert len(row["by_new_names"]) == 3 and len(row["examples"]) == 5
    shares = [copy_task.sentences(40, 2, set())[2].count(number) / 40 for number in range(3)]
    assert row["exact_match"] == pytest.approx(
        sum(share * value for share, value in zip(shares, row["by_new_names"], strict=True)), abs=0.1
    )
    assert "at least 95 % written exactly" in capsys.readouterr().out
