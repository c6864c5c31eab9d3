"""Where a webhook may go: never into one's own network. Pure.

A subscriber chooses the address our worker will call; without this check it could make the worker speak to
the database host, the cloud's metadata service or the broker (server-side request forgery).
"""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from urllib.parse import urlsplit

MAX_URL = 500


class AddressFault(StrEnum):
    """Why an address may not be a webhook's."""

    UNREADABLE = "unreadable"
    CHARACTERS = "characters"
    NO_HOST = "no_host"
    PASSWORD = "password"  # noqa: S105 - a word, no secret
    PORT = "port"
    FRAGMENT = "fragment"
    NOT_HTTPS = "not_https"
    PRIVATE = "private"


def refusal_of_url(url: str, *, private_allowed: bool) -> AddressFault | None:
    """Why the address may not be a webhook's, or None when it may."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return AddressFault.UNREADABLE
    objections = (
        (len(url) > MAX_URL or not url.isascii() or any(char <= " " for char in url), AddressFault.CHARACTERS),
        (parts.scheme not in ("https", "http") or not host, AddressFault.NO_HOST),
        (parts.username is not None or parts.password is not None, AddressFault.PASSWORD),
        (port == 0, AddressFault.PORT),
        ("#" in url, AddressFault.FRAGMENT),
        (not private_allowed and parts.scheme != "https", AddressFault.NOT_HTTPS),
        (not private_allowed and _names_private(host or ""), AddressFault.PRIVATE),
    )
    return next((reason for holds, reason in objections if holds), None)


def _names_private(host: str) -> bool:
    literal = as_address(host)
    if literal is not None:
        return not is_public(literal)
    name = host.lower().rstrip(".")
    # 127.1, 0x7f.1 and 0177.0.0.1 are addresses to resolvers, and no top-level domain is a number.
    return "." not in name or _NUMBER.match(name) is not None or name.endswith((".local", ".internal", ".localhost"))


def as_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address a host literally is, or None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


_NUMBER = re.compile(r".*\.(0x[0-9a-f]*|[0-9]+)$")
# NAT64 (RFC 6052, RFC 8215), SIIT (RFC 2765) and the old IPv4-compatible form carry an IPv4 address in their last 32 bits.
_CARRY_IPV4 = tuple(
    ipaddress.IPv6Network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96")
)
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)  # so do the interfaces of RFC 5214, under any prefix
# Never routed on the open internet, and not known as such to every Python: IETF protocols, documentation, SRv6 (RFC 9602).
_NOT_ROUTED = tuple(ipaddress.ip_network(net) for net in ("192.0.0.0/24", "3fff::/20", "5f00::/16"))


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a packet to this one would reach in the end, if any."""
    if any(address in network for network in _CARRY_IPV4) or int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address lies on the open internet; wrapped IPv4 addresses are looked into."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = _wrapped(address)
        if wrapped is not None:
            return is_public(wrapped)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not any(address in network for network in _NOT_ROUTED)
