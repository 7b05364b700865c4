"""Which port a port mapper gives out for a program: what PORT and GETADDR are answered with.

RFC 1833 (versions 2 to 4) over ONC RPC (RFC 5531). Knows the first bytes of one question and its answer; must not know flows.
Which program is asked for is never returned.
"""

from __future__ import annotations

import ipaddress
from typing import Final, NamedTuple

_FRAGMENT: Final = 4
"""Over TCP the length of a message stands before it."""

_CALL, _REPLY = 0, 1
_RPC, _PORTMAPPER = 2, 100_000
_VERSIONS: Final = range(2, 5)
_GET: Final = 3
_TCP: Final = 6
_VERIFIER_AT: Final = 24  # behind xid, kind, version of RPC, program, version, procedure: credentials, then verifier
_ACCEPTED: Final = bytes(4)


class Given(NamedTuple):
    """A port of TCP. ``address``: of version 3 and later, if the answer names one; None: the port mapper's own."""

    address: str | None
    port: int


def given_port(call: bytes, reply: bytes, *, stream: bool) -> Given | None:
    """Return the TCP port that a call is answered with, None if it is no such call or the program is not there."""
    skip = _FRAGMENT if stream else 0
    call, reply = call[skip:], reply[skip:]
    asked = _numbers(call, 6)
    if asked[1:4] != [_CALL, _RPC, _PORTMAPPER] or asked[4] not in _VERSIONS or asked[5] != _GET:
        return None
    arguments = _after_opaque(call, _after_opaque(call, _VERIFIER_AT + 4) + 4)
    answered = _numbers(reply, 3)
    if answered != [asked[0], _REPLY, 0]:  # accepted
        return None
    status = _after_opaque(reply, 16)
    if reply[status : status + 4] != _ACCEPTED:
        return None
    if asked[4] == _VERSIONS.start:
        port = _numbers(reply[status + 4 :], 1)
        return _checked(None, port[0]) if port and _numbers(call[arguments:], 3)[2:] == [_TCP] else None
    program_and_version = arguments + 8
    network = _text(call, program_and_version)
    return _universal(_text(reply, status + 4)) if network in (b"tcp", b"tcp6") else None


def _numbers(data: bytes, count: int) -> list[int]:
    """Return up to ``count`` numbers, fewer where the data ends."""
    return [int.from_bytes(data[at : at + 4], "big") for at in range(0, min(4 * count, len(data) - 3), 4)]


def _after_opaque(data: bytes, at: int) -> int:
    """Return the place behind bytes whose length stands at ``at``, filled up to four (RFC 4506, section 4.10)."""
    size = int.from_bytes(data[at : at + 4], "big")
    return at + 4 + (size + 3) // 4 * 4


def _text(data: bytes, at: int) -> bytes:
    return data[at + 4 : at + 4 + int.from_bytes(data[at : at + 4], "big")]


def _universal(told: bytes) -> Given | None:
    """Read an address with the port in its last two numbers (RFC 5665, section 5.2.3); zeros mean the machine itself."""
    host, *port = told.decode("latin-1").rsplit(".", 2)
    if len(port) != 2 or not all(part.isascii() and part.isdecimal() and len(part) <= 3 for part in port):
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    high, low = map(int, port)
    return _checked(None if address.is_unspecified else str(address), high * 256 + low) if low < 256 else None


def _checked(address: str | None, port: int) -> Given | None:
    return Given(address, port) if 0 < port <= 65535 else None
