"""The rungs have the textbook's sizes, exact match is counted right, and the textbook's code can be run beside."""

import sys
from types import SimpleNamespace

import corpora
import numpy as np
import pytest
import seq2seq_ladder
import seq2seq_peers
from pair_files import write_pairs

from nlpkit.data import IdRows
from nlpkit.models import build_encoder_decoder
from nlpkit.spec import TextToTextSettings, parse_settings

SIZES = {"embedding": 3, "units": 32}


@pytest.mark.parametrize("model", seq2seq_ladder.RUNGS)
def test_rungs_have_the_textbooks_weights(model):
    network = build_encoder_decoder(9, 11, **seq2seq_ladder.network_options(model, SIZES))
    training = seq2seq_ladder.training(model, seq2seq_ladder.QUICK["sizes"], 3)
    assert parse_settings(TextToTextSettings, training, model).epochs == 3
    if model not in ("plain", "reverse", "peeky", "reverse_peeky"):
        return
    vectors, units = SIZES.values()
    more = units if "peeky" in model else 0
    encoder = 9 * vectors + 4 * units * (vectors + units + 1)
    decoder = 11 * vectors + 4 * units * (vectors + more + units + 1)
    assert network.count_params() == encoder + decoder + (units + more + 1) * 11
    assert network.reader.reverse == ("reverse" in model)


def test_texts_are_filled_up_as_the_textbook_has_them():
    parts = {"train": (["1+2", "10+15"], ["3", "25"]), "test": (["7+7"], ["114"])}
    found = seq2seq_ladder.filled(parts)
    assert found == {"train": (["1+2  ", "10+15"], ["3  ", "25 "]), "test": (["7+7  "], ["114"])}


def test_exact_match_is_of_the_most_likely_tokens():
    network = build_encoder_decoder(9, 9, units=6, attention="multiplicative")
    random = np.random.default_rng(0)
    for weight in network.trainable_weights:
        weight.assign(random.normal(size=weight.shape))
    sources = [random.integers(4, 9, length).tolist() + [3] for length in (1, 4, 2, 3, 5)]
    targets = [greedy(network, source, 6) for source in sources]
    right = seq2seq_ladder.tester(network, IdRows.from_lists(sources), IdRows.from_lists(targets))
    assert right() == 100
    targets[2][-1] = 4 if targets[2][-1] != 4 else 5
    right = seq2seq_ladder.tester(network, IdRows.from_lists(sources), IdRows.from_lists(targets))
    assert right() == 80


def greedy(network, source, most):
    """The most likely tokens, from the whole prefix each time."""
    written = [2]
    while len(written) <= most and written[-1] != 3:
        logits = network([np.array([source]), np.array([written])])[0, -1].numpy()
        logits[[0, 1, 2]] = -np.inf
        written.append(int(logits.argmax()))
    return written[1:]


def test_what_a_run_writes(tmp_path, monkeypatch, quick, capsys):
    monkeypatch.setattr(corpora, "DATA", write_pairs(tmp_path / "data"))
    monkeypatch.delenv("PEER_PATH", raising=False)
    rows = quick("seq2seq_ladder", "--task", "date", "--model", "attention")["rows"]
    rows = quick("seq2seq_ladder", "--task", "addition", "--model", "plain", "--epochs", "1")["rows"]
    assert list(rows) == ["date.attention", "addition.plain"]
    row = rows["date.attention"]
    assert len(row["nlpkit"]["exact_match"]) == len(row["nlpkit"]["seconds"]) == 2
    assert row["textbook"] == {"absent": seq2seq_peers.HINT} and "times_as_fast" not in row
    # Nobody writes dates after two epochs of so few; after one nothing was asked for.
    assert (row["published"], row["published_met"]) == ({"1": 0.0, "2": 51.7}, "no")
    lines = (tmp_path / "seq2seq_ladder_quick.md").read_text(encoding="utf-8").splitlines()
    assert lines[4].startswith("| addition, plain | nlpkit | ") and len(lines) == 8
    assert "Written exactly" in capsys.readouterr().out


def test_sides_are_compared():
    own, peer = (
        {"exact_match": [5.0, 11.0], "seconds": [2.0, 1.0]},
        {"exact_match": [9.0, 10.0], "seconds": [4.0, 4.0]},
    )
    row = seq2seq_ladder.judged("addition", "plain", {"nlpkit": own, "textbook": peer})
    assert (row["times_as_fast"], row["faster"], row["as_good"]) == (2.67, "yes", "yes")  # of all epochs
    assert "published" not in row  # 25 epochs are
    row = seq2seq_ladder.judged(
        "addition", "plain", {"nlpkit": own, "textbook": {**peer, "exact_match": [9.0]}}
    )
    assert "as_good" not in row
    row = seq2seq_ladder.judged("addition", "plain", {"nlpkit": own, "textbook": {"seconds": [3.0]}})
    assert row["times_as_fast"] == 2.0  # of the median epoch
    own = {"exact_match": [5.0] * 24 + [9.9], "seconds": [1.0] * 25}
    row = seq2seq_ladder.judged("addition", "plain", {"nlpkit": own})
    assert (row["published"], row["published_met"]) == ({25: 10.0}, "no")


def test_the_textbooks_rows():
    parts = {"train": (["1+2", "10+15"], ["3", "25"]), "test": (["7+7"], ["14"])}
    characters, encode = seq2seq_peers.rows_of(parts)
    assert characters == len(set("123507+4 _"))
    sources, targets = encode(parts["train"], False)
    reversed_sources, _ = encode(parts["train"], True)
    known = {}
    for text, row in zip(
        ["1+2  ", "10+15", "_3 ", "_25"], [*sources.tolist(), *targets.tolist()], strict=True
    ):
        for character, number in zip(text, row, strict=True):
            assert known.setdefault(character, number) == number
    assert len(set(known.values())) == len(known)
    assert (reversed_sources[:, ::-1] == sources).all()


def test_the_textbooks_exact_match(monkeypatch):
    monkeypatch.setattr(seq2seq_peers, "AT_ONCE", 2)
    # Writes the source.
    decoder = SimpleNamespace(forward=lambda written, memory: np.eye(9)[memory[:, : written.shape[1]]])
    network = SimpleNamespace(encoder=SimpleNamespace(forward=lambda rows: rows), decoder=decoder)
    sources = np.random.default_rng(0).integers(1, 9, (5, 4))
    targets = np.pad(sources, [(0, 0), (1, 0)])
    assert seq2seq_peers.exact_match(network, sources, targets) == 100
    targets[3, 2] += 1
    assert seq2seq_peers.exact_match(network, sources, targets) == 80


def test_its_packages_do_not_meet_ours(tmp_path, monkeypatch):
    import common

    for name, text in (
        ("ch07/seq2seq.py", "import common.optimizer"),
        (
            "common/optimizer.py",
            "import numpy as np\nclass Adam:\n    def __init__(self, lr): self.lr = lr * np.sqrt(0.5)",
        ),
    ):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text(text)
    monkeypatch.setenv("PEER_PATH", f"nowhere:{tmp_path}")
    assert seq2seq_peers.folder() == tmp_path
    before = list(sys.path)
    with seq2seq_peers.textbook(tmp_path) as load:
        assert load("seq2seq").common.optimizer is load("common.optimizer")
        assert type(seq2seq_peers.adam(load, 1e-3).lr) is float
    assert sys.modules["common"] is common and "seq2seq" not in sys.modules and sys.path == before


def test_unknown_rungs_are_named(quick):
    with pytest.raises(SystemExit, match="--model takes plain,reverse,.*Received: gru"):
        quick("seq2seq_ladder", "--model", "gru")
