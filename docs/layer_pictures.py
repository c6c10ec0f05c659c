"""The pictures of layers.md, drawn from what the layers do; two of them are trained for it, which takes a minute.

Run from the repository root: python docs/layer_pictures.py
"""

import argparse
from pathlib import Path

import numpy as np
import tensorflow as tf
from layer_examples import TAGS, TOKENS, dropout_masks, late, spell, train_crf, train_reverser
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nlpkit import layers
from nlpkit.layers.packing import pack
from nlpkit.layers.rotary_positions import rotate, waves

FOLDER = Path(__file__).parent / "images"
BLUE, GREY, LIGHT = "#2563eb", "#94a3b8", "#e2e8f0"
KEPT, REAL = ListedColormap([LIGHT, BLUE]), ListedColormap([LIGHT, "#93c5fd"])
WORDS = "Ada Lovelace met Bob Dylan in Paris".split()
# What each word looks like by itself.
SCORES = [
    {"B-PER": 3},
    {"I-LOC": 2, "I-PER": 1.5},
    {"O": 4},
    {"I-PER": 2.5, "B-PER": 2},
    {"I-PER": 2, "O": 1},
    {"O": 4},
    {"B-LOC": 2, "B-PER": 1},
]


def new_figure(width, height):
    figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def heat(axes, values, title, across=None, down=None, **look):
    """A matrix as colours, with names along its sides."""
    shown = axes.imshow(values, aspect="auto", interpolation="nearest", **{"cmap": "Blues", **look})
    axes.set_title(title, loc="left", fontsize=11)
    for names, axis in ((across, axes.xaxis), (down, axes.yaxis)):
        if names is not None:
            axis.set_ticks(range(len(names)), names, fontsize=10)
    return shown


def draw_attention(figure, steps=1500):
    """Weights of three attentions: one that learned to write backwards, one to the past alone, one to a window."""
    model = train_reverser(steps)
    word = "attention"
    backwards = spell([word[::-1]], len(word))
    _, weights = model([spell([word], len(word)), late(backwards)])
    first, second, third = figure.subplots(1, 3)
    heat(
        first,
        weights[0],
        "AttentionDecoder, trained to\nwrite words backwards",
        word,
        word[::-1],
        vmin=0,
        vmax=1,
    )
    first.set(xlabel="read", ylabel="written")
    random = np.random.default_rng(1)
    steps = random.normal(size=(1, len(TOKENS), 16)).astype("float32")
    causal = layers.CachedAttention(2, causal=True)
    mask = np.arange(len(TOKENS))[None] < 6
    _, weights = causal(steps, mask=mask, return_attention_scores=True)
    names = TOKENS[:6] + ["–", "–"]
    heat(
        second,
        weights[0, 0],
        "CachedAttention, causal:\nno step sees a later one",
        names,
        names,
        vmin=0,
        vmax=1,
    )
    second.tick_params(axis="x", rotation=90)
    local, steps = layers.LocalAttention(window=4), random.normal(size=(1, 24, 16)).astype("float32")
    _, weights = local([steps[:, :8] * 2, steps / 8], return_attention_scores=True)
    heat(third, weights[0], "LocalAttention: a window around\na predicted place", vmin=0, vmax=0.25)
    third.set(xlabel="step of the encoder", ylabel="query")


def draw_dropouts(figure):
    """Which numbers go through, over steps and features."""
    for axes, (title, kept) in zip(figure.subplots(2, 3).flat, dropout_masks(), strict=True):
        over_time = len(kept) == len(TOKENS)
        heat(axes, np.transpose(kept) != 0, title, TOKENS if over_time else [], [], cmap=KEPT, vmin=0, vmax=1)
        axes.tick_params(axis="x", rotation=90, length=0)
        axes.set_ylabel("features" if over_time else "to unit")
        if not over_time:
            axes.set_xlabel("from unit")


def draw_positions(figure):
    """Sine waves over the features, and the scores of one query and one key at all pairs of positions."""
    first, second, third = figure.subplots(1, 3)
    sines = layers.SinePositions()(np.zeros((1, 64, 32), "float32"))[0]
    heat(first, sines, "SinePositions:\nadded to the vectors", cmap="RdBu", vmin=-1, vmax=1)
    first.set(xlabel="feature", ylabel="position")
    same = np.ones((1, 1, 64, 32), "float32")
    turned = rotate(tf.constant(same), waves(tf.range(64)[None], same.shape[-1]))[0, 0]
    scores = tf.matmul(turned, turned, transpose_b=True) / 32
    heat(
        second,
        scores,
        "rotary: score of one query\nand one key by their positions",
        cmap="RdBu",
        vmin=-1,
        vmax=1,
    )
    second.set(xlabel="position of the key", ylabel="position of the query")
    third.plot(range(64), scores[0], color=BLUE, linewidth=1.8)
    third.set_title("… which depends on\nthe distance alone", loc="left", fontsize=11)
    third.set(xlabel="distance", ylabel="score")
    third.spines[["top", "right"]].set_visible(False)
    third.grid(color=LIGHT, linewidth=0.8)


def draw_crf(figure, steps=300):
    """Learned transitions with the forbidden ones, and what they change in a sentence."""
    crf, allowed = train_crf(steps), layers.bio_transitions(TAGS)
    left, right = figure.subplots(1, 2, width_ratios=(4, 5))
    scores = np.zeros(allowed.shape)
    scores[:-1, :-1], scores[-1, :-1], scores[:-1, -1] = crf.transitions, crf.start, crf.end
    title = "CRF: learned score of each tag (column)\nafter each tag (row); × is forbidden"
    look = {"cmap": "RdBu", "vmin": -3, "vmax": 3}
    shown = heat(left, np.where(allowed, scores, np.nan), title, [*TAGS, "end"], [*TAGS, "start"], **look)
    figure.colorbar(shown, ax=left, shrink=0.9)
    left.tick_params(axis="x", rotation=90)
    for row, column in np.argwhere(~allowed):
        left.text(column, row, "×", ha="center", va="center", color=GREY, fontsize=15)
    emissions = np.zeros((1, len(WORDS), len(TAGS)), "float32")
    for step, liked in enumerate(SCORES):
        for tag, score in liked.items():
            emissions[0, step, TAGS.index(tag)] = score
    title = "scores of the tags by themselves (× the highest),\nand the best path of the CRF (○)"
    heat(right, emissions[0].T, title, WORDS, TAGS, vmin=0, vmax=4)
    right.tick_params(axis="x", rotation=90)
    best, _ = crf.decode(emissions)
    look = {"linestyle": "none", "color": "black", "fillstyle": "none"}
    right.plot(best[0], marker="o", markersize=15, **look)
    right.plot(emissions[0].argmax(axis=1), marker="x", markersize=8, **look)


def draw_adaptive_softmax(figure):
    """The matrices of head and clusters as areas, within that of a full softmax."""
    words, features = 50_000, 128
    softmax = layers.AdaptiveSoftmax(words, [2_000, 10_000])
    softmax.build((None, features))
    axes = figure.subplots()
    axes.add_patch(Rectangle((0, 0), words, features, fill=False, linestyle="--", edgecolor=GREY))
    full = f"a full softmax: {features} × {words:,} = {features * words / 1e6:.1f} million weights"
    axes.text(words / 2, 0.75 * features, full, ha="center", color="#475569", fontsize=12)
    bounds = [0, *softmax.cutoffs, words]
    for number, matrix in enumerate([softmax.head, *softmax.outputs]):
        first, last = bounds[number : number + 2]
        size, outputs = matrix.shape
        axes.add_patch(Rectangle((first, 0), last - first, size, color=(BLUE, "#60a5fa", "#93c5fd")[number]))
        name = f"cluster {number}" if number else "head: frequent words, clusters"
        text = f"{name}\n{size} × {outputs:,} = {size * outputs / 1e6:.2f} million"
        share = np.log(max(last, 2) / max(first, 1)) / np.log(words)
        place = {"x": first + 600, "y": size + 3, "va": "bottom"}
        if not number:
            place = {"x": last + 600, "y": size - 8, "va": "top"}
        axes.text(s=f"{text}\n{share:.0%} of a text", fontsize=11, **place)
    axes.set(xlim=(-300, words + 300), ylim=(0, features + 4))
    axes.set_xlabel("words, from frequent to rare (share of a text by Zipf's law)", fontsize=11)
    axes.set_ylabel("features", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)


def draw_packing(figure):
    """Rows as they come and as the recurrent kernel reads them."""
    rows = {
        "padded right": "the cat sat on it – – –",
        "padded left": "– – – a dog ran off now",
        "gaps": "we – saw – – it – too",
        "nothing real": "– – – – – – – –",
    }
    words = [row.split() for row in rows.values()]
    mask = np.array([[word != "–" for word in row] for row in words])
    positions = np.arange(mask.size).reshape(*mask.shape, 1).astype("float32")
    packed = pack(tf.constant(positions), tf.constant(mask))[..., 0].numpy().astype(int)
    order = np.array(words).ravel()[packed]
    panels = zip(
        figure.subplots(1, 2), ("as they come", "packed: what the kernel reads"), (words, order), strict=True
    )
    for axes, title, shown in panels:
        heat(axes, np.array(shown) != "–", title, [], list(rows), cmap=REAL, vmin=0, vmax=1)
        for (row, step), word in np.ndenumerate(np.array(shown)):
            axes.text(step, row, word, ha="center", va="center", fontsize=11)
        axes.set_xlabel("step")


PICTURES = {
    "attention": ((11, 4.2), draw_attention),
    "dropouts": ((10, 6), draw_dropouts),
    "positions": ((11, 3.9), draw_positions),
    "crf": ((10.5, 4.4), draw_crf),
    "adaptive_softmax": ((10, 4.2), draw_adaptive_softmax),
    "packing": ((10, 2.6), draw_packing),
}
TRAINED = ("attention", "crf")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", choices=PICTURES, help="only this one")
    parser.add_argument("--quick", action="store_true", help="hardly trained, to see that it works")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default: docs/images")
    options = parser.parse_args()
    for name in [options.picture] if options.picture else PICTURES:
        size, draw = PICTURES[name]
        figure = new_figure(*size)
        draw(figure, **({"steps": 2} if options.quick and name in TRAINED else {}))
        figure.savefig(options.folder / f"layer_{name}.png", dpi=100)


if __name__ == "__main__":
    main()
