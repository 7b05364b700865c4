"""What a certificate says of itself (RFC 5280): for whom, by whom, for which names, from when until when.

The one door of asn1crypto. Certificates come from strangers: whatever they hold, nothing is raised, and every text is
short and printable ASCII. Signatures and chains are not checked; must not know flows.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

_LONGEST: Final = 64
_MOST_NAMES: Final = 4
_LARGEST: Final = 16384
_WANTED: Final = ("common_name", "organizational_unit_name", "organization_name", "serial_number")
"""Which part of a name speaks for it, the first that is there."""


class Certificate(NamedTuple):
    """``names``: all that it is made out to, lower case, as text; times in ns since 1970."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: int
    not_after: int

    def covers(self, wanted: str) -> bool:
        """Say whether it is made out to a host name or an address (RFC 6125: ``*`` stands for one label)."""
        _, _, parent = wanted.lower().partition(".")
        return wanted.lower() in self.names or (bool(parent) and f"*.{parent}" in self.names)


@lru_cache(maxsize=256)
def read_certificate(data: bytes) -> Certificate | None:
    """Read a certificate in DER, each distinct one once; None if it cannot be read."""
    if len(data) > _LARGEST:
        return None
    # imported late: hardly any run meets a certificate that matters
    from asn1crypto import x509

    try:
        found = x509.Certificate.load(data)
        subject, issuer = found.subject.native, found.issuer.native
        validity = found["tbs_certificate"]["validity"].native
        return Certificate(
            _entitled(subject),
            "itself" if subject == issuer else _entitled(issuer),
            tuple(_names(subject, found.subject_alt_name_value)),
            _nanoseconds(validity["not_before"]),
            _nanoseconds(validity["not_after"]),
        )
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
        return None  # what the library raises on bytes that are no certificate


def described(certificate: Certificate, shown: int, wanted: list[str] | None) -> str:
    """Return one line about a certificate that was shown at a time (ns) by whoever was called by ``wanted``.

    None: it is a client's. Whom it names may be a person, and is not told.
    """
    dates = [datetime.fromtimestamp(at // 10**9, UTC).date().isoformat() for at in certificate[3:]]
    subject = "the client" if wanted is None else f'"{certificate.subject}"'
    parts = [f"certificate of {subject}, issued by {_quoted(certificate.issuer)}"]
    if shown > certificate.not_after:
        parts.append(f"expired {dates[1]}")
    elif shown < certificate.not_before:
        parts.append(f"not valid before {dates[0]}")
    else:
        parts.append(f"valid {dates[0]} to {dates[1]}")
    if wanted and not any(map(certificate.covers, wanted)):
        names = [_short(name) for name in certificate.names[:_MOST_NAMES]]
        more = len(certificate.names) - len(names)
        listed = (", ".join(names) or "no name") + (f" and {more} more" if more else "")
        parts.append(f"made out to {listed}, not to {' or '.join(map(_short, wanted))}")
    return ", ".join(parts)


def _quoted(issuer: str) -> str:
    return issuer if issuer == "itself" else f'"{issuer}"'


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


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp()) * 10**9


def _short(text: str) -> str:
    safe = "".join(letter if letter.isascii() and letter.isprintable() and letter != '"' else "?" for letter in text)
    return safe if len(safe) <= _LONGEST else safe[: _LONGEST - 3] + "..."
