"""Formats that fixed bytes cannot describe: lengths in BER, names in DNS, lines of text.

Each entry reads many rows at once and says of each: not this (-1), or which of its sub-labels (0, 1 …).
Knows formats only; which service a format means is said in the signature files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyser.machine.native import kernel
from analyser.services.ber import Cursor
from analyser.services.byterows import Bools, ByteRows, Index
from analyser.services.http2 import asks_etcd
from analyser.services.kernel import layout
from analyser.services.snmp import PDUS, VERSIONS, read_snmp

Reader = Callable[[ByteRows, Index, int], Index]


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """A format. ``read(rows, index, at)`` gives (k,) integers, -1 or an index into ``sublabels``.

    ``bits``: how unlikely it is that other bytes pass. ``first``: the only first bytes that can pass.
    """

    read: Reader
    bits: float
    first: tuple[int, ...] = ()
    sublabels: tuple[str | None, ...] = (None,)


def _kinds(passed: Bools) -> Index:
    return passed.astype(np.int64) - 1


# LDAP (RFC 4511, section 4.1.1): SEQUENCE, messageID, then one of the application tags.
_LDAP_OPERATIONS: Final = (0x42, 0x4A, 0x50, *range(0x60, 0x6A), *range(0x6B, 0x70), 0x73, 0x77, 0x78, 0x79)


_LDAP_LABELS: Final = (None, "simple bind", "anonymous bind", "sasl bind", "search")
_SEARCH: Final = 0x63


def _ldap(rows: ByteRows, index: Index, at: int) -> Index:
    cursor = Cursor(rows, index, at).open(0x30)
    before = cursor.position
    cursor.integer()
    cursor.ok &= cursor.position - before <= 6  # messageID is at most 2^31-1
    operation = rows.at(index, cursor.position)
    cursor.ok &= np.isin(operation, np.array(_LDAP_OPERATIONS, dtype=np.uint8))
    bind = cursor.fork().open(0x60).skip(0x02).skip(0x04)  # version, name, then the kind of proof
    bind.open(0x80, 0xA3)
    how = np.where(bind.tag == 0xA3, 3, np.where(bind.length > 0, 1, 2))
    kind = np.where(bind.ok, how, np.where(operation == _SEARCH, 4, 0))
    return np.where(cursor.open().ok, kind, -1)


# Kerberos (RFC 4120, section 5): an application tag, SEQUENCE, pvno = 5 under [0] or [1].
def _kerberos(rows: ByteRows, index: Index, at: int) -> Index:
    cursor = Cursor(rows, index, at)
    cursor.open(0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x74, 0x75, 0x76, 0x7E).open(0x30).open(0xA0, 0xA1)
    cursor.ok &= cursor.length == 3
    cursor.ok &= cursor.integer() == 5
    return _kinds(cursor.ok)


_SNMP_LABELS: Final = tuple(
    f"{version} {pdu}" if pdu else version for version in VERSIONS.values() for pdu in ("", *PDUS.values())
)
_VERSION_AT: Final = np.array([list(VERSIONS).index(number) if number in VERSIONS else -1 for number in range(4)])
_PDU_AT: Final = np.array([[0, *PDUS].index(tag) if tag in PDUS else 0 for tag in range(256)])


def _snmp(rows: ByteRows, index: Index, at: int) -> Index:
    read = read_snmp(rows, index, at)
    kind: Index = _VERSION_AT[read.version] * (len(PDUS) + 1) + _PDU_AT[read.pdu]
    return np.where(read.ok, kind, -1)


_LPR_LABELS: Final = (
    "print waiting jobs", "receive job", "queue state", "queue state in full", "remove jobs",
    "receive job, abort", "receive job, control file", "receive job, data file", "control file", "data file",
)  # fmt: skip

_TDS_LABELS: Final = (None, "encryption off", "encryption on", "encryption not supported", "encryption required")


_TEXTS: Final = [text for text, *_ in layout.STRINGS]
_VALUES: Final = np.frombuffer(b"".join(_TEXTS), np.uint8).astype(np.uint16)
_STRINGS: Final = np.array(
    [
        (sum(map(len, _TEXTS[:place])), len(text), rare, fold, left)
        for place, (text, rare, fold, left) in enumerate(layout.STRINGS)
    ],
    np.int64,
)


def _compiled(which: int) -> Reader:
    """Return the reader of a format that compiled code reads (:mod:`analyser.services.kernel.formats`)."""

    def read(rows: ByteRows, index: Index, at: int) -> Index:
        kinds = np.empty(len(index), np.int64)
        kernel("formats")(rows.matrix.ravel(), rows.lengths, rows.width, index, at, which, _STRINGS, _VALUES, kinds)
        return kinds

    return read


STRUCTURES: Final[dict[str, Structure]] = {
    "ldap": Structure(read=_ldap, bits=26, first=(0x30,), sublabels=_LDAP_LABELS),
    "kerberos": Structure(read=_kerberos, bits=36),
    "snmp": Structure(read=_snmp, bits=30, first=(0x30,), sublabels=_SNMP_LABELS),
    "dns": Structure(read=_compiled(layout.DNS), bits=18),
    "netbios-name": Structure(read=_compiled(layout.NETBIOS_NAME), bits=100),
    "text-line": Structure(read=_compiled(layout.TEXT_LINE), bits=4),
    "http-request": Structure(read=_compiled(layout.HTTP_REQUEST), bits=16),
    "etcd-call": Structure(read=asks_etcd, bits=64, first=(0x50,)),
    "ipp-request": Structure(read=_compiled(layout.IPP_REQUEST), bits=16),
    "lpr-command": Structure(read=_compiled(layout.LPR_COMMAND), bits=15, first=(1, 2, 3, 4, 5), sublabels=_LPR_LABELS),
    "tds-prelogin": Structure(read=_compiled(layout.TDS_PRELOGIN), bits=8, sublabels=_TDS_LABELS),
}
"""Formats by the name that signature files use."""
