"""Lines that are tokens already, as those of the Penn Treebank: read as they are, one end for each."""

import json
import math

import nlpkit
from nlpkit.text.vocabulary import END, UNKNOWN

TRAIN = [" the <unk> rose N points , a move \n", " mr. <unk> was n't sold in N \n", " no move in N N \n"] * 20
TEST = [" the move was N <unk> \n", " no points never <unk> N \n", " a \n"]
SMALL = (
    "--units",
    4,
    "--num-layers",
    1,
    "--batch-size",
    4,
    "--sequence-length",
    10,
    "--epochs",
    1,
    "--quiet",
)


def test_tokens_are_the_words_and_an_end_for_each_line(run, tmp_path):
    (tmp_path / "train.txt").write_text("".join(TRAIN))
    (tmp_path / "test.txt").write_text("".join(TEST))
    data = ("--data", tmp_path / "train.txt", "--validation-data", tmp_path / "test.txt")
    out = tmp_path / "model"
    trained = run(
        "train", "generator", *data, "--level", "word", "--no-normalize", "--out", out, *SMALL, "--json"
    )
    assert trained.exit_code == 0, trained.output
    result = run("evaluate", out, "--data", tmp_path / "test.txt", "--json")
    assert result.exit_code == 0, result.output
    found, words = json.loads(result.stdout), "".join(TEST).split()
    assert (found["tokens"], found["texts"]) == (len(words) + len(TEST), len(TEST))
    # The text itself says <unk> twice; "never" is a third one.
    assert found["unknown"] == 3
    bits = found["tokens"] * math.log2(found["perplexity"])
    assert math.isclose(bits / found["characters"], found["bits_per_character"], rel_tol=1e-6)

    text = nlpkit.load(out).text_to_ids_
    tokens = text.tokenizer.vocabulary.tokens
    assert set(tokens[END + 1 :]) == set("".join(TRAIN).split()) - {"<unk>"}
    rows = [[tokens[i] for i in row] for row in text.encode(["the <unk> N", "n't mr. , <unk>"])]
    assert rows == [["the", "<unk>", "N", "</s>"], ["n't", "mr.", ",", "<unk>", "</s>"]]
    assert tokens.index("<unk>") == UNKNOWN and tokens.count("<unk>") == tokens.count("N") == 1
