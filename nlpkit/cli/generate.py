"""`nlpkit generate`: texts that a saved language model writes."""

import json

import typer

from nlpkit.cli import generate_options as own
from nlpkit.cli import options
from nlpkit.cli.start import load_model
from nlpkit.cli.texts import check_encoding, texts_command
from nlpkit.errors import InputError
from nlpkit.estimators.search_options import SEARCHES, Spelling, check_search

EXAMPLES = (
    "nlpkit generate saved_models/lm 'The company said' --max-new-tokens 40 \\\n"
    "    --temperature 0.8 --top-p 0.9 --seed 1",
    "nlpkit generate saved_models/lm 'The company said' --stream",
    "nlpkit generate saved_models/lm 'The company said' --beam 4 --num-results 4",
    "nlpkit generate saved_models/lm 'The company said' --contrastive-penalty 0.6",
    "nlpkit generate saved_models/lm 'One beginning' 'Another' --json > texts.jsonl",
    "nlpkit generate saved_models/shakespeare ROMEO: --stop $'\\n\\n'",
)


def register(app):
    """Adds `generate` to the command line."""
    app.command("generate", cls=texts_command(*EXAMPLES))(generate_texts)


def generate_texts(
    model: options.ModelFolder,
    prompts: own.Prompts = None,
    max_new_tokens: own.MaxNewTokens = 100,
    min_new_tokens: own.MinNewTokens = None,
    stop: own.Stop = None,
    temperature: own.Temperature = None,
    top_k: own.TopK = None,
    top_p: own.TopP = None,
    min_p: own.MinP = None,
    typical_p: own.TypicalP = None,
    seed: own.Seed = None,
    beam: own.Beam = None,
    length_penalty: own.LengthPenalty = None,
    beam_groups: own.BeamGroups = None,
    diversity: own.Diversity = None,
    contrastive_penalty: own.ContrastivePenalty = None,
    forced_prefix: own.ForcedPrefix = None,
    bad_words: own.BadWords = None,
    no_repeat_ngram: own.NoRepeatNgram = None,
    repetition_penalty: own.RepetitionPenalty = None,
    presence_penalty: own.PresencePenalty = None,
    frequency_penalty: own.FrequencyPenalty = None,
    num_results: own.NumResults = 1,
    stream: own.Stream = False,
    as_json: own.AsJsonLines = False,
):
    """Write texts with a language model: each prompt and what comes after it.

    Several texts are parted by a blank line.
    """
    chance = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "typical_p": typical_p,
              "seed": seed}  # fmt: skip
    search = {"beam_size": beam, "length_penalty": length_penalty, "beam_groups": beam_groups,
              "diversity": diversity, "contrastive_penalty": contrastive_penalty}  # fmt: skip
    rules = {"min_new_tokens": min_new_tokens, "forced_prefix": forced_prefix, "bad_words": tuple(bad_words or ()),
             "no_repeat_ngram": no_repeat_ngram, "repetition_penalty": repetition_penalty,
             "presence_penalty": presence_penalty, "frequency_penalty": frequency_penalty}  # fmt: skip
    settings = {name: value for name, value in {**chance, **rules}.items() if value not in (None, ())}
    settings |= {"max_new_tokens": max_new_tokens, "stop": tuple(stop or ())}
    search = {name: value for name, value in search.items() if value is not None}
    prompts = prompts or [""]
    for name, texts in (
        ("Prompt", prompts),
        ("Bad word", bad_words),
        ("Forced prefix", [forced_prefix or ""]),
    ):
        check_encoding(texts or (), name)
    if stream:
        _check_streamable(prompts, search, num_results, as_json)
    check_search({**settings, **search, "num_results": num_results}, Spelling(_flag, _with_value))
    generator = load_model(model, "generator")
    if stream:
        _stream(prompts[0], generator.stream(prompts[0], **settings))
    else:
        _show(generator.generate_details(prompts, num_results=num_results, **search, **settings), as_json)


def _show(results, as_json):
    for number, result in enumerate(results):
        if as_json:
            typer.echo(json.dumps(result, ensure_ascii=False))
        else:
            typer.echo(("\n" if number else "") + result["prompt"] + result["text"])


def _flag(name):
    return {"beam_size": "--beam"}.get(name, "--" + name.replace("_", "-"))


def _with_value(name, value):
    return f"{_flag(name)} {value}"


def _check_streamable(prompts, search, num_results, as_json):
    received = [_with_value(name, search[name]) for name in SEARCHES if name in search]
    reasons = {
        f"{len(prompts)} prompts": len(prompts) > 1,
        f"--num-results {num_results}": num_results > 1,
        "--json": as_json,
    }
    received += [name for name, given in reasons.items() if given]
    if received:
        raise InputError(
            "--stream shows one text while it is drawn, so it goes with one prompt and neither --beam, "
            "--contrastive-penalty, --num-results nor --json. "
            f"Received: {', '.join(received)}. Leave out --stream, or that."
        )


def _stream(prompt, pieces):
    pieces = iter(pieces)
    first = next(pieces, "")  # settings that cannot be used are told before anything is written
    try:
        typer.echo(prompt + first, nl=False)
        for piece in pieces:
            typer.echo(piece, nl=False)  # which also flushes
    finally:
        typer.echo()
