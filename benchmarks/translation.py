"""Translation of Multi30k, test2016: BLEU and chrF of sacrebleu, beam 5, subwords.

29,000 captions train and 1,014 choose the epoch, raw texts on both sides. Each row is a preset of
translation_presets.py in one direction, trained in a process of its own. Its time, which must not exceed the preset's
minutes, is that of vocabularies, training and validation, without the reading of files. Rows are kept in one result
file, so that they can be run on different days. BLEU in lower case, as many tutorials give it, stands beside.
Run from the repository root: python benchmarks/translation.py --preset gru_attention --direction de-en
A long run can go on where it was cut: --checkpoint FOLDER, then the same with --resume; its time goes on too.
"""

import time
from pathlib import Path

import corpora
import pair_data
from clock import Clock
from common import RESULTS, apart, header, met, print_table, read_result, result_name, write_result
from language_peers import use_threads
from translation_presets import PRESETS, QUICK_ESTIMATOR, QUICK_VOCABULARY

NAME, BEAMS, QUICK_PAIRS, THREADS = "translation", 5, 200, 2
METRICS = ("bleu", "chrf", "bleu_signature", "chrf_signature")


def measure(direction, estimator, minutes, limit, checkpoint, resume, save):
    """Trains one model in this process, translates the test texts and compares."""
    from sacrebleu.metrics import BLEU

    from nlpkit import TextToText
    from nlpkit.estimators.text_metrics import text_metrics

    parts = pair_data.multi30k(direction, limit)
    spent = Clock(checkpoint).start(resume) if checkpoint else 0.0
    left = minutes and minutes - spent / 60
    model = TextToText(**estimator, minutes=left, random_state=0)
    start = time.perf_counter()
    model.fit(*parts["train"], validation_data=parts["dev"], checkpoint=checkpoint, resume=resume)
    seconds = spent + time.perf_counter() - start
    sources, targets = parts["test"]
    greedy = model.predict(sources)
    start = time.perf_counter()
    written = model.predict(sources, beam_size=BEAMS)
    pace = len(sources) / (time.perf_counter() - start)
    if save:
        model.save(save)
    found, report = text_metrics(written, targets), model.report_
    return {
        **{name: found[name] if isinstance(found[name], str) else round(found[name], 2) for name in METRICS},
        "bleu_greedy": round(text_metrics(greedy, targets)["bleu"], 2),
        "bleu_lowercase": round(BLEU(lowercase=True).corpus_score(written, [targets]).score, 2),
        "seconds": round(seconds, 1),
        "epochs": len(report["history"]["loss"]),
        "best_epoch": report["best_epoch"],
        "averaged": report["averaged"],
        "out_of_time": report["out_of_time"],
        "weights": model.network_.count_params(),
        "validation_loss": [round(loss, 4) for loss in report["history"]["val_loss"]],
        "sentences_per_second": round(pace, 1),
        "examples": [list(texts) for texts in zip(sources[:5], written, targets, strict=False)],
        "training": report["settings"]["training"],
    }


def estimator_of(preset, epochs, quick):
    """Arguments of `TextToText`."""
    given = PRESETS[preset]["estimator"]
    given = {**given, "epochs": epochs or given["epochs"]}
    if not quick:
        return given
    options = {
        group: {**settings, **(QUICK_VOCABULARY if group in ("source", "target") else {})}
        for group, settings in given["options"].items()
    }
    return {**given, **QUICK_ESTIMATOR, "options": options}


def run(preset, direction, options):
    """One row, measured in a process of its own."""
    folder = str(Path(options.checkpoint) / f"{preset}_{direction}") if options.checkpoint else None
    found = apart(
        measure, direction=direction, estimator=estimator_of(preset, options.epochs, options.quick),
        minutes=options.minutes, limit=QUICK_PAIRS if options.quick else None, checkpoint=folder, resume=options.resume,
        save=str(Path(options.save) / f"{preset}_{direction}") if options.save else None,
    )  # fmt: skip
    minutes = options.minutes or PRESETS[preset]["minutes"]
    return {**header(), "minutes": minutes, **judged(preset, direction, found)}


def judged(preset, direction, row):
    """A row with whether it keeps its limit and reaches its goal, in the preset's time."""
    found = dict(row)
    in_time = row["seconds"] <= 60 * PRESETS[preset]["minutes"]
    for kind in ("limit", "goal"):
        asked = PRESETS[preset].get(kind, {}).get(direction)
        if asked is not None:
            found |= {kind: asked, f"{kind}_met": met(in_time and row["bleu"] >= asked, True)}
    return found


def table(rows):
    """The columns, and one line per row in the order of the presets."""
    columns = ["model", "direction", "BLEU", "lower case", "greedy", "chrF", "limit", "met", "goal", "met",
               "minutes", "epochs", "sentences/s"]  # fmt: skip
    names = ["bleu", "bleu_lowercase", "bleu_greedy", "chrf", "limit", "limit_met", "goal", "goal_met"]
    lines = []
    for preset in PRESETS:
        for direction in pair_data.DIRECTIONS:
            if row := rows.get(f"{preset}.{direction}"):
                minutes = round(row["seconds"] / 60, 1)
                lines.append([
                    preset, direction, *map(row.get, names), minutes, row["epochs"],
                    row["sentences_per_second"],
                ])  # fmt: skip
    return columns, lines


def write_markdown(name, rows, columns, lines):
    """Writes the table and the first translations as benchmarks/results/<name>.md."""
    text = f"Multi30k, test2016, beam {BEAMS}.\n\n"
    cells = [["" if cell is None else str(cell) for cell in line] for line in lines]
    for line in [columns, ["---"] * len(columns), *cells]:
        text += f"| {' | '.join(line)} |\n"
    for key, row in rows.items():
        what = PRESETS[key.split(".")[0]]["what"]
        text += f"\n{key}: {what}. BLEU {row['bleu_signature']}, chrF {row['chrf_signature']}\n\n"
        for source, written, target in row["examples"]:
            text += f"- {source}\n  - {written}\n  - *{target}*\n"
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")


def parse():
    """The options."""
    parser = corpora.parser(__doc__, [], several=False)
    for name, known in (("preset", PRESETS), ("direction", pair_data.DIRECTIONS)):
        parser.add_argument(f"--{name}", default=",".join(known), help=f"of {','.join(known)}; default: all")
    parser.add_argument(
        "--minutes", type=float, help="ends the training, whose rate then follows the loss; default: none"
    )
    parser.add_argument("--epochs", type=int, help="default: the preset's")
    parser.add_argument("--checkpoint", help="folder for checkpoints after each epoch")
    parser.add_argument("--resume", action="store_true", help="goes on from the checkpoint")
    parser.add_argument("--save", help="folder for the models")
    options = parser.parse_args()
    for name, known in (("preset", PRESETS), ("direction", pair_data.DIRECTIONS)):
        chosen = getattr(options, name).split(",")
        if unknown := sorted(set(chosen) - set(known)):
            raise SystemExit(f"--{name} takes {','.join(known)}. Received: {','.join(unknown)}")
        setattr(options, name, chosen)
    return options


def main():
    options = parse()
    if pair_data.missing("multi30k"):
        return
    use_threads(THREADS)
    name = result_name(NAME, options.quick)
    rows = read_result(name).get("rows", {})
    for preset in options.preset:
        for direction in options.direction:
            rows[f"{preset}.{direction}"] = run(preset, direction, options)
            columns, lines = table(rows)
            print_table(f"Multi30k, test2016, beam {BEAMS}", columns, lines)
            write_result(name, {**header(), "threads": THREADS, "rows": rows})
            write_markdown(name, rows, columns, lines)


if __name__ == "__main__":
    main()
