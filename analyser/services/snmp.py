"""SNMP messages (RFC 1157, 3416, 3412, 3414) read over many datagrams at once.

Knows the outside of a message: version, PDU type, ids, error status, and which counter a v3 Report names. It
returns where the community or user name stands, so that a caller can hash it; it never returns the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analyser.machine.native import kernel
from analyser.services.byterows import Bools, ByteRows, Index
from analyser.services.kernel.layout import FIELDS

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


@dataclass(frozen=True, slots=True)
class SnmpRows:
    """One entry per datagram, (k,) arrays, in the order of :mod:`analyser.services.kernel.layout`.

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
    told = np.empty((FIELDS, len(index)), np.int64)
    kernel("snmp")(rows.matrix.ravel(), rows.lengths, rows.width, index, at, told)
    return SnmpRows(*told)
