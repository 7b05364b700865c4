"""ClientHello and ServerHello (RFC 8446, section 4.1; RFC 6066, section 3) of many flows, read at once.

Knows the bodies of the two messages; records and packets are known elsewhere.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from analyser.services.byterows import Bools, Bytes, Index
from analyser.services.chains import follow, number
from analyser.services.streams import running_sum

VERSIONS: Final[dict[int, str]] = {
    0x0002: "SSL 2.0",
    0x0300: "SSL 3.0",
    0x0301: "TLS 1.0",
    0x0302: "TLS 1.1",
    0x0303: "TLS 1.2",
    0x0304: "TLS 1.3",
}

_SERVER_NAME, _PROTOCOLS, _SUPPORTED_VERSIONS = 0, 16, 43
_HOST_NAME_TYPE: Final = 0
UNTOLD: Final = -1
_TLS_1_2: Final = 0x0303
_SESSION_ID_AT: Final = 34
_LONGEST_LIST: Final = 256
_HOST_NAME: Final = re.compile(rb"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})")
_GREASE: Final = re.compile(rb"([\x0a\x1a\x2a\x3a\x4a\x5a\x6a\x7a\x8a\x9a\xaa\xba\xca\xda\xea\xfa])\1")


def known_version(version: Index) -> Index:
    """Return the versions that have a name, 0 for others."""
    return np.where(np.isin(version, list(VERSIONS)), version, 0)


def read_client_hellos(
    data: Bytes, at: Index, size: Index, whole: Bools
) -> tuple[Index, list[str | None], list[bytes | None]]:
    """Return the highest version that each of k clients offered (0: not told), which server it wants, which protocols.

    The bodies lie in ``data`` from ``at`` on, ``size`` bytes each; only some are ``whole``. Protocols are a list as it
    stands in the hello, for :func:`protocol_names`.
    """
    highest = known_version(_first_number(data, at, size))
    behind = _after_vector(data, at + _SESSION_ID_AT, 1)
    behind = _after_vector(data, _after_vector(data, behind, 2), 1)
    hellos, kind, body, length = _extensions(data, behind, at + size)
    listing = (kind == _SUPPORTED_VERSIONS) & (length >= 3)
    np.maximum.at(highest, *_listed(data, hellos[listing], body[listing] + 1, (length[listing] - 1) // 2))
    lists = np.zeros(len(at), dtype=np.bool_)
    lists[hellos[listing]] = True
    naming = (kind == _SERVER_NAME) & (length >= 5)
    names = _names(data, hellos[naming], body[naming], length[naming], len(at))
    protocols = _protocols(data, hellos, kind, body, length, len(at))
    # 1.2 in the old field may mean 1.3, which only the extension tells: without it a cut hello proves nothing
    return np.where(whole | lists | (highest < _TLS_1_2), highest, 0), names, protocols


def read_server_hellos(data: Bytes, at: Index, size: Index) -> tuple[Index, Index, list[bytes | None]]:
    """Return what each of k servers chose, from the bodies of their hellos: version, cipher suite, protocol.

    0 for a version that is not known, ``UNTOLD`` for a suite that is not there, protocols as of clients.
    """
    version = _first_number(data, at, size)
    suite = _after_vector(data, at + _SESSION_ID_AT, 1)
    # early drafts of 1.3 had hellos of another shape, and said so where the version stands
    sound = (known_version(version) != 0) & (suite + 2 <= at + size)
    cipher = np.where(sound, number(data, suite, 2), UNTOLD)
    hellos, kind, body, length = _extensions(data, suite + 3, at + size)
    told = (kind == _SUPPORTED_VERSIONS) & (length == 2)
    version[hellos[told]] = number(data, body[told], 2)
    return known_version(version), cipher, _protocols(data, hellos, kind, body, length, len(at))


def protocol_names(listed: bytes) -> str | None:
    """Return the names in a list of protocols (RFC 7301) as text, None if there is none; what is not plain becomes ``?``.

    Values that only test whether others bear them (RFC 8701) are left out.
    """
    names: list[str] = []
    at = 0
    while at < len(listed):
        name = listed[at + 1 : at + 1 + listed[at]]
        at += 1 + listed[at]
        if name and not _GREASE.fullmatch(name):
            names.append("".join(chr(octet) if 0x21 <= octet <= 0x7E and octet != 0x2C else "?" for octet in name))
    return ", ".join(names) or None


def _first_number(data: Bytes, at: Index, size: Index) -> Index:
    """Return the number in the first two bytes of a body, or as many as there are."""
    return np.where(size >= 2, number(data, at, 2), np.where(size == 1, number(data, at, 1), 0))


def _after_vector(data: Bytes, at: Index, size: int) -> Index:
    """Return the place behind a vector whose length takes ``size`` bytes; where it is cut, some place behind the end."""
    return at + size + number(data, at, size)


def _extensions(data: Bytes, at: Index, end: Index) -> tuple[Index, Index, Index, Index]:
    """Return of each extension its hello, kind, place and length, in the order in which they stand.

    ``at`` is where their total length stands; a cut one is given as far as it goes.
    """
    hellos, place = follow(data, at + 2, end, header=4, length_at=2)
    length = np.minimum(number(data, place + 2, 2), end[hellos] - place - 4)
    return hellos, number(data, place, 2), place + 4, length


def _listed(data: Bytes, hellos: Index, at: Index, count: Index) -> tuple[Index, Index]:
    """Return the versions in lists of ``count`` that stand at each place, 0 for what is none, and their hellos."""
    begins = running_sum(count)
    within = np.arange(begins[-1]) - np.repeat(begins[:-1], count)
    versions = known_version(number(data, np.repeat(at, count) + 2 * within, 2))
    return np.repeat(hellos, count), versions


def _names(data: Bytes, hellos: Index, body: Index, length: Index, count: int) -> list[str | None]:
    """Return for each of ``count`` hellos the first name of its last list of server names that is a name of a host."""
    names: list[str | None] = [None] * count
    named = number(data, body + 2, 1) == _HOST_NAME_TYPE
    begin = body + 5
    end = np.minimum(begin + number(data, body + 3, 2), body + length)
    for hello, first, last in zip(hellos[named].tolist(), begin[named].tolist(), end[named].tolist(), strict=True):
        name = data[first:last].tobytes()
        if _HOST_NAME.fullmatch(name):
            names[hello] = name.decode("ascii").lower()
    return names


def _protocols(data: Bytes, hellos: Index, kind: Index, body: Index, length: Index, count: int) -> list[bytes | None]:
    """Return the last list of protocols of each of ``count`` hellos, as far as it goes."""
    protocols: list[bytes | None] = [None] * count
    listing = np.flatnonzero((kind == _PROTOCOLS) & (length > 2))
    size = np.minimum(np.minimum(number(data, body[listing], 2), length[listing] - 2), _LONGEST_LIST)
    places = zip(hellos[listing].tolist(), body[listing].tolist(), size.tolist(), strict=True)
    for hello, begin, octets in places:
        protocols[hello] = data[begin + 2 : begin + 2 + octets].tobytes()
    return protocols
