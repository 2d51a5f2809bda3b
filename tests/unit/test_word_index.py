"""The words of a generation after changes are those of one that is made anew."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsearch.domain import Product
from shopsearch.lexical import word_index
from shopsearch.lexical.word_index import POSTINGS_FILES, WordIndex

WORDS = ["red", "mug", "mugs", "blue", "running", "shoe", "lamp", "of", "glass"]
TITLES = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)
CHANGES = st.lists(
    st.dictionaries(st.integers(0, 12), st.one_of(st.none(), TITLES), max_size=6), max_size=6
)


def product(key: int, title: str) -> Product:
    return Product(product_id=str(key), title=title, description=title[::-1])


def applied(index: WordIndex, told: dict[int, str], change: dict[int, str | None]) -> None:
    put_in = {key: title for key, title in change.items() if title is not None}
    told.update(put_in)
    index.upsert(list(put_in), [product(key, title) for key, title in put_in.items()])
    gone = [key for key, title in change.items() if title is None]
    index.delete(np.array(gone, dtype=np.int64))
    for key in gone:
        told.pop(key, None)


def answers(index: WordIndex) -> list[dict[int, float]]:
    found = [index.search(terms, 100) for terms in (["red"], ["mug", "lamp"], ["running shoe"])]
    return [dict(zip(one.keys.tolist(), one.scores.tolist(), strict=True)) for one in found]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=CHANGES, reloads=st.booleans(), at_most=st.sampled_from([1, 3, 4096]))
def test_after_any_changes_it_equals_one_that_is_made_anew(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: list[dict[int, str | None]],
    reloads: bool,
    at_most: int,
) -> None:
    monkeypatch.setattr(word_index, "FRESH_AT_MOST", at_most)
    index, told = WordIndex(), {}
    for change in changes:
        applied(index, told, change)
        assert len(index) == len(told)
        if reloads:
            folder = Path(mkdtemp(dir=tmp_path))  # what was loaded is still mapped into memory
            index.save(folder)
            index = WordIndex.load(folder)
    anew = WordIndex()
    anew.upsert(list(told), [product(key, title) for key, title in told.items()])
    assert answers(index) == answers(anew)
    assert index.frequencies(WORDS) == anew.frequencies(WORDS)


def test_files_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    index = WordIndex()
    index.upsert([1, 2], [product(1, "red mug"), product(2, "blue lamp")])
    index.save(tmp_path)
    (tmp_path / POSTINGS_FILES["often"]).unlink()
    assert answers(WordIndex.load(tmp_path)) == answers(index)
