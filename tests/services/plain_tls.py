"""TLS of one conversation, read byte by byte: what ``analyser.services.tls`` is held against."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from analyser.services.hellos import VERSIONS
from analyser.services.streams import Mark, Run
from analyser.services.tls import ALERTS

NOWHERE: Final = Mark(0, 0, 0)
"""The mark of what was not seen."""

_CHANGE_CIPHER, _ALERT, _HANDSHAKE, _DATA = 20, 21, 22, 23
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_FATAL: Final = 2
_TLS_1_2: Final = 0x0303
_HEADER: Final = struct.Struct(">BBBH")
_EXTENSION: Final = struct.Struct(">HH")
_LONGEST_RECORD: Final = 2**14 + 2048
_HOST_NAME: Final = re.compile(rb"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})")


@dataclass(slots=True)
class TlsFacts:
    """What the clear part of a TLS conversation shows; times in ns, 0 where nothing was seen."""

    version: str | None = None
    offered: str | None = None
    server_name: str | None = None
    client_hello_t: int = 0
    server_hello_t: int = 0
    client_next_t: int = 0
    cipher: int = -1
    protocols: bytes | None = None
    protocol: bytes | None = None
    certificate: bytes | None = None
    alert: str | None = None
    alert_from_orig: bool = False
    alert_mark: Mark = NOWHERE


class _Record(NamedTuple):
    kind: int
    at: int
    body: bytes
    whole: bool


def read_tls(orig: Sequence[Run], resp: Sequence[Run]) -> TlsFacts:
    """Read both sides of a conversation; anything that is not TLS ends the reading of that side."""
    facts = TlsFacts()
    after_hello = _read_client(orig, facts)
    _read_server(resp, facts)
    if facts.server_hello_t and after_hello is not None:
        facts.client_next_t = _next_bytes(orig, after_hello, facts.server_hello_t)
    return facts


def _records(run: Run, start: int = 0) -> list[_Record]:
    """Return the records of a run from ``start`` on; the last may be cut."""
    data, at = bytes(run.data), start
    found: list[_Record] = []
    while at + 5 <= len(data):
        kind, major, _, length = _HEADER.unpack_from(data, at)
        if not _CHANGE_CIPHER <= kind <= _DATA or major != 3 or length > _LONGEST_RECORD:
            break
        body = data[at + 5 : at + 5 + length]
        found.append(_Record(kind, at, body, len(body) == length))
        at += 5 + length
    return found


def _read_client(side: Sequence[Run], facts: TlsFacts) -> int | None:
    """Return where the ClientHello ends in the stream, None if it was not seen."""
    if not side:
        return None
    run, end = side[0], None
    if run.start == 0:
        old = run.data[:5]
        if len(old) == 5 and old[0] & 0x80 and old[2] == _CLIENT_HELLO and (old[3] == 3 or old[3:5] == b"\x00\x02"):
            facts.client_hello_t = run.mark(0).t
            facts.offered = VERSIONS.get(int.from_bytes(old[3:5], "big"))
            end = 2 + ((old[0] & 0x7F) << 8 | old[1])
    records = _records(run, end or 0)
    if run.start == 0 and end is None:
        hello, end, cut = _first_message(records, _CLIENT_HELLO)
        if end is not None:
            facts.client_hello_t = run.mark(0).t
            _read_client_hello(hello, facts, whole=not cut)
    _alerts(side, records, facts, from_orig=True)
    return end


def _read_server(side: Sequence[Run], facts: TlsFacts) -> None:
    if not side:
        return
    run = side[0]
    records = _records(run)
    hello, end, _ = _first_message(records, _SERVER_HELLO) if run.start == 0 else (b"", None, True)
    if end is not None:
        facts.server_hello_t = run.mark(0).t
        facts.version = _read_server_hello(hello, facts)
        facts.certificate = _certificate(records)
    elif run.start != 0:
        # the hello itself was not captured, but what follows it shows that it was sent
        record = next((item for item in records if item.kind != _ALERT), None)
        facts.server_hello_t = run.mark(record.at).t if record else 0
    _alerts(side, records, facts, from_orig=False)


def _first_message(records: Sequence[_Record], wanted: int) -> tuple[bytes, int | None, bool]:
    """Return the body of the first handshake message, the stream offset of its end, and whether it is cut.

    The offset is None if the first message is another one.
    """
    body, end, needed = b"", 0, 4
    for record in records:
        if record.kind != _HANDSHAKE:
            break
        body += record.body
        end = record.at + 5 + len(record.body)
        if len(body) >= 4:
            needed = 4 + int.from_bytes(body[1:4], "big")
        if len(body) >= needed or not record.whole:
            break
    if not body or body[0] != wanted:
        return b"", None, True
    return body[4:needed], end, len(body) < needed


def _extensions(hello: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Extensions of a hello from ``at``, where their total length stands; a cut one is given as far as it goes."""
    at += 2
    while at + 4 <= len(hello):
        kind, length = _EXTENSION.unpack_from(hello, at)
        yield kind, hello[at + 4 : at + 4 + length]
        at += 4 + length


def _after_vector(data: bytes, at: int, size: int) -> int:
    """Return the offset behind a vector whose length takes ``size`` bytes."""
    return at + size + int.from_bytes(data[at : at + size], "big")


def _read_client_hello(hello: bytes, facts: TlsFacts, *, whole: bool) -> None:
    offered = [int.from_bytes(hello[:2], "big")]
    at = _after_vector(hello, 34, 1)
    at = _after_vector(hello, at, 2)
    at = _after_vector(hello, at, 1)
    for kind, body in _extensions(hello, at):
        if kind == 0 and body[2:3] == b"\x00":
            name = body[5 : 5 + int.from_bytes(body[3:5], "big")]
            if _HOST_NAME.fullmatch(name):
                facts.server_name = name.decode("ascii").lower()
        elif kind == 16 and len(body) > 2:
            facts.protocols = _listed(body)
        elif kind == 43:
            offered += [int.from_bytes(body[k : k + 2], "big") for k in range(1, len(body) - 1, 2)]
    highest = max((item for item in offered if item in VERSIONS), default=0)
    # 1.2 in the old field may mean 1.3, which only the extension tells: without it a cut hello proves nothing
    facts.offered = VERSIONS.get(highest) if whole or len(offered) > 1 or highest < _TLS_1_2 else None


def _read_server_hello(hello: bytes, facts: TlsFacts) -> str | None:
    version = int.from_bytes(hello[:2], "big")
    at = _after_vector(hello, 34, 1)
    if version in VERSIONS and at + 2 <= len(hello):
        facts.cipher = int.from_bytes(hello[at : at + 2], "big")
    for kind, body in _extensions(hello, at + 3):
        if kind == 16 and len(body) > 2:
            facts.protocol = _listed(body)
        if kind == 43 and len(body) == 2:
            version = int.from_bytes(body, "big")
    return VERSIONS.get(version)


def _listed(body: bytes) -> bytes:
    return body[2 : 2 + min(int.from_bytes(body[:2], "big"), 256)]


def _certificate(records: Sequence[_Record]) -> bytes | None:
    """Return the first certificate of the message behind the first one, if it is one and there is all of it."""
    said = b""
    for record in records:
        if record.kind != _HANDSHAKE:
            break
        said += record.body
    at = 4 + int.from_bytes(said[1:4], "big")
    said = said[: at + 4 + int.from_bytes(said[at + 1 : at + 4], "big")]
    size = int.from_bytes(said[at + 7 : at + 10], "big")
    found = said[at + 10 : at + 10 + size]
    return found if said[at : at + 1] == b"\x0b" and size and len(found) == size else None


def _alerts(side: Sequence[Run], first: Sequence[_Record], facts: TlsFacts, *, from_orig: bool) -> None:
    """Keep the earliest fatal alert that is in clear: two bytes, and no change of cipher before it.

    ``first`` are the records of the first run.
    """
    for number, run in enumerate(side):
        for record in _records(run) if number else first:
            if record.kind in (_CHANGE_CIPHER, _DATA):
                return
            if record.kind == _ALERT and len(record.body) == 2 and record.whole and record.body[0] == _FATAL:
                mark = run.mark(record.at)
                if facts.alert is None or mark < facts.alert_mark:
                    facts.alert = ALERTS.get(record.body[1], f"alert {record.body[1]}")
                    facts.alert_from_orig, facts.alert_mark = from_orig, mark
                return


def _next_bytes(side: Sequence[Run], after: int, since: int) -> int:
    """Time of the first packet that carried bytes behind ``after`` of the stream, later than ``since``; 0 if none."""
    for run in side:
        for _, end, mark in run.packets():
            if end > after and mark.t >= since:
                return mark.t
    return 0
