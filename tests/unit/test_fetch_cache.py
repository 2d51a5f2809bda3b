"""Fetched pictures on a second run: asked for at the right time, without a body, never wrong."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from shopsearch.errors import FetchRejected
from shopsearch.preprocessing.client import Tries
from shopsearch.preprocessing.fetch import PictureFetcher
from shopsearch.preprocessing.fetch_cache import read_cache_control
from shopsearch.preprocessing.hosts import Hosts

from .picture_host import PICTURE, PictureHost, serving

HOUR_S = 3600.0
OTHER = PICTURE + b"other"


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    def pass_hours(self, hours: float) -> None:
        self.now += hours * HOUR_S


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "fetched"


@pytest.fixture
def url(picture_host: PictureHost) -> str:
    return f"{picture_host.url}/a.jpg"


def fetching(folder: Path, clock: Callable[[], float] = time.time, **more) -> PictureFetcher:
    given = {"tries": Tries(0), "hosts": Hosts(give_up_after=0), "timeout_s": 5.0, **more}
    return PictureFetcher(folder, allow_hosts=["127.0.0.1"], clock=clock, **given)


@pytest.fixture
def fetcher(folder: Path, clock: Clock) -> Iterator[PictureFetcher]:
    with fetching(folder, clock) as opened:
        yield opened


def place(folder: Path, url: str) -> Path:
    name = hashlib.sha256(url.encode()).hexdigest()
    return folder / name[:2] / name


def test_a_fresh_picture_is_not_asked_for(fetcher, picture_host, url, clock) -> None:
    picture_host.put("/a.jpg", etag='"1"')
    fetcher.fetch(url)
    clock.pass_hours(23.9)

    assert fetcher.fetch(url) == PICTURE
    assert picture_host.statuses("/a.jpg") == [200]


@pytest.mark.parametrize(
    "told",
    [
        {"etag": '"1"'},
        {"etag": 'W/"1"'},
        {"last_modified": "Tue, 01 Apr 2025 10:00:00 GMT"},
        {"etag": '"1"', "last_modified": "Tue, 01 Apr 2025 10:00:00 GMT"},
    ],
)
def test_a_picture_that_has_not_changed_costs_no_body(
    fetcher, picture_host, url, clock, told
) -> None:
    picture_host.put("/a.jpg", **told)
    fetcher.fetch(url)
    clock.pass_hours(25)

    assert fetcher.fetch(url) == PICTURE
    assert picture_host.statuses("/a.jpg") == [200, 304]
    assert picture_host.n_connections == 1
    assert fetcher.fetch(url) == PICTURE  # it is fresh again
    assert len(picture_host.asked) == 2


@pytest.mark.parametrize("told", [{"etag": '"{}"'}, {"last_modified": "{}"}, {}])
def test_a_picture_that_changed_behind_its_address_is_noticed(
    fetcher, picture_host, url, clock, told
) -> None:
    picture_host.put("/a.jpg", **{name: value.format(1) for name, value in told.items()})
    fetcher.fetch(url)
    picture_host.put("/a.jpg", OTHER, **{name: value.format(2) for name, value in told.items()})
    clock.pass_hours(25)

    assert fetcher.fetch(url) == OTHER
    assert picture_host.statuses("/a.jpg") == [200, 200]


def test_with_no_fresh_hours_each_run_asks(folder, picture_host, url) -> None:
    picture_host.put("/a.jpg", etag='"1"', cache_control="max-age=31536000, immutable")

    with fetching(folder, fresh_hours=0) as fetcher:
        assert {fetcher.fetch(url) for _ in range(3)} == {PICTURE}

    assert picture_host.statuses("/a.jpg") == [200, 304, 304]


@pytest.mark.parametrize(
    ("told", "asked_after_hours"),
    [
        ("", 24),
        ("public", 24),
        ("max-age=36000", 10),
        ("max-age=60", 1),  # not sooner than a twenty-fourth of the usual time
        ("max-age=0, must-revalidate", 1),
        ("max-age=259200", 72),
        ("public, max-age=31536000, immutable", 168),  # not later than seven times that
        ("MAX-AGE = 36000", 10),
        ("max-age=nonsense", 24),
        ("no-cache", 0),
        ("private, no-store, max-age=36000", 0),
        ('no-cache="set-cookie", max-age=36000', 10),
        ("s-maxage=7", 24),
    ],
)
def test_the_host_shortens_and_lengthens_the_time_within_bounds(
    *, fetcher, picture_host, url, clock, told, asked_after_hours
) -> None:
    picture_host.put("/a.jpg", etag='"1"', cache_control=told)
    fetcher.fetch(url)

    if asked_after_hours:
        clock.pass_hours(asked_after_hours - 0.01)
        fetcher.fetch(url)
        assert picture_host.statuses("/a.jpg") == [200]
    clock.pass_hours(0.02)
    fetcher.fetch(url)

    assert picture_host.statuses("/a.jpg") == [200, 304]


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("", (None, False)),
        ("max-age=10", (10, False)),
        ('max-age="10"', (10, False)),
        ("no-store", (None, True)),
        ("x-no-store-y", (None, True)),  # too careful, never too careless
        ("max-age=99999999999999999999", (9_999_999_999, False)),
        ("max-age=-5", (None, False)),
    ],
)
def test_cache_control_is_read(header: str, read: tuple[int | None, bool]) -> None:
    assert read_cache_control(header) == read


def test_a_clock_that_was_set_back_makes_nothing_fresh(fetcher, picture_host, url, clock) -> None:
    picture_host.put("/a.jpg", etag='"1"')
    fetcher.fetch(url)
    clock.pass_hours(-1)

    fetcher.fetch(url)

    assert picture_host.statuses("/a.jpg") == [200, 304]


def test_while_the_host_is_down_a_picture_is_as_it_was_and_that_is_told(
    fetcher, picture_host, url, clock
) -> None:
    picture_host.put("/a.jpg", etag='"1"')
    fetcher.fetch(url)
    picture_host.is_down = True
    clock.pass_hours(1_000)

    with structlog.testing.capture_logs() as logs:
        assert fetcher.fetch(url) == PICTURE

    assert [line["log_level"] for line in logs] == ["warning"]
    assert url in logs[0]["reason"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_host_out_of_order_takes_no_picture_away(
    fetcher, picture_host, url, clock, status
) -> None:
    picture_host.put("/a.jpg", etag='"1"')
    fetcher.fetch(url)
    picture_host.fail("/a.jpg", status)
    clock.pass_hours(25)

    assert fetcher.fetch(url) == PICTURE


def test_a_resting_host_is_told_once_and_not_for_each_picture(folder, picture_host, clock) -> None:
    urls = [f"{picture_host.url}/{n}.jpg" for n in range(20)]
    with fetching(folder, clock, hosts=Hosts(give_up_after=3)) as fetcher:
        for n, url in enumerate(urls):
            picture_host.put(f"/{n}.jpg")
            fetcher.fetch(url)
        picture_host.is_down = True
        clock.pass_hours(25)

        with structlog.testing.capture_logs() as logs:
            assert {fetcher.fetch(url) for url in urls} == {PICTURE}

    assert [line["log_level"] for line in logs].count("warning") == 3 + 1
    assert len([one for one in picture_host.asked if one.status == 0]) == 3


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_picture_that_is_gone_is_gone(fetcher, picture_host, url, clock, status) -> None:
    picture_host.put("/a.jpg", etag='"1"')
    fetcher.fetch(url)
    picture_host.fail("/a.jpg", status)
    clock.pass_hours(25)

    with pytest.raises(FetchRejected, match=str(status)):
        fetcher.fetch(url)


def test_a_picture_that_moved_is_not_asked_for_by_the_tag_of_another_address(
    fetcher, picture_host, url, clock
) -> None:
    picture_host.put("/old.jpg", etag='"1"')
    picture_host.put("/new.jpg", OTHER, etag='"1"')
    picture_host.move("/a.jpg", "/old.jpg")
    fetcher.fetch(url)
    clock.pass_hours(25)
    fetcher.fetch(url)
    picture_host.move("/a.jpg", "/new.jpg")
    clock.pass_hours(25)

    assert fetcher.fetch(url) == OTHER
    assert picture_host.statuses("/old.jpg") == [200, 304]


def test_a_file_that_was_cut_short_is_fetched_again(folder, fetcher, picture_host, url) -> None:
    picture_host.put("/a.jpg", etag='"1"')
    fetcher.fetch(url)
    os.truncate(place(folder, url), 100)

    assert fetcher.fetch(url) == PICTURE
    assert [one.is_conditional for one in picture_host.asked] == [False, False]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"version": 1}',
        b'{"version": 2, "known": {}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"9" * 10_000,
    ],
)
def test_what_lies_beside_a_picture_and_makes_no_sense_counts_for_nothing(
    folder, fetcher, picture_host, url, content
) -> None:
    picture_host.put("/a.jpg", etag='"1"')
    fetcher.fetch(url)
    place(folder, url).with_suffix(".json").write_bytes(content)

    assert fetcher.fetch(url) == fetcher.fetch(url) == PICTURE
    assert [one.is_conditional for one in picture_host.asked] == [False, False]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("etag", '"\r\nHost: evil"'),
        ("etag", 7),
        ("address", None),
        ("sha256", 0),
        ("asked_at", "yesterday"),
        ("max_age_s", "long"),
        ("always_ask", "no"),
        ("more", 1),
    ],
)
def test_what_lies_beside_a_picture_is_checked_field_by_field(
    *, folder, fetcher, picture_host, url, clock, name, value
) -> None:
    picture_host.put("/a.jpg", etag='"1"')
    fetcher.fetch(url)
    beside = place(folder, url).with_suffix(".json")
    told = json.loads(beside.read_bytes())
    (told["known"] if name in told["known"] else told)[name] = value
    beside.write_text(json.dumps(told))
    clock.pass_hours(25)

    assert fetcher.fetch(url) == PICTURE
    assert [one.is_conditional for one in picture_host.asked] == [False, False]


def test_a_tag_that_cannot_be_sent_back_is_not(fetcher, picture_host, url, clock) -> None:
    picture_host.put("/a.jpg", etag='"é"', last_modified="x" * 2_000)
    fetcher.fetch(url)
    clock.pass_hours(25)

    assert fetcher.fetch(url) == PICTURE
    assert [one.is_conditional for one in picture_host.asked] == [False, False]


def test_pictures_of_an_earlier_version_are_read_and_asked_for_by_their_age(
    folder, fetcher, picture_host, url, clock
) -> None:
    picture_host.put("/a.jpg", OTHER, etag='"1"')
    old = place(folder, url)
    old.parent.mkdir(parents=True)
    old.write_bytes(PICTURE)
    os.utime(old, (clock.now, clock.now))

    assert fetcher.fetch(url) == PICTURE
    assert picture_host.asked == []
    clock.pass_hours(25)
    assert fetcher.fetch(url) == OTHER
    assert [one.is_conditional for one in picture_host.asked] == [False]


def test_pictures_of_an_earlier_version_serve_while_the_host_is_down(
    folder, fetcher, picture_host, url, clock
) -> None:
    picture_host.is_down = True
    old = place(folder, url)
    old.parent.mkdir(parents=True)
    old.write_bytes(PICTURE)
    clock.pass_hours(25)

    assert fetcher.fetch(url) == PICTURE


def test_what_is_kept_is_found_by_its_hash_without_asking(
    fetcher, picture_host, url, clock
) -> None:
    picture_host.put("/a.jpg", cache_control="no-store")
    fetcher.fetch(url)
    clock.pass_hours(1_000)

    assert fetcher.kept(url, hashlib.sha256(PICTURE).hexdigest()) == PICTURE
    assert fetcher.kept(url, hashlib.sha256(OTHER).hexdigest()) is None
    assert fetcher.kept(f"{url}?2", hashlib.sha256(PICTURE).hexdigest()) is None
    assert len(picture_host.asked) == 1


def test_what_no_product_refers_to_any_more_can_be_forgotten(folder, fetcher, picture_host) -> None:
    urls = [f"{picture_host.url}/{n}.jpg" for n in range(6)]
    for n, url in enumerate(urls):
        picture_host.put(f"/{n}.jpg")
        fetcher.fetch(url)
    (folder / "00").mkdir(exist_ok=True)
    (folder / "00" / ".half-written").write_bytes(b"x")
    (folder / "README").write_text("mine")

    assert fetcher.forget_all_but(urls[:2]) == 4

    left = sorted(path.name for path in folder.rglob("*") if path.is_file())
    expected = [place(folder, url).name for url in urls[:2]]
    assert left == sorted([*expected, *(f"{name}.json" for name in expected), "README"])
    assert fetcher.forget_all_but(urls[:2]) == 0
    assert [fetcher.fetch(url) for url in urls[:2]] == [PICTURE] * 2
    assert len(picture_host.asked) == 6


def test_there_is_nothing_to_forget_where_nothing_is_kept(tmp_path) -> None:
    with PictureFetcher(None) as forgetful, PictureFetcher(tmp_path / "none") as empty:
        assert forgetful.forget_all_but([]) == empty.forget_all_but([]) == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("fetch"), st.none()),
        st.tuples(st.just("change"), st.integers(0, 3)),
        st.tuples(st.just("tag"), st.sampled_from(["etag", "date", "both", "none"])),
        st.tuples(
            st.just("say"), st.sampled_from(["", "max-age=60", "max-age=9999999", "no-store"])
        ),
        st.tuples(st.just("wait"), st.sampled_from([0.5, 2.0, 30.0, 200.0])),
        st.tuples(st.just("down"), st.booleans()),
        st.tuples(st.just("cut"), st.integers(0, 2_000)),
        st.tuples(st.just("spoil"), st.binary(max_size=20)),
        st.tuples(st.just("lose"), st.none()),
        st.tuples(st.just("again"), st.none()),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def shared_host() -> Iterator[PictureHost]:
    with serving() as host:
        yield host


class Shop:
    """A picture on a host, its cache, and what has to come out of it."""

    def __init__(self, host: PictureHost, folder: Path) -> None:
        self.host = host
        self.folder = folder
        self.clock = Clock()
        self.tag, self.says, self.n = "both", "", 0
        self.said = ""  # when it was asked last
        self.had: list[bytes] = []
        self.url = f"{host.url}/a.jpg"
        self.must_ask = True
        self.fetcher = fetching(self.folder, self.clock)
        self.down(False)
        self.put()

    def put(self) -> None:
        self.now = PICTURE + b"%d" % self.n
        told = {"cache_control": self.says}
        if self.tag in ("etag", "both"):
            told["etag"] = f'"{self.n}"'
        if self.tag in ("date", "both"):
            told["last_modified"] = f"Tue, 01 Apr 2025 10:00:0{self.n} GMT"
        self.host.put("/a.jpg", self.now, **told)

    def change(self, n: int) -> None:
        self.n = n
        self.put()

    def tag_by(self, tag: str) -> None:
        self.tag = tag
        self.put()

    def say(self, says: str) -> None:
        self.says = says
        self.put()

    def wait(self, hours: float) -> None:
        self.clock.pass_hours(hours)
        self.must_ask = self.must_ask or hours > 168  # later than any host may say

    def down(self, is_down: bool) -> None:
        self.host.is_down = is_down

    def cut(self, n_bytes: int) -> None:
        if (kept := place(self.folder, self.url)).is_file():
            os.truncate(kept, min(n_bytes, len(PICTURE)))
            self.must_ask = True

    def spoil(self, content: bytes) -> None:
        if (beside := place(self.folder, self.url).with_suffix(".json")).is_file():
            beside.write_bytes(content)
            self.must_ask = True

    def lose(self) -> None:
        place(self.folder, self.url).unlink(missing_ok=True)
        self.must_ask = True

    def again(self) -> None:
        """Another run."""
        self.fetcher.close()
        self.fetcher = fetching(self.folder, self.clock)

    def fetch(self) -> None:
        n_asked = len(self.host.asked)
        try:
            content = self.fetcher.fetch(self.url)
        except FetchRejected:
            assert self.host.is_down
            return
        if not self.host.is_down:
            if self.must_ask or self.said == "no-store":
                assert content == self.now
            if len(self.host.asked) > n_asked:
                self.had.append(self.now)
                self.must_ask, self.said = False, self.says
        assert content in self.had


@settings(max_examples=30, deadline=None)
@given(steps=STEPS)
def test_what_is_fetched_is_always_what_the_host_has_or_had(
    shared_host: PictureHost, tmp_path_factory: pytest.TempPathFactory, steps
) -> None:
    shop = Shop(shared_host, tmp_path_factory.mktemp("fetched"))
    does = {
        "fetch": lambda _: shop.fetch(),
        "change": shop.change,
        "tag": shop.tag_by,
        "say": shop.say,
        "wait": shop.wait,
        "down": shop.down,
        "cut": shop.cut,
        "spoil": shop.spoil,
        "lose": lambda _: shop.lose(),
        "again": lambda _: shop.again(),
    }
    try:
        for name, value in steps:
            does[name](value)
            shop.fetch()
        shop.down(False)
        shop.wait(200.0)
        shop.fetch()
    finally:
        shop.fetcher.close()
        shop.down(False)
