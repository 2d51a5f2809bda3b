"""How hosts of pictures are treated: turns, further tries, and rests."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from shopsearch.errors import FetchRejected, HostUnavailable
from shopsearch.preprocessing.client import Tries
from shopsearch.preprocessing.fetch import PictureFetcher
from shopsearch.preprocessing.hosts import Hosts

from .picture_host import PICTURE, PictureHost, swallowing

HOST = "cdn.shop"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hosts(clock: Clock) -> Hosts:
    return Hosts(at_once=2, give_up_after=3, rest_s=10, wait_s=0.05, clock=clock)


@pytest.fixture
def fetcher() -> Iterator[PictureFetcher]:
    """Keeps nothing, so that each fetch asks; pauses are short."""
    with fetching() as opened:
        yield opened


def fetching(cache: Path | None = None, *, hosts: Hosts | None = None, **more) -> PictureFetcher:
    given = {"timeout_s": 2.0, "tries": Tries(2, pause_s=0.01), **more}
    return PictureFetcher(cache, allow_hosts=["127.0.0.1"], hosts=hosts, max_bytes=50_000, **given)


def fail(hosts: Hosts, *, times: int = 1, reason: str = "connection refused") -> None:
    for _ in range(times):
        with pytest.raises(HostUnavailable, match=reason), hosts.turn(HOST):
            raise HostUnavailable(reason)


def test_a_host_rests_after_failures_in_a_row_and_says_why_and_how_long(
    hosts: Hosts, clock: Clock
) -> None:
    fail(hosts, times=3)
    clock.now += 4

    with pytest.raises(HostUnavailable) as refused, hosts.turn(HOST):
        pytest.fail("it was asked")

    told = "the host cdn.shop failed 3 times in a row (the last time: connection refused)"
    assert told in str(refused.value)
    assert "in 6 s" in str(refused.value)


def test_other_hosts_are_asked_on(hosts: Hosts) -> None:
    fail(hosts, times=3)

    with hosts.turn("other.shop"):
        pass


def test_one_success_starts_the_count_anew(hosts: Hosts) -> None:
    fail(hosts, times=2)
    with hosts.turn(HOST):
        pass
    fail(hosts, times=2)

    with hosts.turn(HOST):
        pass


def test_an_answer_that_is_no_picture_says_that_the_host_is_well(hosts: Hosts) -> None:
    for _ in range(5):
        fail(hosts, times=2)
        with pytest.raises(FetchRejected, match="404"), hosts.turn(HOST):
            raise FetchRejected("answered with status 404")


def test_after_its_rest_one_fetch_tries_for_all(hosts: Hosts, clock: Clock) -> None:
    fail(hosts, times=3)
    clock.now += 11

    refused = pytest.raises(HostUnavailable, match="not asked for")
    with hosts.turn(HOST), refused, hosts.turn(HOST):
        pytest.fail("a second one was let through")

    with hosts.turn(HOST), hosts.turn(HOST):
        pass


def test_a_host_that_fails_again_rests_twice_as_long_up_to_ten_minutes(
    hosts: Hosts, clock: Clock
) -> None:
    fail(hosts, times=3)
    for rest_s in (10, 20, 40, 80, 160, 320, 600, 600):
        clock.now += rest_s - 1
        fail(hosts, reason="not asked for")
        clock.now += 1.5
        fail(hosts)


def test_an_interrupted_try_leaves_the_host_to_the_next_one(hosts: Hosts, clock: Clock) -> None:
    fail(hosts, times=3)
    clock.now += 11
    with pytest.raises(KeyboardInterrupt), hosts.turn(HOST):
        raise KeyboardInterrupt

    with hosts.turn(HOST):
        pass


def test_with_zero_no_host_ever_rests(clock: Clock) -> None:
    fail(Hosts(give_up_after=0, clock=clock), times=100)


def test_whoever_gets_no_turn_in_time_is_told_so() -> None:
    hosts = Hosts(at_once=1, wait_s=0.05)

    refused = pytest.raises(FetchRejected, match="1 fetches keep the host")
    with hosts.turn(HOST), refused, hosts.turn(HOST):
        pytest.fail("there was no turn")


def test_nothing_is_remembered_of_hosts_that_are_well(hosts: Hosts) -> None:
    for n in range(50):
        with hosts.turn(f"{n}.shop"):
            pass

    assert hosts._hosts == {}


def test_not_more_than_ten_thousand_failing_hosts_are_remembered() -> None:
    hosts = Hosts()
    for n in range(10_050):
        with pytest.raises(HostUnavailable), hosts.turn(f"{n}.shop"):
            raise HostUnavailable("no")

    assert len(hosts._hosts) == 10_000


def test_a_host_gets_no_more_requests_at_a_time_than_allowed(picture_host: PictureHost) -> None:
    picture_host.delay_s = 0.02
    for n in range(48):
        picture_host.put(f"/{n}.jpg")

    with fetching(hosts=Hosts(at_once=3)) as fetcher, ThreadPoolExecutor(16) as pool:
        urls = [f"{picture_host.url}/{n}.jpg" for n in range(48)]
        assert set(pool.map(fetcher.fetch, urls)) == {PICTURE}

    assert picture_host.peak == 3
    assert picture_host.n_connections == 3  # each was used again and again


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 0])
def test_a_fetch_is_tried_again_where_the_host_fails(
    fetcher: PictureFetcher, picture_host: PictureHost, status: int
) -> None:
    picture_host.put("/a.jpg")
    picture_host.fail("/a.jpg", status, status)

    assert fetcher.fetch(f"{picture_host.url}/a.jpg") == PICTURE
    assert picture_host.statuses("/a.jpg") == [status, status, 200]


def test_it_is_not_tried_more_often_than_allowed(
    fetcher: PictureFetcher, picture_host: PictureHost
) -> None:
    picture_host.fail("/a.jpg", *[503] * 10)

    with pytest.raises(FetchRejected, match="answered with status 503, tried 3 times"):
        fetcher.fetch(f"{picture_host.url}/a.jpg")

    assert picture_host.statuses("/a.jpg") == [503] * 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418, 451])
def test_what_the_host_refuses_is_not_tried_again(
    fetcher: PictureFetcher, picture_host: PictureHost, status: int
) -> None:
    picture_host.fail("/a.jpg", *[status] * 3)

    with pytest.raises(FetchRejected, match=f"answered with status {status}"):
        fetcher.fetch(f"{picture_host.url}/a.jpg")

    assert picture_host.statuses("/a.jpg") == [status]


def test_what_is_too_large_is_not_tried_again(
    fetcher: PictureFetcher, picture_host: PictureHost
) -> None:
    picture_host.put("/a.jpg", PICTURE + bytes(60_000))

    with pytest.raises(FetchRejected, match="over the limit"):
        fetcher.fetch(f"{picture_host.url}/a.jpg")

    assert picture_host.statuses("/a.jpg") == [200]


@pytest.mark.parametrize("as_date", [False, True])
def test_a_host_that_asks_to_wait_is_waited_for(
    fetcher: PictureFetcher, picture_host: PictureHost, as_date: bool
) -> None:
    at = datetime.now(UTC) + timedelta(seconds=1.9)
    picture_host.put("/a.jpg")
    picture_host.fail("/a.jpg", 429, retry_after=format_datetime(at, True) if as_date else "1")
    started = time.monotonic()

    assert fetcher.fetch(f"{picture_host.url}/a.jpg") == PICTURE

    assert time.monotonic() - started > (0.5 if as_date else 1.0)


@pytest.mark.parametrize("told", ["3600", "nonsense", "-1", "9" * 400])
def test_nobody_waits_longer_than_a_fetch_may_take(
    fetcher: PictureFetcher, picture_host: PictureHost, told: str
) -> None:
    picture_host.fail("/a.jpg", *[503] * 3, retry_after=told)
    started = time.monotonic()

    with pytest.raises(HostUnavailable, match="503"):
        fetcher.fetch(f"{picture_host.url}/a.jpg")

    assert time.monotonic() - started < 1


def test_connections_are_used_again_whatever_was_answered(
    fetcher: PictureFetcher, picture_host: PictureHost
) -> None:
    picture_host.put("/a.jpg")
    picture_host.move("/moved", "/a.jpg")
    for _ in range(3):
        assert fetcher.fetch(f"{picture_host.url}/moved") == PICTURE
        with pytest.raises(FetchRejected, match="404"):
            fetcher.fetch(f"{picture_host.url}/none.jpg")

    assert picture_host.n_connections == 1


def test_pauses_grow_and_are_not_the_same_for_all() -> None:
    tries = Tries(5, pause_s=1.0)

    for n_failed, longest in ((1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (50, 10)):
        pauses = [tries.pause(n_failed, None) for _ in range(50)]
        assert longest / 2 <= min(pauses) < max(pauses) <= longest
    assert tries.pause(1, asked_s=7.5) == 7.5


def test_a_host_that_cannot_be_found_rests_too(picture_host: PictureHost) -> None:
    with fetching(hosts=Hosts(give_up_after=3), tries=Tries(0)) as fetcher:
        for n in range(3):
            with pytest.raises(FetchRejected, match="cannot be found"):
                fetcher.fetch(f"http://nowhere.invalid/{n}.jpg")
        with pytest.raises(FetchRejected, match=r"nowhere\.invalid failed 3 times"):
            fetcher.fetch("http://nowhere.invalid/4.jpg")


def test_the_host_that_failed_rests_and_not_the_one_that_led_there(
    picture_host: PictureHost,
) -> None:
    picture_host.put("/good.jpg")
    picture_host.move("/moved", "http://nowhere.invalid/a.jpg")

    with fetching(hosts=Hosts(give_up_after=2), tries=Tries(0)) as fetcher:
        for _ in range(4):
            with pytest.raises(HostUnavailable):
                fetcher.fetch(f"{picture_host.url}/moved")
        assert fetcher.fetch(f"{picture_host.url}/good.jpg") == PICTURE


def test_a_host_that_answers_again_is_asked_again(picture_host: PictureHost) -> None:
    picture_host.put("/a.jpg")
    picture_host.is_down = True
    url = f"{picture_host.url}/a.jpg"

    with fetching(hosts=Hosts(give_up_after=2, rest_s=0.1), tries=Tries(0)) as fetcher:
        for _ in range(3):
            with pytest.raises(HostUnavailable):
                fetcher.fetch(url)
        picture_host.is_down = False
        time.sleep(0.15)

        assert [fetcher.fetch(url) for _ in range(3)] == [PICTURE] * 3


def test_one_dead_host_stops_neither_the_run_nor_the_pictures_of_others(
    tmp_path: Path, picture_host: PictureHost
) -> None:
    """2,000 pictures of a host that takes connections and never answers, among 250 good ones."""
    for n in range(250):
        picture_host.put(f"/{n}.jpg?{9 * n}", PICTURE + b"%d" % n)
    hosts = Hosts(at_once=6, give_up_after=10, rest_s=60)

    with (
        swallowing() as dead,
        fetching(tmp_path, hosts=hosts, timeout_s=1.0) as fetcher,
        ThreadPoolExecutor(16) as pool,
    ):

        def fetch(n: int) -> str:
            is_good, number = n % 9 == 0, n // 9
            try:
                content = fetcher.fetch(f"{picture_host.url if is_good else dead}/{number}.jpg?{n}")
            except FetchRejected as error:
                return "at rest" if "not asked for" in str(error) else "no answer"
            assert content == PICTURE + b"%d" % number
            return "fetched"

        started = time.monotonic()
        outcomes = Counter(pool.map(fetch, range(2_250)))
        took_s = time.monotonic() - started

    assert outcomes["fetched"] == 250
    assert outcomes["no answer"] <= 10
    assert outcomes["at rest"] >= 2_000 - 10
    assert took_s < 20  # 2,000 time limits, six at a time, would be 333 s


def test_threads_that_want_the_same_picture_share_one_fetch(
    tmp_path: Path, picture_host: PictureHost
) -> None:
    picture_host.delay_s = 0.5
    picture_host.put("/a.jpg", cache_control="no-store")
    barrier = threading.Barrier(8)

    with fetching(tmp_path) as fetcher, ThreadPoolExecutor(8) as pool:

        def fetch(_: int) -> bytes:
            barrier.wait()
            return fetcher.fetch(f"{picture_host.url}/a.jpg")

        assert set(pool.map(fetch, range(8))) == {PICTURE}

    assert picture_host.statuses("/a.jpg") == [200]


def test_threads_that_share_a_fetch_share_its_failure(
    tmp_path: Path, picture_host: PictureHost
) -> None:
    picture_host.delay_s = 0.5
    barrier = threading.Barrier(4)

    with fetching(tmp_path) as fetcher, ThreadPoolExecutor(4) as pool:

        def fetch(_: int) -> str:
            barrier.wait()
            with pytest.raises(FetchRejected) as refused:
                fetcher.fetch(f"{picture_host.url}/none.jpg")
            return str(refused.value)

        (told,) = set(pool.map(fetch, range(4)))

    assert "404" in told
    assert picture_host.statuses("/none.jpg") == [404]
