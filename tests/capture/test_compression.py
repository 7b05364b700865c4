"""Compressed captures: told by their bytes, unpacked in bounded memory, read up to where they are cut or damaged."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest

from analyser.capture import CaptureSource, compression, open_captures
from analyser.capture.compression import BrokenStreamError, Unpacked
from analyser.model.capture import InputError
from tests.capture.captures import interface, packet, pcap, section

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Pack = Callable[[bytes], bytes]
SKIPPED = struct.pack("<II", 0x184D2A53, 5) + b"apple"
PACKERS: dict[str, Pack] = {
    "gzip": gzip.compress, "zstd": zstd.compress, "lz4": lz4.frame.compress, "xz": lzma.compress, "bzip2": bz2.compress,
}  # fmt: skip
DATA = section() + interface() + b"".join(packet(n * 1000, bytes([n % 251]) * (n % 90)) for n in range(3000))

each = pytest.mark.parametrize("name", PACKERS)


def read_all(source: CaptureSource, size: int = 5000) -> bytes:
    view = bytearray(size)
    pieces = []
    while count := source.readinto(memoryview(view)):
        pieces.append(bytes(view[:count]))
    return b"".join(pieces)


def opened(tmp_path: Path, data: bytes, how: str = "file") -> CaptureSource:
    """Open ``data`` under a name that tells nothing."""
    file = tmp_path / "capture"
    file.write_bytes(data)
    (source,) = open_captures([str(file) if how == "file" else "-"], stdin=io.BytesIO(data)).sources
    return source


@each
@pytest.mark.parametrize("how", ["file", "stdin"])
def test_a_compressed_capture_is_its_inside(name: str, how: str, tmp_path: Path) -> None:
    """Header, first time and bytes are those of the capture; count and digest those of what is stored."""
    stored = PACKERS[name](DATA)
    source = opened(tmp_path, stored, how)
    assert source.header.format == "pcapng"
    assert source.first_t == (0 if how == "file" else None)
    assert read_all(source) == DATA
    assert (source.octets, source.sha256, source.problems) == (len(stored), hashlib.sha256(stored).hexdigest(), [])


@each
def test_members_follow_one_another(name: str, tmp_path: Path) -> None:
    """Several members or frames, padding of zeros behind them, frames to be skipped: one stream."""
    pack = PACKERS[name]
    skipped = SKIPPED if name in ("zstd", "lz4") else b""
    stored = skipped + pack(DATA[:1000]) + pack(b"") + skipped + pack(DATA[1000:]) + bytes(64)
    source = opened(tmp_path, stored)
    assert read_all(source) == DATA
    assert source.problems == []


@each
def test_a_cut_stream_is_read_to_the_cut(name: str, tmp_path: Path) -> None:
    """What can be unpacked before the cut is given; the cut is told, and there is no digest of a whole."""
    stored = PACKERS[name](pcap(*((n, bytes([n % 256]) * 999) for n in range(3000))))
    source = opened(tmp_path, PACKERS[name](DATA[:4096]) + stored[: len(stored) // 2])
    read = read_all(source)
    assert read[:4096] == DATA[:4096]
    assert [problem.code for problem in source.problems] == ["cut-short"]
    assert name in source.problems[0].detail


@each
def test_a_damaged_stream_is_read_to_the_damage(name: str, tmp_path: Path) -> None:
    """Damage ends the stream with a problem and never with a traceback."""
    first = PACKERS[name](DATA[:4096])
    stored = bytearray(first + PACKERS[name](DATA[4096:]))
    for at in range(len(first) + 20, len(stored), 97):
        stored[at] ^= 0x55
    source = opened(tmp_path, bytes(stored))
    assert read_all(source)[:4096] == DATA[:4096]
    assert [problem.code for problem in source.problems] == ["damaged"]


def test_a_wrong_checksum_does_not_take_the_data(tmp_path: Path) -> None:
    """A gzip whose last bytes are wrong gives all of its data and says that it is damaged."""
    stored = bytearray(gzip.compress(DATA))
    stored[-6] ^= 1
    source = opened(tmp_path, bytes(stored))
    assert read_all(source) == DATA
    assert [problem.code for problem in source.problems] == ["damaged"]


def test_something_behind_compressed_data_is_told(tmp_path: Path) -> None:
    """Bytes behind the last member that are not compressed are not read, and not silently."""
    source = opened(tmp_path, gzip.compress(DATA) + b"trailing words")
    assert read_all(source) == DATA
    assert [problem.code for problem in source.problems] == ["damaged"]


def test_twice_compressed_is_read_and_more_is_refused(tmp_path: Path) -> None:
    """A compressed file that a transfer compressed once more is read; deeper nesting is a clear word."""
    assert read_all(opened(tmp_path, gzip.compress(zstd.compress(DATA)))) == DATA
    with pytest.raises(InputError, match="more than twice"):
        opened(tmp_path, gzip.compress(gzip.compress(gzip.compress(DATA))))


@each
@pytest.mark.parametrize(
    ("inside", "says"), [(b"", "empty"), (b"hello world, all of you", "text"), (b"PK\3\4" + bytes(60), "zip")]
)
def test_what_is_inside_is_told(name: str, inside: bytes, says: str, tmp_path: Path) -> None:
    """A compressed file that holds no capture is refused by the name of what it holds."""
    with pytest.raises(InputError, match=rf"{name}-compressed, and inside: .*{says}"):
        opened(tmp_path, PACKERS[name](inside))


@each
def test_a_head_alone_is_told(name: str, tmp_path: Path) -> None:
    """A file cut within its first bytes is refused with the reason."""
    with pytest.raises(InputError, match=rf"{name} data .*copy the file again"):
        opened(tmp_path, PACKERS[name](DATA)[:8])


def test_a_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that grows beyond all reason ends with a clear word, also where two layers hide it."""
    monkeypatch.setattr(compression, "ABSURD_SIZE", 1 << 22)
    bomb = gzip.compress(DATA + bytes(1 << 26))
    for stored in (bomb, zstd.compress(bomb), lzma.compress(DATA + bytes(1 << 26))):
        source = opened(tmp_path, stored)
        assert len(read_all(source)) < 1 << 25
        assert [problem.code for problem in source.problems] == ["grows-absurdly"]


def test_no_read_gives_more_than_was_asked_for() -> None:
    """However much a few compressed bytes stand for, memory grows by pieces only."""
    for pack in PACKERS.values():
        stream = Unpacked(io.BytesIO(pack(bytes(1 << 24))))
        view = memoryview(bytearray(1 << 22))
        while count := stream.readinto(view):
            assert count <= 1 << 14


def test_huge_windows_and_dictionaries_are_refused() -> None:
    """What would need gigabytes of memory to unpack is an error, not an attempt."""
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29}]
    head = bytes.fromhex("28b52ffd00a0")  # no content size, a window of 1 GiB
    for stored in (head + bytes(20), lzma.compress(DATA, filters=filters)):
        with pytest.raises(BrokenStreamError):
            Unpacked(io.BytesIO(stored)).readinto(memoryview(bytearray(100)))


@each
def test_a_broken_stream_stays_broken(name: str) -> None:
    """Damage is told as often as somebody asks, without asking the library again: libbz2 then smashes its stack."""
    stored = bytearray(PACKERS[name](DATA))
    for at in range(12, len(stored), 7):
        stored[at] ^= 0x55
    stream = Unpacked(io.BytesIO(bytes(stored)))
    view = memoryview(bytearray(1 << 20))
    told = []
    for _ in range(300):
        try:
            stream.readinto(view)
        except BrokenStreamError as error:
            told.append(error)
    assert len(told) > 1
    assert len(set(told)) == 1
