"""Where links on results lead."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shopsearch.domain import MAX_WISHES, AnyOf, Sort
from shopsearch.server.pages import query_links
from shopsearch.server.search_request import SearchRequest
from shopsearch.server.wish_fields import WishField

MUGS = SearchRequest(text="mug", page=3)


def wish(product_id: str, weight: float = 1.0) -> WishField:
    return WishField("product_id", product_id, weight)


def test_more_like_this_joins_what_is_asked_and_starts_at_its_first_page() -> None:
    assert query_links.more_like(MUGS, "a") == replace(MUGS, also=(wish("a"),), page=1)


@pytest.mark.parametrize(
    "asked",
    [None, SearchRequest(sort=Sort.NEWEST), SearchRequest(filters=(AnyOf("size", ("s",)),))],
)
def test_where_nothing_is_asked_more_like_this_is_the_question(asked: SearchRequest | None) -> None:
    expected = replace(asked or SearchRequest(), product_id="a")
    assert query_links.more_like(asked, "a") == expected
    assert query_links.less_like(asked, "a") is None


def test_a_picture_is_a_question_although_no_request_holds_it() -> None:
    asked = SearchRequest()
    assert query_links.more_like(asked, "a", pictured=True) == SearchRequest(also=(wish("a"),))
    assert query_links.less_like(asked, "a", pictured=True) == SearchRequest(
        also=(wish("a", -0.5),)
    )


def test_who_changes_his_mind_about_a_product_is_understood() -> None:
    less = query_links.less_like(MUGS, "a")
    assert less is not None
    assert query_links.more_like(less, "a") == replace(MUGS, also=(wish("a"),), page=1)


def test_no_link_leads_to_more_wishes_than_count() -> None:
    full = replace(MUGS, also=tuple(wish(str(n)) for n in range(MAX_WISHES)))
    assert query_links.is_full(full)
    assert query_links.more_like(full, "new") is None
    assert query_links.less_like(full, "new") is None
    assert query_links.less_like(full, "3") is not None  # takes the place of what was said of it


def test_what_is_only_against_goes_with_the_last_thing_that_is_wanted() -> None:
    asked = SearchRequest(text="mug", negatives=("red",), also=(wish("a", -0.5),))
    left = query_links.sound(query_links.without_words(asked))
    assert left == SearchRequest()
    assert query_links.sound(asked) == asked
    pictured = query_links.without_words(asked)
    assert query_links.sound(pictured, pictured=True) == pictured
