"""Words as a lexical index sees them: without case, accents and the endings of a language."""

from __future__ import annotations

import re
import threading
from functools import lru_cache

import snowballstemmer

from shopsearch.languages import ENGLISH, Language, without_accents

_WORD = re.compile(r"[^\W_]+")
_MOST_CHARS = 60  # of a word with endings; longer ones are no words
_of_thread = threading.local()  # a stemmer keeps the word at hand in itself


def stem_words(text: str, language: Language = ENGLISH) -> list[str]:
    """The words of a text in order, in lower case and without accents; letters and digits stay
    together, as in `wh1000xm4`. In English as FTS5 has them: `women's` is `women` and `s`.
    """
    if language is not ENGLISH:
        return _WORD.findall(language.fold(text))
    folded = text.lower()
    return _WORD.findall(folded if folded.isascii() else without_accents(folded))


def stem(word: str, language: Language = ENGLISH) -> str:
    """What is left of a folded word without its ending; in English by Porter (An algorithm for
    suffix stripping, 1980), as FTS5 does it.
    """
    if language is ENGLISH:
        return _porter(word)
    return language.stem(word) if word.isalpha() else word


@lru_cache(maxsize=200_000)
def _porter(word: str) -> str:
    if len(word) > _MOST_CHARS or not word.isascii():
        return word
    if not hasattr(_of_thread, "porter"):
        _of_thread.porter = snowballstemmer.stemmer("porter")
    stemmed: str = _of_thread.porter.stemWord(word)
    return stemmed
