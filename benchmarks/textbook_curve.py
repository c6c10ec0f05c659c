"""Is the large textbook model on course? The beginning of its training, beside PyTorch's example with its settings.

Two tied LSTM layers of 650 with a dropout of 0.5 on the Penn Treebank (`textbook_650` of language_presets.py) would
take hours on two cores. Here the first epoch is trained, or `--steps` of it, by nlpkit and by the model of PyTorch's
example word_language_model (language_peers.py), from the same first weights over the same batches, with gradient
descent at the same rate; only the draws of dropout differ. The development perplexity after each fifth of the steps
shows whether nlpkit's curve falls as the other does, whose settings, with a rate that falls later on, lead to 75.8 in
"Deep Learning from Scratch 2".
Each side in a process of its own, one after the other; PyTorch is used where it can be imported.
Run from the repository root: python benchmarks/textbook_curve.py
"""

import math
import time

import corpora
import language_data
from common import apart, header, met, print_table, result_name, write_result
from language_peers import lacks, own_model, torch_model, use_threads, versions
from language_presets import PRESETS

NAME, PRESET, POINTS, THREADS = "textbook_curve", PRESETS["textbook_650"], 5, 2
# By how much its development perplexity may lie above the peer's at the last point.
ALLOWED = 1.05
# As nlpkit measures: so many streams, in stretches of so many steps.
EVALUATION = (8, 100)
QUICK = {"units": 8, "limit": 40, "rows": 2, "length": 5, "evaluation": (1, 20)}


def sizes_of(quick):
    """What both sides are given."""
    network, training = PRESET["network"], PRESET["training"]
    sizes = {
        "units": network["units"], "layers": network["num_layers"], "dropout": network["dropout"],
        "rows": training["batch_size"], "length": training["sequence_length"],
        "learning_rate": training["learning_rate"], "clip_norm": training["clip_norm"], "evaluation": EVALUATION,
        "limit": None,
    }  # fmt: skip
    return sizes | (QUICK if quick else {})


def model_options(sizes):
    """What the two builders of language_peers.py take."""
    return {"units": sizes["units"], "layers": sizes["layers"], "tie": True, "dropout": sizes["dropout"]}


def curve(steps, train, evaluate):
    """Trains in `POINTS` parts: tokens a second of them, and the perplexity after each.

    Args:
        steps: int. Batches.
        train: Function of the first and the last batch of a part.
        evaluate: Function without arguments that gives the mean loss of a token.
    """
    seconds, points = 0.0, []
    places = [round(steps * part / POINTS) for part in range(POINTS + 1)]
    for first, last in zip(places, places[1:], strict=False):
        start = time.perf_counter()
        train(first, last)
        seconds += time.perf_counter() - start
        points.append({"steps": last, "dev": round(math.exp(evaluate()), 2)})
    return {"points": points, "seconds": round(seconds, 1)}


def measure_nlpkit(sizes, steps):
    """nlpkit, in this process."""
    import nlpkit  # noqa: F401  before TensorFlow, for which it turns oneDNN on

    import keras  # isort: skip
    from nlpkit.training.language_model import NextToken, mean_loss
    from nlpkit.training.optimizers import SGD
    from nlpkit.training.streams import segments, stream_table

    keras.utils.set_random_seed(0)
    streams, size = language_data.ptb(sizes["limit"])
    train = streams["train"][: steps * sizes["rows"] * sizes["length"]]
    batches, _ = segments(stream_table(train, sizes["rows"]), sizes["length"])
    network = own_model(size, **model_options(sizes))
    model = NextToken(network)
    model.start({"training": sizes["rows"]})
    model.compile(SGD(sizes["learning_rate"], clip_norm=sizes["clip_norm"]), jit_compile=False)
    model.optimizer.build(network.trainable_weights)

    def train_part(first, last):
        model.fit(batches.skip(first).take(last - first).prefetch(2), shuffle=False, verbose=0)

    return curve(steps, train_part, lambda: mean_loss(network, streams["dev"]))


def measure_torch(sizes, steps):
    """PyTorch, in this process."""
    import torch

    torch.manual_seed(0)
    streams, size = language_data.ptb(sizes["limit"])
    train = language_data.segments(streams["train"], sizes["rows"], sizes["length"], steps)
    rows, length = sizes["evaluation"]
    number = len(streams["dev"]) // (rows * length)
    dev = language_data.segments(streams["dev"], rows, length, number)
    model = torch_model(size, **model_options(sizes))
    loss_of = torch.nn.CrossEntropyLoss()
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    carried = [None]

    def losses(batches, carried):
        for inputs, targets in zip(*map(torch.tensor, batches), strict=True):
            logits, state = model(inputs, carried[0])
            carried[0] = tuple(part.detach() for part in state)
            yield loss_of(logits.flatten(0, 1), targets.flatten().long())

    def train_part(first, last):
        model.train()
        for loss in losses([part[first:last] for part in train], carried):
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, sizes["clip_norm"])
            with torch.no_grad():
                for weight in weights:
                    weight -= sizes["learning_rate"] * weight.grad
                    weight.grad = None

    def evaluate():
        model.eval()
        with torch.no_grad():
            return sum(loss.item() for loss in losses(dev, [None])) / number

    return curve(steps, train_part, evaluate)


SIDES = {"nlpkit": measure_nlpkit, "torch": measure_torch}


def judge(sides):
    """How nlpkit's last perplexity stands to PyTorch's."""
    if {"nlpkit", "torch"} <= {name for name, side in sides.items() if "points" in side}:
        ratio = sides["nlpkit"]["points"][-1]["dev"] / sides["torch"]["points"][-1]["dev"]
        return {"ratio": round(ratio, 3), "limit": ALLOWED, "met": met(ratio, ALLOWED, at_least=False)}
    return {}


def show(result):
    """Prints the curves."""
    sides = {name: side for name, side in result["sides"].items() if "points" in side}
    titles = ["steps", *(f"{name}, dev perplexity" for name in sides)]
    columns = [[point["dev"] for point in side["points"]] for side in sides.values()]
    steps = [point["steps"] for point in next(iter(sides.values()))["points"]]
    print_table(
        "The first epoch of the 650-unit textbook model", titles, list(zip(steps, *columns, strict=True))
    )
    print(", ".join(f"{name}: {side['seconds']:.0f} s" for name, side in sides.items()))


def main():
    parser = corpora.parser(__doc__, ["ptb"], several=False)
    parser.add_argument("--steps", type=int, help="batches; default: an epoch")
    options = parser.parse_args()
    if language_data.missing("ptb", language_data.PTB):
        return
    use_threads(THREADS)
    sizes = sizes_of(options.quick)
    tokens = len(language_data.ptb(sizes["limit"])[0]["train"])
    steps = options.steps or tokens // (sizes["rows"] * sizes["length"])
    result = {"peers": versions(), "sizes": sizes, "steps": steps, "threads": THREADS, "sides": {}}
    for name, function in SIDES.items():
        absent = lacks("torch") if name == "torch" else None
        result["sides"][name] = {"absent": absent} if absent else apart(function, sizes=sizes, steps=steps)
        result["on_course"] = judge(result["sides"])
        show(result)
        write_result(result_name(NAME, options.quick), {**header(), **result})


if __name__ == "__main__":
    main()
