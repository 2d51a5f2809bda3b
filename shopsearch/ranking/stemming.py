"""Words as a lexical index sees them: without case and accents, and without English endings."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import snowballstemmer

_WORD = re.compile(r"[^\W_]+")
_ACCENTS = re.compile("[\N{COMBINING GRAVE ACCENT}-\N{COMBINING LATIN SMALL LETTER X}]+")
_MOST_CHARS = 60  # of a word with endings; longer ones are no words
_PORTER = snowballstemmer.stemmer("porter")


def stem_words(text: str) -> list[str]:
    """The words of a text in order, in lower case and without accents; letters and digits stay
    together, as in `wh1000xm4`.
    """
    folded = text.lower()
    if not folded.isascii():
        folded = _ACCENTS.sub("", unicodedata.normalize("NFKD", folded))
    return _WORD.findall(folded)


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """What is left of a folded word without its ending (Porter, An algorithm for suffix stripping,
    1980).
    """
    if len(word) > _MOST_CHARS or not word.isascii():
        return word
    stemmed: str = _PORTER.stemWord(word)
    return stemmed
