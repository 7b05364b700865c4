"""What a file is, by its first bytes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyser.capture.first_packet import first_packet_time
from analyser.capture.headers import HEAD_LENGTH, Refusal, header_needs, read_header
from analyser.capture.lookalikes import describe
from analyser.model.capture import CaptureHeader
from tests.capture.captures import block, interface, packet, pcap, section

T = 1_700_000_000_123_456_000


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap_header_in_both_byte_orders_and_resolutions(order: str, nanoseconds: bool) -> None:
    """All four pcap magics are known, with link type and snap length read in the file's order."""
    head = pcap(order=order, nanoseconds=nanoseconds, link=113, snaplen=262144)
    assert read_header(head) == CaptureHeader(
        format="pcap", swapped=order == ">", nanoseconds=nanoseconds, link_type=113, snaplen=262144, length=24
    )


def test_pcap_link_type_without_the_bits_of_the_frame_check() -> None:
    """The upper bits of the link type field, which tell the length of the FCS, are no part of the link type."""
    header = read_header(pcap(link=0x2400_0001))
    assert isinstance(header, CaptureHeader)
    assert header.link_type == 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_header_in_both_byte_orders(order: str) -> None:
    """A section header is known in both orders; link type and snap length are its interfaces' own."""
    assert read_header(section(order)) == CaptureHeader(
        format="pcapng", swapped=order == ">", nanoseconds=False, link_type=None, snaplen=None, length=0
    )


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (pcap()[:17], "cut: 17 of 24 bytes"),
        (struct.pack("<IHH", 0xA1B2C3D4, 1, 4) + bytes(16), "version 1.4"),
        (section()[:9], "cut after 9 bytes"),
        (section()[:8] + b"\r\n\r\n" + bytes(20), "byte-order magic is 0d0a0d0a"),
    ],
)
def test_a_damaged_header_is_told(head: bytes, says: str) -> None:
    """A capture whose own header is cut or impossible is called damaged, with what was expected."""
    refusal = read_header(head)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "damaged-header"
    assert says in refusal.message


EVENT_TRACE = struct.pack("<III", 65536, 0, 712) + bytes(60) + b"\x02\x00\x01\xc0" + bytes(100)
LOOKS_LIKE = [
    (b"", "empty-file", "empty file"),
    (bytes(300), "not-a-capture", "zero bytes"),
    (b"\x1f\x9d\x90", "unsupported-format", "compress"),
    (b"\x02\x21\x4c\x18\x64", "unsupported-format", "lz4"),
    (b"PK\x03\x04\x14\x00", "unsupported-format", "zip"),
    (bytes(257) + b"ustar\x0000", "unsupported-format", "tar"),
    (b"GMBU\x00\x02", "unsupported-format", "Network Monitor"),
    (EVENT_TRACE, "unsupported-format", "pktmon etl2pcap"),
    (b"%PDF-1.7\n%\xe2\xe3", "not-a-capture", "PDF"),
    (b"\n <!DOCTYPE HTML><html>", "not-a-capture", "web page"),
    (b"<?xml version='1.0'?><pdml>", "not-a-capture", "XML"),
    (b'[{"_index": "packets"}]', "not-a-capture", "JSON"),
    (b"#separator \\x09\n#path\tconn\n", "not-a-capture", "Zeek log"),
    (b"12:00:01.123456 IP 192.0.2.1.80 > 192.0.2.2.5: Flags [S]\n", "not-a-capture", "tcpdump -w"),
    (b"0000  00 11 22 33 44 55 66 77\n", "not-a-capture", "text2pcap"),
    ("Průtok tisku\n".encode(), "not-a-capture", "text"),
    ("Průtok tisku\n".encode("utf-16"), "not-a-capture", "text"),
    (b"\xc3\x28\x00\x01\x02\x03\x04\x05", "not-a-capture", "c3 28 00 01 02 03 04 05"),
]


@pytest.mark.parametrize(("head", "code", "says"), LOOKS_LIKE, ids=[item[2] for item in LOOKS_LIKE])
def test_what_is_no_capture_is_named(head: bytes, code: str, says: str) -> None:
    """Bytes that are neither pcap nor pcapng are told by what they look like, and the message names a next step."""
    assert read_header(head) is None
    refusal = describe(head)
    assert refusal.code == code
    assert says in refusal.message
    assert ";" in refusal.message


@given(st.binary(max_size=600))
@example(b"\xd4\xc3\xb2\xa1")
@example(b"\x0a\x0d\x0d\x0a" + bytes(8))
@example("é".encode()[:1])
def test_any_bytes_give_a_header_or_a_refusal(head: bytes) -> None:
    """Hostile first bytes never raise, and a header is never wished for beyond what the head can hold."""
    assert isinstance(read_header(head) or describe(head), CaptureHeader | Refusal)
    assert 0 < header_needs(head[:4]) <= HEAD_LENGTH


def first_time(data: bytes) -> int | None:
    header = read_header(data)
    assert isinstance(header, CaptureHeader)
    return first_packet_time(lambda offset, count: data[offset : offset + count], header)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("nanoseconds", "t"), [(False, T), (True, T + 789)])
def test_first_time_of_a_pcap(order: str, nanoseconds: bool, t: int) -> None:
    """The first record's time is exact in the resolution of the file."""
    assert first_time(pcap((t, b"x"), (t + 5000, b"y"), order=order, nanoseconds=nanoseconds)) == t


@pytest.mark.parametrize("order", ["<", ">"])
def test_first_time_of_a_pcapng_uses_the_clock_of_its_interface(order: str) -> None:
    """Resolution (powers of ten and of two) and offset are those of the packet's own interface and section."""
    slow = interface(order, resolution=3)
    binary = interface(order, resolution=0x80 | 10, offset=1_600_000_000)
    other = section("<" if order == ">" else ">")
    data = other + section(order) + slow + binary + packet(3 * 1024 + 512, order=order, interface=1)
    assert first_time(data) == 1_600_000_003_500_000_000


def test_first_time_skips_what_has_none() -> None:
    """Name resolution, simple packets (which carry no time) and unknown blocks before the first packet are passed over."""
    data = section() + interface() + block(4, bytes(8)) + block(3, bytes(8)) + block(0x0BAD, bytes(400))
    assert first_time(data + packet(T // 1000)) == T


@pytest.mark.parametrize(
    "data",
    [
        pcap(),
        pcap((T, b"x"))[:35],
        section() + interface(),
        section() + interface() + block(6, bytes(2)),
        section() + interface() + packet(5, interface=7),
        section() + interface() + struct.pack("<II", 99, 8) + bytes(40),
        section() + interface() + struct.pack("<II", 99, 0xFFFFFFF0) + bytes(40),
        section() + interface() + packet(0xFFFFFFFF_FFFFFFFF),
    ],
    ids=[
        "no-record",
        "cut-record",
        "no-packet",
        "short-block",
        "no-interface",
        "tiny-block",
        "huge-block",
        "far-future",
    ],
)
def test_no_first_time_where_no_packet_can_be_read(data: bytes) -> None:
    """Files without a readable first packet have no first time, and nothing raises."""
    assert first_time(data) is None


@given(st.binary(max_size=200))
def test_a_hostile_pcapng_never_breaks_the_peek(tail: bytes) -> None:
    """Any bytes after a section header give a time or none."""
    assert isinstance(first_time(section() + interface() + tail), int | None)
