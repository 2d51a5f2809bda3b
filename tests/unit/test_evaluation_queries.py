"""Judged queries and judgments from files, good and bad."""

from pathlib import Path

import pytest

from shopsearch.domain import AnyOf, Between, Exists, ProductFilter, Query, Wanted
from shopsearch.errors import EvaluationError
from shopsearch.evaluation.queries import JudgedQuery, read_qrels, read_queries


def _write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_query_with_every_key_is_read(tmp_path: Path):
    (tmp_path / "pictures").mkdir()
    _write(tmp_path, "pictures/mug.jpg", b"picture bytes")
    line = (
        '{"query_id": "q1", "text": "red mug", "image": "pictures/mug.jpg", "product_id": "P1", '
        '"text_weight": 0.7, "not": ["blue", "broken"], "filters": {"brand": "ACME", '
        '"color": ["Red", "Pink"], "price": {"min": 1, "max": 9.5}, "gtin": true, "size": false}}'
    )
    (query,) = read_queries(_write(tmp_path, "queries.jsonl", line))
    where = ProductFilter(
        (
            AnyOf("brand", ("acme",)),
            AnyOf("color", ("red", "pink")),
            Between("price", 1, 9.5),
            Exists("gtin"),
            Exists("size", present=False),
        )
    )
    assert query == JudgedQuery(
        query_id="q1",
        text="red mug",
        image=tmp_path / "pictures/mug.jpg",
        product_id="P1",
        text_weight=0.7,
        negatives=("blue", "broken"),
        where=where,
    )
    assert query.as_query(k=50) == Query(
        text="red mug",
        image=b"picture bytes",
        product_id="P1",
        text_weight=0.7,
        negatives=("blue", "broken"),
        where=where,
        k=50,
    )


def test_further_wishes_are_read_with_their_weights(tmp_path: Path):
    _write(tmp_path, "mug.jpg", b"picture bytes")
    line = (
        '{"query_id": "q", "also": [{"text": "blue", "weight": 0.5}, {"image": "mug.jpg"}, '
        '{"product_id": 7, "weight": -1}]}'
    )
    (query,) = read_queries(_write(tmp_path, "queries.jsonl", line))
    assert query.as_query(k=5).also == (
        Wanted(text="blue", weight=0.5),
        Wanted(image=b"picture bytes"),
        Wanted(product_id="7", weight=-1.0),
    )
    assert [one.told for one in query.also] == [
        "+0.5 blue",
        "+1 the picture mug.jpg",
        "-1 like product 7",
    ]


def test_byte_order_mark_blank_lines_numbers_as_ids_and_a_single_not_are_understood(tmp_path: Path):
    content = (
        '\ufeff{"query_id": 7, "text": "mug", "not": "blue"}\r\n\r\n{"query_id": "8", "text": "b"}'
    )
    first, second = read_queries(_write(tmp_path, "queries.jsonl", content))
    assert (first.query_id, first.negatives, second.query_id) == ("7", ("blue",), "8")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"query_id": ' + "9" * 5000 + "}", "not JSON"),
        ('["mug"]', "no JSON object"),
        ('{"text": "mug"}', "no 'query_id'"),
        ('{"query_id": "", "text": "mug"}', "no 'query_id'"),
        ('{"query_id": true, "text": "mug"}', "'query_id' is True"),
        ('{"query_id": "q"}', "asks for nothing"),
        ('{"query_id": "q", "also": [{"text": "a", "weight": -1}]}', "asks for nothing"),
        ('{"query_id": "q", "also": [{"text": "a", "weight": 0}]}', "'weight' is 0"),
        ('{"query_id": "q", "also": [{"text": "a", "weight": NaN}]}', "'weight' is nan"),
        ('{"query_id": "q", "also": [{"text": "a", "product_id": "b"}]}', "must have a text"),
        ('{"query_id": "q", "also": [{"words": "a"}]}', "keys must be among"),
        ('{"query_id": "q", "also": "a"}', "must be a list"),
        ('{"query_id": "q", "text": "  "}', "asks for nothing"),
        ('{"query_id": "q", "text": 5}', "'text' is 5"),
        ('{"query_id": "q", "txt": "mug"}', "'txt' is no key of a query.*text_weight"),
        ('{"query_id": "q", "image": "gone.jpg"}', r"no picture at .*gone\.jpg.*relative"),
        ('{"query_id": "q", "image": "a\\u0000b"}', "no picture at"),
        ('{"query_id": "q", "text": "mug", "text_weight": 1.5}', "'text_weight' is 1.5"),
        ('{"query_id": "q", "text": "mug", "text_weight": NaN}', "'text_weight' is nan"),
        ('{"query_id": "q", "text": "mug", "text_weight": true}', "'text_weight' is True"),
        ('{"query_id": "q", "text": "mug", "not": [1]}', "'not' is 1"),
        ('{"query_id": "q", "text": "mug", "filters": ["brand"]}', "'filters' is"),
        ('{"query_id": "q", "text": "mug", "filters": {"brand": 5}}', "filter 'brand' is 5"),
        ('{"query_id": "q", "text": "mug", "filters": {"brand": []}}', "filter 'brand'"),
        ('{"query_id": "q", "text": "mug", "filters": {"brand": ""}}', "filter 'brand'"),
        ('{"query_id": "q", "text": "mug", "filters": {"price": {}}}', "filter 'price'"),
        ('{"query_id": "q", "text": "mug", "filters": {"price": {"mn": 1}}}', "filter 'price'"),
        ('{"query_id": "q", "text": "mug", "filters": {"price": {"min": NaN}}}', "filter 'price'"),
        (
            '{"query_id": "q", "text": "a", "filters": {"price": {"min": 1' + "0" * 400 + "}}}",
            "pric",
        ),
        ('{"query_id": "q0", "text": "again"}', "'q0' stands in line 1 already"),
    ],
)
def test_a_bad_query_is_named_by_file_line_and_value(tmp_path: Path, line: str, message: str):
    path = _write(tmp_path, "queries.jsonl", f'{{"query_id": "q0", "text": "mug"}}\n{line}\n')
    with pytest.raises(EvaluationError, match=rf"queries\.jsonl:2: .*{message}"):
        read_queries(path)


@pytest.mark.parametrize("read", [read_queries, read_qrels])
@pytest.mark.parametrize(
    ("content", "message"),
    [(b'{"query_id": "\xe9"}', "not UTF-8 .*0xe9.* save it as UTF-8"), (None, "cannot be read")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, read, content, message: str):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EvaluationError, match=message):
        read(path)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_file_without_queries_is_an_error(tmp_path: Path, content: str):
    with pytest.raises(EvaluationError, match="holds no query"):
        read_queries(_write(tmp_path, "queries.jsonl", content))


def test_a_picture_that_vanishes_between_reading_and_searching_is_named(tmp_path: Path):
    _write(tmp_path, "mug.jpg", b"picture")
    path = _write(tmp_path, "queries.jsonl", '{"query_id": "q", "image": "mug.jpg"}')
    (query,) = read_queries(path)
    (tmp_path / "mug.jpg").unlink()
    with pytest.raises(EvaluationError, match=r"mug\.jpg.*of query 'q' cannot be read"):
        query.as_query(k=10)


def test_judgments_are_read_with_columns_in_any_order_and_others_ignored(tmp_path: Path):
    content = '\ufeffgain,note,product_id,query_id\n1.5,"a, b",P1,q1\n\n0,,P2,q1\n1e0,,P1,q2\n'
    qrels = read_qrels(_write(tmp_path, "qrels.csv", content))
    assert qrels == {"q1": {"P1": 1.5, "P2": 0.0}, "q2": {"P1": 1.0}}


@pytest.mark.parametrize(
    ("rows", "line", "message"),
    [
        ("q,P,nan", 2, "gain 'nan' is not a number from 0 to 30"),
        ("q,P,good", 2, "gain 'good'"),
        ("q,P,-1", 2, "gain '-1'"),
        ("q,P,31", 2, "gain '31'"),
        ("q,P,", 2, "gain ''"),
        ("q,P", 2, "'q,P' has too few fields"),
        (",P,1", 2, "lacks a query_id or a product_id"),
        ("q, ,1", 2, "lacks a query_id or a product_id"),
        ("q,P,1\nr,P,1\nq,P,2", 4, "the pair 'q', 'P' is judged twice"),
        ('q,"P,1', 2, "not CSV"),
        ('q,"P"x,1', 2, "not CSV"),
        ("q," + "P" * 200_000 + ",1", 2, "not CSV"),
    ],
)
def test_a_bad_judgment_is_named_by_file_line_and_value(
    tmp_path: Path, rows: str, line: int, message: str
):
    path = _write(tmp_path, "qrels.csv", f"query_id,product_id,gain\n{rows}\n")
    with pytest.raises(EvaluationError, match=rf"qrels\.csv:{line}: .*{message}"):
        read_qrels(path)


@pytest.mark.parametrize("header", ["", "query,product,gain\nq,P,1", "q,P,1\n"])
def test_a_wrong_header_is_shown_with_the_right_one(tmp_path: Path, header: str):
    path = _write(tmp_path, "qrels.csv", header)
    with pytest.raises(EvaluationError, match=r":1: .*lacks .*query_id,product_id,gain"):
        read_qrels(path)


def test_judgments_without_a_row_are_an_error(tmp_path: Path):
    with pytest.raises(EvaluationError, match="holds no judgment"):
        read_qrels(_write(tmp_path, "qrels.csv", "query_id,product_id,gain\n"))
