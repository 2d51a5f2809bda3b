from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from shopsearch import indexing
from shopsearch.bootstrap import Services
from shopsearch.cli import shown_watch, watch, watched_feed
from shopsearch.cli.watched_feed import WatchedFeed


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Feeds count as written after a moment, and a failed run is tried again soon."""
    monkeypatch.setattr(watched_feed, "STILL_S", 0.1)
    monkeypatch.setattr(watch, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(watch, "RETRY_S", 0.2)
    monkeypatch.setattr(watch, "LEAST_EVERY_S", 0.2)


@pytest.fixture
def after_turn(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], None]], None]:
    """Has something done after a turn of the watch was shown."""
    wanted: dict[int, Callable[[], None]] = {}
    show = shown_watch.show

    def show_and_do(turn, *, as_json: bool) -> None:
        show(turn, as_json=as_json)
        wanted.get(turn.number, lambda: None)()

    monkeypatch.setattr(shown_watch, "show", show_and_do)
    return lambda number, what: wanted.update({number: what})


def lines(result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def append(feed: Path, line: str) -> None:
    with feed.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def soon(what: Callable[[], object], after_s: float = 0.3) -> None:
    threading.Timer(after_s, what).start()


def test_it_runs_at_once_and_again_and_shows_a_line_for_each_run(
    shopsearch, feed, after_turn
) -> None:
    after_turn(1, lambda: append(feed, "A6,Red bowl,,,,,"))

    result = shopsearch("watch", feed, "--every", "0.2s", "--runs", 2)

    assert result.exit_code == 0, result.output
    first, second = result.stdout.splitlines()
    assert "5 read, 5 indexed, 0 unchanged, 0 removed, 0 rejected in" in first
    assert "6 read, 1 indexed, 5 unchanged" in second
    assert "the watch has ended: runs 2, failed 0, products indexed 6, removed 0" in result.stderr


def test_json_is_an_object_a_line_and_nothing_else(shopsearch, feed) -> None:
    result = shopsearch("watch", feed, "--every", "0.2s", "--runs", 2, "--json")

    first, second = lines(result)
    assert (first["run"], first["read"], first["indexed"]) == (1, 5, 5)
    assert (second["run"], second["read"], second["unchanged"]) == (2, 5, 5)
    assert first["generation"] == second["generation"]
    assert first["started_at"] <= second["started_at"]


def test_rejected_products_are_summed_up_and_tell_in_the_exit_code(shopsearch, feed) -> None:
    append(feed, "A6,Ghost,,,,,ghost.png")
    append(feed, "A7,Ghost too,,,,,ghost2.png")

    result = shopsearch("watch", feed, "--runs", 1)

    assert result.exit_code == 3
    assert "2 rejected in" in result.stdout
    assert "2 rejected: " in result.stdout
    assert "ghost.png: there is no such picture" in result.stdout


def test_the_options_of_index_are_those_of_watch(shopsearch, tmp_path) -> None:
    feed = tmp_path / "other.txt"
    feed.write_text("sku,label,cost\nX1,Brown bowl,12.5\n", encoding="utf-8")
    mapping = ("--map", "id=sku", "--map", "title=label", "--map", "price=cost")

    result = shopsearch(
        "watch", feed, *mapping, "--format", "csv", "--currency", "eur", "--prune", "--runs", 1
    )

    assert result.exit_code == 0, result.output
    (hit,) = shopsearch.json("search", "bowl")["hits"]
    assert (hit["price"], hit["currency"]) == (12.5, "EUR")


def test_a_run_that_fails_is_logged_and_the_next_one_tries_again(
    shopsearch, feed, after_turn
) -> None:
    content = feed.read_bytes()
    feed.unlink()
    after_turn(1, lambda: feed.write_bytes(content))

    result = shopsearch("watch", feed, "--every", "0.2s", "--runs", 2, "--json")

    failed, done = lines(result)
    assert "there is no such feed" in failed["error"]
    assert done["indexed"] == 5
    assert "run failed" in result.stderr
    assert result.exit_code == 0


def test_a_watch_whose_last_run_failed_says_so_in_its_exit_code(shopsearch, tmp_path) -> None:
    result = shopsearch("watch", tmp_path / "nowhere.csv", "--runs", 1)

    assert result.exit_code == 1
    assert "nowhere.csv" in result.stderr
    assert result.stdout == ""


def test_with_stop_on_error_the_first_failure_ends_it(shopsearch, tmp_path) -> None:
    result = shopsearch("watch", tmp_path / "nowhere.csv", "--every", "0.2s", "--stop-on-error")

    assert result.exit_code == 1
    assert "runs 1, failed 1" in result.stderr


def test_someone_who_indexes_by_hand_is_no_reason_to_end(
    shopsearch, feed, home, after_turn
) -> None:
    home.mkdir()
    lock = FileLock(home / "indexing.lock")
    lock.acquire()
    after_turn(1, lock.release)

    busy, done = lines(shopsearch("watch", feed, "--every", "0.2s", "--runs", 2, "--json"))

    assert "is indexing into" in busy["error"]
    assert done["indexed"] == 5


@pytest.mark.usefixtures("own_database")
def test_a_database_that_was_away_is_opened_anew(
    shopsearch, feed, home, after_turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = home / "away" / "catalog.db"
    monkeypatch.setenv("SHOPSEARCH_DATABASE_URL", f"sqlite:///{away}")
    home.mkdir()
    away.parent.write_text("in the way")

    def come_back() -> None:
        away.parent.unlink()
        away.parent.mkdir()

    after_turn(1, come_back)

    failed, done = lines(shopsearch("watch", feed, "--every", "0.2s", "--runs", 2, "--json"))

    assert "of the product database cannot be made" in failed["error"]
    assert done["indexed"] == 5


def test_services_stay_open_between_runs(shopsearch, feed, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    real = Services.open
    monkeypatch.setattr(Services, "open", lambda settings: opened.append(1) or real(settings))

    result = shopsearch("watch", feed, "--every", "0.2s", "--runs", 3)

    assert result.exit_code == 0, result.output
    assert len(opened) == 1


def test_on_change_a_changed_feed_is_indexed_and_a_touched_one_is_not(
    shopsearch, feed, after_turn
) -> None:
    def touch_then_change() -> None:
        os.utime(feed)
        soon(lambda: append(feed, "A6,Red bowl,,,,,"), 0.5)

    after_turn(1, touch_then_change)

    result = shopsearch("watch", feed, "--on-change", "--runs", 2, "--json")

    assert [(one["read"], one["indexed"]) for one in lines(result)] == [(5, 5), (6, 1)]


def test_on_change_a_failed_run_is_tried_again_though_nothing_changes(
    shopsearch, feed, home, after_turn
) -> None:
    home.mkdir()
    lock = FileLock(home / "indexing.lock")
    lock.acquire()
    after_turn(2, lock.release)

    result = shopsearch("watch", feed, "--on-change", "--runs", 3, "--json")

    assert ["error" in one for one in lines(result)] == [True, True, False]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_runs_ends_it_with_a_sum_and_success(
    shopsearch, feed, after_turn, number: signal.Signals
) -> None:
    append(feed, "A6,Ghost,,,,,ghost.png")
    after_turn(1, lambda: soon(lambda: os.kill(os.getpid(), number)))
    before = signal.getsignal(number)

    result = shopsearch("watch", feed, "--every", "1h")

    assert result.exit_code == 0, result.output
    assert "runs 1, failed 0, products indexed 5" in result.stderr
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_run_ends_it_after_the_batch_at_hand(
    shopsearch, feed, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setenv("SHOPSEARCH_BATCH_SIZE", "2")
    index = indexing.Indexer._index
    n_indexed = iter(range(100))

    def index_and_signal(self, batch, draft, tally) -> None:
        index(self, batch, draft, tally)
        if next(n_indexed) == 0:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(indexing.Indexer, "_index", index_and_signal)

    result = shopsearch("watch", feed, "--every", "1h", "--json")

    assert result.exit_code == 0, result.output
    (stopped,) = lines(result)
    assert stopped["indexed"] == 2
    assert shopsearch.json("generations")["generations"][0]["products"] == 2


def test_a_second_interrupt_ends_it_at_once(
    shopsearch, feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt_twice(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    monkeypatch.setattr(indexing.Indexer, "_index", interrupt_twice)

    result = shopsearch("watch", feed)

    assert result.exit_code == 130
    assert "runs 0, failed 0" in result.stderr


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("90s", 90), ("15m", 900), ("2h", 7_200), ("1d", 86_400), (" 1.5 H ", 5_400), ("1s", 1)],
)
def test_times_are_read(told: str, seconds: float) -> None:
    assert watch.read_interval(None, None, told) == seconds  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "told", ["", "15", "m", "0s", "-5m", "1w", "15 minutes", "nan", "1e3s", "32d", "0.1s", "9" * 99]
)
def test_what_is_no_time_is_wrong_usage(shopsearch, feed, told) -> None:
    result = shopsearch("watch", feed, f"--every={told}")

    assert result.exit_code == 2
    assert "is no time" in result.stderr


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[Path]:
    """A feed that is being written to for a second."""
    path = tmp_path / "written.csv"
    path.write_text("id,title\n", encoding="utf-8")

    def write() -> None:
        for n in range(20):
            append(path, f"B{n},Mug {n}")
            time.sleep(0.05)

    thread = threading.Thread(target=write)
    thread.start()
    yield path
    thread.join()


def test_a_feed_that_is_being_written_is_waited_for(shopsearch, writing, monkeypatch) -> None:
    monkeypatch.setattr(watched_feed, "STILL_S", 0.4)

    (report,) = lines(shopsearch("watch", writing, "--runs", 1, "--json"))

    assert report["indexed"] == 20


def test_a_feed_with_a_time_in_the_future_is_still_when_nothing_changes(tmp_path) -> None:
    path = tmp_path / "feed.csv"
    path.write_text("id,title\n", encoding="utf-8")
    os.utime(path, (time.time() + 9_000, time.time() + 9_000))
    feed = WatchedFeed(path)

    assert not feed.is_still()
    time.sleep(0.12)
    assert feed.is_still()


def test_changes_are_told_by_content(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text("id,title\nA,One\n", encoding="utf-8")
    feed = WatchedFeed(tmp_path)  # a folder with a feed
    assert feed.has_changed()
    feed.note()
    assert not feed.has_changed()

    other = tmp_path / "other.tmp"
    other.write_text("id,title\nA,Two\n", encoding="utf-8")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)  # as large, and as old
    assert feed.has_changed()
    feed.note()

    path.unlink()
    assert not feed.has_changed()
    assert feed.is_still()
    path.write_text("id,title\nA,Two\n", encoding="utf-8")
    assert not feed.has_changed()
