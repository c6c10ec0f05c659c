"""`nlpkit generate`: texts that a saved language model writes."""

import random
from functools import partial

import typer

from nlpkit.cli import generate_options as own
from nlpkit.cli import options
from nlpkit.cli.pairs import pieces
from nlpkit.cli.reading import text_reader
from nlpkit.cli.show import note, note_skipped, write_json
from nlpkit.cli.start import load_model
from nlpkit.cli.texts import Files, check_encoding, chunks_of, nothing_piped, reader_of, texts_command
from nlpkit.errors import InputError
from nlpkit.estimators.search_options import SEARCHES, Spelling, check_search, idle_options
from nlpkit.generation.number_rules import check_numbers
from nlpkit.generation.stop_strings import check_stop_strings

EXAMPLES = (
    "nlpkit generate saved_models/lm 'The company said' --max-new-tokens 40 \\\n"
    "    --temperature 0.8 --top-p 0.9 --seed 1",
    "nlpkit generate saved_models/lm 'The company said' --stream",
    "nlpkit generate saved_models/lm 'The company said' --beam 4 --num-results 4",
    "nlpkit generate saved_models/lm 'The company said' --contrastive-penalty 0.6",
    "nlpkit generate saved_models/lm 'One beginning' 'Another' --json > texts.jsonl",
    "nlpkit generate saved_models/lm --data prompts.txt --seed 1 --json > texts.jsonl",
    "nlpkit generate saved_models/shakespeare ROMEO: --stop $'\\n\\n'",
)
ROWS = 64  # prompts of a file that are gone on with at a time
# What each search takes, by the option that asks for it.
FOUND = {
    "beam_size": "the likeliest texts",
    "contrastive_penalty": "likely texts that do not repeat themselves",
}


def register(app):
    """Adds `generate` to the command line."""
    app.command("generate", cls=texts_command(*EXAMPLES))(generate_texts)


def generate_texts(
    model: options.ModelFolder,
    prompts: own.Prompts = None,
    data: Files = None,
    columns: options.Columns = None,
    text: options.Text = None,
    quoting: options.Quoting = None,
    on_bad_row: options.OnBadRow = "error",
    format: options.FileFormat = None,
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
    quiet: options.Quiet = False,
):
    """Write texts with a language model: each prompt and what comes after it.

    Without prompts and --data, standard input is read, one prompt a line; if nothing comes from there, a text of its
    own is written.

    Several texts are parted by a blank line.
    """
    settings = {
        "max_new_tokens": max_new_tokens, "min_new_tokens": min_new_tokens, "stop": tuple(stop or ()), "seed": seed,
        "temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "typical_p": typical_p,
        "forced_prefix": forced_prefix, "bad_words": tuple(bad_words or ()), "no_repeat_ngram": no_repeat_ngram,
        "repetition_penalty": repetition_penalty, "presence_penalty": presence_penalty,
        "frequency_penalty": frequency_penalty,
    }  # fmt: skip
    search = {"beam_size": beam, "length_penalty": length_penalty, "beam_groups": beam_groups,
              "diversity": diversity, "contrastive_penalty": contrastive_penalty}  # fmt: skip
    settings, search = ({n: v for n, v in part.items() if v not in (None, ())} for part in (settings, search))
    if not prompts and not data and nothing_piped():
        prompts = [""]
    asked = {**settings, **search, "num_results": num_results}
    check_numbers(asked)
    if stream:
        _check_streamable(prompts, data, search, num_results)
    idle = idle_options(asked)
    used = {name: value for name, value in asked.items() if name not in idle}
    _check_together(used)
    strings = {"Prompt": prompts, "Bad word": bad_words, "Forced prefix": [forced_prefix or ""]}
    for name, given in strings.items():
        check_encoding(given or (), name)
    reading = {
        "text": text,
        "columns": columns,
        "quoting": quoting,
        "on_bad_row": on_bad_row,
        "format": format,
    }
    reader = reader_of(prompts, data, "go on from", partial(text_reader, **reading))
    if idle and not quiet:
        _note_idle(asked, idle)
    generator = load_model(model, "generator")
    if stream:
        _stream(prompts[0], generator.stream(prompts[0], **settings), as_json)
        return
    chunks = chunks_of(prompts, reader and pieces(reader, ROWS), quiet)
    _show(_results(generator, chunks, used, quiet), as_json)
    if reader is not None and not quiet:
        note_skipped(reader.skipped, reader.first_skipped)


def _results(generator, chunks, settings, quiet):
    """What was written for the prompts of each chunk, one after the other."""
    chance, missing = random.Random(settings.get("seed")), 0
    for number, prompts in enumerate(chunks):
        if number and "seed" in settings:  # or the same rows of each chunk would have the same luck
            settings = {**settings, "seed": chance.getrandbits(31)}
        found = generator.generate_details(prompts, **settings)
        missing += len(prompts) * settings["num_results"] - len(found)
        yield from found
    if missing and not quiet:
        note(f"{missing:,} texts fewer than asked for: there are no others")


def _show(results, as_json):
    for number, result in enumerate(results):
        if as_json:
            write_json(result)
        else:
            typer.echo(("\n" if number else "") + result["prompt"] + result["text"])


def _flag(name):
    return {"beam_size": "--beam"}.get(name, "--" + name.replace("_", "-"))


def _with_value(name, value):
    return f"{_flag(name)} {value}"


def _check_together(given):
    """What can be told without the model, before the seconds that TensorFlow takes."""
    check_search(given, Spelling(_flag, _with_value))
    check_stop_strings(given.get("stop"))


def _note_idle(asked, idle):
    search = next(name for name in SEARCHES if name in asked)
    *first, last = (_with_value(name, asked[name]) for name in idle)
    listed = f"{', '.join(first)} and {last} change" if first else f"{last} changes"
    note(
        f"{_with_value(search, asked[search])} takes {FOUND[search]} and leaves nothing to chance: {listed} nothing."
    )


def _check_streamable(prompts, data, search, num_results):
    received = [_with_value(name, search[name]) for name in SEARCHES if name in search]
    reasons = {
        "--data": data,
        "standard input": not prompts and not data,
        f"{len(prompts or ())} prompts": len(prompts or ()) > 1,
        f"--num-results {num_results}": num_results > 1,
    }
    received += [name for name, given in reasons.items() if given]
    if received:
        raise InputError(
            "--stream shows one text while it is drawn, so it goes with one prompt, as an argument, and not with "
            "--num-results, --beam (another text may become the likeliest until the end) or --contrastive-penalty "
            "(which gives its text as a whole). "
            f"Received: {', '.join(received)}. Leave out --stream, or that."
        )


def _stream(prompt, pieces, as_json):
    if as_json:
        for piece in pieces:
            write_json({"text": piece})
        return
    pieces = iter(pieces)
    first = next(pieces, "")  # settings that cannot be used are told before anything is written
    try:
        typer.echo(prompt + first, nl=False)
        for piece in pieces:
            typer.echo(piece, nl=False)  # which also flushes
    finally:
        typer.echo()
