"""What every feed reader promises, over all of them."""

from __future__ import annotations

import contextlib
import csv
import gzip
import html
import io
import json
import tempfile
import tracemalloc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from shopsearch.catalog import FieldMapping, open_feed
from shopsearch.domain import FeedRow, Price, Rejection
from shopsearch.errors import CatalogError, FeedFormatError
from shopsearch.plain_text import clean

Row = Mapping[str, str]


def as_csv(rows: Sequence[Row], delimiter: str = ",") -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_jsonl(rows: Iterable[Row]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


SHOPIFY = {
    "id": "Handle",
    "title": "Title",
    "Name": "Title",
    "description": "Body (HTML)",
    "brand": "Vendor",
    "Category": "Type",
    "price": "Variant Price",
    "image": "Image Src",
    "colour": "Option1 Value",
}


def as_shopify(rows: Sequence[Row]) -> str:
    """One row a product, as Shopify exports products without variants."""
    told = [{SHOPIFY.get(name, name): cell for name, cell in row.items()} for row in rows]
    for row in told:
        row["Body (HTML)"] = html.escape(row.get("Body (HTML)", ""))
        row["Option1 Name"] = "Colour" if row.get("Option1 Value") else ""
    return as_csv(told)


def as_xml(rows: Sequence[Row], more: str = "") -> str:
    items = [
        "".join(
            f"<{name.replace(' ', '_')}>{escape(cell)}</{name.replace(' ', '_')}>"
            for name, cell in row.items()
        )
        for row in rows
    ]
    text = "".join(f"<item>{item}</item>\n" for item in items)
    return f'<?xml version="1.0"?>\n<rss><channel>\n{text}{more}</channel></rss>'


def as_atom(rows: Sequence[Row], more: str = "") -> str:
    """Google's names in Google's namespace, in an Atom feed."""
    text = as_xml(rows, more).replace("<", "<g:").replace("<g:/", "</g:")
    for name in ("?xml", "rss", "channel", "item"):
        text = text.replace(f"<g:{name}", f"<{name}").replace(f"</g:{name}", f"</{name}")
    text = text.replace("<item", "<entry").replace("</item", "</entry")
    spaces = 'xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"'
    return text.replace("<rss>", f"<feed {spaces}>").replace("</rss>", "</feed>")


def as_parquet(rows: Sequence[Row]) -> bytes:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    table = pa.table(
        {column: pa.array([r.get(column) for r in rows], pa.string()) for column in columns}
    )
    file = io.BytesIO()
    parquet.write_table(table, file, row_group_size=20)
    return file.getvalue()


@dataclass(frozen=True)
class Format:
    name: str
    write: Callable[[Sequence[Row]], bytes]
    spoil: Callable[[Sequence[Row]], bytes]  # the same, and a record after it that cannot be read
    told: str = "line "  # of that record
    is_lines: bool = True  # of text, whose encoding is checked before the first product
    holds_controls: bool = True

    def __str__(self) -> str:
        return self.name


def lines(name: str, write: Callable[[Sequence[Row]], bytes], broken: bytes) -> Format:
    return Format(name, write, lambda rows: write(rows) + broken)


DEEP = f"<item>{'<deep>' * 30}{'</deep>' * 30}</item>"
LONG = {"id": "lonely", "Name": "x" * 1_000_001}
FORMATS = [
    lines("products.csv", lambda rows: as_csv(rows).encode(), b"lonely\r\n"),
    lines("products.tsv", lambda rows: as_csv(rows, "\t").encode(), b"lonely\r\n"),
    lines("semicolons.csv", lambda rows: as_csv(rows, ";").encode(), b"lonely\r\n"),
    lines("excel.csv", lambda rows: as_csv(rows).encode("utf-8-sig"), b"lonely\r\n"),
    lines(
        "utf16.csv",
        lambda rows: b"\xff\xfe" + as_csv(rows).encode("utf-16-le"),
        "lonely\r\n".encode("utf-16-le"),
    ),
    lines(
        "packed.csv.gz",
        lambda rows: gzip.compress(as_csv(rows).encode()),
        gzip.compress(b"lonely\r\n"),
    ),
    lines("products.jsonl", lambda rows: as_jsonl(rows).encode(), b'{"id": "lonely", \n'),
    lines(
        "packed.jsonl.gz",
        lambda rows: gzip.compress(as_jsonl(rows).encode()),
        gzip.compress(b"{lonely\n"),
    ),
    lines("shopify.csv", lambda rows: as_shopify(rows).encode(), b"lonely\r\n"),
    Format(
        "google.xml",
        lambda rows: as_xml(rows).encode(),
        lambda rows: as_xml(rows, DEEP).encode(),
        is_lines=False,
        holds_controls=False,
    ),
    Format(
        "atom.xml.gz",
        lambda rows: gzip.compress(as_atom(rows).encode("utf-8")),
        lambda rows: gzip.compress(as_atom(rows, DEEP).encode("utf-8")),
        is_lines=False,
        holds_controls=False,
    ),
    Format(
        "products.parquet",
        as_parquet,
        lambda rows: as_parquet([*rows, LONG]),
        told="1,000,007 characters",
        is_lines=False,
    ),
]


@pytest.fixture(params=FORMATS, ids=str)
def feed_format(request: pytest.FixtureRequest) -> Format:
    return request.param


def written(folder: Path, feed_format: Format, rows: Sequence[Row]) -> Path:
    path = folder / feed_format.name
    path.write_bytes(feed_format.write(rows))
    return path


MUG = {
    "id": "mug-1",
    "Name": "Käse & mug, 0.3 l",
    "description": 'A "big" mug\nwith two lines; and\ta tab',
    "price": "12.50 EUR",
    "Category": "Home > Mugs",
    "colour": "red",
    "Dishwasher Safe": "yes",
}
CAP = {"id": "cap-1", "Name": "Cap", "price": "1.299,00 EUR", "Category": "", "colour": "blue"}
TOP = CAP | {"id": "top-1"}


def test_every_record_comes_out_once_in_the_order_of_the_feed(
    tmp_path: Path, feed_format: Format
) -> None:
    rows = [{"id": str(n), "title": f"product {n}"} for n in range(50)]

    records = list(open_feed(written(tmp_path, feed_format, rows)))

    assert [record.row for record in records] == list(range(1, 51))
    assert [record.product.product_id for record in records] == [str(n) for n in range(50)]


def test_names_and_aliases_of_columns_become_fields_and_the_rest_attributes(
    tmp_path: Path, feed_format: Format
) -> None:
    mug, cap = (record.product for record in open_feed(written(tmp_path, feed_format, [MUG, CAP])))

    assert (mug.product_id, mug.title, mug.color) == ("mug-1", "Käse & mug, 0.3 l", "red")
    assert mug.description.split() == MUG["description"].split()
    assert mug.product_type == "Home > Mugs"
    assert mug.price == Price.of(Decimal("12.50"), "EUR")
    assert mug.attributes == {"dishwasher_safe": "yes"}
    assert cap.price == Price.of(Decimal("1299"), "EUR")
    assert cap.attributes == {}


def test_a_feed_can_be_read_again_from_its_start(tmp_path: Path, feed_format: Format) -> None:
    feed = open_feed(written(tmp_path, feed_format, [MUG, CAP]))

    assert list(feed) == list(feed)


def test_a_reader_that_stops_early_does_not_disturb_the_next(
    tmp_path: Path, feed_format: Format
) -> None:
    feed = open_feed(written(tmp_path, feed_format, [MUG, CAP]))
    next(iter(feed))

    assert len(list(feed)) == 2


def test_the_size_hint_is_the_number_of_records_where_all_is_well(
    tmp_path: Path, feed_format: Format
) -> None:
    assert open_feed(written(tmp_path, feed_format, [MUG, CAP, TOP])).size_hint() == 3


def test_a_broken_record_is_rejected_with_its_row_and_the_rest_is_read(
    tmp_path: Path, feed_format: Format
) -> None:
    path = tmp_path / feed_format.name
    path.write_bytes(feed_format.spoil([CAP, TOP]))

    *good, broken = open_feed(path)

    assert [record.product.product_id for record in good] == ["cap-1", "top-1"]
    assert isinstance(broken, Rejection)
    assert broken.row == 3
    assert feed_format.told in broken.reason


BAD_VALUES = [
    ({"id": ""}, "no id"),
    ({"id": "x" * 129}, "129 characters"),
    ({"id": "a\x07b"}, "control characters"),
    ({"price": "-5 EUR"}, "'-5 EUR' is negative"),
    ({"price": "NaN"}, "'NaN' cannot be read"),
    ({"price": "12"}, "--currency"),
    ({"price": "12 QQQ"}, "'QQQ'"),
    ({"image": "../../etc/passwd"}, "outside of the feed's folder"),
    ({"image": "ftp://shop.example/a.jpg"}, "neither a path nor an http(s) address"),
    ({"Name": ""}, "neither a picture nor words"),
    ({"Name": "a\x00b"}, "NUL"),
]
NO_CONTROLS = pytest.mark.xfail(
    strict=True, raises=FeedFormatError, reason="XML has no control characters: the file is broken"
)


@pytest.mark.parametrize(
    ("feed_format", "change", "told"),
    [
        pytest.param(
            one,
            change,
            told,
            id=f"{one}-{told}",
            marks=[NO_CONTROLS]
            if not one.holds_controls and {"\x07", "\x00"} & set("".join(change.values()))
            else [],
        )
        for one in FORMATS
        for change, told in BAD_VALUES
    ],
)
def test_a_bad_value_rejects_its_product_alone_and_says_why(
    tmp_path: Path, feed_format: Format, change: Row, told: str
) -> None:
    bad = {"id": "bad", "Name": "Bad", "price": "", "image": ""} | change
    good = {"id": "good", "Name": "Good", "price": "1 EUR", "image": ""}

    rejection, kept = open_feed(written(tmp_path, feed_format, [bad, good]))

    assert isinstance(rejection, Rejection)
    assert told in rejection.reason
    assert rejection.row == 1
    assert isinstance(kept, FeedRow)
    assert (kept.row, kept.product.product_id) == (2, "good")


def test_a_mapping_wins_over_the_names_of_the_columns(tmp_path: Path, feed_format: Format) -> None:
    row = {"id": "7", "title": "wrong", "Real Title": "right", "cost": "5"}
    mapping = FieldMapping({"title": "real_title", "price": "cost"}, currency="usd")

    (record,) = open_feed(written(tmp_path, feed_format, [row]), mapping=mapping)

    assert record.product.title == "right"
    assert record.product.price == Price(500, "USD")
    assert record.product.attributes == {"title": "wrong"}


def test_a_mapping_to_a_column_that_is_not_there_lists_those_that_are(
    tmp_path: Path, feed_format: Format
) -> None:
    feed = open_feed(
        written(tmp_path, feed_format, [CAP]), mapping=FieldMapping({"brand": "maker"})
    )

    with pytest.raises(
        FeedFormatError, match=r"--map brand=maker names .*; the columns are '\w+', '"
    ):
        list(feed)


def test_a_mapping_of_an_unknown_field_lists_the_fields(
    tmp_path: Path, feed_format: Format
) -> None:
    feed = open_feed(written(tmp_path, feed_format, [CAP]), mapping=FieldMapping({"titel": "Name"}))

    with pytest.raises(FeedFormatError, match=r"'titel'.*title, description"):
        list(feed)


def test_a_feed_without_a_column_for_the_id_names_the_remedy(
    tmp_path: Path, feed_format: Format
) -> None:
    feed = open_feed(written(tmp_path, feed_format, [{"sku": "1", "title": "a"}]))

    with pytest.raises(FeedFormatError, match=r"the columns are .*'sku'.*--map id=COLUMN"):
        list(feed)


def test_an_unknown_currency_is_refused(tmp_path: Path, feed_format: Format) -> None:
    feed = open_feed(written(tmp_path, feed_format, [CAP]), mapping=FieldMapping(currency="ABC"))

    with pytest.raises(FeedFormatError, match="ABC is no ISO 4217 code"):
        list(feed)


def test_an_empty_feed_says_that_it_is_empty(tmp_path: Path, feed_format: Format) -> None:
    path = tmp_path / feed_format.name
    path.write_bytes(gzip.compress(b"") if path.suffix == ".gz" else b"")

    with pytest.raises(FeedFormatError, match="is empty"):
        list(open_feed(path))


@pytest.mark.parametrize("feed_format", [one for one in FORMATS if one.is_lines], ids=str)
def test_a_feed_that_is_not_utf8_is_refused_before_its_first_product(
    tmp_path: Path, feed_format: Format
) -> None:
    text = feed_format.write([{"id": "1", "title": "ok"}, {"id": "2", "title": "K\xe4se"}])
    packed = feed_format.name.endswith(".gz")
    text = gzip.decompress(text) if packed else text
    broken = text.replace("ä".encode(), b"\xe4").replace(b"\\u00e4", b"\xe4")
    if text.startswith(b"\xff\xfe"):
        broken = text + b"\x00\xd8"  # half of a surrogate pair
    path = tmp_path / feed_format.name
    path.write_bytes(gzip.compress(broken) if packed else broken)

    with pytest.raises(
        FeedFormatError, match=r"byte [\d,]+ \(in line [34]|byte [\d,]+ \(in line 2"
    ):
        next(iter(open_feed(path)))


def test_memory_does_not_grow_with_the_feed(tmp_path: Path, feed_format: Format) -> None:
    def peak(n_products: int) -> int:
        rows = [{"id": str(n), "title": "word " * 2_000} for n in range(n_products)]
        feed = open_feed(written(tmp_path, feed_format, rows))
        del rows
        tracemalloc.start()
        for _ in feed:
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(500) < peak(100) + 1_000_000  # 400 products more are 4 MB of text


def test_a_feed_that_is_gone_is_a_catalog_error(tmp_path: Path, feed_format: Format) -> None:
    path = written(tmp_path, feed_format, [CAP])
    feed = open_feed(path)
    path.unlink()

    with pytest.raises(CatalogError, match="no such feed"):
        list(feed)


NO_TEXT = "\ufffe\uffff"  # XML has them in no spelling
WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=NO_TEXT), max_size=30
)
SAFE_ROWS = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(0, 10**20).map(str), "title": WORDS.map(lambda text: f"x{text}y")},
        optional={"description": WORDS, "brand": WORDS, "pattern": WORDS},
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda row: row["id"],
)


@settings(max_examples=25, deadline=None)
@given(rows=SAFE_ROWS)
@pytest.mark.parametrize("feed_format", FORMATS, ids=str)
def test_whatever_the_words_what_was_written_is_read(
    rows: list[dict[str, str]], feed_format: Format
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        products = [
            record.product for record in open_feed(written(Path(folder), feed_format, rows))
        ]

    assert [product.product_id for product in products] == [row["id"] for row in rows]
    assert [product.title for product in products] == [row["title"] for row in rows]
    assert [product.brand for product in products] == [row.get("brand", "").strip() for row in rows]
    descriptions = [row.get("description", "").strip() for row in rows]
    if feed_format.name == "shopify.csv":  # its descriptions are HTML
        descriptions = [clean(html.escape(text)) for text in descriptions]
    assert [product.description for product in products] == descriptions


HEADERS = {
    "feed.csv": b"id,title\n",
    "feed.jsonl": b'{"id": "1", "title": "a"}\n',
    "feed.txt": b"",
    "shopify.csv": b"Handle,Title,Variant Price\n",
    "feed.xml": b"<rss><item><id>1</id><title>a</title></item>",
    "feed.parquet": as_parquet([{"id": "1", "title": "a"}]),
    "cut.parquet": as_parquet([{"id": "1", "title": "a"}])[:-20],
}


@settings(max_examples=40, deadline=None)
@given(rubbish=st.one_of(st.binary(max_size=400), st.text(max_size=200).map(str.encode)))
@pytest.mark.parametrize("name", HEADERS)
def test_rubbish_is_told_as_rubbish(rubbish: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(HEADERS[name] + rubbish)
        rows = []
        with contextlib.suppress(CatalogError):  # a feed may be refused as a whole
            for record in open_feed(path):
                rows.append(record.row)
    assert rows == sorted(set(rows))
    assert "shopify" in name or rows == list(range(1, len(rows) + 1))
