"""HTML tags and entities in texts, with TensorFlow's own string ops only."""

import functools
from html.entities import html5

import numpy as np
import tensorflow as tf

from nlpkit.text.text_layer import apply_where

TAGS = (
    "br|p|div|span|hr|i|b|u|em|strong|a|ul|ol|li|h[1-6]|blockquote|font|center|small|sub|sup|table|tr|td|th"
)
TAG = rf"<(?i:/?(?:{TAGS})(?:\s[^<>]*)?/?)>"
REFERENCE = r"(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
NAMED = {name[:-1]: text for name, text in html5.items() if name.endswith(";")}
BUCKETS = 1 << 62  # wide enough that no two names share one


def plain_text(texts):
    """Replaces tags of layout and emphasis by spaces, and character references by their characters.

    `<br />`, `<p class="x">` and `</i>` are such tags; `<3` and `a < b` are not. A reference ends with `;`:
    `&amp;`, `&#8217;`, `&#x2019;`. What HTML does not know stays as it is. Texts without `<` and `&` cost
    next to nothing.

    Args:
        texts: String tensor of shape `(batch,)`.

    Returns:
        String tensor of shape `(batch,)`.

    Example:
        >>> from nlpkit.text.html_text import plain_text
        >>> plain_text(["a<br/>b &lt;3 &#65;"]).numpy().tolist()
        [b'a b <3 A']
    """
    texts = tf.strings.regex_replace(texts, TAG, " ")  # the pattern's first byte is searched for with memchr
    shorter = tf.strings.regex_replace(texts, "&", "")
    return apply_where(tf.strings.length(shorter) < tf.strings.length(texts), texts, _resolve_references)


def _resolve_references(texts):
    pieces = tf.strings.split(texts, "&")
    flat = pieces.flat_values
    # The first piece of a text has no & before it.
    first = tf.scatter_nd(
        pieces.row_starts()[:, None], tf.ones([pieces.nrows()], tf.int32), tf.shape(flat, tf.int64)
    )
    has_reference = tf.strings.regex_full_match(flat, rf"(?s){REFERENCE}.*") & (first == 0)
    name = tf.where(has_reference, tf.strings.regex_replace(flat, rf"(?s)^{REFERENCE}.*$", r"\1"), "")
    character = _character(name)
    known = character != ""
    rest = tf.strings.regex_replace(flat, rf"^{REFERENCE}", "", replace_global=False)
    kept = tf.where(first == 1, flat, tf.strings.join(["&", flat]))
    flat = tf.where(known, tf.strings.join([character, rest]), kept)
    return tf.strings.reduce_join(pieces.with_flat_values(flat), axis=-1)


def _character(name):
    """The character of each reference name, `""` where there is none."""
    is_decimal = tf.strings.regex_full_match(name, "#[0-9]+")
    is_hex = tf.strings.regex_full_match(name, "#[xX][0-9a-fA-F]+")
    digits = tf.strings.lower(tf.strings.regex_replace(name, "^#[xX]?", ""))
    decimal = tf.strings.to_number(tf.where(is_decimal, digits, "0"), tf.int32)
    code = tf.where(is_hex, _hex_number(tf.where(is_hex, digits, "0")), decimal)
    # Unicode's own replacement for codes that are no characters: beyond the last one, surrogates, zero.
    valid = (code > 0) & (code <= 0x10FFFF) & ((code < 0xD800) | (code > 0xDFFF))
    numbered = tf.strings.unicode_encode(tf.where(valid, code, 0xFFFD)[:, None], "UTF-8")
    return tf.where(is_decimal | is_hex, numbered, _named(name))


def _hex_number(digits):
    padded = tf.strings.substr(tf.strings.join(["000000", digits]), -6, 6)
    codes = tf.cast(tf.io.decode_raw(padded, tf.uint8, fixed_length=6), tf.int32)
    values = tf.where(codes >= ord("a"), codes - ord("a") + 10, codes - ord("0"))
    return tf.reduce_sum(values * [16**5, 16**4, 16**3, 16**2, 16, 1], axis=-1)


def _named(name):
    # Searching a sorted constant instead of a hash table, which every layer would have to track.
    names, hashes, characters = _sorted_names()
    position = tf.searchsorted(hashes, tf.strings.to_hash_bucket_fast(name, BUCKETS))
    position = tf.minimum(position, len(names) - 1)
    return tf.where(tf.gather(names, position) == name, tf.gather(characters, position), "")


@functools.cache
def _sorted_names():
    names = np.array(list(NAMED), dtype=object)
    with tf.init_scope():
        hashes = tf.strings.to_hash_bucket_fast(names, BUCKETS).numpy()
    order = np.argsort(hashes)
    return names[order], hashes[order], np.array(list(NAMED.values()), dtype=object)[order]
