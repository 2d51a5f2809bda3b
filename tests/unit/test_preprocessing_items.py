"""Products and queries become what the encoders see."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shopsearch.domain import Price, Product
from shopsearch.errors import FetchRejected, PictureRejected, ProductRejected
from shopsearch.preprocessing.fetch import PictureFetcher
from shopsearch.preprocessing.items import ItemPreparer
from shopsearch.preprocessing.pictures import PictureLibrary


def photo(colour: str = "red", size: tuple[int, int] = (30, 20)) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def library(tmp_path: Path) -> PictureLibrary:
    return PictureLibrary(tmp_path / "images")


@pytest.fixture
def preparer(tmp_path: Path, library: PictureLibrary) -> Iterator[ItemPreparer]:
    with PictureFetcher(tmp_path / "fetched") as fetcher:
        yield ItemPreparer(library, fetcher, max_file_bytes=100_000)


@pytest.fixture
def mug(tmp_path: Path) -> Product:
    (tmp_path / "mug.png").write_bytes(photo())
    return Product(
        product_id="mug",
        title="Mug",
        images=(str(tmp_path / "mug.png"),),
        price=Price.of(Decimal("9.50"), "EUR"),
        attributes={"pattern": "plain", "fit": "round"},
    )


def test_a_product_is_prepared_with_its_text_and_its_picture(
    preparer: ItemPreparer, mug: Product
) -> None:
    record = preparer.identify(mug)
    prepared = preparer.prepare(record)

    assert prepared.text.startswith("Mug.")
    assert prepared.picture is not None
    assert prepared.picture.content_hash == record.image_hash
    assert prepared.picture.load().size == (30, 20)


def test_identifying_decodes_nothing(preparer: ItemPreparer, mug: Product, tmp_path: Path) -> None:
    Path(mug.images[0]).write_bytes(b"no picture")

    record = preparer.identify(mug)

    assert not (tmp_path / "images").exists()
    with pytest.raises(PictureRejected, match=r"mug\.png: .*no picture of a known format"):
        preparer.prepare(record)


def test_further_pictures_have_their_copies_and_count_for_the_fingerprint(
    preparer: ItemPreparer, library: PictureLibrary, mug: Product, tmp_path: Path
) -> None:
    back = tmp_path / "back.png"
    back.write_bytes(photo(size=(20, 30)))
    both = replace(mug, images=(*mug.images, str(back)))

    record = preparer.identify(both)

    (kept,) = record.further_hashes
    assert record.kept_pictures == ((mug.images[0], record.image_hash), (str(back), kept))
    assert library.get(kept).load().size == (20, 30)
    back.write_bytes(photo(size=(20, 31)))
    assert preparer.identify(both).fingerprint != record.fingerprint


def test_a_further_picture_that_is_none_is_left_out_and_the_product_stays(
    preparer: ItemPreparer, mug: Product, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text("<p>no picture</p>")
    (tmp_path / "back.png").write_bytes(photo(size=(20, 30)))
    places = tuple(str(tmp_path / name) for name in ("page.html", "back.png", "gone.png"))

    record = preparer.identify(replace(mug, images=(*mug.images, *places)))

    assert [place for place, _ in record.kept_pictures] == [mug.images[0], places[1]]
    assert record.further_hashes[0] is None
    assert preparer.prepare(record).picture is not None


def test_no_more_further_pictures_are_kept_than_are_wanted(
    library: PictureLibrary, mug: Product, tmp_path: Path
) -> None:
    with PictureFetcher(tmp_path / "fetched") as fetcher:
        few = ItemPreparer(library, fetcher, further_pictures=2)
        record = few.identify(replace(mug, images=mug.images * 9))
    assert len(record.further_hashes) == 2


def test_the_fingerprint_stays_when_only_the_file_of_the_picture_moves(
    preparer: ItemPreparer, mug: Product, tmp_path: Path
) -> None:
    (tmp_path / "renamed.png").write_bytes(photo())
    moved = replace(mug, images=(str(tmp_path / "renamed.png"),))

    assert preparer.identify(moved).fingerprint == preparer.identify(mug).fingerprint


def test_the_order_of_attributes_does_not_change_the_fingerprint(
    preparer: ItemPreparer, mug: Product
) -> None:
    turned = replace(mug, attributes=dict(reversed(mug.attributes.items())))

    assert preparer.identify(turned).fingerprint == preparer.identify(mug).fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"product_id": "mug2"},
        {"title": "Cup"},
        {"description": "new"},
        {"brand": "Kumo"},
        {"product_type": "Home"},
        {"link": "https://shop.example"},
        {"price": None},
        {"price": Price(950, "USD")},
        {"price": Price(951, "EUR")},
        {"availability": "in_stock"},
        {"color": "red"},
        {"size": "M"},
        {"material": "clay"},
        {"gender": "unisex"},
        {"item_group_id": "g"},
        {"gtin": "4006381333931"},
        {"attributes": {"pattern": "striped", "fit": "round"}},
        {"attributes": {}},
        {"images": ()},
    ],
    ids=str,
)
def test_every_field_counts_in_the_fingerprint(
    preparer: ItemPreparer, mug: Product, change: dict[str, object]
) -> None:
    assert (
        preparer.identify(replace(mug, **change)).fingerprint != preparer.identify(mug).fingerprint
    )


def test_the_content_of_the_picture_counts_in_the_fingerprint(
    preparer: ItemPreparer, mug: Product
) -> None:
    before = preparer.identify(mug)
    Path(mug.images[0]).write_bytes(photo("blue"))
    after = preparer.identify(mug)

    assert after.fingerprint != before.fingerprint
    assert after.image_hash != before.image_hash


def test_a_further_picture_counts_by_its_address(preparer: ItemPreparer, mug: Product) -> None:
    more = replace(mug, images=(*mug.images, "/elsewhere/back.png"))

    assert preparer.identify(more).fingerprint != preparer.identify(mug).fingerprint


def test_a_product_is_prepared_from_the_library_when_its_source_is_gone(
    preparer: ItemPreparer, mug: Product
) -> None:
    record = preparer.identify(mug)
    seen = np.asarray(preparer.prepare(record).picture.load())
    Path(mug.images[0]).unlink()

    again = preparer.prepare(record)

    assert np.array_equal(np.asarray(again.picture.load()), seen)


def test_a_missing_picture_names_its_path_and_the_remedy(
    preparer: ItemPreparer, mug: Product
) -> None:
    Path(mug.images[0]).unlink()

    with pytest.raises(PictureRejected, match=r"mug\.png: there is no such picture; put the file"):
        preparer.identify(mug)


@pytest.mark.parametrize("place", ["", "/", "/dev", "/a\x00b"])
def test_what_is_no_file_is_refused(preparer: ItemPreparer, mug: Product, place: str) -> None:
    with pytest.raises(PictureRejected):
        preparer.identify(replace(mug, images=(place,)))


def test_a_file_that_is_too_large_is_refused_with_the_limit(
    preparer: ItemPreparer, mug: Product
) -> None:
    Path(mug.images[0]).write_bytes(bytes(100_001))

    with pytest.raises(PictureRejected, match="100,000 bytes"):
        preparer.identify(mug)


def test_a_picture_that_changes_between_looking_and_reading_is_refused(
    preparer: ItemPreparer, mug: Product
) -> None:
    record = preparer.identify(mug)
    Path(mug.images[0]).write_bytes(photo("blue"))

    with pytest.raises(PictureRejected, match="changed while it was read"):
        preparer.prepare(record)


def test_a_private_address_is_refused(preparer: ItemPreparer, mug: Product) -> None:
    with pytest.raises(FetchRejected, match="not on the public internet"):
        preparer.identify(replace(mug, images=("http://127.0.0.1:1/a.png",)))


def test_a_product_may_be_all_text_or_all_picture(preparer: ItemPreparer, mug: Product) -> None:
    words = preparer.prepare(preparer.identify(replace(mug, images=())))
    picture = preparer.prepare(preparer.identify(Product(product_id="1", images=mug.images)))

    assert words.picture is None
    assert words.text.startswith("Mug.")
    assert picture.text == ""
    assert picture.picture is not None


def test_a_product_whose_words_are_empty_markup_is_refused(preparer: ItemPreparer) -> None:
    record = preparer.identify(Product(product_id="1", title="<p>&nbsp;</p>"))

    with pytest.raises(ProductRejected, match="neither a picture nor readable words"):
        preparer.prepare(record)


def test_a_query_is_prepared_and_its_picture_not_kept(
    preparer: ItemPreparer, library: PictureLibrary
) -> None:
    prepared = preparer.prepare_query("  red\x00 mug ", photo())

    assert prepared.text == "red mug"
    assert prepared.picture is not None
    assert library.get(prepared.picture.content_hash) is None


def test_a_query_sees_a_picture_of_the_catalog_as_the_catalog_does(
    preparer: ItemPreparer, mug: Product
) -> None:
    product = preparer.prepare(preparer.identify(mug)).picture
    query = preparer.prepare_query("", photo()).picture

    assert np.array_equal(np.asarray(query.load()), np.asarray(product.load()))


@pytest.mark.parametrize("image", [b"", b"rubbish", bytes(100_001)])
def test_a_bad_picture_in_a_query_is_refused(preparer: ItemPreparer, image: bytes) -> None:
    with pytest.raises(PictureRejected):
        preparer.prepare_query("mug", image)
