"""Say what bytes look like that are neither pcap nor pcapng, and what to do with them.

Knows the first bytes of formats that people hand over by mistake. Opens nothing and decodes nothing: the
answer is a guess for a message, never a way to read the file.
"""

from __future__ import annotations

import codecs
import re
import struct
from typing import Final

from analyser.capture.headers import Refusal

_COMPRESSED: Final[tuple[tuple[bytes, str, str], ...]] = (  # magic, name, how to unpack to standard output
    (b"\x1f\x9d", "compress", "gzip -dc"),
    (b"LZIP", "lzip", "lzip -dc"),
    (b"\x89LZO", "lzop", "lzop -dc"),
    (b"\x02\x21\x4c\x18", "lz4 (legacy)", "lz4 -dc"),
)
_ARCHIVES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"MSCF", "a cabinet archive"),
)
_OTHER_CAPTURES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x4d\x3c\x2b\xa1", "a modified pcap (Navtel, magic a12b3c4d)"),
    (b"\xa1\x2b\x3c\x4d", "a modified pcap (Navtel, magic a12b3c4d)"),
    (b"btsnoop\x00", "a Bluetooth snoop log"),
    (b"GMBU", "a Microsoft Network Monitor 2 capture"),
    (b"RTSS", "a Microsoft Network Monitor 1 capture"),
    (b"TRSNIFF data", "a Sniffer capture (DOS)"),
    (b"XCP\x00", "a Sniffer or NetXRay capture (Windows)"),
    (b"iptrace ", "an AIX iptrace capture"),
    (b"\x7fver", "a Peek or OmniPeek capture"),
    (b"\x05VNF", "a Visual Networks capture"),
    (b"\x54\x52\x00\x64\x00", "an HP-UX nettl trace"),
)
_OTHER_FILES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"ElfFile\x00", "a Windows event log (EVTX)"),
    (b"\x7fELF", "a program (ELF)"),
    (b"MZ", "a Windows program"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"PAR1", "a Parquet table"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Microsoft Office document"),
)
_ASK_AGAIN: Final = "name the capture itself, a .pcap or .pcapng file"
_TCPDUMP_LINE: Final = re.compile(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d+ (IP6?|ARP|\S+ (In|Out) )")


def describe(head: bytes) -> Refusal:
    """Return what a file that begins with ``head`` looks like; ``head`` is no pcap and no pcapng."""
    if not head:
        return Refusal("empty-file", "an empty file; was the capture stopped before it wrote anything?")
    if not head.strip(b"\x00"):
        return Refusal("not-a-capture", "nothing but zero bytes; the copy failed, fetch the file again")
    return _compressed(head) or _other_capture(head) or _other_file(head) or _text(head) or _unknown(head)


def _compressed(head: bytes) -> Refusal | None:
    for magic, name, command in _COMPRESSED:
        if head.startswith(magic):
            return Refusal(
                "unsupported-format", f"{name}-compressed data; unpack it first: {command} FILE | analyser … -"
            )
    for magic, name in _ARCHIVES:
        if head.startswith(magic):
            return Refusal("unsupported-format", f"{name}; unpack it and name the captures inside")
    if head[257:262] == b"ustar":
        return Refusal("unsupported-format", "a tar archive; unpack it and name the captures inside")
    return None


def _other_capture(head: bytes) -> Refusal | None:
    for magic, name in _OTHER_CAPTURES:
        if head.startswith(magic):
            return Refusal("unsupported-format", f"{name}; convert it: editcap -F pcapng FILE FILE.pcapng")
    if _is_event_trace(head):
        return Refusal(
            "unsupported-format",
            "a Windows event trace (netsh or pktmon); convert it: etl2pcapng FILE FILE.pcapng, or pktmon etl2pcap FILE",
        )
    return None


def _is_event_trace(head: bytes) -> bool:
    # An event trace opens with a buffer header of 72 bytes (size, used …), then the record of the log
    # itself: version, header type 1 or 2, marker flags c0.
    if len(head) < 76:
        return False
    size, _, used = struct.unpack_from("<III", head)
    return size % 1024 == 0 and 0 < used <= size <= 1 << 24 and head[74] in (1, 2) and head[75] == 0xC0


def _other_file(head: bytes) -> Refusal | None:
    for magic, name in _OTHER_FILES:
        if head.startswith(magic):
            return Refusal("not-a-capture", f"{name}; {_ASK_AGAIN}")
    return None


def _text(head: bytes) -> Refusal | None:
    text = _as_text(head)
    if text is None:
        return None
    start = text.lstrip("\ufeff \t\r\n")
    low = start.lower()
    if low.startswith(("<!doctype html", "<html")):
        return Refusal(
            "not-a-capture", "a web page (HTML), perhaps a login page saved by a failed download; fetch again"
        )
    if low.startswith(("<?xml", "<pdml", "<psml")):
        return Refusal("not-a-capture", f"an XML document; {_ASK_AGAIN}")
    if start.startswith(("{", "[")):
        return Refusal("not-a-capture", f"JSON; {_ASK_AGAIN}")
    if start.startswith("#separator"):
        return Refusal("not-a-capture", "a Zeek log; name the capture from which it was made")
    if _TCPDUMP_LINE.match(start):
        return Refusal(
            "not-a-capture", "the printed output of tcpdump; let tcpdump write packets instead: tcpdump -w FILE.pcap"
        )
    if re.match(r"(?:0x)?0{3,8}:?\s+[0-9a-f]{2}", low):
        return Refusal("not-a-capture", "a hex dump; turn it into packets: text2pcap FILE FILE.pcap")
    return Refusal("not-a-capture", f"text; {_ASK_AGAIN}")


def _as_text(head: bytes) -> str | None:
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    decoder = codecs.getincrementaldecoder("utf-16" if wide else "utf-8")()
    try:
        text = decoder.decode(head)  # not final: the head may end inside a character
    except UnicodeDecodeError:
        return None
    printable = sum(char.isprintable() or char in "\t\r\n\f\ufeff" for char in text)
    return text if text and printable >= 0.97 * len(text) else None


def _unknown(head: bytes) -> Refusal:
    return Refusal(
        "not-a-capture", f"unknown data that begins with {head[:8].hex(' ')}; expected a pcap or pcapng capture"
    )
