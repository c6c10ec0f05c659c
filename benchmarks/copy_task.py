"""A task that needs copying: sentences about people whose names no vocabulary has, said the other way round.

"Kavotir gave Anna a book in Rome" becomes "in Rome Anna got a book from Kavotir". Half of the names are of forty known
ones; the others are made up, each for one sentence, so that those of the test are new. Three models of one size:
without attention; with attention, which writes words of its vocabulary alone, or puts the most attended word in the
place of an unknown one; and with copying.
No data needed.
Run from the repository root: python benchmarks/copy_task.py
"""

import corpora
import numpy as np
from common import apart, header, met, print_table, result_name, write_result
from language_peers import use_threads

NAME, THREADS, LIMIT = "copy_task", 2, 95.0
SIZES = {"train": 8000, "dev": 500, "test": 1000, "units": 128, "epochs": 12}
QUICK = {"train": 200, "dev": 20, "test": 40, "units": 16, "epochs": 2}
# At lower rates attention had not found its places after these epochs.
TRAINING = {"learning_rate": 4e-3}
COPIED = 4  # most new words of a sentence
MODELS = {
    "no_attention": {"what": "without attention", "preset": "seq2seq", "network": {}},
    "attention": {"what": "attention, unknown words replaced", "preset": "attention", "network": {}},
    "copy": {"what": "attention and copying", "preset": "attention", "network": {"copy": COPIED}},
}
KNOWN = (
    "Anna Ben Clara David Emma Felix Grace Henry Ida Jack Kate Leo Maria Noah Olga Paul Rosa Sam Tina Victor "
    "Alice Bruno Carla Daniel Elena Frank Greta Hugo Iris Jonas Karin Lukas Mona Nils Oscar Petra Ralf Sofia Tom Vera"
).split()
THINGS = "book ticket letter chair lamp kite drum clock ring map coat cup key rope bag".split()
PLACES = "Rome Oslo Lima Cairo Delhi Paris Tokyo Quito Accra Hanoi".split()
TEMPLATES = (
    ("{a} gave {b} a {thing} in {place}", "in {place} {b} got a {thing} from {a}"),
    ("{a} met {b} in {place} and bought a {thing}", "{b} was in {place} when {a} bought a {thing}"),
    ("in {place} {a} lost the {thing} of {b}", "the {thing} of {b} was lost in {place} by {a}"),
    ("{a} asked {b} for a {thing}", "{b} was asked by {a} for a {thing}"),
)
SYLLABLES = [
    first + second for first in "bdfgklmnprstvz" for second in ("a", "e", "i", "o", "u", "an", "or", "el")
]


def sentences(number, seed, used):
    """Pairs of sentences.

    Args:
        number: int.
        seed: int.
        used: set of str. The made-up names so far, to which the new ones are added.

    Returns:
        Lists of the sources, of the targets, and of how many new names each has, 0 to 2.
    """
    random = np.random.default_rng(seed)
    found = []
    for _ in range(number):
        new = random.random(2) < 0.5
        first, second = random.choice(KNOWN, 2, replace=False)
        words = {
            "a": made_up(random, used) if new[0] else first,
            "b": made_up(random, used) if new[1] else second,
            "thing": random.choice(THINGS), "place": random.choice(PLACES),
        }  # fmt: skip
        source, target = TEMPLATES[random.integers(len(TEMPLATES))]
        found.append((source.format(**words), target.format(**words), int(new.sum())))
    return tuple(map(list, zip(*found, strict=True)))


def made_up(random, used):
    """A name that nobody has had."""
    while (name := "".join(random.choice(SYLLABLES, random.integers(3, 5))).capitalize()) in used:
        pass
    used.add(name)
    return name


def measure(model, sizes):
    """Trains one model in this process, and tests it."""
    from nlpkit import TextToText

    used = set(KNOWN)
    parts = {part: sentences(sizes[part], seed, used) for seed, part in enumerate(("train", "dev", "test"))}
    chosen = MODELS[model]
    estimator = TextToText(
        chosen["preset"], level="word", shared=True, units=sizes["units"], epochs=sizes["epochs"],
        options={"network": chosen["network"], "training": TRAINING}, random_state=0,
    )  # fmt: skip
    estimator.fit(*parts["train"][:2], validation_data=parts["dev"][:2])
    sources, targets, new = parts["test"]
    written = estimator.predict(sources)
    own = (
        {}
        if model != "attention"
        else {"known_words_alone": exact(known_words(estimator, sources), targets, new)}
    )
    return {
        **exact(written, targets, new),
        **own,
        "seconds": round(estimator.report_["seconds"], 1),
        "weights": estimator.network_.count_params(),
        "examples": [list(texts) for texts in zip(sources[:5], written, targets, strict=False)],
    }


def exact(written, targets, new):
    """Per cent that is written exactly, of all and by the number of new names."""
    right = np.array([one == other for one, other in zip(written, targets, strict=True)])
    by_new_names = [round(100 * float(right[np.array(new) == n].mean()), 2) for n in range(3)]
    return {"exact_match": round(100 * float(right.mean()), 2), "by_new_names": by_new_names}


def known_words(estimator, sources):
    """What a model with attention writes when it may take words of its vocabulary alone."""
    import tensorflow as tf

    from nlpkit.generation.target_writer import TargetWriter

    writer = TargetWriter(estimator.network_)
    longest = max(len(source.split()) for source in sources) + 1
    ids = estimator.source_(tf.constant(sources))
    found = writer.write(ids, max_new_tokens=longest, temperature=0).token_ids
    return [text.decode() for text in estimator.target_.detokenize(found).numpy()]


def show(rows):
    """Prints the comparison."""
    lines = []
    for model, row in rows.items():
        lines.append(
            [MODELS[model]["what"], row["exact_match"], *row["by_new_names"], row["weights"], row["seconds"]]
        )
        if own := row.get("known_words_alone"):
            lines.append(
                ["the same, known words alone", own["exact_match"], *own["by_new_names"], None, None]
            )
    columns = ["", "written exactly, %", "no new name", "one", "two", "weights", "seconds"]
    print_table("Sentences with new names", columns, lines)


def main():
    options = corpora.parser(__doc__, [], several=False).parse_args()
    use_threads(THREADS)
    sizes = QUICK if options.quick else SIZES
    rows = {}
    for model in MODELS:
        rows[model] = apart(measure, model=model, sizes=sizes)
        show(rows)
    reached = met(rows["copy"]["exact_match"], LIMIT)
    print(f"copying: at least {LIMIT:g} % written exactly: {reached}")
    result = {"sizes": sizes, "limit": LIMIT, "met": reached, "rows": rows}
    write_result(result_name(NAME, options.quick), {**header(), **result})


if __name__ == "__main__":
    main()
