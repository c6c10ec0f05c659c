"""Texts in which much can go wrong."""

# Around the longest word of WordPiece, in bytes. To SentencePiece many ways of cutting them are equally likely.
RUNS = "x" * 99 + " " + "x" * 100 + " " + "x" * 101 + " " + "é" * 50 + " " + "é" * 51 + " " + "x" * 100 + "!"

NASTY = [
    "",
    "   \t\n ",
    "A good, good film! It isn't bad; the 'best' actors' film — don’t “quote”…",
    "8/10, well-made_film #1 ## ### a##b @home $5 ^_^ ~ | {x} [y] (z)",
    "<p class='x'>So<BR>good</p><br/><3 a < b, x<y>z <unk> </s> <pad> &lt;b&gt; <ſpan> <ſtrong x> <lİ> <blocKquote>",
    "R&amp;B &amp;lt; && & &nope; &; &#65;&#x42;&#0;&#xD800;&#9999999;&#xFFFE;&#xFDD0;&#x1FFFF; &NewLine; &nbsp;x",
    "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇩🇪 e\u0301 E\u0301\u0323 a\u0323\u0301 \u0301start q\u0307\u0323 d\u0307\u0323",
    "naïve déjà vu Å Å ﬁ ① ² Ａ ｶﾞ ẞ ß İ I ı ſ K Σ ΟΔΟΣ ΑΣ' Σ\u0301 ΑΣ\u00adΑ ΑΣ. ΟΔΥΣΣΕΥΣ Ǆ ǅ",
    "שלום עולם مرحبا بالعالم \u202eabc\u202c \u200f ﷺ",
    "我喜欢这部电影 very 很好 カタカナ ひらがな ｶﾀ 한국어 \u1112\u1161\u11ab \uac00\u11a8 \u1100\u1161",
    "龍 豈 \U0002f800 \U00020000a",
    "nul \0 here\0", "é nul \0 after É", "ctrl \x01\x1b\x1c\x1d\x1e\x1f\x7f\x80\x85\x9f x\x11y \x11z",
    "\u00a0 a\u00a0b\u3000c\u2028d\u2029e\u202ff\u205fg\u1680h\u200bi\ufeffj\u180ek \v\f\r a \v b \v\v c",
    "'a' ''b'' a'b' '' ' ’ ’s ’’x rock ’n’ roll é' 'é _' '_ 1' 'ü’ü",
    "\ufeffbom at the start", "half \ud800 pair \udfff\ud83d\ude00",
    "non \uffff characters \ufdd0 \U0010ffff \ue000 \uf8ff",
    "\u2581 \ue000 \ue0000 \ue0001 \ue000\u2581 <0x41> ⁇",
    RUNS,
    "हिन्दी தமிழ் ไทย ខ្មែร Việt Nam Ελληνικά Русский Ёлка Հայերեն ქართული ᲐᲑ Ꭰꭰ 𐐀𐐨 𝔘𝔫𝔦 ﬀ Ω Å",
    "\u0344 \u0958 \u2adc \ufb1d \U0001d15e \u0f73 \u0f75 \u1fa7 \u01d5 \u1e69 \u0345Α\u0345Σ",
    "\U00011383\U000113c9 \U00016d67\U00016d67",
    "A\u034f\u0301 soft\u00adhyphen zero\u200bwidth \U000e0001tag \u115f\u1160 \u3164 \ufe0f",
    "Long text. " * 900,
]  # fmt: skip


def texts_of(level):
    """The texts that have one best way of being cut at a level."""
    return [text for text in NASTY if level != "sentencepiece" or text is not RUNS]
