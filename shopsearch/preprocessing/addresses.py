"""Which network addresses pictures may come from: public ones, and those that were allowed."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime

from shopsearch.errors import FetchRejected, HostUnavailable

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # all else of IPv6 is local or reserved
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # RFC 5214: an IPv4 address after one of these
# What `ipaddress` of some Python versions takes for public.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",  # IETF protocols; the metadata of Oracle's cloud are at 192.0.0.192
        "192.88.99.0/24",  # relays of 6to4, deprecated
        "168.63.129.16/32",  # what machines of Azure ask for their settings and certificates
        "3fff::/20",  # documentation
    )
)


class AllowedHosts:
    """What may be fetched from though its addresses are private, such as a shop's media server.

    An entry is a host (`media.shop`, `127.0.0.1`), all names under one (`*.cdn.shop`), or a network
    (`10.1.0.0/16`). A host that is allowed may have any address; an address in an allowed network
    may belong to any host. Raises `ValueError` for an entry that is none of these.
    """

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._endings: list[str] = []
        self._networks: list[_Network] = []
        for entry in entries:
            self._add(plain_host(entry))

    def has_host(self, host: str) -> bool:
        """Whether a host is allowed by its name."""
        host = plain_host(host)
        return host in self._hosts or host.endswith(tuple(self._endings))

    def has_address(self, address: str) -> bool:
        """Whether an address is in a network that is allowed."""
        parsed = _parsed(address)
        return any(parsed in network for network in self._networks)

    def _add(self, entry: str) -> None:
        if "/" in entry:
            self._networks.append(ipaddress.ip_network(entry, strict=False))
        elif entry.startswith("*.") and entry.strip("*.") and "*" not in entry[1:]:
            self._endings.append(entry[1:])
        elif entry and not set(entry) & set("*@ \t?#"):
            self._hosts.add(entry)
        else:
            raise ValueError(
                f"{entry!r} is no host: give a name or an address (media.shop), all names under "
                "one (*.cdn.shop), or a network (10.1.0.0/16)"
            )


def hosts_alone(entries: Iterable[str]) -> list[str]:
    """The entries that are no networks: visitors would reach every machine of a network."""
    return [entry for entry in entries if "/" not in entry]


def plain_host(host: str) -> str:
    """A host as it is compared: in small letters, without a last dot and brackets."""
    return host.strip().casefold().rstrip(".").removeprefix("[").removesuffix("]")


def checked_addresses(host: str, port: int, allowed: AllowedHosts, within_s: float) -> list[str]:
    """The addresses to connect to for a host, all of them checked.

    Raises `FetchRejected` unless all are public or allowed, and `HostUnavailable` where there are
    none in time.
    """
    addresses = _resolve(host, port, within_s)
    if not allowed.has_host(host):
        for address in addresses:
            if not (is_public(address) or allowed.has_address(address)):
                raise FetchRejected(
                    f"the host {host!r} has the address {address}, which is not on the public "
                    f"internet; if it is yours, allow it with fetch_allow_hosts"
                )
    return addresses


def is_public(address: str) -> bool:
    """Whether an address, and the IPv4 address it may carry inside, is on the public internet."""
    parsed = _parsed(address)
    if parsed in _NAT64:  # how a network without IPv4 sees it: the address inside is what counts
        return _is_global(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF))
    return all(_is_global(each) for each in (parsed, *_carried(parsed)))


def _is_global(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or any(address in network for network in _NOT_PUBLIC)
    )


def _carried(address: _Address) -> tuple[ipaddress.IPv4Address, ...]:
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        carried.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(each for each in carried if each is not None)


def _parsed(address: str) -> _Address:
    return ipaddress.ip_address(address.partition("%")[0])


def _resolve(host: str, port: int, within_s: float) -> list[str]:
    """A name server may take half a minute to say nothing, and the question cannot be cut short:
    it is asked in a thread that is left behind then.
    """
    with contextlib.suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    found: Future[list[str]] = Future()

    def ask() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.set_result(list(dict.fromkeys(str(entry[4][0]) for entry in entries)))
        except (OSError, UnicodeError) as error:
            found.set_exception(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        return found.result(within_s)
    except NotInTime as error:
        raise HostUnavailable(
            f"the name servers did not say within {within_s:.1f} s where the host {host!r} is; "
            "check the network"
        ) from error
    except (OSError, UnicodeError) as error:
        raise HostUnavailable(
            f"the host {host!r} cannot be found ({error}); check the address and the network"
        ) from error
