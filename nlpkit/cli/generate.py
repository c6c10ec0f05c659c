"""`nlpkit generate`: texts that a saved language model writes."""

import json

import typer

from nlpkit.cli import generate_options as own
from nlpkit.cli import options
from nlpkit.cli.start import load_model
from nlpkit.cli.texts import check_encoding, texts_command
from nlpkit.errors import InputError

EXAMPLES = (
    "nlpkit generate saved_models/lm 'The company said' --max-new-tokens 40 \\\n"
    "    --temperature 0.8 --top-p 0.9 --seed 1",
    "nlpkit generate saved_models/lm 'The company said' --stream",
    "nlpkit generate saved_models/lm 'The company said' --beam 4 --num-results 4",
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
    stop: own.Stop = None,
    temperature: own.Temperature = None,
    top_k: own.TopK = None,
    top_p: own.TopP = None,
    min_p: own.MinP = None,
    repetition_penalty: own.RepetitionPenalty = None,
    no_repeat_ngram: own.NoRepeatNgram = None,
    seed: own.Seed = None,
    beam: own.Beam = None,
    num_results: own.NumResults = 1,
    stream: own.Stream = False,
    as_json: own.AsJsonLines = False,
):
    """Write texts with a language model: each prompt and what comes after it.

    Several texts are parted by a blank line.
    """
    prompts = prompts or [""]
    check_encoding(prompts, "Prompt")
    chance = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "seed": seed}
    rules = {"repetition_penalty": repetition_penalty, "no_repeat_ngram": no_repeat_ngram}
    settings = {name: value for name, value in {**chance, **rules}.items() if value is not None}
    settings |= {"max_new_tokens": max_new_tokens, "stop": tuple(stop or ())}
    if stream:
        _check_streamable(prompts, beam, num_results, as_json)
    if beam is not None:
        _check_searchable(beam, [name for name in chance if name in settings])
    generator = load_model(model, "generator")
    if stream:
        _stream(prompts[0], generator.stream(prompts[0], **settings))
        return
    results = generator.generate_details(prompts, beam_size=beam, num_results=num_results, **settings)
    for number, result in enumerate(results):
        if as_json:
            typer.echo(json.dumps(result, ensure_ascii=False))
        else:
            typer.echo(("\n" if number else "") + result["prompt"] + result["text"])


def _check_streamable(prompts, beam, num_results, as_json):
    reasons = {
        f"--beam {beam}": beam is not None,
        f"{len(prompts)} prompts": len(prompts) > 1,
        f"--num-results {num_results}": num_results > 1,
        "--json": as_json,
    }
    received = [name for name, given in reasons.items() if given]
    if received:
        raise InputError(
            "--stream shows one text while it is written, so it goes with one prompt and neither --beam, "
            f"--num-results nor --json. Received: {', '.join(received)}. Leave out --stream, or that."
        )


def _check_searchable(beam, drawing):
    if drawing:
        names = ", ".join("--" + name.replace("_", "-") for name in drawing)
        raise InputError(
            "--beam searches for the most likely text, so it goes with nothing that belongs to drawing one. "
            f"Received: --beam {beam} with {names}. Leave out --beam, or that."
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
