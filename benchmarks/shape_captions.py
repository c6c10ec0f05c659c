"""Captions of made-up pictures: shapes, colours and places, tested on combinations that training never showed.

The red circle, the green square and three more are held out; every shape of a test picture is one of them. A caption
counts if it names the shape, the colour and the place of everything in the picture. Beside it new pictures of the
combinations that were seen. A page of pictures with what was written goes to docs/images. No data needed.
Run from the repository root: python benchmarks/shape_captions.py
"""

import tempfile
from pathlib import Path

import corpora
from common import ROOT, apart, header, met, print_table, result_name, write_result
from language_peers import use_threads

NAME, PICTURE, THREADS, LIMIT = "shape_captions", "shape_captions.png", 2, 95.0
SIZES = {"train": 20000, "dev": 300, "test": 1000, "units": 64, "epochs": 8}
QUICK = {"train": 60, "dev": 20, "test": 20, "units": 16, "epochs": 1}
# Seeds of the parts, and their combinations.
PARTS = {"train": (0, "train"), "dev": (1, "train"), "held_out": (2, "held_out"), "seen": (3, "train")}
PAGE = (3, 4)
# What works against learning that red is never followed by circle: the decoder does not read half of its own
# words, the colour among them; it sees the picture after its states and not in them; and smoothing makes it as likely
# to go on with any wrong shape, the one never seen in this colour among them.
OPTIONS = {
    "network": {"positions": "sine", "filters": [16, 32, 32], "word_dropout": 0.5, "input_feeding": False},
    "training": {"learning_rate": 4e-3, "batch_size": 32, "label_smoothing": 0.1, "patience": None},
}


def pictures(part, sizes):
    """Pictures, captions and attributes of one of `PARTS`."""
    from nlpkit.data import make_shape_captions

    seed, combinations = PARTS[part]
    return make_shape_captions(sizes.get(part, sizes["test"]), seed=seed, combinations=combinations)


def measure(sizes):
    """Trains the captioner in this process, from pixels, and tests it."""
    from nlpkit import ImageCaptioner

    def pairs(part):
        images, captions, _ = pictures(part, sizes)
        # All captions of a picture say the same: one of them each.
        return images, [texts[row % len(texts)] for row, texts in enumerate(captions)]

    model = ImageCaptioner(units=sizes["units"], epochs=sizes["epochs"], random_state=0, options=OPTIONS)
    model.fit(*pairs("train"), validation_data=pairs("dev"))
    found = {}
    for part in ("held_out", "seen"):
        images, _, attributes = pictures(part, sizes)
        written = model.predict(images)
        found[part] = {**matches(written, attributes), "written": written[: PAGE[0] * PAGE[1]]}
    return {
        **found,
        "seconds": round(model.report_["seconds"], 1),
        "weights": model.network_.count_params(),
        "epochs": len(model.report_["history"]["loss"]),
    }


def matches(written, attributes):
    """Per cent of the captions that say all there is, and of those that are right in each attribute by itself."""
    from nlpkit.data.shape_captions import attributes_of

    read = [attributes_of(text) for text in written]
    found = {"exact_match": _share(read, attributes)}
    for name in ("shape", "colour", "position"):
        only = [[[one[name] for one in row] for row in side] for side in (read, attributes)]
        found[name] = _share(*only)
    return found


def _share(found, expected):
    return round(
        100 * sum(one == other for one, other in zip(found, expected, strict=True)) / len(expected), 2
    )


def draw(images, attributes, written, path):
    """The page of pictures and captions; wrong ones are red."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from nlpkit.data.shape_captions import attributes_of

    figure = Figure(figsize=(3.2 * PAGE[1], 3.1 * PAGE[0]), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(*PAGE).ravel()
    for axes in panels:
        axes.axis("off")
    for axes, image, seen, text in zip(panels, images, attributes, written, strict=False):
        axes.imshow(image, interpolation="nearest")
        colour = "black" if attributes_of(text) == seen else "firebrick"
        axes.set_title(text.replace(" and ", "\nand ").replace(", ", ",\n"), fontsize=9, color=colour)
    figure.savefig(path, dpi=80)


def show(row):
    """Prints the test on both kinds of pictures."""
    columns = ["exact_match", "shape", "colour", "position"]
    names = {"held_out": "combinations held out", "seen": "combinations seen"}
    lines = [[name, *map(row[part].get, columns)] for part, name in names.items()]
    print_table("Captions that are right, %", ["", "all", "shapes", "colours", "places"], lines)


def main():
    parser = corpora.parser(__doc__, [], several=False)
    options = parser.parse_args()
    use_threads(THREADS)
    sizes = QUICK if options.quick else SIZES
    row = apart(measure, sizes=sizes)
    show(row)
    reached = met(row["held_out"]["exact_match"], LIMIT)
    print(f"combinations held out: at least {LIMIT:g} % right: {reached}")
    result = {"options": OPTIONS, "sizes": sizes, "limit": LIMIT, "met": reached, **row}
    write_result(result_name(NAME, options.quick), {**header(), **result})
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if options.quick else ROOT / "docs" / "images"
        folder.mkdir(parents=True, exist_ok=True)
        images, _, attributes = pictures("held_out", sizes)
        draw(images, attributes, row["held_out"]["written"], folder / PICTURE)


if __name__ == "__main__":
    main()
