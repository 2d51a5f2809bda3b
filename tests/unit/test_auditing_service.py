"""The auditor over a real store, cache and index; the files that it writes."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shopsearch.auditing.clusters import clustered
from shopsearch.auditing.drawing import HEIGHT, WIDTH, drawn, label
from shopsearch.auditing.files import write_lists
from shopsearch.auditing.layout import CatalogMap, MapWish, laid_out
from shopsearch.auditing.report import write_report
from shopsearch.auditing.service import Audited
from shopsearch.auditing.snapshot import Report
from shopsearch.auditing.thumbnails import Thumbnails
from shopsearch.bootstrap import Services
from shopsearch.domain import Product
from shopsearch.errors import AuditError, GenerationMissing

from .auditing_world import kinds_of_things, silent, snapshot_of
from .conftest import listed

STAGES = ("reading the catalog", "comparing texts", "grouping products")


@contextmanager
def quiet(_: str) -> Iterator[Report]:
    yield silent


def audited(services: Services) -> Audited:
    return services.auditor.audit(quiet, MapWish.NO)


@pytest.fixture
def shop(services: Services, mugs: tuple[Product, ...], draw, tmp_path: Path) -> Services:
    """Six mugs, and one of them once more with its picture scaled and saved as another file."""
    saved = tmp_path / "saved.jpg"
    with Image.open(mugs[0].images[0]) as picture:
        picture.convert("RGB").resize((48, 64)).save(saved, quality=70)
    again = replace(mugs[0], product_id="again", images=(str(saved),))
    services.indexer.run(listed(*mugs, again), feed_name="shop")
    return services


def section(found: Audited, name: str):
    return next(one for one in found.audit.sections if one.name == name)


def test_every_section_is_there_and_counts_what_is_in_the_store(shop: Services) -> None:
    found = audited(shop)

    assert [one.name for one in found.audit.sections] == [
        "mismatches",
        "duplicates",
        "pictures",
        "texts",
        "prices",
        "categories",
        "coverage",
        "spellings",
    ]
    assert found.audit.n_products == 7
    assert section(found, "pictures").counts == {
        "missing": 3,
        "unreadable": 0,
        "shared": 0,
        "tiny": 4,
    }
    assert section(found, "prices").counts["missing"] == 2
    (copy,) = section(found, "duplicates").findings
    assert set(copy.ids) == {"red", "again"}


def test_an_audit_encodes_nothing(shop: Services) -> None:
    class Nobody:
        """An encoder that has been audited by mistake."""

        encoder_id = shop.encoder.encoder_id

        def __getattr__(self, name: str):
            raise AssertionError(f"{name} was asked of the encoder")

    shop.__dict__.pop("embedder")
    shop.__dict__.pop("auditor", None)
    shop.encoder = Nobody()

    snapshot = audited(shop).snapshot

    assert snapshot.has_looks.sum() == 4
    assert snapshot.has_words.sum() == 6
    assert snapshot.has_vector.all()


def test_a_picture_whose_working_copy_is_gone_is_unreadable(shop: Services) -> None:
    content_hash = shop.store.find(["blue"])["blue"].record.image_hash
    shop.pictures.path(content_hash).unlink()

    found = section(audited(shop), "pictures").findings

    assert next(one for one in found if one.product_id == "blue").fault == "unreadable"


def test_products_that_the_index_does_not_know_are_told(shop: Services, mugs) -> None:
    stored = shop.store.find(["red"])["red"].record
    shop.store.upsert([replace(stored, product=replace(stored.product, title="Crimson mug"))])

    remarks = audited(shop).audit.remarks

    assert remarks[0].startswith("1 product was written since the index was built")


def test_a_catalog_that_nobody_indexed_has_no_audit(services: Services) -> None:
    with pytest.raises(GenerationMissing, match="index"):
        audited(services)


def test_a_catalog_that_was_emptied_is_audited(shop: Services) -> None:
    shop.indexer.remove(["red", "blue", "green", "lamp", "picture", "sofa", "again"])

    found = audited(shop)

    assert found.audit.n_products == 0
    assert found.audit.score is None
    assert found.audit.as_json(3)["sections"]["texts"]["checked"] == 0


def test_a_report_of_an_empty_catalog_can_be_written(shop: Services, tmp_path: Path) -> None:
    shop.indexer.remove(["red", "blue", "green", "lamp", "picture", "sofa", "again"])

    write_report(tmp_path / "audit.html", audited(shop), shop.pictures)

    assert "Not checked." in (tmp_path / "audit.html").read_text("utf-8")


def test_every_list_is_a_csv_file_and_no_cell_is_a_formula(
    services: Services, tmp_path: Path
) -> None:
    evil = Product(product_id="=1+1", title="@SUM(A1)", description="-2+3 is no number")
    services.indexer.run(listed(evil), feed_name="shop")

    written = write_lists(tmp_path / "lists", audited(services).audit)

    assert {path.name for path in written} == {
        *(f"{one.name}.csv" for one in audited(services).audit.sections),
        "summary.csv",
    }
    with (tmp_path / "lists" / "texts.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["product_id"], row["title"]) == ("'=1+1", "'@SUM(A1)")
    with (tmp_path / "lists" / "summary.csv").open(newline="", encoding="utf-8") as file:
        summary = {row["section"]: row for row in csv.DictReader(file)}
    assert summary["texts"] == {"section": "texts", "checked": "1", "found": "1", "score": "0.00"}
    assert summary["mismatches"]["score"] == ""


def without_umap(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "shopsearch.auditing.layout.find_spec", lambda name: None if name == "umap" else found(name)
    )


def test_without_umap_the_map_is_left_out_and_the_remark_names_the_extra(
    shop: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_umap(monkeypatch)

    found = shop.auditor.audit(quiet, MapWish.IF_POSSIBLE)

    assert found.audit.map is None
    assert "pip install 'shopsearch[audit]'" in found.audit.remarks[-1]


def test_a_map_that_was_asked_for_and_cannot_be_is_an_error(
    shop: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_umap(monkeypatch)

    with pytest.raises(AuditError, match=r"shopsearch\[audit\]"):
        shop.auditor.audit(quiet, MapWish.YES)


@pytest.mark.slow  # umap-learn compiles itself when it is first used
def test_the_same_catalog_gives_the_same_map_and_kinds_lie_apart() -> None:
    products, vectors, _, _ = kinds_of_things(120, n_kinds=3)
    snapshot = snapshot_of(products, vectors=vectors)
    clusters = clustered(snapshot, silent)

    first, second = laid_out(vectors, clusters), laid_out(vectors, clusters)

    assert first is not None
    assert second is not None
    assert np.array_equal(first.points, second.points)
    assert first.points.min() >= 0.0
    assert first.points.max() <= 1.0
    kinds = np.array([one.product_type for one in products])[first.places]
    spread = np.mean([first.points[kinds == kind].std(axis=0).mean() for kind in set(kinds)])
    assert spread < 0.7 * first.points.std(axis=0).mean()


def test_too_few_products_have_no_map() -> None:
    products, vectors, _, _ = kinds_of_things(12)
    clusters = clustered(snapshot_of(products, vectors=vectors), silent)

    assert laid_out(vectors, clusters) is None


def test_pictures_on_the_map_do_not_hide_each_other_and_stay_inside() -> None:
    products, vectors, _, _ = kinds_of_things(200)
    clusters = clustered(snapshot_of(products, vectors=vectors), silent)
    numbers = np.full(200, -1)
    for number, cluster in enumerate(clusters):
        numbers[cluster.places] = number
    points = np.random.default_rng(0).random((200, 2))

    drawing = drawn(CatalogMap(np.arange(200), points, numbers), clusters)

    assert len(drawing.pins) > 3
    for place, one in enumerate(drawing.pins):
        assert 0 < one.x < WIDTH
        assert 0 < one.y < HEIGHT
        for other in drawing.pins[place + 1 :]:
            assert abs(one.x - other.x) >= 48 or abs(one.y - other.y) >= 48
    assert sum(path.count("M") for _, path in drawing.dots) == 200


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("watch, analog", "watch, analog"),
        ("dohars, quilts, blankets", "dohars, quilts"),
        ("x" * 40, "x" * 17 + "…"),
    ],
)
def test_a_label_has_whole_words_where_it_can(name: str, shown: str) -> None:
    assert label(name) == shown


def test_thumbnails_keep_to_their_budget(shop: Services) -> None:
    content_hash = shop.store.find(["red"])["red"].record.image_hash
    one = Thumbnails(shop.pictures).of(content_hash)
    assert one.startswith("data:image/webp;base64,")

    few = Thumbnails(shop.pictures, most_bytes=2 * len(one) + 5)

    assert [bool(few.of(content_hash)) for _ in range(4)] == [True, True, False, False]
    assert Thumbnails(shop.pictures).of("0" * 64) == ""
