"""Misspelt words of a turn: those of the grammar first, then as a search corrects them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from shopsearch.ranking.spelling import Vocabulary, most_typos
from shopsearch.refining import amounts, clauses, cues, naming, pointing, wanting
from shopsearch.understanding.words import FUNCTION_WORDS, NEGATIONS

_WORD = re.compile(r"[^\W\d_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}][^\W\d_]+)*")
_LETTERS = re.compile(r"[a-z]{2,}")
_ESCAPED = re.compile(r"\\.|\(\?P<\w+>")


def _words_of_patterns() -> Iterator[str]:
    """Every word that a pattern of the grammar is made of."""
    for module in (amounts, clauses, cues, naming, pointing, wanting):
        for one in vars(module).values():
            if isinstance(one, re.Pattern):
                yield from _LETTERS.findall(_ESCAPED.sub(" ", one.pattern).lower())
    for _, pattern in cues.SORTS:
        yield from _LETTERS.findall(_ESCAPED.sub(" ", pattern.pattern).lower())


_OFTEN_MISSPELT = Vocabulary()
_OFTEN_MISSPELT.add(cues.OFTEN_MISSPELT)
_SAID = frozenset(
    [
        *cues.OFTEN_MISSPELT,
        *cues.SAYS_NOTHING,
        *cues.ADJECTIVES,
        *cues.ADJECTIVES.values(),
        *cues.FIELDS,
        *FUNCTION_WORDS,
        *NEGATIONS,
        *_words_of_patterns(),
    ]
)


def with_typos_corrected(
    text: str, is_held: Callable[[str], bool], corrected: Callable[[str], str]
) -> str:
    """The text with misspelt words put right; what the grammar or a product holds stays.

    `corrected` gives a word as a search would read it.
    """

    def right(match: re.Match[str]) -> str:
        word = match[0].lower()
        if word in _SAID or not most_typos(word) or is_held(word):
            return match[0]
        near = _OFTEN_MISSPELT.near(word, 1)
        return near[0].word if near else corrected(match[0])

    return _WORD.sub(right, text)
