"""SNMP messages (RFC 1157, 3416, 3412, 3414) read over many datagrams at once.

Knows the outside of a message: version, PDU type, ids, error status, and which counter a v3 Report names. It
returns where the community or user name stands, so that a caller can hash it; it never returns the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analyser.services.ber import Cursor
from analyser.services.byterows import Bools, ByteRows, Index

VERSIONS: Final[dict[int, str]] = {0: "v1", 1: "v2c", 3: "v3"}
PDUS: Final[dict[int, str]] = {
    0xA0: "get",
    0xA1: "get-next",
    0xA2: "response",
    0xA3: "set",
    0xA4: "trap",
    0xA5: "get-bulk",
    0xA6: "inform",
    0xA7: "trap",
    0xA8: "report",
}
REQUEST_PDUS: Final[frozenset[int]] = frozenset({0xA0, 0xA1, 0xA3, 0xA5, 0xA6})
RESPONSE: Final = 0xA2
REPORT: Final = 0xA8
_TRAP_V1: Final = 0xA4  # has no request-id

USM_STATS: Final[bytes] = bytes.fromhex("2b060106030f0101")
"""1.3.6.1.6.3.15.1.1, the parent of the counters that a v3 Report names (RFC 3414, section 5)."""


@dataclass(frozen=True, slots=True)
class SnmpRows:
    """One entry per datagram, (k,) arrays.

    ``version``: 0, 1, 3, or -1 where the bytes are not SNMP. ``pdu``: its tag, 0 where encrypted.
    ``request``: request-id (v1, v2c) or msgID (v3). ``status``: error-status, 0 where none. ``report``: the
    last arc under usmStats of a v3 Report (1 to 6), 0 where none. ``name_at``, ``name_length``: the
    community or user name.
    """

    version: Index
    pdu: Index
    request: Index
    status: Index
    report: Index
    name_at: Index
    name_length: Index

    @property
    def ok(self) -> Bools:
        """Which datagrams are SNMP."""
        return self.version >= 0


def read_snmp(rows: ByteRows, index: Index, at: int = 0) -> SnmpRows:
    """Read the indexed rows, messages starting at byte ``at``. A v3 row needs only its header to be present."""
    cursor = Cursor(rows, index, at).open(0x30)
    version = cursor.integer()
    found = SnmpRows(np.full(len(index), -1, dtype=np.int64), *(np.zeros(len(index), dtype=np.int64) for _ in range(6)))
    for numbers, read in (((0, 1), _read_community), ((3,), _read_v3)):
        chosen = np.flatnonzero(cursor.ok & np.isin(version, numbers))
        if not len(chosen):
            continue
        inner = Cursor(rows, index[chosen])
        inner.position = cursor.position[chosen]
        part = read(inner)
        found.version[chosen] = np.where(inner.ok, version[chosen], -1)
        for name, column in part.items():
            getattr(found, name)[chosen] = np.where(inner.ok, column, 0)
    return found


def _read_community(cursor: Cursor) -> dict[str, Index]:
    """Read on behind the version of v1 or v2c; afterwards ``cursor.ok`` says which rows have a PDU."""
    cursor.open(0x04)
    name_at, name_length = cursor.position, cursor.length
    cursor.position = cursor.position + cursor.length
    cursor.open(*PDUS)
    pdu = cursor.tag.astype(np.int64)
    body = cursor.fork()
    request = body.integer()
    request_there = body.ok & (pdu != _TRAP_V1)
    status = body.integer()
    return {
        "pdu": pdu,
        "request": np.where(request_there, request, 0),
        "status": np.where(body.ok & (pdu == RESPONSE), status, 0),
        "name_at": name_at,
        "name_length": name_length,
    }


def _read_v3(cursor: Cursor) -> dict[str, Index]:
    """Read on behind the version of v3; afterwards ``cursor.ok`` says which rows have a header."""
    header = cursor.fork().open(0x30)
    message = header.integer()
    cursor.skip(0x30)
    cursor.ok &= header.ok
    inside = cursor.fork().open(0x04)
    inside.open(0x30).skip(0x04).skip(0x02).skip(0x02).open(0x04)
    pdu, report = _read_scoped(cursor.fork().skip(0x04))
    return {
        "pdu": pdu,
        "request": message,
        "report": report,
        "name_at": np.where(inside.ok, inside.position, 0),
        "name_length": np.where(inside.ok, inside.length, 0),
    }


def _read_scoped(cursor: Cursor) -> tuple[Index, Index]:
    """Return PDU tag and usmStats arc of the scoped PDU at the cursor; zeros where it is encrypted or cut."""
    cursor.open(0x30)  # an encrypted one is an OCTET STRING
    cursor.skip(0x04)
    cursor.skip(0x04)
    cursor.open(*PDUS)
    pdu = np.where(cursor.ok, cursor.tag, 0).astype(np.int64)
    for _ in range(3):
        cursor.integer()
    cursor.open(0x30).open(0x30).open(0x06)
    cursor.ok &= (pdu == REPORT) & (cursor.length == len(USM_STATS) + 2)
    name = cursor.rows.window(cursor.index, cursor.position, len(USM_STATS) + 1)
    cursor.ok &= (name[:, :-1] == np.frombuffer(USM_STATS, np.uint8)).all(axis=1)
    arc = name[:, -1].astype(np.int64)
    return pdu, np.where(cursor.ok & (arc >= 1) & (arc <= 6), arc, 0)
