"""FTP control dialogues (RFC 959, RFC 2428): which ports they announce, and whether their last word is a refusal.

Knows lines; must not know flows. Names, passwords and paths in the lines are never returned.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from analyser.services.dialogue import Line, exchanges
from analyser.services.streams import Mark, Refusal

ACTIVE: Final = "ftp-active"
PASSIVE: Final = "ftp-passive"

_SIX: Final = re.compile(rb"(?<!\d)" + rb",".join([rb" ?(\d{1,3})"] * 6) + rb"(?!\d)")
_PORT: Final = re.compile(rb"PORT +", re.IGNORECASE)
_EPRT: Final = re.compile(rb"EPRT +([!-~])[12]\1([0-9A-Fa-f:.]{2,45})\1(\d{1,5})\1", re.IGNORECASE)
_EPSV: Final = re.compile(rb"229[ -].*?([!-~])\1\1(\d{1,5})\1")
_FINAL: Final = re.compile(rb"(\d\d\d)(?: |$)")

_REFUSALS: Final = frozenset({b"421", b"425", b"426", b"450", b"451", b"452", b"530", b"532", b"550", b"552", b"553"})
_SUCCESSES: Final = frozenset({b"125", b"150", b"226", b"230", b"232", b"250"})
_TRANSFERS: Final = frozenset({b"STOR", b"STOU", b"APPE", b"RETR", b"LIST", b"NLST", b"MLSD"})


class Announcement(NamedTuple):
    """A data port. ``address`` as written in the line; None where the line gives the port only (EPSV)."""

    kind: str
    address: str | None
    port: int
    mark: Mark


def announcements(lines: Sequence[Line]) -> list[Announcement]:
    """Return the ports that a dialogue announces; a PORT or EPRT that the server turns down announces nothing."""
    found: list[Announcement] = []
    proposed: Announcement | None = None
    passive = False  # within a 227 of several lines, whose numbers may stand in any of them
    for line in lines:
        if line.from_orig:
            passive = False
            if proposed is not None:
                found.append(proposed)
            proposed = _proposed(line)
            continue
        reply = _FINAL.match(line.text)
        if proposed is not None and reply is not None:
            if reply[1][:1] not in (b"4", b"5"):
                found.append(proposed)
            proposed = None
        offered = _offered(line, within=passive)
        passive = line.text[:4] == b"227-" or (passive and line.text[:4] != b"227 ")
        if offered is not None:
            found.append(offered)
    return [*found, proposed] if proposed is not None else found


def refusal(lines: Sequence[Line]) -> Refusal | None:
    """Return the last deciding reply if it is a refusal.

    Deciding are replies about logging in and transferring, and a greeting that sends the client away. A missing
    file (550) counts only as the answer to a transfer: asking for one is ordinary.
    """
    last: Refusal | None = None
    for verb, reply, mark in exchanges(lines):
        found = _FINAL.match(reply)
        if found is None:
            continue
        code = found[1]
        if code in _SUCCESSES:
            last = None
        elif code in _REFUSALS and (code != b"550" or verb in _TRANSFERS) and (code != b"421" or not verb):
            last = Refusal(f"FTP {code.decode('ascii')}", mark)
    return last


def _proposed(line: Line) -> Announcement | None:
    """Read PORT or EPRT."""
    command = _PORT.match(line.text)
    if command is not None:
        return _from_six(ACTIVE, line.text[command.end() :], line.mark)
    extended = _EPRT.match(line.text)
    if extended is None:
        return None
    try:
        address = str(ipaddress.ip_address(extended[2].decode("ascii")))
    except ValueError:
        return None
    return _checked(ACTIVE, address, int(extended[3]), line.mark)


def _offered(line: Line, *, within: bool) -> Announcement | None:
    """Read the answers to PASV and EPSV; ``within``: the line goes on with the answer to PASV."""
    if line.text[:3] == b"227":
        return _from_six(PASSIVE, line.text[3:], line.mark)
    if within:
        return _from_six(PASSIVE, line.text, line.mark)
    extended = _EPSV.match(line.text)
    return _checked(PASSIVE, None, int(extended[2]), line.mark) if extended else None


def _from_six(kind: str, text: bytes, mark: Mark) -> Announcement | None:
    """Read four numbers of an address and two of a port, wherever they stand in the text."""
    found = _SIX.search(text)
    numbers = [int(item) for item in found.groups()] if found else []
    if not numbers or max(numbers) > 255:
        return None
    return _checked(kind, ".".join(map(str, numbers[:4])), numbers[4] * 256 + numbers[5], mark)


def _checked(kind: str, address: str | None, port: int, mark: Mark) -> Announcement | None:
    return Announcement(kind, address, port, mark) if 0 < port <= 65535 else None
