"""Picture of what a saved text-to-text model attends to while it writes, a panel for each text.

Run from the repository root:
python benchmarks/alignment_picture.py saved_models/mt "Ein Mann schläft." --out docs/images/translation_alignment.png
"""

import argparse
from pathlib import Path

END = "■"


def alignments(folder, texts, beam_size):
    """The best target of each text, with the tokens of both sides and the weights between them."""
    import nlpkit

    found = nlpkit.load(folder).predict_nbest(texts, n=1, beam_size=beam_size, alignments=True)
    return [best for best, *_ in found]


def draw(found, path):
    """Writes one panel for each target: darker is more attention."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    widths = [len(best["source_tokens"]) for best in found]
    height = max(len(best["target_tokens"]) for best in found)
    figure = Figure(
        figsize=(1.5 + 0.36 * sum(widths), 1.6 + 0.27 * height), facecolor="white", layout="constrained"
    )
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(found), squeeze=False, width_ratios=widths)[0]
    for axes, best in zip(panels, found, strict=True):
        axes.imshow(best["attention"], cmap="Blues", vmin=0, vmax=1, aspect="auto")
        source, target = (
            [_shown(token) for token in best[f"{side}_tokens"]] for side in ("source", "target")
        )
        axes.set_xticks(range(len(source)), source, rotation=60, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(target)), target)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    figure.savefig(path, dpi=110)


def _shown(token):
    return token.replace("</s>", END).replace("▁", "_").replace("$", r"\$")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="folder of a saved text-to-text model that attends")
    parser.add_argument("texts", nargs="+", help="sources")
    parser.add_argument("--out", type=Path, required=True, help="path of the picture")
    parser.add_argument("--beam", type=int, default=5, help="default: 5")
    options = parser.parse_args()
    draw(alignments(options.model, options.texts, options.beam), options.out)
    print(options.out)


if __name__ == "__main__":
    main()
