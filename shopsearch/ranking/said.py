"""What a text wants and what not, in any language."""

from __future__ import annotations

import re
from itertools import islice

from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.negation import MAX_TOKENS, IsName, Said, no_name, taken_apart

_TOKEN = re.compile(r"[^\W_]+|[^\w\s]")
_WITHIN_WORDS = frozenset("'\N{RIGHT SINGLE QUOTATION MARK}-./&")


def said_in(
    text: str, language: Language, is_name: IsName = no_name, *, minus: bool = True
) -> Said:
    """See `negation.taken_apart`, which reads English. In other languages, what follows a word for
    "without" is not wanted, up to a sign or to a word that says something else of the thing.
    """
    if language is ENGLISH:
        return taken_apart(text, is_name, minus=minus)
    if not language.without:
        return Said(text)
    reading = _Reading(text, language)
    for token in islice(_TOKEN.finditer(text), MAX_TOKENS):
        reading.take(token)
    return reading.said()


class _Reading:
    """One text being read, token by token."""

    def __init__(self, text: str, language: Language) -> None:
        self._text = text
        self._language = language
        self._is_out = False  # what comes is not wanted
        self._says_more = False  # something is wanted
        self._cut: list[tuple[int, int]] = []  # characters of what is not wanted, "without" too
        self._phrases: list[tuple[int, int]] = []  # each of it
        self._is_over = True  # the next word begins another phrase

    def take(self, token: re.Match[str]) -> None:
        """The next word or sign."""
        word, known = self._language.stem(self._language.fold(token[0])), self._language
        if word in known.without:
            self._is_out = self._is_over = True
            self._cut.append(token.span())
        elif word in known.after_the_noun or _is_end(token[0]):
            self._is_out = False
        elif not self._is_out:
            self._says_more |= word[:1].isalnum() and word not in known.function_words
        elif word in known.function_words:
            self._is_over = True
        elif word[:1].isalnum():
            self._add(*token.span())

    def said(self) -> Said:
        """What was said; all of it is wanted where nothing else would be left."""
        if not (self._phrases and self._says_more):
            return Said(self._text)
        kept, at = [], 0
        for start, end in self._cut:
            kept.append(self._text[at:start].strip())
            at = end
        kept.append(self._text[at:].strip())
        unwanted = dict.fromkeys(self._text[start:end] for start, end in self._phrases)
        return Said(" ".join(filter(None, kept)), tuple(unwanted))

    def _add(self, start: int, end: int) -> None:
        """A word that is not wanted."""
        if self._is_over:
            self._phrases.append((start, end))
        else:
            self._phrases[-1] = (self._phrases[-1][0], end)
        self._cut[-1] = (self._cut[-1][0], end)
        self._is_over = False


def _is_end(token: str) -> bool:
    return not token.isalnum() and token not in _WITHIN_WORDS
