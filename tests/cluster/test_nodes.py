"""Two web nodes and one indexer over one PostgreSQL, one Milvus and one storage, behind nginx; and
what is another matter where the storage hands the vectors to the nodes.
"""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from .cluster import Running
from .conftest import Shop, over

FOLLOWS_WITHIN_S = 1.0
ASKED = "/api/v1/search?q=red+mug&size=10"


@dataclass(frozen=True)
class Answer:
    """One page of hits."""

    sent_at: float
    took_s: float
    generation: str
    hits: tuple[str, ...]


@dataclass
class Answers:
    """What was answered while something else went on."""

    given: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def generations(self) -> set[str]:
        return {answer.generation for answer in self.given}

    @property
    def slowest_s(self) -> float:
        return max(answer.took_s for answer in self.given)

    def last_asked(self, generation: str) -> float:
        """When the last request was sent that was answered from a generation."""
        return max(one.sent_at for one in self.given if one.generation == generation)


def asked(url: str) -> tuple[str, tuple[str, ...]]:
    answer = httpx.get(f"{url}{ASKED}", timeout=20)
    answer.raise_for_status()
    page = answer.json()
    assert "degraded" not in page, "the vectors were out of reach"
    return page["generation"], tuple(hit["product_id"] for hit in page["hits"])


@contextmanager
def asking(url: str, n_threads: int = 2) -> Iterator[Answers]:
    """Searches go on, one after the other in each thread, until the block ends."""
    answers, over = Answers(), threading.Event()

    def ask() -> None:
        while not over.is_set():
            sent_at = time.monotonic()
            try:
                told = asked(url)
            except httpx.HTTPError as error:
                answers.failures.append(str(error))
            else:
                answers.given.append(Answer(sent_at, time.monotonic() - sent_at, *told))

    threads = [threading.Thread(target=ask) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def change_prices(shop: Shop, factor: float) -> None:
    with shop.feed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        amount, currency = row["price"].split()
        row["price"] = f"{float(amount) * factor:.2f} {currency}"
    with shop.feed.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def follows(node: Running, generation: str, since: float) -> float:
    """How long after `since` a node answered from a generation."""
    while time.monotonic() - since < 10:
        if asked(node.url)[0] == generation:
            return time.monotonic() - since
        time.sleep(0.02)
    raise AssertionError(f"{node.url} does not answer from {generation}")


@over("milvus", "faiss")
def test_both_nodes_answer_alike_and_have_only_what_they_fetched(shop: Shop) -> None:
    first, second = (asked(node.url) for node in shop.nodes)
    assert first == second
    assert len(first[1]) == 10
    for name in ("web-1", "web-2"):
        home = shop.cluster.folder / name
        assert not (home / "catalog.db").exists()
        assert not (home / "CURRENT").exists()
        assert not (home / "images").exists()
        assert (home / "generations" / first[0]).is_dir()


@over("milvus")
def test_pictures_of_the_indexer_are_shown_by_every_node(shop: Shop) -> None:
    page = httpx.get(f"{shop.front.url}{ASKED}", timeout=20).json()
    picture = page["hits"][0]["image"]
    for node in shop.nodes:
        shown = httpx.get(f"{node.url}{picture}", timeout=20)
        assert shown.status_code == 200, picture
        assert shown.headers["content-type"].startswith("image/")


@over("milvus")
@pytest.mark.parametrize("how", ["a change of the feed", "a reindex"])
def test_a_swap_under_load_fails_no_request_and_both_nodes_follow(shop: Shop, how: str) -> None:
    before, _ = asked(shop.front.url)
    first, second = (node.url for node in shop.nodes)
    with (
        asking(shop.front.url) as answers,
        asking(first, n_threads=1) as of_first,
        asking(second, n_threads=1) as of_second,
    ):
        if how == "a reindex":
            done = shop.cluster.command("indexer", "reindex")
        else:
            change_prices(shop, 1.1)
            done = shop.cluster.command("indexer", "index", str(shop.feed))
        ended = time.monotonic()
        assert done.returncode == 0, done.stderr
        after = max(_generations(shop))
        for node in shop.nodes:
            follows(node, after, ended)
        time.sleep(0.3)
    assert after != before
    every = (answers, of_first, of_second)
    assert [failure for one in every for failure in one.failures] == []
    assert answers.generations == {before, after}
    pages = {(answer.generation, answer.hits) for one in every for answer in one.given}
    assert len(pages) == 2, "two nodes gave different hits of one generation"
    slack_s = max(one.slowest_s for one in every)  # the machine may be busy with other tests
    for one in every:
        assert one.last_asked(before) < ended + FOLLOWS_WITHIN_S + slack_s


@over("milvus", "faiss")
def test_a_change_by_api_at_one_node_is_seen_at_the_other(shop: Shop) -> None:
    made = shop.cluster.command("indexer", "keys", "make", "tests", "--scope", "catalog")
    assert made.returncode == 0, made.stderr
    product = {"title": "A teapot of its own kind", "price": "12.00 USD"}
    first, second = shop.nodes
    written = httpx.put(
        f"{first.url}/api/v1/products/teapot-1",
        json=product,
        headers={"Authorization": f"Bearer {made.stdout.strip()}"},
        timeout=30,
    )
    assert written.status_code in (200, 201), written.text
    generation, _ = asked(first.url)
    assert follows(second, generation, time.monotonic()) < FOLLOWS_WITHIN_S
    found = httpx.get(f"{second.url}/api/v1/search?q=teapot+of+its+own+kind", timeout=20).json()
    assert found["hits"][0]["product_id"] == "teapot-1"


@over("milvus")
def test_two_indexers_on_two_machines_do_not_run_at_once(shop: Shop) -> None:
    results = []

    def index(name: str) -> None:
        results.append(shop.cluster.command(name, "reindex"))

    threads = [threading.Thread(target=index, args=(name,)) for name in ("indexer", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = sorted(result.returncode for result in results)
    assert codes[0] == 0
    for result in results:
        assert result.returncode == 0 or "has been indexing" in result.stderr
    assert asked(shop.nodes[0].url)[0] in _generations(shop)


@over("milvus")
def test_rate_limits_are_counted_together(shop: Shop) -> None:
    limited = [shop.cluster.node(f"limited-{n}", RATE_LIMIT="6/hour", WORKERS="1") for n in (1, 2)]
    for node in limited:
        node.wait_until("/readyz")
    visitor = {"X-Forwarded-For": "203.0.113.7"}
    answers = [
        httpx.get(f"{limited[turn % 2].url}{ASKED}", headers=visitor, timeout=20).status_code
        for turn in range(8)
    ]
    for node in limited:
        node.kill()
    assert answers == [200] * 6 + [429] * 2


@over("milvus")
def test_one_node_killed_under_load_fails_no_request(shop: Shop) -> None:
    with asking(shop.front.url) as answers:
        time.sleep(0.5)
        n_before = len(answers.given)
        shop.nodes[0].kill()
        time.sleep(2.0)
    assert answers.failures == []
    assert len(answers.given) > n_before
    assert httpx.get(f"{shop.front.url}/readyz", timeout=5).status_code == 200


def _generations(shop: Shop) -> list[str]:
    manifests = (shop.cluster.folder / "storage" / "generations").glob("*/manifest.json")
    return [path.parent.name for path in manifests]
