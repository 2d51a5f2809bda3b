"""Facets and the finer filters over HTTP, and as a shopper clicks them without JavaScript."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser, LexborNode

from shopsearch.domain import AnyOf, Between, Exists
from shopsearch.server import addresses
from shopsearch.server.search_request import read_search

from .conftest import SHOP


def found(client: FlaskClient, **fields: str) -> dict:
    answer = client.get("/api/v1/search?" + urlencode({"size": 100, **fields}))
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def ids(document: dict) -> set[str]:
    return {hit["product_id"] for hit in document["hits"]}


def page_of(client: FlaskClient, address: str) -> LexborHTMLParser:
    answer = client.get(address)
    assert answer.status_code == 200
    return LexborHTMLParser(answer.text)


def facet_links(page: LexborHTMLParser, name: str) -> dict[str, tuple[str, int]]:
    """Words of a facet's values -> address and count."""
    section = next(s for s in page.css(".facet") if s.css_first(".facet__name").text() == name)
    return {
        words_of(link): (href(link), count_of(link))
        for link in section.css("[data-value]:has(.facet__count)")
    }


def words_of(link: LexborNode) -> str:
    return link.css_first(".facet__words").text(strip=True)


def count_of(link: LexborNode) -> int:
    return int(link.css_first(".facet__count").text(deep=False).replace(",", ""))


def href(link: LexborNode) -> str:
    return link.attributes["href"] or ""


# --- the API --------------------------------------------------------------------------------------


def test_facets_are_counted_over_all_that_matches(client: FlaskClient) -> None:
    document = found(client, q="jug", facets="category,brand,price", size=1)
    assert set(document["facets"]) == {"category", "brand", "price"}
    assert document["facets"]["category"] == {
        "values": [
            {
                "value": "Kitchen",
                "count": 1,
                "chosen": False,
                "children": [{"value": "Kitchen > Mugs", "count": 1, "chosen": False}],
            }
        ],
        "n_values": 2,
        "n_missing": len(SHOP) - 1,
    }
    assert {value["value"] for value in document["facets"]["brand"]["values"]} == {
        "Nordic & Sons",
        "\"onmouseover='alert(4)'",
    }
    bands = document["facets"]["price"]["bands"]
    assert sum(band["count"] for band in bands if band["currency"] == "USD") == 5
    assert {band["currency"] for band in bands} == {"USD", "EUR", "JPY"}
    assert document["facets"]["price"]["n_missing"] == 2


def test_without_facets_asked_for_the_answer_has_none(client: FlaskClient) -> None:
    assert "facets" not in found(client, q="jug")


def test_facets_may_be_repeated_and_come_in_json_too(client: FlaskClient) -> None:
    by_address = client.get("/api/v1/search?facets=brand&facets=color,brand").get_json()["facets"]
    by_body = client.post(
        "/api/v1/search", json={"facets": ["brand", "color"], "facet_limit": 5}
    ).get_json()["facets"]
    assert list(by_address) == ["brand", "color"]
    assert by_body == by_address


def test_a_chosen_value_does_not_hide_those_beside_it(client: FlaskClient) -> None:
    fields = {"filter.brand": "NORDIC & SONS", "facets": "brand,price"}
    values = found(client, **fields)["facets"]["brand"]["values"]
    assert {value["value"]: value["chosen"] for value in values} == {
        "Nordic & Sons": True,
        "\"onmouseover='alert(4)'": False,
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"exclude.brand": "nordic & sons", "has.brand": "true"}, {"hostile"}),
        ({"has.glaze": "true"}, {"mug-red"}),
        ({"has.category": "true"}, {"mug-red"}),
        ({"has.price": "false"}, {"only-picture", "words-only"}),
        ({"exclude.category": "kitchen", "price.max": "8"}, {"a//b", ".."}),
        ({"min.gtin": "1"}, set()),
    ],
)
def test_a_search_excludes_bounds_and_asks_what_is_there(
    client: FlaskClient, fields: dict[str, str], expected: set[str]
) -> None:
    assert ids(found(client, **fields)) == expected


def test_a_flag_in_json_may_be_a_truth_value(client: FlaskClient) -> None:
    answer = client.post("/api/v1/search", json={"has": {"glaze": True}, "exclude": {"size": "x"}})
    assert ids(answer.get_json()) == {"mug-red"}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"min.size": "large"}, "`min.size` is 'large', but must be one plain number"),
        ({"min.size": "nan"}, "`min.size` is 'nan'"),
        ({"min.size": "9", "max.size": "3"}, "`min.size` is 9 and `max.size` is 3"),
        ({"has.color": "yes"}, "`has.color` is 'yes', but must be true or false"),
        ({"min.price": "3"}, "`price.min`"),
        ({"exclude.price": "3"}, "`price.min`"),
        ({"exclude.": "3"}, "there is no `exclude.`"),
        ({"facets": ",".join(f"f{n}" for n in range(21))}, "21 facets"),
        ({"facet_limit": "201"}, "from 1 to 200"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_by_name(
    client: FlaskClient, fields: dict[str, str], named: str
) -> None:
    answer = client.get("/api/v1/search?" + urlencode(fields))
    assert answer.status_code == 400
    assert named in answer.get_json()["detail"]


def test_an_address_asks_for_the_same_filters_again() -> None:
    fields = [("exclude.brand", "A"), ("exclude.brand", "B"), ("has.a.b", "false")]
    fields += [("min.size", "-4.5"), ("max.size", "44"), ("max.weight", "2")]
    request = read_search(fields)
    assert request.further == (
        AnyOf("brand", ("A", "B"), negate=True),
        Exists("a.b", present=False),
        Between("size", -4.5, 44.0),
        Between("weight", None, 2.0),
    )
    assert addresses.search_fields(request) == fields


TEXT = st.text(max_size=30)
NAMES = st.one_of(
    TEXT, st.builds(str.__add__, st.sampled_from(["filter.", "exclude.", "min.", "has."]), TEXT)
)


@settings(
    deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=NAMES,
    value=TEXT | st.sampled_from(["1e999", "' OR 1=1 --", "NaN", "9" * 200]),
    facet=TEXT,
)
def test_no_name_and_no_value_breaks_a_search(
    client: FlaskClient, name: str, value: str, facet: str
) -> None:
    for path in ("/api/v1/search?", "/search?"):
        query = urlencode({name: value, "facets": facet}, errors="replace")
        assert client.get(path + query).status_code in (200, 400)


# --- the page -------------------------------------------------------------------------------------


def test_each_value_of_a_facet_leads_to_as_many_products_as_it_says(client: FlaskClient) -> None:
    page = page_of(client, "/search")
    names = [name.text() for name in page.css(".facet__name")]
    assert names == ["Category", "Brand", "Price"]
    for name in names:
        for address, count in facet_links(page, name).values():
            assert len(page_of(client, address).css(".card")) == count > 0


def test_a_chosen_value_is_marked_and_its_link_takes_it_away(client: FlaskClient) -> None:
    address, _ = facet_links(page_of(client, "/search"), "Brand")["Nordic & Sons"]
    page = page_of(client, address)
    assert [chip.text(deep=False).strip() for chip in page.css(".chip > span")] == ["Nordic & Sons"]
    links = facet_links(page, "Brand")
    assert links["RemoveNordic & Sons"][0] == "/search"
    other = next(words for words in links if words.startswith('"'))
    both = page_of(client, links[other][0])
    assert len(both.css(".card")) == 2
    assert len(both.css(".facet__box--chosen")) == 2


def test_a_category_opens_where_it_is_chosen_and_one_replaces_another(client: FlaskClient) -> None:
    page = page_of(client, "/search?filter.category=kitchen")
    mugs, count = facet_links(page, "Category")["Mugs"]
    assert (mugs, count) == ("/search?filter.product_type=Kitchen+%3E+Mugs", 1)
    assert len(page_of(client, mugs).css(".card")) == 1


def test_a_price_band_of_one_currency_filters_by_that_too(client: FlaskClient) -> None:
    links = facet_links(page_of(client, "/search"), "Price")
    address = links["any price in JPY"][0]
    assert address == "/search?filter.currency=JPY"
    assert len(page_of(client, address).css(".card")) == 1


def test_every_further_filter_is_a_chip_that_can_be_taken_away(client: FlaskClient) -> None:
    page = page_of(client, "/search?exclude.brand=Nobody&has.price=true&max.size=4&has.size=false")
    chips = [chip.text(separator=" ", strip=True) for chip in page.css(".chip > span")]
    assert chips == ["Brand not Nobody", "Price given", "Size not given", "Size up to 4"]
    removals = [href(link) for link in page.css(".chip__remove")]
    assert removals[0] == "/search?has.price=true&has.size=false&max.size=4"
    assert "Nothing matches all of that" in page.css_first("main").text()


def test_hostile_values_are_words_and_never_markup(client: FlaskClient) -> None:
    page = page_of(client, "/search")
    values = [words_of(link) for link in page.css(".facet__value")]
    assert "\"onmouseover='alert(4)'" in values
    assert not page.css("[onmouseover]")
