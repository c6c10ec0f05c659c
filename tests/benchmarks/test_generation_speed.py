"""All sides write as many tokens, LSTMs the same ones, and the script says what it found."""

import generation_peers
import generation_speed
import numpy as np
import pytest
from language_peers import lacks


def test_what_a_run_writes(quick, capsys):
    batches = quick("generation_speed")["batches"]
    assert list(batches) == ["2"]
    sides = batches["2"]
    for own, peers in generation_speed.PEERS.items():
        for peer, limit in peers.items():
            library = generation_speed.LIBRARY.get(peer)
            if library and lacks(library):
                assert sides[peer] == {"absent": lacks(library)}
                continue
            ratio = sides[peer]["seconds"] / sides[own]["seconds"]
            assert sides[peer]["times_as_fast"] == pytest.approx(ratio, rel=0.1)
            assert limit is None or sides[peer]["met"] == ("yes" if ratio >= limit else "no")
            if own == "nlpkit_lstm":
                assert sides[peer]["same_tokens"] == 1.0
    assert "Generation of 4 tokens, batch 2" in capsys.readouterr().out


def test_a_text_goes_on_from_the_prompt():
    sizes = generation_speed.QUICK
    prompt = generation_peers.prompt_of(3, sizes)
    assert prompt.shape == (3, sizes["prompt"]) and prompt.min() >= 4
    seen = []

    def logits(text):
        seen.append(text.copy())
        return np.eye(sizes["vocabulary_size"])[text.sum(axis=1) % 50]

    tokens = generation_peers._grow(logits, 3, sizes)(2)
    assert (tokens[:, 0] == prompt.sum(axis=1) % 50).all()
    assert (seen[1] == np.concatenate([prompt, tokens[:, :1]], axis=1)).all()


def test_shares():
    assert generation_speed.share([1, 2, 3, 4], [1, 2, 0, 4]) == 0.75
