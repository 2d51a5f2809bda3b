"""Results in two parts: the first leaves before the rest is written; together they are the page."""

from __future__ import annotations

import re
import zlib

import pytest
from flask import Flask
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from selectolax.lexbor import LexborNode

from shopsearch.server.pages import in_parts, search

ADDRESS = "/search?q=mug&cutoff=false"


def parts_of(client: FlaskClient, address: str = ADDRESS, said: str = "5") -> list[HTMLParser]:
    answer = client.get(address, headers={in_parts.HEADER: said})
    assert answer.status_code == 200
    assert in_parts.HEADER in answer.headers["Vary"]
    return [HTMLParser(part) for part in answer.text.split(in_parts.MARK)]


def titles_of(part: HTMLParser) -> list[str]:
    return [link.text() for link in part.css("[data-hits] .card__link")]


def filled(first: HTMLParser, rest: HTMLParser) -> LexborNode:
    """The `<main>` of the first part with the second in its places, as in_parts.js puts it."""
    places, later = first.css("[data-later]"), rest.css("[data-later]")
    assert len(places) == len(later) > 0
    for place, one in zip(places, later, strict=True):
        place.replace_with(one)
    for further in rest.css("[data-hits] > li"):
        first.css_first("[data-hits]").insert_child(further)
    return first.css_first("main")


def plain(main: LexborNode) -> str:
    """Its HTML without what is another in each answer, or says that the page came in parts, and
    without the contents of templates, which the parser does not move along.
    """
    html = re.sub(r' data-(query-id="[^"]*"|later(="")?|unfinished(="")?)', "", main.html or "")
    html = re.sub(r"(<template[^>]*>).*?</template>", r"\1", html, flags=re.DOTALL)
    return re.sub(r"\s*(<|>)\s*", r"\1", re.sub(r"\s+", " ", html))


@pytest.mark.parametrize(
    "address", [ADDRESS, "/search?q=mug&filter.brand=nobody", "/search?also_product=mug-red"]
)
def test_the_second_part_put_into_the_places_of_the_first_is_the_page(
    client: FlaskClient, address: str
) -> None:
    first, rest = parts_of(client, address, said="6")
    whole = HTMLParser(client.get(address).text)
    assert plain(filled(first, rest)) == plain(whole.css_first("main"))


def test_a_catalog_without_anything_to_filter_by_has_no_panel(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "worth_showing", lambda *_: [])
    first, rest = parts_of(client, said="6")
    whole = HTMLParser(client.get(ADDRESS).text)
    assert whole.css_first("[data-facets]") is None
    assert plain(filled(first, rest)) == plain(whole.css_first("main"))


def test_both_parts_together_are_the_page(client: FlaskClient) -> None:
    whole = HTMLParser(client.get(ADDRESS).text)
    first, rest = parts_of(client)
    assert len(titles_of(first)) == 5
    assert titles_of(first) + titles_of(rest) == titles_of(whole)
    assert first.css_first("title").text() == whole.css_first("title").text()
    assert first.css_first("#q").attributes["value"] == "mug"
    assert first.css_first("[data-carried]").html == whole.css_first("[data-carried]").html
    panel = whole.css_first("[data-facets]").html
    assert rest.css_first("[data-facets]").html == panel


def test_the_first_part_says_that_more_comes_and_keeps_the_place_of_the_filters(
    client: FlaskClient,
) -> None:
    first, rest = parts_of(client)
    assert "data-unfinished" in first.css_first("main").attributes
    assert first.css_first("main > .faceted > [data-facets]") is not None
    assert first.css(".facet, .card__act, .heart") == []
    assert rest.css_first("main") is None


@pytest.mark.parametrize("said", ["0", "-1", "100", "5.0", "two", "", " 5", "5" * 5000])
def test_whoever_asks_for_no_number_of_cards_gets_the_page_whole(
    client: FlaskClient, said: str
) -> None:
    answer = client.get(ADDRESS, headers={in_parts.HEADER: said})
    assert in_parts.MARK not in answer.text
    assert answer.text.startswith("<!doctype html>")


def test_a_list_that_is_shorter_than_the_window_has_an_empty_rest(client: FlaskClient) -> None:
    first, rest = parts_of(client, "/search?q=mug&cutoff=false&size=3", said="24")
    assert len(titles_of(first)) == 3
    assert titles_of(rest) == []


def test_a_problem_is_a_page_as_ever(client: FlaskClient) -> None:
    answer = client.get("/search?q=mug&page=0", headers={in_parts.HEADER: "5"})
    assert answer.status_code == 400
    assert in_parts.MARK not in answer.text


@pytest.mark.parametrize("accepted", ["gzip, br", "br", "identity"])
def test_the_first_part_can_be_read_before_the_rest_is_written(app: Flask, accepted: str) -> None:
    calls: list[str] = []

    def rest() -> str:
        calls.append("rest")
        return "later"

    with app.test_request_context(headers={"Accept-Encoding": accepted}):
        answer = in_parts.in_parts("sooner", rest)
        chunks = iter(answer.response)
        first = next(chunks)
        assert isinstance(first, bytes)
        unzipped = zlib.decompressobj(16 + zlib.MAX_WBITS)
        is_gzip = answer.content_encoding == "gzip"
        assert is_gzip == ("gzip" in accepted)
        seen = unzipped.decompress(first) if is_gzip else first
        assert seen.decode() == "sooner" + in_parts.MARK
        assert calls == []
        others = b"".join(chunks)  # type: ignore[arg-type]
        assert (unzipped.decompress(others) if is_gzip else others) == b"later"
        assert calls == ["rest"]
