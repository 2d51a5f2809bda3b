"""What a killed run left in the store gets into the index without anybody indexing again."""

from __future__ import annotations

import pytest
from filelock import FileLock

from shopsearch.bootstrap import Services
from shopsearch.completing import PATIENCE_S, Completion
from shopsearch.domain import Product, Query

from .conftest import listed


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def completion(services: Services, clock: Clock) -> Completion:
    indexed(services, "old")
    return Completion(
        services.live, services.generations, services.store, lambda: services.indexer, clock
    )


def indexed(services: Services, *names: str) -> None:
    products = [Product(product_id=name, title=f"Mug {name}") for name in names]
    services.indexer.run(listed(*products), feed_name="test")


def killed(services: Services, *names: str) -> None:
    """A run that ends after its write to the store."""
    for name in names:
        record = services.preparer.identify(Product(product_id=name, title=f"Mug {name}"))
        services.store.upsert([record])


def found(services: Services) -> set[str]:
    page = services.search.search(Query(text="mug"))
    return {hit.product.product_id for hit in page.hits}


def test_at_a_start_it_is_completed_at_once(services: Services, completion: Completion) -> None:
    killed(services, "late")
    assert found(services) == {"old"}
    completion.look()
    assert found(services) == {"old", "late"}


def test_later_whoever_was_killed_may_complete_it_first(
    services: Services, completion: Completion, clock: Clock
) -> None:
    completion.look()
    killed(services, "late")
    completion.look()
    clock.now_s += PATIENCE_S - 1
    completion.look()
    assert found(services) == {"old"}
    clock.now_s += 1
    completion.look()
    assert found(services) == {"old", "late"}


def test_it_waits_for_whoever_indexes(
    services: Services, completion: Completion, clock: Clock
) -> None:
    killed(services, "late")
    with FileLock(services.settings.home / "indexing.lock"):
        completion.look()
        assert found(services) == {"old"}
    clock.now_s += PATIENCE_S
    completion.look()
    assert found(services) == {"old", "late"}


def test_a_rollback_is_not_undone(services: Services, completion: Completion, clock: Clock) -> None:
    indexed(services, "mistake")
    services.generations.rollback()
    completion.look()
    clock.now_s += 10 * PATIENCE_S
    completion.look()
    assert found(services) == {"old"}


def test_where_nothing_is_behind_no_generation_is_made(
    services: Services, completion: Completion
) -> None:
    before = services.generations.ids()
    completion.look()
    assert services.generations.ids() == before


def test_the_very_first_run_is_completed_too(services: Services, clock: Clock) -> None:
    killed(services, "first")
    completion = Completion(
        services.live, services.generations, services.store, lambda: services.indexer, clock
    )
    completion.look()
    assert found(services) == {"first"}


def test_before_anything_is_indexed_there_is_nothing_to_do(services: Services) -> None:
    completion = Completion(
        services.live, services.generations, services.store, lambda: services.indexer
    )
    completion.look()
    assert services.generations.ids() == []
