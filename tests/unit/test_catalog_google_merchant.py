"""Google Merchant feeds: XML with its oddities, and the same columns as text with tabs."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from pathlib import Path

import pytest

from shopsearch.catalog import FieldMapping, open_feed
from shopsearch.domain import FeedRecord, FeedRow, Price, Product, Rejection
from shopsearch.errors import FeedFormatError

SPACE = 'xmlns:g="http://base.google.com/ns/1.0"'


def rss(items: str) -> str:
    return f'<rss version="2.0" {SPACE}><channel><title>Shop</title>{items}</channel></rss>'


def records(folder: Path, text: str | bytes, name: str = "feed.xml") -> list[FeedRecord]:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(open_feed(path))


def product(folder: Path, item: str) -> Product:
    (record,) = records(folder, rss(f"<item>{item}</item>"))
    assert isinstance(record, FeedRow), record
    return record.product


def test_an_item_is_a_product_and_repeated_elements_are_several_values(tmp_path: Path) -> None:
    found = product(
        tmp_path,
        """
        <title>plain title</title><link>https://shop.example/1</link>
        <g:title>Mug &amp; plate</g:title><g:id>A1</g:id>
        <g:description><![CDATA[<p>big</p>]]></g:description>
        <g:image_link>https://cdn.example/a.jpg</g:image_link>
        <g:additional_image_link>https://cdn.example/b,c.jpg</g:additional_image_link>
        <g:additional_image_link>https://cdn.example/d.jpg</g:additional_image_link>
        <g:price>19.99 USD</g:price><g:sale_price>9.99 USD</g:sale_price>
        <g:availability>in stock</g:availability><g:condition>new</g:condition>
        <g:google_product_category>1604</g:google_product_category>
        <g:product_type>Home &gt; Mugs</g:product_type>
        <g:size>S</g:size><g:size>M</g:size>
        <g:product_highlight>light</g:product_highlight>
        <g:product_highlight>warm</g:product_highlight>
        <g:shipping><g:country>US</g:country><g:price>6.49 USD</g:price></g:shipping>
        <g:product_detail><g:section_name>General</g:section_name>
          <g:attribute_name>Glaze</g:attribute_name><g:attribute_value>matt</g:attribute_value>
        </g:product_detail>
        """,
    )

    assert found == Product(
        product_id="A1",
        title="Mug & plate",
        description="<p>big</p>",
        product_type="Home > Mugs",
        images=(
            "https://cdn.example/a.jpg",
            "https://cdn.example/b,c.jpg",
            "https://cdn.example/d.jpg",
        ),
        link="https://shop.example/1",
        price=Price(1999, "USD"),
        availability="in_stock",
        size="S | M",
        attributes={
            "sale_price": "9.99 USD",
            "condition": "new",
            "google_product_category": "1604",
            "product_highlight": "light | warm",
            "shipping.country": "US",
            "shipping.price": "6.49 USD",
            "glaze": "matt",
        },
    )


@pytest.mark.parametrize(
    ("told", "category"),
    [
        ("<g:google_product_category>Home &gt; Mugs</g:google_product_category>", "Home > Mugs"),
        ("<g:google_product_category>1604</g:google_product_category>", ""),
    ],
)
def test_googles_category_stands_in_where_it_has_words(
    tmp_path: Path, told: str, category: str
) -> None:
    assert product(tmp_path, f"<g:id>1</g:id><title>a</title>{told}").product_type == category


def test_an_atom_feed_has_entries_links_and_summaries(tmp_path: Path) -> None:
    text = f"""<feed xmlns="http://www.w3.org/2005/Atom" {SPACE}><entry><g:id>1</g:id>
        <title>Mug</title><summary>big</summary><link rel="self" href="https://shop.example/feed"/>
        <link href="https://shop.example/1"/></entry></feed>"""

    (record,) = records(tmp_path, text)

    assert record.product == Product(
        product_id="1", title="Mug", description="big", link="https://shop.example/1"
    )


def test_markup_that_nobody_escaped_is_read_as_its_words(tmp_path: Path) -> None:
    found = product(tmp_path, "<g:id>1</g:id><description>A <b>big</b> mug<br/></description>")

    assert found.description == "A big mug"


def test_items_of_other_shops_xml_may_be_called_product(tmp_path: Path) -> None:
    (record,) = records(tmp_path, '<products><product id="7"><name>Mug</name></product></products>')

    assert (record.product.product_id, record.product.title) == ("7", "Mug")


def test_what_comes_before_a_break_is_read_and_the_break_has_line_and_column(
    tmp_path: Path,
) -> None:
    good = "\n".join(f"<item><g:id>{n}</g:id><title>a</title></item>" for n in (1, 2))
    path = tmp_path / "feed.xml"
    path.write_text(rss(f"{good}\n<item><title>&nbsp;</title></item>"))
    feed = iter(open_feed(path))

    assert [next(feed).row, next(feed).row] == [1, 2]
    with pytest.raises(FeedFormatError, match=r"line 3, column 14: the XML is broken \(undefined"):
        next(feed)


def test_a_file_cut_short_is_told(tmp_path: Path) -> None:
    with pytest.raises(FeedFormatError, match="the XML is broken"):
        records(tmp_path, rss("<item><g:id>1</g:id><title>a</title></item>")[:-20])


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE r [<!ENTITY % a SYSTEM "http://shop.example/x.dtd"> %a;]>',
        '<!DOCTYPE r SYSTEM "http://shop.example/x.dtd">',
    ],
)
def test_document_types_and_entities_are_refused_at_once(tmp_path: Path, declared: str) -> None:
    started = time.monotonic()

    with pytest.raises(FeedFormatError, match="line 1: the XML declares a document type"):
        records(tmp_path, f"{declared}<rss><item><id>1</id><title>&a;</title></item></rss>")

    assert time.monotonic() - started < 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_the_encoding_that_is_declared_is_honoured(tmp_path: Path, encoding: str) -> None:
    text = rss("<item><g:id>1</g:id><title>Käse</title></item>")

    (record,) = records(
        tmp_path, f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(encoding)
    )

    assert record.product.title == "Käse"


@pytest.mark.parametrize("encoding", ["klingon", "shift_jis"])
def test_an_encoding_that_is_not_known_is_told(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(FeedFormatError, match=r"UTF-8|encoding"):
        records(tmp_path, f'<?xml version="1.0" encoding="{encoding}"?>{rss("<item/>")}')


def test_bytes_that_are_not_of_the_encoding_are_told(tmp_path: Path) -> None:
    with pytest.raises(FeedFormatError, match=r"line 1, column \d+: the XML is broken"):
        records(tmp_path, rss("<item><g:id>1</g:id><title>K\0se</title></item>").encode("utf-8")
                .replace(b"\0", b"\xe4"))  # fmt: skip


@pytest.mark.parametrize("text", ["<html><body>Log in</body></html>", "<rss><channel/></rss>"])
def test_xml_without_items_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(FeedFormatError, match="no <item>, <entry> or <product>"):
        records(tmp_path, text)


@pytest.mark.parametrize("name", ["feed", "feed.gz", "feed.txt"])
def test_xml_is_known_by_its_beginning(tmp_path: Path, name: str) -> None:
    text = f"\n{rss('<item><g:id>1</g:id><title>a</title></item>')}".encode()

    (record,) = records(tmp_path, gzip.compress(text) if name.endswith("gz") else text, name)

    assert record.product.product_id == "1"


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (f"<g:id>1</g:id><title>{'x' * 1_000_001}</title>", "longer than 1,000,000 characters"),
        (f"<g:id>1</g:id>{'<a>b</a>' * 10_001}", "more than 10,000 elements"),
        (f"<g:id>1</g:id>{'<a>' * 10_000}{'</a>' * 10_000}", "nested more than 20 levels"),
    ],
    ids=["long", "many", "deep"],
)
def test_an_item_without_end_is_rejected_alone(tmp_path: Path, item: str, told: str) -> None:
    rejected, good = records(
        tmp_path, rss(f"<item>{item}</item><item><g:id>2</g:id><title>b</title></item>")
    )

    assert isinstance(rejected, Rejection)
    assert told in rejected.reason
    assert good.product.product_id == "2"


def test_memory_does_not_grow_with_what_is_between_items(tmp_path: Path) -> None:
    noise = f"<note>{'word ' * 10_000}</note>" * 200  # 10 MB
    path = tmp_path / "feed.xml"
    path.write_text(rss(f"{noise}<item><g:id>1</g:id><title>a</title></item>"))
    del noise

    tracemalloc.start()
    (record,) = open_feed(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert record.product.title == "a"
    assert most < 2_000_000


def test_the_same_feed_as_text_with_tabs_is_read_by_googles_names(tmp_path: Path) -> None:
    columns = (
        "id\ttitle\timage link\tadditional image link\tadditional image link\tg:price\tsale price\t"
        "product highlight\tgoogle product category\tshipping(country:price)\tgtin\tmpn\tcondition"
    )
    cells = (
        "A1\tMug\thttps://c.example/a.jpg\thttps://c.example/b.jpg,https://c.example/c.jpg\t"
        "https://c.example/d.jpg\t19.99 USD\t9.99 USD\tlight\tHome > Mugs\tUS:6.49 USD\t"
        "4006381333931\tM-1\tnew"
    )

    (record,) = records(tmp_path, f"{columns}\n{cells}\n", "feed.tsv")

    assert record.product == Product(
        product_id="A1",
        title="Mug",
        product_type="Home > Mugs",
        images=tuple(f"https://c.example/{name}.jpg" for name in "abcd"),
        price=Price(1999, "USD"),
        gtin="4006381333931",
        attributes={
            "sale_price": "9.99 USD",
            "product_highlight": "light",
            "shipping": "US:6.49 USD",
            "mpn": "M-1",
            "condition": "new",
        },
    )


def test_a_price_may_be_the_first_of_several_columns(tmp_path: Path) -> None:
    path = tmp_path / "feed.tsv"
    path.write_text("id\ttitle\tprice\tsale price\n1\ta\t9 USD\t5 USD\n2\tb\t9 USD\t\n")
    mapping = FieldMapping({"price": ["sale_price", "price"]})

    found = [record.product for record in open_feed(path, mapping=mapping)]

    assert [one.price for one in found] == [Price(500, "USD"), Price(900, "USD")]
