"""Which addresses pictures may come from, however they are written."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from shopsearch.errors import FetchRejected, HostUnavailable, SettingsError
from shopsearch.preprocessing.addresses import (
    AllowedHosts,
    checked_addresses,
    hosts_alone,
    is_public,
)
from shopsearch.preprocessing.client import Tries
from shopsearch.preprocessing.fetch import PictureFetcher
from shopsearch.preprocessing.hosts import Hosts
from shopsearch.settings import load_settings

from .picture_host import PICTURE, PictureHost

NOBODY = AllowedHosts()


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "64:ff9b::101:101", "2002:101:101::1"],
)
def test_addresses_on_the_public_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",  # metadata of AWS, Google, Azure and others
        "169.254.170.2",  # of AWS containers
        "100.64.0.1",
        "100.100.100.200",  # of Alibaba
        "192.0.0.192",  # of Oracle
        "168.63.129.16",  # of Azure
        "192.88.99.1",
        "0.0.0.0",  # noqa: S104 - nothing is bound to it
        "0.1.2.3",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",  # compatible with IPv4, deprecated
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001:0:7f00:1::",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2606:4700::5efe:7f00:1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",  # metadata of AWS
        "fd20:ce::254",  # of Google
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_all_other_addresses_are_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7f.1",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "127.0.0.1.",
        "127。0。0。1",
        "\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54",  # in wide letters
        "loc\u00adalhost",
        "①②⑦.0.0.1",
        "[::1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[::1%25lo]",
        "0",
        "0.0.0.0",  # noqa: S104 - nothing is bound to it
        "[::]",
        "127.0.0.1%2f@1.1.1.1",
        "1.1.1.1\\@127.0.0.1",
        "1.1.1.1@127.0.0.1",
        "127.0.0.1#",
    ],
)
def test_no_spelling_of_this_machine_gets_a_picture_from_it(
    picture_host: PictureHost, host: str
) -> None:
    picture_host.put("/a.jpg")
    strict = PictureFetcher(None, tries=Tries(0), timeout_s=2)

    with strict, pytest.raises(FetchRejected):
        strict.fetch(f"http://{host}:{picture_host.port}/a.jpg")

    assert picture_host.asked == []


@pytest.mark.parametrize(
    "place",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/",
        "http://localhost:{port}/a.jpg",
        "http://127.1:{port}/a.jpg",
        "//localhost:{port}/a.jpg",
        "https://10.0.0.1/a.jpg",
        "http://a:b@127.0.0.1:{port}/a.jpg",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "data:image/png;base64,AAAA",
    ],
)
@pytest.mark.parametrize("n_before", [0, 2])
def test_a_redirect_leads_nowhere_that_may_not_be_asked(
    picture_host: PictureHost, place: str, n_before: int
) -> None:
    picture_host.put("/a.jpg")
    picture_host.move("/moved/0", place.format(port=picture_host.port))
    for n in range(n_before):
        picture_host.move(f"/moved/{n + 1}", f"/moved/{n}")

    fetcher = PictureFetcher(None, allow_hosts=["127.0.0.1"], tries=Tries(0))
    told = r"not on the public internet|is no address"
    with fetcher, pytest.raises(FetchRejected, match=told):
        fetcher.fetch(f"{picture_host.url}/moved/{n_before}")

    assert "/a.jpg" not in [one.path for one in picture_host.asked]


@pytest.mark.parametrize(
    ("entry", "host", "is_allowed"),
    [
        ("media.shop", "media.shop", True),
        ("Media.Shop.", "MEDIA.shop", True),
        ("media.shop", "media.shop.", True),
        ("media.shop", "evil-media.shop", False),
        ("media.shop", "a.media.shop", False),
        ("*.cdn.shop", "a.cdn.shop", True),
        ("*.cdn.shop", "a.b.cdn.shop", True),
        ("*.cdn.shop", "cdn.shop", False),
        ("*.cdn.shop", "evilcdn.shop", False),
        ("*.cdn.shop", "cdn.shop.evil.example", False),
        ("[::1]", "::1", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "localhost", False),
    ],
)
def test_hosts_are_allowed_by_name(entry: str, host: str, is_allowed: bool) -> None:
    assert AllowedHosts([entry]).has_host(host) is is_allowed


@pytest.mark.parametrize(
    ("entry", "address", "is_allowed"),
    [
        ("10.1.0.0/16", "10.1.2.3", True),
        ("10.1.0.7/16", "10.1.2.3", True),
        ("10.1.0.0/16", "10.2.0.1", False),
        ("127.0.0.1/32", "127.0.0.1", True),
        ("fd00::/8", "fd00::1", True),
        ("fd00::/8", "10.1.2.3", False),
        ("0.0.0.0/0", "::ffff:10.1.2.3", False),
        ("10.1.2.3", "10.1.2.3", False),  # a host, however it is called
    ],
)
def test_networks_are_allowed_by_address(entry: str, address: str, is_allowed: bool) -> None:
    assert AllowedHosts([entry]).has_address(address) is is_allowed


def test_a_network_allows_whatever_resolves_into_it(picture_host: PictureHost) -> None:
    picture_host.put("/a.jpg")

    with PictureFetcher(None, allow_hosts=["127.0.0.0/8", "::1/128"]) as fetcher:
        assert fetcher.fetch(f"http://localhost:{picture_host.port}/a.jpg") == PICTURE


@pytest.mark.parametrize("entry", ["", "*", "*.", "*.*", "a.*.shop", "10.0.0.0/99", "x/y", "a b"])
def test_an_entry_that_is_no_host_is_an_error_of_the_settings(entry: str) -> None:
    with pytest.raises(SettingsError, match="SHOPSEARCH_FETCH_ALLOW_HOSTS"):
        load_settings(fetch_allow_hosts=(entry,))


def test_visitors_reach_no_network() -> None:
    assert hosts_alone(["media.shop", "*.cdn.shop", "10.0.0.0/8"]) == ["media.shop", "*.cdn.shop"]


def test_a_name_server_that_says_nothing_does_not_hold_a_fetch_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [over.wait(10)][1:])
    started = time.monotonic()

    with pytest.raises(HostUnavailable, match="name servers did not say"):
        checked_addresses("slow.example", 80, NOBODY, 0.05)

    assert time.monotonic() - started < 1
    over.set()


def test_the_next_address_of_a_host_is_tried_where_the_first_refuses(
    picture_host: PictureHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture_host.put("/a.jpg")
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 0)) for a in ("127.0.0.2", "127.0.0.1")]
    resolve = socket.getaddrinfo

    def two_for_the_shop(host: str, *rest: object, **more: object) -> object:
        return both if host == "media.shop" else resolve(host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", two_for_the_shop)
    hosts = Hosts(give_up_after=1)

    with PictureFetcher(None, allow_hosts=["media.shop"], tries=Tries(0), hosts=hosts) as fetcher:
        assert fetcher.fetch(f"http://media.shop:{picture_host.port}/a.jpg") == PICTURE
