"""The indexing journey, over real SQLite, real FAISS and small real pictures."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsearch.bootstrap import Services
from shopsearch.domain import (
    EVERYTHING,
    FeedRow,
    IndexReport,
    Price,
    Product,
    Query,
    Rejection,
    RemovalRow,
)
from shopsearch.errors import FeedFormatError, GenerationMismatch, HomeBusy
from shopsearch.index.lock import HomeLock
from shopsearch.indexing import IndexProgress
from shopsearch.settings import Settings

from .conftest import ListedFeed, listed


def run(services: Services, *products: Product, prune: bool = False) -> IndexReport:
    return services.indexer.run(listed(*products), feed_name="test", prune=prune)


def counts(report: IndexReport) -> tuple[int, int, int, int, int]:
    """read, indexed, unchanged, removed, rejected"""
    return (
        report.read,
        report.indexed,
        report.unchanged,
        report.removed,
        len(report.rejected),
    )


def found(services: Services, text: str = "mug", k: int = 20) -> list[str]:
    return [hit.product.product_id for hit in services.search.search(Query(text=text, k=k)).hits]


def test_every_product_of_a_feed_can_be_found(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    report = run(services, *mugs)
    assert counts(report) == (6, 6, 0, 0, 0)
    assert (report.texts_encoded, report.images_encoded) == (5, 3)
    assert sorted(found(services)) == sorted(p.product_id for p in mugs)


def test_a_second_run_encodes_nothing_and_keeps_the_generation(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    first = run(services, *mugs)
    second = run(services, *mugs)
    assert counts(second) == (6, 0, 6, 0, 0)
    assert (second.texts_encoded, second.images_encoded) == (0, 0)
    assert second.generation == first.generation


def test_a_changed_title_encodes_exactly_one_text(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    run(services, *mugs)
    report = run(services, replace(mugs[0], title="Scarlet mug"), *mugs[1:])
    assert counts(report) == (6, 1, 5, 0, 0)
    assert (report.texts_encoded, report.images_encoded) == (1, 0)
    assert services.search.product("red").product.title == "Scarlet mug"


def test_a_changed_price_encodes_nothing(services: Services, mugs: tuple[Product, ...]) -> None:
    run(services, *mugs)
    report = run(services, replace(mugs[0], price=Price(1, "USD")), *mugs[1:])
    assert counts(report) == (6, 1, 5, 0, 0)
    assert (report.texts_encoded, report.images_encoded) == (0, 0)


def test_a_renamed_picture_of_the_same_content_changes_nothing(
    services: Services, mugs: tuple[Product, ...], tmp_path: Path
) -> None:
    run(services, *mugs)
    renamed = tmp_path / "another-name.png"
    Path(mugs[0].images[0]).rename(renamed)
    report = run(services, replace(mugs[0], images=(str(renamed),)), *mugs[1:])
    assert report.images_encoded == 0


def test_a_picture_of_another_content_is_encoded_again(
    services: Services, mugs: tuple[Product, ...], draw: Callable[..., str]
) -> None:
    run(services, *mugs)
    draw("red", "pink")  # in place of the red one
    report = run(services, *mugs)
    assert counts(report) == (6, 1, 5, 0, 0)
    assert (report.texts_encoded, report.images_encoded) == (0, 1)


def test_a_bad_product_is_counted_and_the_run_goes_on(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    gone = replace(mugs[1], product_id="gone", images=("/nowhere/at-all.png",))
    records = [
        FeedRow(1, mugs[0]),
        Rejection(2, "priced", "the price 'cheap' is no number"),
        FeedRow(3, gone),
        FeedRow(4, mugs[2]),
    ]
    report = services.indexer.run(ListedFeed(records), feed_name="test")
    assert counts(report) == (4, 2, 0, 0, 2)
    assert [(r.row, r.product_id) for r in report.rejected] == [(2, "priced"), (3, "gone")]
    assert "/nowhere/at-all.png" in report.rejected[1].reason
    assert sorted(found(services)) == ["green", "red"]


@pytest.mark.parametrize("distance", [1, 20])
def test_a_repeated_id_is_rejected_and_the_first_one_stays(
    services: Services, distance: int
) -> None:
    first = Product(product_id="twin", title="First")
    between = [Product(product_id=f"p{n}", title=f"Product {n}") for n in range(distance)]
    report = run(services, first, *between, replace(first, title="Second"))
    assert counts(report) == (distance + 2, distance + 1, 0, 0, 1)
    assert report.rejected[0].row == distance + 2
    assert "'twin'" in report.rejected[0].reason
    assert services.search.product("twin").product.title == "First"


def test_pruning_removes_what_the_feed_lacks_but_not_what_it_has_in_a_bad_row(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    run(services, *mugs)
    records = [FeedRow(1, mugs[0]), Rejection(2, "blue", "the price is no number")]
    report = services.indexer.run(ListedFeed(records), feed_name="test", prune=True)
    assert counts(report) == (2, 0, 1, 4, 1)
    assert sorted(found(services)) == ["blue", "red"]


def test_nothing_is_pruned_when_a_row_is_unreadable_as_far_as_its_id(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    run(services, *mugs)
    records = [FeedRow(1, mugs[0]), Rejection(2, "", "the row has 3 cells, the header 9")]
    report = services.indexer.run(ListedFeed(records), feed_name="test", prune=True)
    assert report.removed == 0
    assert len(found(services)) == 6


def test_pruning_more_than_a_batch_leaves_exactly_the_feed(services: Services) -> None:
    many = [Product(product_id=f"p{n}", title=f"Product {n}") for n in range(1300)]
    run(services, *many)
    feed = listed(*many[:7])
    report = services.indexer.run(feed, feed_name="test", prune=True, prune_limit=1.0)
    assert counts(report) == (7, 0, 7, 1293, 0)
    assert services.store.count() == 7


@pytest.mark.parametrize(("n_kept", "n_removed"), [(40, 10), (39, 0)])
def test_pruning_stops_where_more_than_a_fifth_would_go(
    services: Services, n_kept: int, n_removed: int
) -> None:
    many = [Product(product_id=f"p{n}", title=f"Product {n}") for n in range(50)]
    run(services, *many)
    report = run(services, *many[:n_kept], Product(product_id="new", title="New"), prune=True)
    assert counts(report) == (n_kept + 1, 1, n_kept, n_removed, 0)
    assert ("--prune-limit 100" in report.not_pruned) == (n_removed == 0)
    assert services.store.count() == 51 - n_removed


def test_an_empty_feed_prunes_nothing(services: Services, mugs: tuple[Product, ...]) -> None:
    run(services, *mugs)
    report = run(services, prune=True)
    assert (report.removed, report.not_pruned != "") == (0, True)


def test_a_feed_of_changes_puts_in_and_takes_out(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    run(services, *mugs)
    records = [
        RemovalRow(1, "red"),
        FeedRow(2, Product(product_id="new", title="A new kettle")),
        RemovalRow(3, "never-there"),
        FeedRow(4, mugs[1]),
    ]
    report = services.indexer.run(ListedFeed(records), feed_name="changes")
    assert counts(report) == (4, 1, 2, 1, 0)
    assert sorted(found(services)) == ["blue", "green", "lamp", "new", "picture", "sofa"]
    again = services.indexer.run(ListedFeed(records), feed_name="changes")
    assert counts(again) == (4, 0, 4, 0, 0)


def test_a_feed_of_changes_is_never_taken_for_the_whole_catalog(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    run(services, *mugs)
    changes = ListedFeed([RemovalRow(1, "red")])
    report = services.indexer.run(changes, feed_name="changes", prune=True, prune_limit=1.0)
    assert counts(report) == (1, 0, 0, 1, 0)
    assert "one of changes" in report.not_pruned


def test_a_draft_in_a_whole_catalog_is_taken_out_and_the_rest_is_pruned(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    run(services, *mugs)
    whole = [FeedRow(row, mug) for row, mug in enumerate(mugs[1:5], start=2)]
    records = ListedFeed([RemovalRow(1, "red", is_change=False), *whole])
    report = services.indexer.run(records, feed_name="export", prune=True)
    assert counts(report) == (5, 0, 4, 2, 0)
    assert sorted(found(services)) == ["blue", "green", "lamp", "picture"]


IDS = st.sampled_from(["a", "b", "c", "d"])
CHANGES = st.lists(
    st.tuples(IDS, st.one_of(st.none(), st.sampled_from(["Red mug", "Blue mug"]))), max_size=40
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=CHANGES)
def test_changes_count_in_the_order_of_the_feed(
    services: Services, changes: list[tuple[str, str | None]]
) -> None:
    services.indexer.remove([*services.store.find("abcd")])
    told: dict[str, str] = {}
    n_repeated, met = 0, set()
    for product_id, title in changes:
        if title is None:
            told.pop(product_id, None)
            met.discard(product_id)
        elif product_id in met:
            n_repeated += 1
        else:
            told[product_id] = title
            met.add(product_id)
    records = [
        RemovalRow(row, id_)
        if title is None
        else FeedRow(row, Product(product_id=id_, title=title))
        for row, (id_, title) in enumerate(changes, start=1)
    ]
    report = services.indexer.run(ListedFeed(records), feed_name="changes")
    assert (report.read, len(report.rejected)) == (len(changes), n_repeated)
    stored = services.store.find("abcd")
    assert {id_: one.product.title for id_, one in stored.items()} == told
    if report.generation is not None:
        keys = services.live.get().index.fields.matching(EVERYTHING)
        assert keys.tolist() == sorted(one.key for one in stored.values())


def test_without_pruning_nothing_is_removed(services: Services, mugs: tuple[Product, ...]) -> None:
    run(services, *mugs)
    assert counts(run(services, mugs[0])) == (1, 0, 1, 0, 0)
    assert len(found(services)) == 6


def test_removed_products_are_gone_and_unknown_ones_are_told(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    run(services, *mugs)
    report = services.indexer.remove(["red", "never-there"])
    assert counts(report) == (2, 0, 0, 1, 1)
    assert report.rejected[0].product_id == "never-there"
    assert "red" not in found(services)


def test_a_product_that_comes_back_is_found_again_without_encoding(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    run(services, *mugs)
    services.indexer.remove(["red"])
    report = run(services, *mugs)
    assert counts(report) == (6, 1, 5, 0, 0)
    assert (report.texts_encoded, report.images_encoded) == (0, 0)
    assert "red" in found(services)


def test_a_run_over_a_feed_that_breaks_makes_live_what_came_before(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    class Breaking(ListedFeed):
        def __iter__(self) -> Iterator[FeedRow | Rejection]:
            for n in range(20):
                yield FeedRow(n + 1, Product(product_id=f"p{n}", title=f"Product {n}"))
            raise FeedFormatError("line 21 is not UTF-8")

    with pytest.raises(FeedFormatError, match="line 21"):
        services.indexer.run(Breaking([]), feed_name="test")
    assert len(found(services)) == 20


def test_what_a_killed_run_left_in_the_store_is_caught_up_with(
    services: Services, mugs: tuple[Product, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(services, mugs[0], mugs[3])

    def killed(*_: object, **__: object) -> None:
        raise SystemError("killed before the swap")

    with monkeypatch.context() as patched:
        patched.setattr(services.generations, "publish", killed)
        with pytest.raises(SystemError):
            run(services, mugs[1], mugs[2], replace(mugs[0], title="Crimson mug"))
        with pytest.raises(SystemError):
            services.indexer.remove(["lamp"])
    assert sorted(found(services)) == ["red"]  # the lamp is gone from the store already
    report = run(services, mugs[1])
    assert counts(report) == (1, 0, 1, 0, 0)
    assert (report.texts_encoded, report.images_encoded) == (0, 0)
    assert sorted(found(services)) == ["blue", "green", "red"]


def test_an_interrupt_ends_the_run_after_the_batch_and_the_next_one_goes_on(
    services: Services,
) -> None:
    products = [Product(product_id=f"p{n}", title=f"Product {n}") for n in range(40)]

    def interrupt(progress: IndexProgress) -> None:
        if progress.read == 16:
            os.kill(os.getpid(), signal.SIGINT)

    report = services.indexer.run(listed(*products), feed_name="test", progress=interrupt)
    assert report.interrupted
    assert counts(report) == (16, 16, 0, 0, 0)
    assert len(found(services, "product", 100)) == 16
    assert counts(run(services, *products)) == (40, 24, 16, 0, 0)


def test_reindexing_builds_the_same_answers_from_the_store_alone(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    first = run(services, *mugs)
    before = services.search.search(Query(text="red mug"))
    for product in mugs:
        for image in product.images:
            Path(image).unlink()
    report = services.indexer.reindex()
    after = services.search.search(Query(text="red mug"))
    assert counts(report) == (6, 6, 0, 0, 0)
    assert (report.texts_encoded, report.images_encoded) == (0, 0)
    assert report.generation != first.generation
    assert after.generation == report.generation
    assert [(h.product.product_id, round(h.score, 5)) for h in after.hits] == [
        (h.product.product_id, round(h.score, 5)) for h in before.hits
    ]


def test_an_index_of_another_encoder_is_refused_with_the_remedy_and_reindexing_helps(
    services: Services, mugs: tuple[Product, ...], settings: Settings
) -> None:
    from shopsearch.encoders.base import LazyEncoder
    from shopsearch.encoders.hashing import HashingEncoder

    run(services, *mugs)
    with Services(settings) as other:
        narrow = HashingEncoder(dimension=32)
        other.encoder = LazyEncoder(narrow.encoder_id, lambda: narrow)
        with pytest.raises(GenerationMismatch, match="shopsearch reindex"):
            other.search.search(Query(text="mug"))
        with pytest.raises(GenerationMismatch, match="shopsearch reindex"):
            run(other, *mugs)
        report = other.indexer.reindex()
        assert (report.texts_encoded, report.images_encoded) == (5, 3)
        assert len(found(other)) == 6


def test_two_runs_at_once_are_refused_and_told_who_holds_the_home(
    services: Services, mugs: tuple[Product, ...], settings: Settings
) -> None:
    with (
        HomeLock(settings.home),
        pytest.raises(HomeBusy, match=rf"process {os.getpid()} on host .* for \d s"),
    ):
        run(services, *mugs)
    assert counts(run(services, *mugs))[1] == 6


def test_progress_ends_with_the_counts_of_the_report(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    seen: list[IndexProgress] = []
    report = services.indexer.run(listed(*mugs), feed_name="test", progress=seen.append)
    assert (seen[-1].read, seen[-1].indexed, seen[-1].total) == (report.read, report.indexed, 6)


def test_an_empty_run_leaves_no_generation(services: Services) -> None:
    report = run(services)
    assert counts(report) == (0, 0, 0, 0, 0)
    assert report.generation is None
