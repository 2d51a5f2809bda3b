"""Copies, pictures, texts, prices, categories, coverage: each against a truth made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from shopsearch.auditing.categories import suspicious_categories
from shopsearch.auditing.clusters import clustered
from shopsearch.auditing.coverage import covered, spelled
from shopsearch.auditing.duplicates import Alike, duplicated
from shopsearch.auditing.findings import Section
from shopsearch.auditing.mismatches import mismatched
from shopsearch.auditing.pictures import PictureFault, poor_pictures
from shopsearch.auditing.prices import PriceFault, odd_prices
from shopsearch.auditing.snapshot import CatalogSnapshot, unit
from shopsearch.auditing.texts import TextFault, has_markup, is_shouted, thin_texts
from shopsearch.domain import Price, Product

from .auditing_world import DIMENSION, kinds_of_things, near, silent, snapshot_of

STORY = "It keeps tea warm for an hour and is fired twice by hand in our own kiln."


def product(number: int, **fields) -> Product:
    return Product(product_id=f"p{number}", **fields)


def rows(*places: int) -> np.ndarray:
    """Unit rows: equal numbers are equal rows, all others are at right angles."""
    return np.eye(DIMENSION, dtype=np.float32)[list(places)]


def copies_in(snapshot: CatalogSnapshot, sketches=None) -> list[tuple[Alike, tuple[str, ...]]]:
    section = duplicated(snapshot, near(snapshot.words), near(snapshot.looks), sketches or {})
    return [(one.kind, one.ids) for one in section.findings]


def test_the_same_picture_and_text_are_a_copy() -> None:
    one = {"title": "Red clay mug", "description": STORY}
    snapshot = snapshot_of(
        [product(0, **one), product(1, **one), product(2, title="Blue lamp")],
        image_hashes=["a", "a", "b"],
    )

    assert copies_in(snapshot) == [(Alike.COPY, ("p0", "p1"))]


def test_a_picture_saved_anew_is_a_copy_by_its_pixels_and_not_by_its_embedding_alone() -> None:
    one = {"title": "Red clay mug", "description": STORY}
    snapshot = snapshot_of(
        [product(0, **one), product(1, **one), product(2, **one)],
        image_hashes=["a", "b", "c"],
        looks=unit(rows(0, 0, 0) + 0.1 * rows(1, 2, 3)),
    )
    plain = np.full((16, 16, 3), 100, dtype=np.uint8)
    sketches = {"a": plain, "b": plain + np.uint8(2), "c": plain + np.uint8(60)}

    found = copies_in(snapshot, sketches)

    assert (Alike.COPY, ("p0", "p1")) in found
    assert all("p2" not in ids for kind, ids in found if kind is not Alike.TEXT)


def test_texts_are_nearly_the_same_where_a_few_words_differ() -> None:
    other = f"{STORY} New!"
    snapshot = snapshot_of(
        [
            product(0, title="Red clay mug", description=STORY),
            product(1, title="red CLAY mug", description=other),
            product(2, title="Blue clay mug", description=STORY),
        ],
        image_hashes=["a", "b", "c"],
        words=unit(rows(0, 0, 0) + 0.1 * rows(1, 2, 3)),
    )

    assert copies_in(snapshot) == [(Alike.TEXT, ("p0", "p1"))]


def test_one_picture_of_several_texts_is_told_and_is_no_copy() -> None:
    snapshot = snapshot_of(
        [product(n, title=f"Charger for model {n * 111} only") for n in range(3)],
        image_hashes=["a", "a", "a"],
    )
    section = duplicated(snapshot, near(snapshot.words), near(snapshot.looks), {})

    assert [(one.kind, one.n_products, one.exact) for one in section.findings] == [
        (Alike.PICTURE, 3, True)
    ]
    assert section.n_faulty == 0


def test_variants_of_one_group_are_no_copies() -> None:
    one = {"title": "Red clay mug", "description": STORY, "item_group_id": "G"}
    snapshot = snapshot_of([product(0, **one), product(1, **one)], image_hashes=["a", "a"])

    assert copies_in(snapshot) == []


def test_products_that_both_lack_a_picture_are_copies_by_their_texts() -> None:
    snapshot = snapshot_of([product(0, title="Red clay mug"), product(1, title="Red clay mug")])

    assert copies_in(snapshot) == [(Alike.COPY, ("p0", "p1"))]


def test_pictures_without_words_that_differ_are_no_copies() -> None:
    snapshot = snapshot_of([product(0), product(1)], image_hashes=["a", "b"])

    assert copies_in(snapshot) == []


def test_each_product_has_its_gravest_picture_fault() -> None:
    snapshot = snapshot_of(
        [
            product(0, title="without"),
            product(1, title="gone"),
            product(2, title="small"),
            *(product(n, title=f"shared {n}") for n in (3, 4, 5)),
            product(6, title="large"),
        ],
        image_hashes=[None, "gone", "small", "same", "same", "same", "large"],
        sizes=[None, None, (199, 120), (50, 50), (50, 50), (50, 50), (200, 40)],
    )

    section = poor_pictures(snapshot)

    assert {one.product_id: one.fault for one in section.findings} == {
        "p0": PictureFault.MISSING,
        "p1": PictureFault.UNREADABLE,
        "p2": PictureFault.TINY,
        "p3": PictureFault.SHARED,
        "p4": PictureFault.SHARED,
        "p5": PictureFault.SHARED,
    }
    assert section.counts["shared"] == 3
    assert section.score == pytest.approx(100 / 7)


def test_variants_may_share_their_picture() -> None:
    snapshot = snapshot_of(
        [product(n, title="mug", item_group_id="G") for n in range(4)],
        image_hashes=["same"] * 4,
        sizes=[(300, 300)] * 4,
    )

    assert poor_pictures(snapshot).findings == []


def faults_of(*products: Product) -> dict[str, set[TextFault]]:
    section = thin_texts(snapshot_of(products))
    return {one.product_id: set(one.faults) for one in section.findings}


def test_every_kind_of_thin_text_is_found() -> None:
    boilerplate = "Buy it now with free shipping and a guarantee of thirty days."
    found = faults_of(
        product(0, description=STORY),
        product(1, title="Mug", description=STORY + " "),
        product(2, title="Red clay mug"),
        product(3, title="Red clay mug", description="red clay mug."),
        product(4, title="RED CLAY MUG FOR TEA", description=STORY),
        product(5, title="Red clay mug", description=f"<p>{STORY}</p>"),
        product(6, title="Red &amp; blue clay mug", description=STORY),
        *(product(n, title=f"Mug number {n}", description=boilerplate) for n in range(10, 15)),
    )

    assert found.pop("p0") == {TextFault.NO_TITLE, TextFault.BOILERPLATE}
    assert found.pop("p1") == {TextFault.SHORT_TITLE, TextFault.BOILERPLATE}
    assert found.pop("p2") == {TextFault.NO_DESCRIPTION}
    assert found.pop("p3") == {TextFault.SAME_AS_TITLE}
    assert found.pop("p4") == {TextFault.SHOUTING, TextFault.BOILERPLATE}
    assert found.pop("p5") == {TextFault.MARKUP, TextFault.BOILERPLATE}
    assert found.pop("p6") == {TextFault.MARKUP, TextFault.BOILERPLATE}
    assert set(found) == {f"p{n}" for n in range(10, 15)}


def test_a_good_text_has_no_fault() -> None:
    assert faults_of(product(0, title="Red clay mug 0.3 l", description=STORY)) == {}


@pytest.mark.parametrize(
    "text", ["USB-C HDMI", "Mug", "", "NATO", "Grüße aus ÖSTERREICH, wie nett"]
)
def test_abbreviations_are_not_shouted(text: str) -> None:
    assert not is_shouted(text)


@pytest.mark.parametrize("text", ["3 < 5 > 2", "a <3 b", "R&D", "AT&T; more", "size<b"])
def test_comparisons_are_no_markup(text: str) -> None:
    assert not has_markup(text)


def priced(*amounts: float | None, category: str = "Mugs", currency: str = "EUR") -> list[Product]:
    return [
        product(
            n,
            title=f"mug {n}",
            product_type=category,
            price=None if amount is None else Price(round(100 * amount), currency),
        )
        for n, amount in enumerate(amounts)
    ]


def test_a_price_far_from_its_category_is_told_with_the_usual_range() -> None:
    usual = (9, 10, 10, 11, 12, 12, 13, 14, 15)
    section = odd_prices(snapshot_of(priced(*usual, 1200, 0.11, 0, None)))

    assert [(one.product_id, one.fault) for one in section.findings] == [
        ("p11", PriceFault.ZERO),
        ("p10", PriceFault.LOW),
        ("p9", PriceFault.HIGH),
        ("p12", PriceFault.MISSING),
    ]
    high = next(one for one in section.findings if one.fault is PriceFault.HIGH)
    assert (high.category, high.n_compared, high.price) == ("Mugs", 11, "1200.00 EUR")
    assert float(high.usual_low.split()[0]) < 12 < float(high.usual_high.split()[0])


def test_a_small_category_is_compared_with_the_one_above_it() -> None:
    above = [
        product(n, title="x", product_type="Home > Mugs", price=Price(1000 + n, "EUR"))
        for n in range(9)
    ]
    odd = product(99, title="x", product_type="Home > Vases", price=Price(900_000, "EUR"))

    (found,) = odd_prices(snapshot_of([*above, odd])).findings

    assert (found.product_id, found.category) == ("p99", "Home")


def test_currencies_are_not_compared_with_each_other() -> None:
    euros, yen = priced(*range(10, 20)), priced(1500, currency="JPY")

    assert odd_prices(snapshot_of([*euros, *yen])).findings == []


def test_equal_prices_are_no_reason_to_doubt_one_that_is_a_little_higher() -> None:
    assert odd_prices(snapshot_of(priced(*[10.0] * 12, 12.0))).findings == []


def test_a_catalog_without_prices_is_not_checked() -> None:
    section = odd_prices(snapshot_of([product(0, title="x"), product(1, title="y")]))

    assert (section.n_checked, section.remarks) == (0, ("no product has a price",))


def test_a_product_among_those_of_another_category_is_proposed_theirs() -> None:
    vectors = unit(
        np.repeat(rows(0, 1), [12, 12], axis=0) + 0.05 * np.eye(24, DIMENSION, dtype=np.float32)
    )
    kinds = ["Home > Mugs"] * 12 + ["Home > Lamps"] * 12
    kinds[3] = "Home > Lamps"
    snapshot = snapshot_of(
        [product(n, title="x", product_type=kind) for n, kind in enumerate(kinds)], vectors=vectors
    )

    section = suspicious_categories(snapshot, near(vectors))

    (found,) = section.findings
    assert (found.product_id, found.category, found.proposed) == (
        "p3",
        "Home > Lamps",
        "Home > Mugs",
    )
    assert (found.level, found.proposed_share, found.own_share, found.n_voters) == (2, 1.0, 0.0, 10)
    assert section.n_checked == 24


def test_variants_do_not_vote_for_each_other() -> None:
    vectors = unit(
        np.repeat(rows(0, 1), [18, 8], axis=0) + 0.05 * np.eye(26, DIMENSION, dtype=np.float32)
    )
    vectors[:4] = vectors[0]  # four variants in the wrong category, nearest to each other
    kinds = ["Lamps"] * 4 + ["Mugs"] * 14 + ["Lamps"] * 8
    snapshot = snapshot_of(
        [
            product(n, title="x", product_type=kind, item_group_id="G" if n < 4 else "")
            for n, kind in enumerate(kinds)
        ],
        vectors=vectors,
    )

    found = suspicious_categories(snapshot, near(vectors)).findings

    assert {one.product_id for one in found} == {"p0", "p1", "p2", "p3"}


def test_a_category_too_small_to_have_votes_is_not_doubted() -> None:
    vectors = unit(rows(*[0] * 13) + 0.05 * np.eye(13, DIMENSION, dtype=np.float32))
    kinds = ["Mugs"] * 12 + ["Only one"]
    snapshot = snapshot_of(
        [product(n, title="x", product_type=kind) for n, kind in enumerate(kinds)], vectors=vectors
    )

    assert suspicious_categories(snapshot, near(vectors)).findings == []


def test_what_most_of_a_category_have_the_others_lack() -> None:
    products = [
        product(n, title="x", product_type="Mugs", color="" if n == 0 else "red") for n in range(6)
    ]
    products.append(product(9, title="x", product_type="Lamps"))

    section = covered(snapshot_of(products))

    shares = {(one.field, one.category): one for one in section.findings}
    assert shares["color", "Mugs"].share == pytest.approx(5 / 6)
    assert shares["color", "Mugs"].is_expected
    assert shares["color", ""].n_filled == 5
    assert shares["color", "Lamps"].n_filled == 0
    assert section.n_faulty == 1


def test_values_in_several_spellings_are_one() -> None:
    colours = ["Grey"] * 30 + ["grey", " grey", "GREY", "Gray", "Green", "light-grey", "Light grey"]
    products = [product(n, title="x", color=colour) for n, colour in enumerate(colours)]

    found = {(one.reason, one.spellings) for one in spelled(snapshot_of(products)).findings}

    assert found == {
        ("case and spaces", ("Grey", " grey", "GREY", "grey")),
        ("case and spaces", ("Light grey", "light-grey")),
    }


def test_a_rare_value_one_letter_off_is_misspelt_and_a_number_never_is() -> None:
    materials = ["Cotton"] * 20 + ["Coton", "Cottno", "Rotten wood"]
    sizes = ["12345"] * 20 + ["12346"] * 3
    products = [
        product(n, title="x", material=material, size=size)
        for n, (material, size) in enumerate(zip(materials, sizes, strict=True))
    ]

    (found,) = spelled(snapshot_of(products)).findings

    assert (found.field, found.spellings) == ("material", ("Cotton", "Coton", "Cottno"))
    assert found.ids == ("p20", "p21")


def test_clusters_are_named_by_the_words_that_stand_out() -> None:
    vectors = unit(
        np.repeat(rows(0, 1), 15, axis=0)
        + 0.1 * np.random.default_rng(0).normal(size=(30, DIMENSION)).astype(np.float32)
    )
    titles = ["Warm woollen scarf"] * 15 + ["Bright desk lamp"] * 15
    snapshot = snapshot_of(
        [product(n, title=title, product_type="Shop") for n, title in enumerate(titles)],
        vectors=vectors,
    )

    clusters = clustered(snapshot, silent)

    assert {one.name for one in clusters} == {"scarf, warm, woollen", "bright, desk, lamp"}
    assert [one.n_products for one in clusters] == [15, 15]
    assert clustered(snapshot, silent)[0].examples == clusters[0].examples


def all_sections(snapshot: CatalogSnapshot) -> list[Section]:
    words, looks = near(snapshot.words), near(snapshot.looks)
    return [
        mismatched(snapshot, words, looks, silent)[0],
        duplicated(snapshot, words, looks, {}),
        poor_pictures(snapshot),
        thin_texts(snapshot),
        odd_prices(snapshot),
        suspicious_categories(snapshot, near(snapshot.vectors)),
        covered(snapshot),
        spelled(snapshot),
    ]


def bare(n: int) -> CatalogSnapshot:
    """Products of words alone."""
    products, words, _, _ = kinds_of_things(60)
    return snapshot_of(products[:n], words=words[:n], vectors=words[:n])


@pytest.mark.parametrize("n", [0, 1, 2, 60])
def test_every_section_answers_for_catalogs_that_are_empty_tiny_or_without_pictures(n: int) -> None:
    snapshot = bare(n)

    for section in all_sections(snapshot):
        score = section.score
        assert score is None or 0.0 <= score <= 100.0, section.name
        assert section.n_faulty <= len(snapshot)
        assert "nan" not in str(section.as_json(5)).casefold()
    assert len(clustered(snapshot, silent)) == (5 if n == 60 else 0)
