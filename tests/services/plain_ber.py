"""Messages in BER read one by one, element by element: what the compiled readers of LDAP, Kerberos and SNMP are held against."""

from __future__ import annotations

from typing import NamedTuple

from analyser.services.ber import element

_LDAP = {0x42, 0x4A, 0x50, *range(0x60, 0x6A), *range(0x6B, 0x70), 0x73, 0x77, 0x78, 0x79}
_KERBEROS = {*range(0x6A, 0x70), 0x74, 0x75, 0x76, 0x7E}
_PDUS = range(0xA0, 0xA9)
_USM_STATS = bytes.fromhex("2b060106030f0101")


class MissingError(Exception):
    """An element is not there, or another."""


class Snmp(NamedTuple):
    """The fields of ``SnmpRows``, of one message."""

    version: int = -1
    pdu: int = 0
    request: int = 0
    status: int = 0
    report: int = 0
    name_at: int = 0
    name_length: int = 0


class Reader:
    """A place in a message."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def open(self, *tags: int) -> tuple[int, int]:
        """Step into an element that has one of some tags, any if none is given; return its tag and length."""
        found = element(self.data, self.at)
        if found is None or (tags and found[0] not in tags):
            raise MissingError
        self.at = found[1]
        return found[0], found[2] - found[1]

    def skip(self, *tags: int) -> Reader:
        """Step over elements of these tags."""
        for tag in tags:
            _, length = self.open(tag)
            self.at += length
        return self

    def integer(self) -> int:
        """Read an INTEGER of at most eight bytes, all there; unsigned, though eight bytes wrap as 64 bits do."""
        _, length = self.open(2)
        digits = self.data[self.at : self.at + length]
        if not 1 <= length <= 8 or len(digits) < length:
            raise MissingError
        self.at += length
        return int.from_bytes(digits, "big", signed=length == 8)


def ldap(data: bytes, at: int) -> int:
    """Return the kind of an LDAP message, -1 if it is none."""
    reader = Reader(data, at)
    try:
        reader.open(0x30)
        before = reader.at
        reader.integer()
        if reader.at - before > 6:
            return -1
        operation, _ = reader.open(*_LDAP)
    except MissingError:
        return -1
    if operation == 0x63:
        return 4
    try:
        proof, length = reader.skip(2, 4).open(0x80, 0xA3) if operation == 0x60 else (0, 0)
    except MissingError:
        return 0
    return {0: 0, 0x80: 1 if length else 2, 0xA3: 3}[proof]


def kerberos(data: bytes, at: int) -> int:
    """Return 0 for a message of Kerberos, -1 for others."""
    reader = Reader(data, at)
    try:
        reader.open(*_KERBEROS)
        reader.open(0x30)
        _, length = reader.open(0xA0, 0xA1)
        return 0 if length == 3 and reader.integer() == 5 else -1
    except MissingError:
        return -1


def snmp(data: bytes, at: int) -> Snmp:
    """Return what a message of SNMP says."""
    reader = Reader(data, at)
    try:
        reader.open(0x30)
        version = reader.integer()
        if version in (0, 1):
            return _community(reader, version)
        return _secured(reader) if version == 3 else Snmp()
    except MissingError:
        return Snmp()


def _community(reader: Reader, version: int) -> Snmp:
    _, length = reader.open(4)
    name = reader.at
    reader.at += length
    pdu, _ = reader.open(*_PDUS)
    numbers = _integers(reader, 2)
    return Snmp(
        version=version,
        pdu=pdu,
        request=numbers[0] if numbers and pdu != 0xA4 else 0,
        status=numbers[1] if len(numbers) == 2 and pdu == 0xA2 else 0,
        name_at=name,
        name_length=length,
    )


def _secured(reader: Reader) -> Snmp:
    data, at = reader.data, reader.at
    reader.open(0x30)
    told = Snmp(version=3, request=reader.integer())
    behind = Reader(data, at).skip(0x30).at
    try:
        inside = Reader(data, behind)
        inside.open(4)
        inside.open(0x30)
        _, length = inside.skip(4, 2, 2).open(4)
        told = told._replace(name_at=inside.at, name_length=length)
    except MissingError:
        pass
    try:
        scoped = Reader(data, behind).skip(4)
        scoped.open(0x30)
        pdu, _ = scoped.skip(4, 4).open(*_PDUS)
    except MissingError:
        return told
    return told._replace(pdu=pdu, report=_report(scoped) if pdu == 0xA8 else 0)


def _report(reader: Reader) -> int:
    if len(_integers(reader, 3)) < 3:
        return 0
    try:
        reader.open(0x30)
        reader.open(0x30)
        _, length = reader.open(6)
    except MissingError:
        return 0
    name = reader.data[reader.at : reader.at + 9]
    return name[8] if length == 10 and name[:8] == _USM_STATS and 1 <= max(name[8:], default=0) <= 6 else 0


def _integers(reader: Reader, count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        try:
            found.append(reader.integer())
        except MissingError:
            break
    return found
