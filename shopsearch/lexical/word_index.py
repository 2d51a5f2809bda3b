"""The words of an index generation, in memory: a hundred thousand products in a millisecond."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import Product, WordMatches
from shopsearch.domain.words import N_COLUMNS, Place, Sketches, word_hash
from shopsearch.errors import GenerationMismatch
from shopsearch.index.vectors import best
from shopsearch.languages import ENGLISH, Language, in_another_language
from shopsearch.lexical.postings import Postings, saturated
from shopsearch.lexical.stored import sketches_of
from shopsearch.ranking.stemming import stem, stem_words
from shopsearch.store.words import WEIGHTS, askable_terms

KEYS_FILE, TOKENS_FILE, LENGTHS_FILE = "words-keys.npy", "words-tokens.npy", "words-lengths.npy"
LANGUAGE_FILE = "words.json"
POSTINGS_FILES = {
    name: f"words-{name}.npy" for name in ("stems", "begins", "rows", "often", "parts")
}
FILES = (LANGUAGE_FILE, KEYS_FILE, TOKENS_FILE, LENGTHS_FILE, *POSTINGS_FILES.values())

LEAST_RARITY = 1e-6  # as in FTS5: a word that half of all products hold still counts a little
FRESH_AT_MOST = 4096  # products that are held as such; as words they take a tenth of the memory
PHRASES_REMEMBERED = 500  # one is asked for several times in one search
FEW = 20  # among so much fewer products than there are, each is looked up by itself
DENSE = 20  # keys up to so many times as many as there are products are looked up in one array

Held = tuple[NDArray[Any], NDArray[np.float32]]  # rows, and what is held counts in each
_NOTHING: Held = (np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32))


class WordIndex:
    """A `Lexicon` over hashed words in a language. Searches may run in several threads, changes in
    one.
    """

    def __init__(self, language: Language = ENGLISH) -> None:
        self._language = language
        self._keys = np.empty(0, dtype=np.int64)  # (N,)
        self._sketches = Sketches.of([])
        self._fresh: dict[int, Product] = {}  # since the arrays were laid out
        self._gone: set[int] = set()
        self._lay_out(Postings.of(self._sketches))

    def __len__(self) -> int:
        self._settle()
        return len(self._keys)

    def upsert(self, keys: Sequence[int] | NDArray[np.int64], products: Sequence[Product]) -> None:
        """Take in products under their keys, instead of what was there under them."""
        fresh = dict(zip(np.asarray(keys).tolist(), products, strict=True))
        self._gone.update(fresh)
        self._fresh.update(fresh)
        if len(self._fresh) >= FRESH_AT_MOST:
            self._settle()

    def delete(self, keys: NDArray[np.int64]) -> None:
        """Take keys out; one that is not there is no error."""
        for key in np.asarray(keys).tolist():
            self._gone.add(key)
            self._fresh.pop(key, None)

    def search(
        self, terms: Sequence[str], k: int, among: NDArray[np.int64] | None = None
    ) -> WordMatches:
        """See `Lexicon.search`; the score is BM25 over weighted columns, as in FTS5."""
        self._settle()
        held = [self._held(term) for term in askable_terms(terms)]
        if among is not None and len(among) * FEW < len(self._keys):
            rows = self._rows_of(among)
            scores = self._scores_of(rows, held)
        else:
            rows = np.arange(len(self._keys))
            scores = self._all_scores(held)
            if among is not None:
                scores[~self._is_among(among)] = 0.0
        matching = np.flatnonzero(scores)
        if not matching.size or k < 1:
            return WordMatches(self._keys[:0], scores[:0])
        return WordMatches(*best(scores[matching], self._keys[rows[matching]], k))

    def frequencies(self, terms: Sequence[str]) -> Mapping[str, int]:
        """See `Lexicon.frequencies`."""
        self._settle()
        asked = set(askable_terms(terms))
        return {term: len(self._held(term)[0]) if term in asked else 0 for term in terms}

    def count(self) -> int:
        """See `Lexicon.count`."""
        return len(self)

    def holding(self, wanted: Sequence[Sequence[str]]) -> NDArray[np.int64]:
        """See `Lexicon.holding`."""
        self._settle()
        held = np.ones(len(self._keys), dtype=np.bool_)
        for terms in wanted:
            one = np.zeros(len(self._keys), dtype=np.bool_)
            for term in askable_terms(terms):
                one[self._held(term)[0]] = True
            held &= one
        keys: NDArray[np.int64] = np.sort(self._keys[held], kind="stable")
        return keys

    def sketches(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], Sketches]:
        """See `Lexicon.sketches`."""
        self._settle()
        rows = self._rows_of(np.asarray(keys, dtype=np.int64))
        return self._keys[rows], self._sketches.taken(rows)

    def save(self, folder: Path) -> None:
        """Write all arrays; `load` maps them into memory, which several processes share."""
        self._settle()
        told = json.dumps({"language": self._language.name})
        (folder / LANGUAGE_FILE).write_text(told + "\n", encoding="utf-8")
        np.save(folder / KEYS_FILE, self._keys, allow_pickle=False)
        np.save(folder / TOKENS_FILE, self._sketches.tokens, allow_pickle=False)
        np.save(folder / LENGTHS_FILE, self._sketches.lengths, allow_pickle=False)
        for name, file in POSTINGS_FILES.items():
            np.save(folder / file, getattr(self._postings, name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, language: Language = ENGLISH) -> WordIndex | None:
        """Read what `save` wrote; None where nothing was. Raises `GenerationMismatch` for words in
        another language, and `ValueError` for files that do not fit each other.
        """
        if not (folder / KEYS_FILE).exists():
            return None
        _check_language(folder, language)
        index = cls(language)
        index._keys = _mapped(folder / KEYS_FILE)
        index._sketches = Sketches.laid_out(
            _mapped(folder / TOKENS_FILE), _mapped(folder / LENGTHS_FILE)
        )
        if len(index._keys) != len(index._sketches):
            counts = f"{len(index._keys)} keys, and words of {len(index._sketches)} products"
            raise ValueError(f"{folder} has {counts}")
        if not all((folder / file).exists() for file in POSTINGS_FILES.values()):
            index._lay_out(Postings.of(index._sketches))  # an earlier version kept less
            return index
        arrays = {name: _mapped(folder / file) for name, file in POSTINGS_FILES.items()}
        index._lay_out(Postings(**arrays))
        return index

    def _settle(self) -> None:
        """Lay the arrays out anew after changes."""
        if not (self._fresh or self._gone):
            return
        gone = np.array(sorted(self._gone), dtype=np.int64)
        kept = np.flatnonzero(~np.isin(self._keys, gone))
        fresh_words = sketches_of(list(self._fresh.values()), self._language)
        self._sketches = self._sketches.taken(kept).compact().then(fresh_words)
        fresh = np.fromiter(self._fresh, dtype=np.int64, count=len(self._fresh))
        self._keys = np.concatenate([self._keys[kept], fresh])
        self._fresh, self._gone = {}, set()
        n_words = self._sketches.lengths[:, :N_COLUMNS].sum(axis=1, dtype=np.int64)  # (N,)
        self._lay_out(self._postings.then(kept, Postings.of(fresh_words), n_words))

    def _lay_out(self, postings: Postings) -> None:
        self._postings = postings
        self._phrases: dict[tuple[int, ...], Held] = {}
        self._by_key = np.argsort(self._keys, kind="stable")  # (N,) rows
        n_words = int(self._sketches.lengths[:, :N_COLUMNS].sum())
        self._mean_words = n_words / max(len(self._keys), 1)

    def _rows_of(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of those of some keys that are there, in the order given."""
        if not len(self._keys):
            return np.empty(0, dtype=np.int64)
        places = np.searchsorted(self._keys, keys, sorter=self._by_key)
        rows = self._by_key[np.minimum(places, len(self._keys) - 1)]
        found: NDArray[np.int64] = rows[self._keys[rows] == keys]
        return found

    def _all_scores(self, held: Sequence[Held]) -> NDArray[np.float32]:
        """(N,) of all products; 0 for those without any of the terms."""
        scores = np.zeros(len(self._keys), dtype=np.float32)
        for rows, parts in held:
            scores[rows] += self._rarity(len(rows)) * parts
        return scores

    def _scores_of(self, wanted: NDArray[np.int64], held: Sequence[Held]) -> NDArray[np.float32]:
        """(M,) of the products in some rows alone."""
        scores = np.zeros(len(wanted), dtype=np.float32)
        for rows, parts in held:
            if len(rows):
                places = np.minimum(np.searchsorted(rows, wanted), len(rows) - 1)
                found = rows[places] == wanted
                scores[found] += self._rarity(len(rows)) * parts[places[found]]
        return scores

    def _rarity(self, n_holding: int) -> float:
        """ln((N - n + 0.5) / (n + 0.5)), never below `LEAST_RARITY`."""
        n = len(self._keys)
        return max(math.log((n - n_holding + 0.5) / (n_holding + 0.5)), LEAST_RARITY)

    def _held(self, term: str) -> Held:
        """The rows of the products that hold a term, and what it counts in each."""
        known = self._language
        stems = tuple(word_hash(stem(word, known)) for word in stem_words(term, known))
        if len(stems) < 2:
            return self._postings.of_stem(stems[0]) if stems else _NOTHING
        phrases = self._phrases
        if stems not in phrases:
            if len(phrases) >= PHRASES_REMEMBERED:
                phrases.clear()
            phrases[stems] = self._phrase(stems)
        return phrases.get(stems, _NOTHING)

    def _phrase(self, stems: Sequence[int]) -> Held:
        """Those of several stems that stand one after the other in one column."""
        holding = [self._postings.of_stem(one)[0] for one in dict.fromkeys(stems)]
        rows = min(holding, key=len)
        for others in holding:
            if others is not rows and len(rows):
                marks = np.zeros(len(self._keys), dtype=np.bool_)
                marks[others] = True
                rows = rows[marks[rows]]
        if not len(rows):
            return _NOTHING
        often, n_words = self._runs(rows, stems)
        found = often > 0
        return rows[found], saturated(often[found], n_words[found], self._mean_words)

    def _runs(
        self, rows: NDArray[Any], stems: Sequence[int]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """How often the stems stand one after the other in each of some products, by the weights of
        the columns, and how many words each product has.
        """
        sketches = self._sketches.taken(rows)
        lengths = sketches.lengths[:, :N_COLUMNS].ravel()
        words = sketches.at(Place(0), Place(N_COLUMNS - 1))
        column = np.repeat(np.arange(len(lengths)), lengths)  # (M,) of all products, one by one
        n_starts = max(len(words.tokens) - len(stems) + 1, 0)
        is_run = column[:n_starts] == column[len(stems) - 1 :][:n_starts]
        for place, one in enumerate(stems):
            is_run &= words.tokens[place : place + n_starts] == one
        at = np.flatnonzero(is_run)
        weights = np.array(WEIGHTS, dtype=np.float32)[column[at] % N_COLUMNS]
        often = np.bincount(words.owners[at], weights, minlength=len(rows)).astype(np.float32)
        return often, words.counts

    def _is_among(self, among: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(N,) which rows belong to some keys."""
        highest = int(self._keys.max(initial=0))
        if highest > DENSE * len(self._keys):
            return np.isin(self._keys, among)
        marks = np.zeros(highest + 1, dtype=np.bool_)
        marks[among[(among >= 0) & (among <= highest)]] = True
        is_among: NDArray[np.bool_] = marks[self._keys]
        return is_among


def are_foreign(folder: Path, language: Language) -> bool:
    """Whether the words in a folder are there, and in another language."""
    try:
        return (folder / KEYS_FILE).exists() and _language_in(folder) != language.name
    except (OSError, ValueError):  # whoever reads the words will be told
        return False


def _language_in(folder: Path) -> str:
    """The name of the language of the words in a folder; what names none is English."""
    path = folder / LANGUAGE_FILE
    told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if not isinstance(told, dict):
        raise ValueError(f"{path} holds no names and values")
    return str(told.get("language", ENGLISH.name))


def _check_language(folder: Path, language: Language) -> None:
    written = _language_in(folder)
    if written != language.name:
        raise GenerationMismatch(
            f"the words of the index generation {folder.name} are "
            f"{in_another_language(written, language)}"
        )


def _mapped(path: Path) -> NDArray[Any]:
    """An array in a file; an empty one cannot be mapped."""
    array: NDArray[Any] = np.load(path, allow_pickle=False)
    if not array.size:
        return array
    # seen as a plain array: each slice of a memmap costs as much as ten of one
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
