"""CSV as spreadsheets and shops write it, also where they write it badly."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopsearch.catalog import FieldMapping, open_feed
from shopsearch.domain import FeedRow, Rejection
from shopsearch.errors import FeedFormatError


def records(folder: Path, text: str | bytes) -> list[FeedRow | Rejection]:
    path = folder / "feed.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(open_feed(path))


def ids(found: list[FeedRow | Rejection]) -> list[str]:
    return [record.product.product_id for record in found if isinstance(record, FeedRow)]


def reasons(found: list[FeedRow | Rejection]) -> list[tuple[int, str]]:
    return [(record.row, record.reason) for record in found if isinstance(record, Rejection)]


def test_a_row_with_too_few_cells_tells_line_and_counts(tmp_path: Path) -> None:
    found = records(tmp_path, "id,title,brand\n1,a,b\n2,a\n3,a,b\n")

    assert ids(found) == ["1", "3"]
    assert reasons(found) == [
        (
            2,
            "line 3: the row has 2 cells where the header has 3; "
            "put quotes around cells that hold ',' or a line break",
        )
    ]
    assert found[1].product_id == "2"


def test_a_row_with_too_many_cells_is_rejected_unless_they_are_empty(tmp_path: Path) -> None:
    found = records(tmp_path, "id,title\n1,a,b\n2,a,,\n")

    assert ids(found) == ["2"]
    assert "has 3 cells where the header has 2" in reasons(found)[0][1]


def test_blank_lines_are_no_records(tmp_path: Path) -> None:
    assert ids(records(tmp_path, "\n\nid,title\n\n1,a\n  \n2,b\n\n")) == ["1", "2"]


def test_a_quote_that_is_never_closed_costs_its_own_row_alone(tmp_path: Path) -> None:
    found = records(tmp_path, 'id,title\n1,a\n2,"open\n3,c\n4,d\n')

    assert ids(found) == ["1", "3", "4"]
    assert [row for row, _ in reasons(found)] == [2]
    assert reasons(found)[0][1].startswith("line 3: a quote that opens here is never closed")


def test_rows_behind_a_stray_quote_are_found_although_another_quote_closes_it(
    tmp_path: Path,
) -> None:
    found = records(tmp_path, 'id,title\n1,"open\n2,b\n3,c\n4,"d, e"\n5,f\n')

    assert ids(found) == ["2", "3", "4", "5"]
    assert reasons(found)[0][1].startswith("line 2: the row has ")


def test_a_sound_cell_of_many_lines_is_not_taken_for_rows(tmp_path: Path) -> None:
    found = records(tmp_path, 'id,title\n1,"two\nlines, and a comma",surplus\n2,b\n')

    assert ids(found) == ["2"]
    assert len(found) == 2
    assert "it ends in line 3" in reasons(found)[0][1]


def test_inches_and_other_quotes_inside_of_cells_are_kept(tmp_path: Path) -> None:
    found = records(tmp_path, 'id,title\n1,5" pipe\n2,"5"" pipe"\n')

    assert [record.product.title for record in found] == ['5" pipe', '5" pipe']


def test_a_nul_byte_rejects_its_row(tmp_path: Path) -> None:
    found = records(tmp_path, b"id,title\n1,a\x00b\n2,c\n")

    assert ids(found) == ["2"]
    assert "'title' holds a NUL byte" in reasons(found)[0][1]


def test_a_cell_without_end_is_rejected_and_the_rest_is_read(tmp_path: Path) -> None:
    found = records(tmp_path, f'id,title\n1,"{"x" * 200_000}"\n2,{"y" * 3_000_000}\n3,c\n')

    assert ids(found) == ["3"]
    assert [row for row, _ in reasons(found)] == [1, 2]
    assert "longer than 1,000,000 characters" in reasons(found)[1][1]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_understood(tmp_path: Path, end: str) -> None:
    assert ids(records(tmp_path, end.join(["id,title", "1,a", "2,b", ""]))) == ["1", "2"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found_outside_of_quotes(tmp_path: Path, delimiter: str) -> None:
    text = f'id{delimiter}"a, b; c, d; e"{delimiter}title\n1{delimiter}x{delimiter}y\n'

    assert records(tmp_path, text)[0].product.title == "y"


def test_the_first_line_of_excel_names_the_delimiter(tmp_path: Path) -> None:
    (record,) = records(tmp_path, "sep=;\nid;title\n1;a,b,c\n")

    assert record.product.title == "a,b,c"


def test_columns_without_a_name_or_with_one_that_repeats_lose_nothing(tmp_path: Path) -> None:
    (record,) = records(tmp_path, "id,title,note,note,\n1,a,x,y,z\n")

    assert record.product.attributes == {"note": "x", "note_2": "y", "column_5": "z"}


def test_a_header_alone_is_a_feed_without_products(tmp_path: Path) -> None:
    assert records(tmp_path, "id,title\n") == []


@pytest.mark.parametrize("text", ["", "\n \n", "\ufeff", "\ufeff\n"])
def test_a_file_without_a_header_is_empty(tmp_path: Path, text: str) -> None:
    with pytest.raises(FeedFormatError, match="is empty; export the feed again"):
        records(tmp_path, text)


def test_a_file_that_is_not_utf8_tells_line_byte_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(
        FeedFormatError, match=r"byte 17 \(in line 3\) is 0xE4, .*iconv -f WINDOWS-1252 -t UTF-8"
    ):
        records(tmp_path, "id,title\n1,ok\n2,Käse\n".encode("latin-1"))


def test_the_offset_is_right_far_into_a_big_file(tmp_path: Path) -> None:
    head = "id,title\n" + "".join(f"{n},gr\u00fcn\n" for n in range(60_000))
    with pytest.raises(FeedFormatError, match=rf"byte {len(head.encode()):,} \(in line 60,002\)"):
        records(tmp_path, head.encode() + b"\xff")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04" + bytes(50), "Excel"),
        (b"PAR1" + bytes(50), "Parquet"),
        (b"%PDF-1.7", "PDF"),
        (b"<?xml version='1.0'?><rss/>", "XML"),
        (b"\x1f\x8b\x08rubbish", "gzip file is damaged"),
        ("id,title\n1,a".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (b'id,"title\n1,a\n', "the header: a quote"),
    ],
)
def test_another_kind_of_file_is_called_by_its_name(
    tmp_path: Path, content: bytes, told: str
) -> None:
    with pytest.raises(FeedFormatError, match=told):
        records(tmp_path, content)


def test_the_size_hint_counts_records_and_not_lines(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    path.write_text('id,title\n1,"a\nb\nc"\n2,"""d"""\n3,e')

    assert open_feed(path, mapping=FieldMapping()).size_hint() == 3
