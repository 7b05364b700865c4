"""Link headers built field by field: what stands before an IP packet (or another EtherType) on every link type.

Sources: tcpdump.org/linktypes.html and the pages it refers to.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

SNAP = b"\xaa\xaa\x03\x00\x00\x00"


def header(link: int, src: bytes, dst: bytes, ethertype: int, size: int) -> bytes:
    """Return the header of a link type other than Ethernet; ``size`` is the length of what follows."""
    return HEADERS[link](src, dst, ethertype, size)


def _be16(number: int) -> bytes:
    return struct.pack(">H", number)


def _nothing(_src: bytes, _dst: bytes, _kind: int, _size: int) -> bytes:
    return b""


def _cooked(src: bytes, _dst: bytes, kind: int, _size: int) -> bytes:
    return struct.pack(">HHH", 0, 1, 6) + src + b"\x00\x00" + _be16(kind)


def _cooked2(src: bytes, _dst: bytes, kind: int, _size: int) -> bytes:
    return struct.pack(">HHIHBB", kind, 0, 3, 1, 0, 6) + src + b"\x00\x00"


def _loopback(_src: bytes, _dst: bytes, kind: int, _size: int) -> bytes:
    return struct.pack("<I", 2 if kind == 0x0800 else 30)


def _token_ring(src: bytes, dst: bytes, kind: int, _size: int) -> bytes:
    return b"\x10\x40" + dst + bytes([src[0] | 0x80]) + src[1:] + b"\x06\x30\x00\x11\x00\x20" + SNAP + _be16(kind)


def _ppp(_src: bytes, _dst: bytes, kind: int, _size: int) -> bytes:
    return b"\xff\x03" + ppp(kind)


def ppp(ethertype: int) -> bytes:
    """Return the PPP protocol of an EtherType (RFC 1661)."""
    return _be16(0x0021 if ethertype == 0x0800 else 0x0057)


def _compressed_ppp(_src: bytes, _dst: bytes, kind: int, _size: int) -> bytes:
    return ppp(kind)[1:]


def _fddi(src: bytes, dst: bytes, kind: int, _size: int) -> bytes:
    return b"\x50" + dst + src + SNAP + _be16(kind)


def _pppoe(_src: bytes, _dst: bytes, kind: int, size: int) -> bytes:
    return struct.pack(">BBHH", 0x11, 0, 17, 2 + size) + ppp(kind)


def _cisco(_src: bytes, _dst: bytes, kind: int, _size: int) -> bytes:
    return b"\x0f\x00" + _be16(kind)


def _wireless(src: bytes, dst: bytes, kind: int, _size: int) -> bytes:
    return b"\x08\x01\x00\x00" + dst + src + dst + b"\x10\x00" + SNAP + _be16(kind)


def _frame_relay(_src: bytes, _dst: bytes, kind: int, _size: int) -> bytes:
    return b"\x18\x41\x03" + (b"\xcc" if kind == 0x0800 else b"\x00\x80\x00\x00\x00\x86\xdd")


def _enc(_src: bytes, _dst: bytes, _kind: int, _size: int) -> bytes:
    return struct.pack("<III", 2, 5, 0)


def _pflog(_src: bytes, _dst: bytes, _kind: int, _size: int) -> bytes:
    return bytes([61]) + bytes(63)


def _prism(src: bytes, dst: bytes, kind: int, size: int) -> bytes:
    return struct.pack("<II", 0x44, 144) + bytes(136) + _wireless(src, dst, kind, size)


def _radiotap(src: bytes, dst: bytes, kind: int, size: int) -> bytes:
    """With a clock, flags that say "padded", and a QoS header (26 bytes, hence two of padding)."""
    qos = _wireless(src, dst, kind, size)
    padded = b"\x88" + qos[1:24] + b"\x05\x00" + bytes(2) + qos[24:]
    return struct.pack("<BBHIQB", 0, 0, 17, 3, 99, 0x20) + padded


def _firewire(src: bytes, dst: bytes, kind: int, _size: int) -> bytes:
    return dst + b"\0\0" + src + b"\0\0" + _be16(kind)


def _avs(src: bytes, dst: bytes, kind: int, size: int) -> bytes:
    return struct.pack(">II", 0x80211001, 64) + bytes(56) + _wireless(src, dst, kind, size)


def _ppi(src: bytes, dst: bytes, kind: int, size: int) -> bytes:
    return struct.pack("<BBHI", 0, 0, 12, 105) + bytes(4) + _wireless(src, dst, kind, size)


def _nflog(_src: bytes, _dst: bytes, kind: int, size: int) -> bytes:
    prefix = struct.pack("<HH", 5, 10) + b"\0\0\0\0"  # an empty text, filled up to four bytes
    return bytes([2 if kind == 0x0800 else 10, 0, 0, 1]) + prefix + struct.pack("<HH", 4 + size, 9)


def _pktap(src: bytes, dst: bytes, kind: int, _size: int) -> bytes:
    return struct.pack("<III", 108, 1, 1) + bytes(96) + dst + src + _be16(kind)


HEADERS: dict[int, Callable[[bytes, bytes, int, int], bytes]] = {
    0: _loopback, 6: _token_ring, 9: _compressed_ppp, 10: _fddi, 12: _nothing, 50: _ppp, 51: _pppoe, 101: _nothing, 104: _cisco,
    105: _wireless, 107: _frame_relay, 109: _enc, 113: _cooked, 117: _pflog, 119: _prism, 127: _radiotap,
    138: _firewire, 163: _avs, 192: _ppi, 228: _nothing, 239: _nflog, 258: _pktap, 276: _cooked2,
}  # fmt: skip
