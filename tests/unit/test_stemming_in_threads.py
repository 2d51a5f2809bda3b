"""Searches stem words in many threads at once."""

from __future__ import annotations

import itertools
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import snowballstemmer

from shopsearch.ranking import stemming

ENDINGS = ("ational", "iveness", "ousli", "biliti", "ings", "edly", "fulness", "ies", "men", "s")


@pytest.fixture
def eager_threads():
    """Threads that take turns far more often than they do in earnest."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_threads")
def test_threads_at_once_get_the_stems_they_get_alone() -> None:
    stems = ("".join(letters) for letters in itertools.product("bcdfg", "aeiou", "lmnrt", "ae"))
    words = [stem + ending for stem in stems for ending in ENDINGS]
    alone = dict(zip(words, snowballstemmer.stemmer("porter").stemWords(words), strict=True))
    stemming._porter.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        parts = [words[start::8] for start in range(8)]
        stemmed = list(pool.map(lambda part: [stemming.stem(word) for word in part], parts))
    for part, found in zip(parts, stemmed, strict=True):
        assert found == [alone[word] for word in part]
