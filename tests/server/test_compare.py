"""Products side by side, as a browser without JavaScript gets them."""

from __future__ import annotations

from flask.testing import FlaskClient

from .test_pages import page_of


def table(page) -> dict[str, list[str]]:
    """The cells of each row of the table by its head, marks of difference left out."""
    return {
        row.css_first("th").text(deep=False).strip(): [
            cell.text(strip=True) for cell in row.css("td")
        ]
        for row in page.css("tbody tr")
    }


def test_every_field_that_one_of_them_has_is_a_row(client: FlaskClient) -> None:
    page = page_of(client.get("/compare?id=mug-red&id=mug/blue 50%"))
    assert [one.text() for one in page.css("th[scope=col]")] == ["Red striped mug", "Blue mug"]
    assert table(page) == {
        "Price": ["$19.99", "$24.50"],
        "Availability": ["In stock", "-not given"],
        "Brand": ["Nordic & Sons", "-not given"],
        "Category": ["Kitchen > Mugs", "-not given"],
        "Color": ["red", "-not given"],
        "Glaze": ["matt", "-not given"],
        "Description": ["Holds tea & coffee.", "-not given"],
    }


def test_what_differs_is_marked_and_what_is_the_same_is_not(client: FlaskClient) -> None:
    page = page_of(client.get("/compare?id=mug-red&id=mug-red"))
    assert len(page.css("th[scope=col]")) == 1
    assert page.css(".compare__differs") == []
    page = page_of(client.get("/compare?id=a//b&id=.."))
    assert [
        row.css_first("th").text(deep=False).strip() for row in page.css("tr.compare__differs")
    ] == ["Price"]


def test_each_can_be_taken_out_by_a_link(client: FlaskClient) -> None:
    page = page_of(client.get("/compare?id=mug-red&id=a//b&id=.."))
    links = [link.attributes["href"] for link in page.css(".compare__remove")]
    assert links == [
        "/compare?id=a%2F%2Fb&id=..",
        "/compare?id=mug-red&id=..",
        "/compare?id=mug-red&id=a%2F%2Fb",
    ]
    left = page_of(client.get(links[0]))
    assert [one.text() for one in left.css("th[scope=col]")] == [
        "Jug of two slashes",
        "Jug of two dots",
    ]


def test_a_product_that_is_gone_is_told_and_the_others_are_compared(client: FlaskClient) -> None:
    page = page_of(client.get("/compare?id=mug-red&id=%3Cb%3Egone"))
    assert "“<b>gone” is not in the shop" in page.css_first(".compare__gone").text()
    assert page.css_first(".compare__gone a").attributes["href"] == "/compare?id=mug-red"
    assert len(page.css("th[scope=col]")) == 1


def test_nothing_to_compare_says_how_to_begin(client: FlaskClient) -> None:
    page = page_of(client.get("/compare"))
    assert page.css_first(".state h2").text() == "Nothing to compare yet"
    assert page.css_first("table") is None


def test_more_than_four_are_refused(client: FlaskClient) -> None:
    answer = client.get("/compare?" + "&".join(f"id=p{n}" for n in range(5)))
    assert answer.status_code == 400
    assert "at most 4" in answer.text


def test_texts_of_feeds_are_harmless(client: FlaskClient) -> None:
    page = page_of(client.get("/compare?id=hostile&id=mug-red"))
    assert page.css("main script, main img[onerror], main [onmouseover]") == []
