"""Which network addresses pictures may come from: public ones, and those that were allowed."""

from __future__ import annotations

import ipaddress
import socket

from shopsearch.errors import FetchRejected

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def public_address(host: str, port: int) -> str:
    """The address to connect to for a host. Raises `FetchRejected` unless all of its are public."""
    addresses = _resolve(host, port)
    for address in addresses:
        if not is_public(address):
            raise FetchRejected(
                f"the host {host!r} has the address {address}, which is not on the public "
                f"internet; if it is yours, allow it with fetch_allow_hosts"
            )
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an address, and the IPv4 address it may carry inside, is on the public internet."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return all(_is_global(each) for each in (parsed, *_carried(parsed)))


def _is_global(address: _Address) -> bool:
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


def _carried(address: _Address) -> tuple[ipaddress.IPv4Address, ...]:
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        carried.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(each for each in carried if each is not None)


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchRejected(
            f"the host {host!r} cannot be found ({error}); check the address and the network"
        ) from error
    return [str(entry[4][0]) for entry in found]
