"""Messages in BER: LDAP and Kerberos as formats, SNMP with what is asked of it later.

Knows how these messages begin. It must not know which service a format means, nor how versions and PDUs are called.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyser.machine.loads import inner, u8
from analyser.services.kernel.ber import (
    ANYTHING,
    INTEGER,
    NAME,
    OCTETS,
    SEQUENCE,
    behind,
    behind_integer,
    contents,
    digits,
    integer,
    size,
)
from analyser.services.kernel.layout import FIELDS, NAME_AT, NAME_LENGTH, PDU, REPORT, REQUEST, SNMP_VERSION, STATUS

_OPERATIONS = sum(
    1 << (tag - 0x40) for tag in (0x42, 0x4A, 0x50, *range(0x60, 0x6A), *range(0x6B, 0x70), 0x73, 0x77, 0x78, 0x79)
)
_TICKETS = sum(1 << (tag - 0x40) for tag in (*range(0x6A, 0x70), 0x74, 0x75, 0x76, 0x7E))
"""Application tags from 0x40 on that LDAP (RFC 4511, section 4.1.1) and Kerberos (RFC 4120, section 5.10) have: a bit for each."""

_LDAP_ID = 6
"""A messageID is at most 2^31-1: so many bytes with its header."""

_BIND, _SEARCH, _SIMPLE, _SASL = 0x60, 0x63, 0x80, 0xA3
_FIRST_PDU, _RESPONSE, _TRAP_V1, _LAST_PDU = 0xA0, 0xA2, 0xA4, 0xA8
_USM_STATS, _COUNTERS = 0x2B06_0106_030F_0101, 6
"""1.3.6.1.6.3.15.1.1, the parent of the counters that a Report names (RFC 3414, section 5), and how many of them there are."""


@inner
def among(octets: Any, start: Any, at: Any, tags: Any) -> Any:
    """Say whether the byte at ``at`` is one of the application tags."""
    tag = u8(octets, start + at)
    return tag >= 0x40 and tag < 0x80 and (tags >> (tag - 0x40)) & 1 != 0


@inner
def ldap(octets: Any, start: Any, at: Any, length: Any) -> Any:
    """Return the kind of an LDAP message: SEQUENCE, messageID, operation; 1 to 3: how a bind proves who it is, 4: a search."""
    identifier = contents(octets, start, length, at, SEQUENCE)
    at = behind_integer(octets, start, length, identifier)
    operation = contents(octets, start, length, at, ANYTHING)
    if operation < 0 or at - identifier > _LDAP_ID or not among(octets, start, at, _OPERATIONS):
        return np.int64(-1)
    tag = u8(octets, start + at)
    if tag == _SEARCH:
        return np.int64(4)
    if tag == _BIND:  # version, name, then the proof
        at = behind(octets, start, length, behind(octets, start, length, operation, INTEGER), OCTETS)
        if contents(octets, start, length, at, ANYTHING) >= 0:
            if u8(octets, start + at) == _SASL:
                return np.int64(3)
            if u8(octets, start + at) == _SIMPLE:
                return np.int64(1) if size(octets, start, at) > 0 else np.int64(2)
    return np.int64(0)


@inner
def kerberos(octets: Any, start: Any, at: Any, length: Any) -> Any:
    """Return 0 for an application tag, a SEQUENCE, and in it 5, the version, under [0] or [1] (RFC 4120, section 5)."""
    inside = contents(octets, start, length, at, ANYTHING)
    if inside < 0 or not among(octets, start, at, _TICKETS):
        return np.int64(-1)
    at = contents(octets, start, length, inside, SEQUENCE)
    version = contents(octets, start, length, at, ANYTHING)
    end = behind_integer(octets, start, length, version)
    if end < 0 or u8(octets, start + at) & 0xFE != 0xA0 or size(octets, start, at) != 3:
        return np.int64(-1)
    return np.int64(0) if integer(octets, start, version, end) == 5 else np.int64(-1)


@inner
def opened_pdu(octets: Any, start: Any, length: Any, at: Any) -> Any:
    """Return where the contents of the PDU at ``at`` begin."""
    body = contents(octets, start, length, at, ANYTHING)
    if body >= 0 and (u8(octets, start + at) < _FIRST_PDU or u8(octets, start + at) > _LAST_PDU):
        return np.int64(-1)
    return body


@inner
def community(octets: Any, start: Any, length: Any, at: Any, told: Any, n: Any) -> Any:
    """Put down what stands behind the version of v1 or v2c (RFC 1157, 3416); say whether a PDU does."""
    name = contents(octets, start, length, at, OCTETS)
    pdu = behind(octets, start, length, at, OCTETS)
    body = opened_pdu(octets, start, length, pdu)
    if body < 0:
        return False
    tag = u8(octets, start + pdu)
    told[PDU, n] = tag
    told[NAME_AT, n] = name
    told[NAME_LENGTH, n] = size(octets, start, at)
    end = behind_integer(octets, start, length, body)
    if end >= 0 and tag != _TRAP_V1:  # which has no request-id
        told[REQUEST, n] = integer(octets, start, body, end)
    last = behind_integer(octets, start, length, end)
    if last >= 0 and tag == _RESPONSE:
        told[STATUS, n] = integer(octets, start, end, last)
    return True


@inner
def secured(octets: Any, start: Any, length: Any, at: Any, told: Any, n: Any) -> Any:
    """Put down what stands behind the version of v3 (RFC 3412, 3414); say whether a header does. An encrypted PDU is 0."""
    message = contents(octets, start, length, at, SEQUENCE)
    end = behind_integer(octets, start, length, message)
    if end < 0:
        return False
    told[REQUEST, n] = integer(octets, start, message, end)
    at = behind(octets, start, length, at, SEQUENCE)
    inside = contents(octets, start, length, contents(octets, start, length, at, OCTETS), SEQUENCE)
    inside = behind(octets, start, length, inside, OCTETS)  # engine, its boots, its time, then who
    inside = behind(octets, start, length, behind(octets, start, length, inside, INTEGER), INTEGER)
    user = contents(octets, start, length, inside, OCTETS)
    if user >= 0:
        told[NAME_AT, n] = user
        told[NAME_LENGTH, n] = size(octets, start, inside)
    at = contents(octets, start, length, behind(octets, start, length, at, OCTETS), SEQUENCE)  # encrypted: OCTET STRING
    at = behind(octets, start, length, behind(octets, start, length, at, OCTETS), OCTETS)
    body = opened_pdu(octets, start, length, at)
    if body < 0:
        return True
    told[PDU, n] = u8(octets, start + at)
    if u8(octets, start + at) != _LAST_PDU:
        return True
    for _ in range(3):
        body = behind_integer(octets, start, length, body)
    body = contents(octets, start, length, contents(octets, start, length, body, SEQUENCE), SEQUENCE)
    name = contents(octets, start, length, body, NAME)
    if name >= 0 and name + 9 <= length and size(octets, start, body) == 10:
        counter = u8(octets, start + name + 8)
        if digits(octets, start + name, start + name + 8) == _USM_STATS and counter >= 1 and counter <= _COUNTERS:
            told[REPORT, n] = counter
    return True


def snmp(octets: Any, lengths: Any, width: Any, index: Any, at: Any, told: Any) -> Any:
    """Write what each indexed row says, read as SNMP from byte ``at`` on, into the columns of ``told``: a row for each field."""
    rows = np.int64(lengths.shape[0])
    for n in range(index.shape[0]):
        for field in range(FIELDS):
            told[field, n] = 0
        row = index[n]
        version = np.int64(-1)
        if row >= 0 and row < rows and at >= 0 and at < width:
            start = row * width
            length = max(np.int64(0), min(lengths[row], width))
            body = contents(octets, start, length, at, SEQUENCE)
            end = behind_integer(octets, start, length, body)
            if end >= 0:
                version = integer(octets, start, body, end)
                if version == 3:
                    if not secured(octets, start, length, end, told, n):
                        version = np.int64(-1)
                elif version < 0 or version > 1 or not community(octets, start, length, end, told, n):
                    version = np.int64(-1)
        told[SNMP_VERSION, n] = version
    return rows, np.int64(0)
