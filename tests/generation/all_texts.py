"""What a search must find, by trying out everything."""

import itertools

from fake_steps import END

WORDS = (4, 5, 6)


def all_texts(longest, words=WORDS):
    """Every text of these words: with an end, or as long as it may be."""
    for length in range(longest + 1):
        for text in itertools.product(words, repeat=length):
            if length < longest:
                yield (*text, END)
            else:
                yield text


def by_trying(tables, prompt, longest, alpha=0.0, extra=lambda text: 0.0):
    """Scores, log-probabilities and texts of all that could be written, best first."""
    found = []
    for text in all_texts(longest):
        total = log_probability(tables, prompt, text)
        found.append((total / ((5 + len(text)) / 6) ** alpha + extra(text), total, text))
    return sorted(found, reverse=True)


def log_probability(tables, prompt, text):
    path = (*prompt, *text)
    return sum(float(tables[i - 1, path[i - 1], path[i]]) for i in range(len(prompt), len(path)))


def texts_of(result, row=0):
    pairs = zip(result.token_ids[row].numpy(), result.lengths[row].numpy(), strict=True)
    return [tuple(int(i) for i in ids[:n]) for ids, n in pairs]
