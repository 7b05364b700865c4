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
from analyser.services.byterows import ByteRows, Index
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


_LDAP_LABELS: Final = (None, "simple bind", "anonymous bind", "sasl bind", "search")

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
    "ldap": Structure(read=_compiled(layout.LDAP), bits=26, first=(0x30,), sublabels=_LDAP_LABELS),
    "kerberos": Structure(read=_compiled(layout.KERBEROS), bits=36),
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
