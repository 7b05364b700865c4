"""Recognise a pcap, pcapng or snoop by its first bytes.

Knows their file headers and the words of a refusal. Must not know packets, files or names of files:
a name proves nothing about the bytes behind it.

Sources: draft-ietf-opsawg-pcap (file header), draft-ietf-opsawg-pcapng (section header block), RFC 1761 (snoop).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from analyser.model.capture import CaptureHeader

PCAP_HEADER: Final = 24
PCAPNG_HEADER: Final = 12
"""Of a section header block only type, length and byte-order magic are needed to know the file."""

HEAD_LENGTH: Final = 512
"""How many first bytes :func:`read_header` and the look-alikes want; fewer are enough where a file is short."""

SECTION_HEADER: Final = b"\x0a\x0d\x0d\x0a"

_PCAP_MAGIC: Final[dict[bytes, tuple[bool, bool]]] = {  # magic as stored → (big-endian, nanoseconds)
    b"\xd4\xc3\xb2\xa1": (False, False),
    b"\xa1\xb2\xc3\xd4": (True, False),
    b"\x4d\x3c\xb2\xa1": (False, True),
    b"\xa1\xb2\x3c\x4d": (True, True),
}
_BYTE_ORDER_MAGIC: Final[dict[bytes, bool]] = {b"\x4d\x3c\x2b\x1a": False, b"\x1a\x2b\x3c\x4d": True}

_MODIFIED: Final = {b"\x34\xcd\xb2\xa1": False, b"\xa1\xb2\xcd\x34": True}  # magic → big-endian
"""Kuznetzov's pcap, of old Linux systems: records say also interface, protocol and direction."""
_MODIFIED_RECORD: Final = (24, 0, 8, 12)

_SNOOP: Final = b"snoop\0\0\0"
_SNOOP_HEADER: Final = 16
_SNOOP_RECORD: Final = (24, 16, 4, 0)
_SNOOP_LINKS: Final = {0: 1, 2: 6, 4: 1, 8: 10, 18: 123}
"""Datalinks of snoop (IEEE 802.3, token ring, Ethernet, FDDI, ATM) as link types."""

# The upper bits of the link type field tell the length of the frame check sequence; libpcap masks the same ones.
_LINK_TYPE_MASK: Final = 0x03FF_FFFF


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why bytes are not read as a capture: a problem code, and a sentence that ends with the next step.

    Codes: ``empty-file``, ``damaged-header`` (a capture whose own header is cut or impossible),
    ``unsupported-format`` (a capture, or what may contain one, in a form not read here),
    ``not-a-capture``, ``unreadable`` (the system did not give the bytes) and ``vanished`` (gone since it was listed).
    """

    code: str
    message: str


def read_header(head: bytes) -> CaptureHeader | Refusal | None:
    """Return the header in ``head``, why it cannot be read, or None where it is neither pcap nor pcapng."""
    if head[:4] in _PCAP_MAGIC or head[:4] in _MODIFIED:
        return _pcap(head)
    if head[:4] == SECTION_HEADER:
        return _pcapng(head)
    return _snoop(head) if head[:8] == _SNOOP else None


def header_needs(start: bytes) -> int:
    """Return how many bytes of a stream :func:`read_header` needs, judged by its first four."""
    if start in _PCAP_MAGIC or start in _MODIFIED:
        return PCAP_HEADER
    if start == _SNOOP[:4]:
        return _SNOOP_HEADER
    return PCAPNG_HEADER if start == SECTION_HEADER else HEAD_LENGTH


def _pcap(head: bytes) -> CaptureHeader | Refusal:
    modified = head[:4] in _MODIFIED
    big, nanoseconds = (_MODIFIED[head[:4]], False) if modified else _PCAP_MAGIC[head[:4]]
    if len(head) < PCAP_HEADER:
        return Refusal(
            "damaged-header",
            f"a pcap whose file header is cut: {len(head)} of {PCAP_HEADER} bytes; copy the file again",
        )
    major, minor, _, _, snaplen, link = struct.unpack_from((">" if big else "<") + "HHiIII", head, 4)
    if major != 2:
        return Refusal(
            "damaged-header",
            f"a pcap of version {major}.{minor}, expected 2.4; open and save it with Wireshark, or copy it again",
        )
    return CaptureHeader(
        format="pcap",
        swapped=big,
        nanoseconds=nanoseconds,
        link_type=link & _LINK_TYPE_MASK,
        snaplen=snaplen,
        length=PCAP_HEADER,
        # Before version 2.3 the two lengths stood the other way round.
        record=_MODIFIED_RECORD if modified else (16, 0, 8, 12) if minor >= 3 else (16, 0, 12, 8),
    )


def _snoop(head: bytes) -> CaptureHeader | Refusal:
    if len(head) < _SNOOP_HEADER:
        return Refusal("damaged-header", f"a snoop capture cut after {len(head)} bytes; copy the file again")
    version, datalink = struct.unpack_from(">II", head, 8)
    if version != 2 or datalink not in _SNOOP_LINKS:
        return Refusal(
            "unsupported-format",
            f"a snoop capture of version {version} and datalink {datalink}; convert it: editcap -F pcapng FILE FILE.pcapng",
        )
    return CaptureHeader(
        format="snoop",
        swapped=True,
        nanoseconds=False,
        link_type=_SNOOP_LINKS[datalink],
        snaplen=None,
        length=_SNOOP_HEADER,
        record=_SNOOP_RECORD,
    )


def _pcapng(head: bytes) -> CaptureHeader | Refusal:
    if len(head) < PCAPNG_HEADER:
        return Refusal(
            "damaged-header", f"a pcapng whose section header is cut after {len(head)} bytes; copy the file again"
        )
    big = _BYTE_ORDER_MAGIC.get(head[8:12])
    if big is None:
        return Refusal(
            "damaged-header",
            f"a pcapng whose byte-order magic is {head[8:12].hex()}, expected 1a2b3c4d in either order;"
            " copy the file again, in binary mode",
        )
    return CaptureHeader(format="pcapng", swapped=big, nanoseconds=False, link_type=None, snaplen=None, length=0)
