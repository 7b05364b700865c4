"""The header of every link type: what follows it, both MAC addresses, and whether the frame passed a loopback interface.

Sources: tcpdump.org/linktypes.html and the pages it refers to; IEEE 802.3, 802.5, 802.11; RFC 1042, 1188, 1662, 2427.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from tests.reference.container import Frame
from tests.reference.packet import Inside, NotDecoded, Place, from_byte, u16, u32
from tests.reference.tunnels import pppoe

ARPHRD_LOOPBACK = 772
NOWHERE = Place(0, 0, 0)
BY_NIBBLE = {12: 0, 14: 0, 101: 0, 228: 0, 229: 0, 109: 12}
"""Link types of bare IP packets, and how many bytes come before them."""


class Link(NamedTuple):
    """A frame without its link header."""

    inside: Inside
    place: Place = NOWHERE
    loopback: bool = False


def le16(data: bytes, at: int) -> int:
    """Return a little-endian number of two bytes."""
    return int(struct.unpack_from("<H", data, at)[0])


def le32(data: bytes, at: int) -> int:
    """Return a little-endian number of four bytes."""
    return int(struct.unpack_from("<I", data, at)[0])


def mac(data: bytes) -> int:
    """Return a MAC address as a number."""
    return int.from_bytes(data)


def link_header(frame: Frame) -> Link:
    """Take the link header off a frame. Raises NotDecoded, struct.error, IndexError."""
    return _link(frame.link, frame.data)


def _link(link: int, data: bytes) -> Link:
    if link in BY_NIBBLE:
        return Link(Inside("ip", from_byte(data, BY_NIBBLE[link])))
    reader = READERS.get(link)
    if reader is None:
        raise NotDecoded(f"link type {link}")
    return reader(data)


def _ethernet(data: bytes) -> Link:
    return Link(Inside("ethernet", data))


def _cooked(data: bytes) -> Link:
    sender = mac(data[6:12]) if u16(data, 4) == 6 else 0
    return Link(Inside(u16(data, 14), data[16:]), Place(0, sender, 0), u16(data, 2) == ARPHRD_LOOPBACK)


def _cooked2(data: bytes) -> Link:
    sender = mac(data[12:18]) if data[11] == 6 else 0
    return Link(Inside(u16(data, 0), from_byte(data, 20)), Place(0, sender, 0), u16(data, 8) == ARPHRD_LOOPBACK)


def _loopback(data: bytes) -> Link:
    family = u32(data, 0)
    if family > 0xFFFF:  # written in the order of the machine that captured
        family = le32(data, 0)
    if family not in (2, 10, 24, 28, 30):
        raise NotDecoded("unknown address family")
    return Link(Inside(0x0800 if family == 2 else 0x86DD, data[4:]), loopback=True)


def _ppp(data: bytes) -> Link:
    if data[:2] in (b"\x0f\x00", b"\x8f\x00"):
        return _cisco(data)
    return Link(Inside("ppp", data))


def _pppoe(data: bytes) -> Link:
    return Link(pppoe(data))


def _cisco(data: bytes) -> Link:
    return Link(Inside(u16(data, 2), data[4:]))


def _snap(data: bytes) -> Inside:
    """Read LLC and SNAP where they always come (RFC 1042, and IEEE 802.1H for Apple and IPX tunnels)."""
    if data[:6] not in (b"\xaa\xaa\x03\x00\x00\x00", b"\xaa\xaa\x03\x00\x00\xf8"):
        raise NotDecoded("llc")
    return Inside(u16(data, 6), data[8:])


def _fddi(data: bytes) -> Link:
    return Link(_snap(from_byte(data, 13)))


def _token_ring(data: bytes) -> Link:
    header = 14
    if data[8] & 0x80:  # routing follows
        header += data[14] & 31
    return Link(_snap(from_byte(data, header)))


def _wireless(data: bytes) -> Link:
    """IEEE 802.11 (its data frames)."""
    control = le16(data, 0)
    if control >> 2 & 3 != 2 or control & 0x40:
        raise NotDecoded("802.11 management")
    if control & 0x4000:
        raise NotDecoded("802.11 protected")
    if le16(data, 22) % 16:  # LLC comes once a frame, in the first of its fragments
        raise NotDecoded("802.11 later fragments")
    header = 30 if control & 0x0300 == 0x0300 else 24
    if control & 0x80:
        if data[header] & 0x80:
            raise NotDecoded("802.11 aggregated")
        header += 6 if control & 0x8000 else 2
    return Link(_snap(from_byte(data, header)), Place(0, mac(data[10:16]), mac(data[4:10])))


def _radiotap(data: bytes) -> Link:
    length, present = le16(data, 2), le32(data, 4)
    if length < 8:
        raise NotDecoded("malformed")
    words = 1
    while le32(data, 4 * words) & 1 << 31:
        words += 1
    at = 4 + 4 * words
    if present & 1:  # the clock comes first, on a multiple of 8
        at = (at + 7) // 8 * 8 + 8
    padded = present & 2 and at < length and data[at] & 0x20
    body = from_byte(data, length)
    if padded:
        body = _without_padding(body)
    return _wireless(body)


def _without_padding(data: bytes) -> bytes:
    """Remove what fills an 802.11 header up to a multiple of four bytes."""
    control = le16(data, 0)
    header = 30 if control & 0x0300 == 0x0300 else 24
    if control & 0x80:
        header += 6 if control & 0x8000 else 2
    return data[:header] + data[(header + 3) // 4 * 4 :]


def _prism(data: bytes) -> Link:
    length = next((n for n in (le32(data, 4), u32(data, 4)) if n < 4096), 144)
    return _wireless(from_byte(data, length))


def _avs(data: bytes) -> Link:
    return _wireless(from_byte(data, u32(data, 4)))


def _ppi(data: bytes) -> Link:
    length, link = le16(data, 2), le32(data, 4)
    if link not in (1, 105):
        raise NotDecoded("link type 192")
    return _link(link, from_byte(data, length))


def _pktap(data: bytes) -> Link:
    length, link = le32(data, 0), le32(data, 8)
    if link not in (0, 1, 12, 14, 101):
        raise NotDecoded("link type 258")
    return _link(link, from_byte(data, length))


def _frame_relay(data: bytes) -> Link:
    if data[2] != 3:
        return Link(Inside(u16(data, 2), data[4:]))
    if data[3] in (0xCC, 0x8E):
        return Link(Inside(0x0800 if data[3] == 0xCC else 0x86DD, data[4:]))
    at = 4 if data[3] == 0x80 else 5
    if (at == 5 and data[3] != 0) or data[at - 1] != 0x80 or data[at : at + 3] != b"\0\0\0":
        raise NotDecoded("frame relay")
    return Link(Inside(u16(data, at + 3), data[at + 5 :]))


def _pflog(data: bytes) -> Link:
    return Link(Inside("ip", from_byte(data, (data[0] + 3) // 4 * 4)))


def _nflog(data: bytes) -> Link:
    at = 4
    while True:
        length, kind = le16(data, at), le16(data, at + 2)
        if length < 4:
            raise NotDecoded("malformed")
        if kind & 0x7FFF == 9:  # the highest bit says that attributes are within
            return Link(Inside("ip", data[at + 4 : at + length]))
        at += (length + 3) // 4 * 4


def _firewire(data: bytes) -> Link:
    return Link(Inside(u16(data, 16), data[18:]))


READERS = {
    0: _loopback, 1: _ethernet, 6: _token_ring, 9: _ppp, 10: _fddi, 50: _ppp, 51: _pppoe, 104: _cisco, 105: _wireless,
    107: _frame_relay, 108: _loopback, 113: _cooked, 117: _pflog, 119: _prism, 127: _radiotap, 138: _firewire,
    163: _avs, 192: _ppi, 239: _nflog, 258: _pktap, 276: _cooked2,
}  # fmt: skip
