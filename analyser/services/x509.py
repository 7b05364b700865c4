"""What a certificate says of itself (RFC 5280): for whom, by whom, for which names, from when until when.

The one door of asn1crypto. Certificates come from strangers: whatever they hold, nothing is raised, and every text is
short and printable ASCII. Signatures and chains are not checked; must not know flows.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from analyser.services.ber import element

_LONGEST: Final = 64
_FEW: Final = 4
_LARGEST: Final = 16384
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SEQUENCE, _VERSION = 0x30, 0xA0
_BEFORE_VALIDITY: Final = 3  # serial number, signature, issuer
_REST: Final = rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?Z"
_TIME: Final = {0x17: re.compile(rb"(\d{2})" + _REST), 0x18: re.compile(rb"(\d{4})" + _REST)}
_WANTED: Final = ("common_name", "organizational_unit_name", "organization_name", "serial_number")
"""Which part of a name speaks for it, the first that is there."""


class Period(NamedTuple):
    """From when until when a certificate is valid, in seconds since 1970."""

    begin: int
    end: int

    def times(self) -> tuple[datetime, datetime]:
        """Return both ends in UTC."""
        return _EPOCH + timedelta(seconds=self.begin), _EPOCH + timedelta(seconds=self.end)

    def days(self) -> tuple[str, str]:
        """Return the dates of both ends (UTC)."""
        begin, end = self.times()
        return begin.date().isoformat(), end.date().isoformat()


class Certificate(NamedTuple):
    """``names``: all that it is made out to, lower case, as text; ``self_issued``: by whom it is made out to."""

    subject: str
    issuer: str
    self_issued: bool
    names: tuple[str, ...]
    period: Period

    def covers(self, wanted: str) -> bool:
        """Say whether it is made out to a host name or an address (RFC 6125: ``*`` stands for one label)."""
        _, _, parent = wanted.lower().partition(".")
        return wanted.lower() in self.names or (bool(parent) and f"*.{parent}" in self.names)


@lru_cache(maxsize=256)
def read_certificate(data: bytes) -> Certificate | None:
    """Read a certificate in DER, each distinct one once; None if it cannot be read."""
    if len(data) > _LARGEST:
        return None
    # imported late: it takes as long as a thousand certificates, and hardly any run wants to know their names
    from asn1crypto import x509

    period = validity(data)
    if period is None:
        return None
    try:
        found = x509.Certificate.load(data)
        subject, issuer = found.subject.native, found.issuer.native
        return Certificate(
            _entitled(subject),
            _entitled(issuer),
            subject == issuer,
            tuple(_names(subject, found.subject_alt_name_value)),
            period,
        )
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
        return None  # what the library raises on bytes that are no certificate


def validity(data: bytes) -> Period | None:
    """Return from when until when a certificate in DER is valid; None if that cannot be read.

    Read by hand (RFC 5280, section 4.1): it is asked of every certificate that is seen, its names only of some.
    """
    at = 0
    for _ in range(2):  # the certificate, and the part of it that is signed
        outer = element(data, at)
        if outer is None or outer[0] != _SEQUENCE:
            return None
        at = outer[1]
    version = element(data, at)
    at = version[2] if version and version[0] == _VERSION else at
    for _ in range(_BEFORE_VALIDITY):
        skipped = element(data, at)
        if skipped is None:
            return None
        at = skipped[2]
    dates = element(data, at)
    begin = element(data, dates[1]) if dates else None
    end = element(data, begin[2]) if begin else None
    since, until = (_seconds(item[0], data[item[1] : item[2]]) if item else None for item in (begin, end))
    return None if since is None or until is None else Period(since, until)


def _seconds(tag: int, text: bytes) -> int | None:
    """Read UTCTime or GeneralizedTime in UTC (RFC 5280, section 4.1.2.5); old writers leave out the seconds."""
    found = _TIME[tag].fullmatch(text) if tag in _TIME else None
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    if len(found[1]) == 2:
        year += 1900 if year >= 50 else 2000
    try:
        return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError:
        return None


def described(certificate: Certificate, shown: int, wanted: list[str] | None) -> str:
    """Return one line about a certificate that was shown at a time (ns) by whoever was called by ``wanted``.

    None: it is a client's. Whom it names may be a person, and is not told.
    """
    dates = certificate.period.days()
    subject = "the client" if wanted is None else f'"{certificate.subject}"'
    issuer = "itself" if certificate.self_issued else f'"{certificate.issuer}"'
    parts = [f"certificate of {subject}, issued by {issuer}"]
    if shown // 10**9 > certificate.period.end:
        parts.append(f"expired {dates[1]}")
    elif shown // 10**9 < certificate.period.begin:
        parts.append(f"not valid before {dates[0]}")
    else:
        parts.append(f"valid {dates[0]} to {dates[1]}")
    if wanted and not any(map(certificate.covers, wanted)):
        parts.append(f"made out to {listed(certificate, _FEW) or 'no name'}, not to {' or '.join(map(_short, wanted))}")
    return ", ".join(parts)


def listed(certificate: Certificate, most: int) -> str:
    """Return up to ``most`` of the names that a certificate is made out to, and how many more there are."""
    names = [_short(name) for name in certificate.names[:most]]
    more = len(certificate.names) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _entitled(name: Mapping[str, Any]) -> str:
    for part in _WANTED:
        value = name.get(part)
        if value:
            return _short(str(value[0] if isinstance(value, list) else value))
    return "?"


def _names(subject: Mapping[str, Any], alternatives: Any) -> Iterator[str]:
    """Yield the alternative names; only without them the common name is one (RFC 6125, section 6.4.4)."""
    listed = alternatives.native if alternatives is not None else [subject.get("common_name")]
    for name in listed or ():
        if isinstance(name, str):
            try:
                yield str(ipaddress.ip_address(name))
            except ValueError:
                yield name.lower()


def _short(text: str) -> str:
    safe = "".join(letter if letter.isascii() and letter.isprintable() and letter != '"' else "?" for letter in text)
    return safe if len(safe) <= _LONGEST else safe[: _LONGEST - 3] + "..."
