"""Feeds whose pictures are addresses, through the real services."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from shopsearch.bootstrap import Services
from shopsearch.domain import IndexReport, Product
from shopsearch.settings import Settings

from .conftest import listed
from .picture_host import PictureHost

COLOURS = ("red", "green", "blue", "yellow")


def drawn(colour: str) -> bytes:
    encoded = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(encoded, "PNG")
    return encoded.getvalue()


class Shop:
    """Four products whose pictures lie on a host; each `index` is a process of its own."""

    def __init__(self, host: PictureHost, settings: Settings) -> None:
        self.host = host
        self.settings = settings
        self.places = {colour: f"/{colour}.png" for colour in COLOURS}

    def index(self, **settings) -> IndexReport:
        products = [
            Product(product_id=colour, title=f"{colour} mug", images=(f"{self.host.url}{place}",))
            for colour, place in self.places.items()
        ]
        with Services.open(self.settings.model_copy(update=settings)) as services:
            return services.indexer.run(listed(*products), feed_name="shop")


@pytest.fixture
def shop(picture_host: PictureHost, tmp_path: Path) -> Iterator[Shop]:
    for n, colour in enumerate(COLOURS):
        picture_host.put(f"/{colour}.png", drawn(colour), etag=f'"{n}"')
    settings = Settings(
        home=tmp_path / "home",
        encoder="hashing",
        fetch_allow_hosts=("127.0.0.1",),
        fetch_retries=0,
        fetch_timeout_s=5,
    )
    return Shop(picture_host, settings)


def test_a_second_run_with_unchanged_pictures_asks_for_none(
    shop: Shop, picture_host: PictureHost
) -> None:
    first = shop.index()
    second = shop.index()

    assert (first.indexed, first.images_encoded) == (4, 4)
    assert (second.unchanged, second.images_encoded) == (4, 0)
    assert [one.status for one in picture_host.asked] == [200] * 4


def test_when_they_are_no_longer_fresh_it_sends_conditional_requests_alone(
    shop: Shop, picture_host: PictureHost
) -> None:
    shop.index()
    again = shop.index(fetch_fresh_hours=0)

    assert (again.unchanged, again.images_encoded) == (4, 0)
    assert [one.status for one in picture_host.asked] == [200] * 4 + [304] * 4


def test_a_picture_that_changed_behind_its_address_is_encoded_anew(
    shop: Shop, picture_host: PictureHost
) -> None:
    shop.index()
    picture_host.put("/red.png", drawn("pink"), etag='"pink"')

    changed = shop.index(fetch_fresh_hours=0)

    assert (changed.indexed, changed.unchanged, changed.images_encoded) == (1, 3, 1)


def test_a_picture_that_only_moved_is_fetched_and_not_encoded_again(
    shop: Shop, picture_host: PictureHost
) -> None:
    shop.index()
    shop.places["red"] = "/moved/red.png"
    picture_host.put("/moved/red.png", drawn("red"))

    moved = shop.index()

    assert moved.images_encoded == moved.texts_encoded == 0
    assert picture_host.statuses("/moved/red.png") == [200]


def test_products_with_one_picture_cost_one_fetch_and_one_encoding(
    shop: Shop, picture_host: PictureHost
) -> None:
    shop.places = dict.fromkeys(COLOURS, "/red.png")

    report = shop.index()

    assert (report.indexed, report.images_encoded) == (4, 1)
    assert picture_host.statuses("/red.png") == [200]


def test_a_picture_that_is_drawn_anew_for_each_request_is_indexed_as_it_was_first(
    shop: Shop, picture_host: PictureHost
) -> None:
    """Its host forbids to keep it; asking twice in a run would find it changed each time."""
    picture_host.put("/red.png", drawn("red"), cache_control="no-store")

    report = shop.index()

    assert report.indexed == 4
    assert picture_host.statuses("/red.png") == [200]


def test_no_product_is_rejected_because_its_host_is_down_on_a_second_run(
    shop: Shop, picture_host: PictureHost
) -> None:
    shop.index()
    picture_host.is_down = True

    report = shop.index(fetch_fresh_hours=0)

    assert (report.unchanged, report.rejected) == (4, ())


def test_a_page_instead_of_a_picture_is_rejected_with_its_type_and_asked_for_again(
    shop: Shop, picture_host: PictureHost
) -> None:
    picture_host.put("/red.png", b"<html>Moved</html>", content_type="text/html")

    (rejected,) = shop.index().rejected
    picture_host.put("/red.png", drawn("red"))

    assert "'text/html' that is no picture" in rejected.reason
    assert shop.index().indexed == 1
