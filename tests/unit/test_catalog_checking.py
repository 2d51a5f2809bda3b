"""What a feed would become, said without indexing it."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from shopsearch.catalog import FieldMapping, open_feed
from shopsearch.catalog.checking import FeedCheck, LookAt, check_feed
from shopsearch.catalog.seen import Seen
from shopsearch.catalog.watch import ColumnUse, ColumnWatch
from shopsearch.errors import PictureRejected


def checked(
    folder: Path, text: str, *, name: str = "feed.csv", look_at: LookAt | None = None
) -> FeedCheck:
    (folder / name).write_text(text)
    watch = ColumnWatch()
    return check_feed(open_feed(folder / name, watch=watch), watch, look_at=look_at)


def kinds(found: FeedCheck) -> dict[str, int]:
    return {remark.kind: remark.n for remark in found.remarks}


def test_every_record_is_counted_once_and_faults_say_where_they_lie(tmp_path: Path) -> None:
    found = checked(
        tmp_path, "id,title,cost_eur,price\n1,Red mug,,5 EUR\n2,Cap,,dear\n,Hat,,\n1,Mug,,\n4\n"
    )

    assert (found.read, found.valid, found.removed) == (5, 1, 0)
    told = [(f.row, f.product_id, f.field, f.column, f.value) for f in found.faults]
    assert told == [
        (2, "2", "price", "price", "dear"),
        (3, "", "id", "", ""),
        (4, "1", "id", "", "1"),
        (5, "4", "", "", ""),
    ]
    assert "in row 1; ids must be unique" in found.faults[2].reason


def test_what_takes_products_out_is_counted_apart(tmp_path: Path) -> None:
    found = checked(
        tmp_path, '{"op":"delete","id":"1"}\n{"id":"2","title":"Red mug"}\n', name="feed.jsonl"
    )

    assert (found.read, found.valid, found.removed, found.faults) == (2, 1, 1, ())


def test_columns_are_told_with_what_they_become_and_how_often_they_are_filled(
    tmp_path: Path,
) -> None:
    found = checked(tmp_path, "sku,Name,Fit,specs,id\n,Mug,,,1\nx, ,slim,{},2\n")

    assert found.columns == (
        ColumnUse("sku", None, "sku", 1),
        ColumnUse("Name", "title", None, 1),
        ColumnUse("Fit", None, "fit", 1),
        ColumnUse("specs", None, "", 1),
        ColumnUse("id", "id", None, 2),
    )


def test_what_could_be_better_is_no_fault(tmp_path: Path) -> None:
    rows = [f"{n},Red mug {n},yes,Acme,5 EUR,soon,a{n}.jpg" for n in range(5)]
    text = "id,title,glazed,brand,price,availability,image\n" + "\n".join(rows)

    found = checked(tmp_path, f"{text}\n6,Cap,yes,,,in stock,\n7,Cap,yes,,,,\n")

    assert found.faults == ()
    assert kinds(found) == {
        "thin_titles": 2,
        "no_image": 2,
        "no_price": 2,
        "no_brand": 2,
        "unknown_availability": 5,
        "one_value": 7,
    }
    (soon,) = (one for one in found.remarks if one.kind == "unknown_availability")
    assert "'soon'" in soon.message
    assert soon.examples == ("0", "1", "2", "3", "4")


def test_copies_under_another_id_are_remarked(tmp_path: Path) -> None:
    found = checked(tmp_path, "id,title,color\n1,Red mug,red\n2,Red mug,red\n3,Red mug,blue\n")

    assert kinds(found)["copies"] == 1


def test_a_main_picture_is_a_fault_and_another_one_a_remark(tmp_path: Path) -> None:
    def look_at(place: str) -> tuple[int, int]:
        if "gone" in place:
            raise PictureRejected(f"{place}: there is no such picture")
        return (40, 30) if "small" in place else (400, 300)

    found = checked(
        tmp_path,
        "id,title,image,additional_image_link\n"
        "1,Red mug,gone.jpg,a.jpg\n2,Red cap,a.jpg,gone.jpg\n"
        "3,Red hat,small.jpg,https://shop.example/gone.jpg\n",
        look_at=look_at,
    )

    (fault,) = found.faults
    assert (fault.product_id, fault.field, fault.value) == (
        "1", "image_link", f"{tmp_path}/gone.jpg",
    )  # fmt: skip
    told = kinds(found)
    assert (told["further_pictures"], told["small_pictures"], told["addresses"]) == (1, 1, 1)


def test_what_was_seen_is_kept_outside_of_python_and_goes_with_it(tmp_path: Path) -> None:
    tracemalloc.start()
    seen = Seen()
    for n in range(50_000):
        seen.first(f"product {n}", n)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert seen.first("product 7", 99_999) == 7
    assert seen.first("half a \ud800", 100_000) is None
    assert most < 500_000
    seen.close()


def test_the_mapping_of_a_check_is_that_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text("id,name,cost\n1,Red mug,5\n")
    watch = ColumnWatch()
    mapping = FieldMapping({"price": "cost"}, currency="EUR")

    found = check_feed(open_feed(tmp_path / "feed.csv", mapping=mapping, watch=watch), watch)

    assert found.valid == 1
    assert ColumnUse("cost", "price", None, 1) in found.columns
