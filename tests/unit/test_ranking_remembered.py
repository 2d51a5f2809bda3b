"""What is read out of products is kept, within bounds, as long as it is true."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from shopsearch.domain import Product, ProductRecord, StoredProduct
from shopsearch.ranking.remembered import Remembered


def stored(key: int, revision: int = 1, title: str = "") -> StoredProduct:
    product = Product(product_id=str(key), title=title or f"title {key}")
    return StoredProduct(key, revision, ProductRecord(product, "", None))


class Reader:
    """Reads titles, and notes which."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, one: StoredProduct) -> str:
        self.read.append(one.product.title)
        return one.product.title


def test_a_product_is_read_once_until_it_is_written_again() -> None:
    reader = Reader()
    remembered = Remembered(reader, 10)
    assert [remembered.of(stored(1)) for _ in range(3)] == ["title 1"] * 3
    assert remembered.of(stored(1, revision=2, title="new")) == "new"
    assert reader.read == ["title 1", "new"]


def test_the_least_recently_asked_for_is_forgotten() -> None:
    reader = Reader()
    remembered = Remembered(reader, 2)
    for key in (1, 2, 1, 3, 1, 2):
        remembered.of(stored(key))
    assert reader.read == ["title 1", "title 2", "title 3", "title 2"]
    assert len(remembered) == 2


def test_threads_may_share_it() -> None:
    remembered = Remembered(Reader(), 7)
    with ThreadPoolExecutor(8) as pool:
        titles = list(pool.map(lambda n: remembered.of(stored(n % 13)), range(4000)))
    assert titles == [f"title {n % 13}" for n in range(4000)]
    assert len(remembered) == 7
