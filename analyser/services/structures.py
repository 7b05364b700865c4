"""Formats that fixed bytes cannot describe: lengths in BER, names in DNS, lines of text.

Each entry reads many rows at once and says of each: not this (-1), or which of its sub-labels (0, 1 …).
Knows formats only; which service a format means is said in the signature files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyser.services.ber import Cursor
from analyser.services.byterows import PREFIX, Bools, ByteRows, Bytes, Index, contains
from analyser.services.http2 import asks_etcd
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


def _dns(rows: ByteRows, index: Index, at: int) -> Index:
    """Header with sane flags and counts, then a first name that ends inside the kept bytes or fills them.

    RFC 1035, section 4.1. Responses without a question (multicast DNS) begin with the answer's name.
    """
    header = rows.window(index, np.full(len(index), at), 12)
    passed = rows.lengths[index] >= at + 12
    passed &= np.isin((header[:, 2] >> 3) & 0x0F, (0, 1, 2, 4, 5)) & ((header[:, 3] & 0x0F) <= 10)
    counts = header[:, 4::2].astype(np.int64) * 256 + header[:, 5::2]
    passed &= (counts <= (64, 512, 512, 64)).all(axis=1) & (counts.sum(axis=1) > 0)
    # walk the labels of the first name
    position = np.full(len(index), at + 12, dtype=np.int64)
    walking = passed.copy()
    for _ in range(64):
        if not walking.any():
            break
        inside = position < rows.lengths[index]
        size = rows.at(index, position)
        passed &= ~(walking & inside & (size > 63) & (size < 0xC0))
        walking &= inside & (size > 0) & (size <= 63) & passed
        position = np.where(walking, position + 1 + size, position)
    return _kinds(passed)


def _netbios_name(rows: ByteRows, index: Index, at: int) -> Index:
    """A first-level encoded NetBIOS name: 32 letters A to P behind their length (RFC 1001, section 14.1)."""
    name = rows.window(index, np.full(len(index), at), 34)
    letters = (name[:, 1:33] >= 0x41) & (name[:, 1:33] <= 0x50)
    return _kinds((rows.lengths[index] >= at + 34) & (name[:, 0] == 0x20) & letters.all(axis=1))


def _before(window: Bytes, size: Index, ends: Bools) -> tuple[Bools, Bools]:
    """Return which bytes of each row come before its first end, and whether it has one among its ``size`` bytes."""
    places = np.arange(window.shape[1])
    ends = ends & (places < size[:, None])
    ended = np.asarray(ends.any(axis=1), dtype=np.bool_)
    until = np.where(ended, ends.argmax(axis=1), size)
    return places < until[:, None], ended


def _line(rows: ByteRows, index: Index, at: int) -> tuple[Bytes, Index]:
    """Return the bytes from ``at`` on in which a line is looked for, and how many of them there are."""
    return rows.matrix[index, at:PREFIX], np.minimum(rows.lengths[index], PREFIX) - at


def _text_line(rows: ByteRows, index: Index, at: int) -> Index:
    """From ``at`` to the first CR, LF or the end of what was kept there are only printable bytes, and some."""
    window, size = _line(rows, index, at)
    before, _ = _before(window, size, (window == 0x0D) | (window == 0x0A))
    printable = (window >= 0x20) & (window != 0x7F)
    return _kinds((printable | ~before).all(axis=1) & before[:, 0])


_HTTP_VERSION: Final = b" HTTP/1."


def _http_request(rows: ByteRows, index: Index, at: int) -> Index:
    """A request line (RFC 9112, section 3): one printable line that names HTTP/1 or is longer than what was kept."""
    result = _text_line(rows, index, at) >= 0
    window, size = _line(rows, index, at)
    unfinished = (size == PREFIX - at) & ~((window == 0x0D) | (window == 0x0A)).any(axis=1)
    return _kinds(result & (unfinished | contains(window, size, _HTTP_VERSION)))


_LPR_LABELS: Final = (
    "print waiting jobs", "receive job", "queue state", "queue state in full", "remove jobs",
    "receive job, abort", "receive job, control file", "receive job, data file", "control file", "data file",
)  # fmt: skip
_RECEIVE_JOB, _SUBCOMMANDS, _FILES = 1, 4, 6  # where kinds stand among the labels, less the byte that tells them apart


def _lpr_command(rows: ByteRows, index: Index, at: int) -> Index:
    """A daemon command (RFC 1179, section 5): its byte, a queue name, a line feed; behind "receive job" its subcommand.

    In the middle of a job the subcommand comes first (section 6): a count and the name of a file stand behind its byte.
    """
    window, size = _line(rows, index, at + 1)
    before, ended = _before(window, size, window == 0x0A)
    printable = (window >= 0x20) & (window != 0x7F)
    command = rows.at(index, np.full(len(index), at)).astype(np.int64)
    passed = ended & before[:, 0] & (printable | ~before).all(axis=1) & (command >= 1) & (command <= 5)
    following = rows.at(index, at + 2 + before.sum(axis=1)).astype(np.int64)
    kind = command - 1
    goes_on = (kind == _RECEIVE_JOB) & (following >= 1) & (following <= 3)
    kind = np.where(goes_on, _SUBCOMMANDS + following, kind)
    for number, name in ((2, b" cfA"), (3, b" dfA")):
        is_file = (command == number) & (window[:, 0] >= 0x30) & (window[:, 0] <= 0x39)
        kind = np.where(is_file & contains(window, before.sum(axis=1), name), _FILES + number, kind)
    return np.where(passed, kind, -1)


_TDS_LABELS: Final = (None, "encryption off", "encryption on", "encryption not supported", "encryption required")


def _tds_prelogin(rows: ByteRows, index: Index, at: int) -> Index:
    """A list of options behind the header of the packet (MS-TDS, section 2.2.6.5); what the one about encryption says."""
    passed = rows.at(index, np.full(len(index), at)) == 0  # VERSION comes first
    kind = np.zeros(len(index), dtype=np.int64)
    looking = passed.copy()
    for number in range(8):
        option = rows.window(index, np.full(len(index), at + 5 * number), 5)
        looking &= option[:, 0] != 0xFF
        place = at + option[:, 1].astype(np.int64) * 256 + option[:, 2]
        found = looking & (option[:, 0] == 1) & (place < rows.lengths[index])
        kind = np.where(found, 1 + (rows.at(index, place) & 3), kind)
    return np.where(passed, kind, -1)


_IPP: Final = b"application/ipp"


def _ipp_request(rows: ByteRows, index: Index, at: int) -> Index:
    """A request line whose header, as far as it was kept, does not name another type of content than that of IPP."""
    line = _http_request(rows, index, at) >= 0
    window, size = rows.matrix[index, at:], rows.lengths[index] - at
    other = contains(window, size, b"\ncontent-type: ", fold=True) & ~contains(window, size, _IPP, fold=True)
    # the value itself may lie beyond what was kept
    told = contains(window, size - len(_IPP), b"\ncontent-type: ", fold=True) | contains(window, size, b"\r\n\r\n")
    return _kinds(line & ~(other & told))


STRUCTURES: Final[dict[str, Structure]] = {
    "ldap": Structure(read=_ldap, bits=26, first=(0x30,), sublabels=_LDAP_LABELS),
    "kerberos": Structure(read=_kerberos, bits=36),
    "snmp": Structure(read=_snmp, bits=30, first=(0x30,), sublabels=_SNMP_LABELS),
    "dns": Structure(read=_dns, bits=18),
    "netbios-name": Structure(read=_netbios_name, bits=100),
    "text-line": Structure(read=_text_line, bits=4),
    "http-request": Structure(read=_http_request, bits=16),
    "etcd-call": Structure(read=asks_etcd, bits=64, first=(0x50,)),
    "ipp-request": Structure(read=_ipp_request, bits=16),
    "lpr-command": Structure(read=_lpr_command, bits=15, first=(1, 2, 3, 4, 5), sublabels=_LPR_LABELS),
    "tds-prelogin": Structure(read=_tds_prelogin, bits=8, sublabels=_TDS_LABELS),
}
"""Formats by the name that signature files use."""
