"""Compressed streams, unpacked while they are read: gzip, zstd, lz4, xz and bzip2, told by their first bytes.

Knows compression formats, not what is inside. Members and frames that follow one another are one stream, as every
unpacking program sees it. Memory is bounded whatever the bytes say: output comes in small pieces, and dictionaries
(xz) and windows (zstd) beyond 128 MB are refused.

Sources: RFC 1952 (gzip), RFC 8878 (zstd, skippable frames), the lz4 frame format, the xz file format.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final, Protocol

_RAW: Final = 1 << 16
"""Compressed bytes that are read at once."""

_PIECE: Final = 1 << 14
"""Most bytes that are unpacked at once: what a damaged stream held in the piece before the damage is lost."""

_HELD: Final = 32
"""The last bytes of a file (checksums) are given one by one, so that a wrong sum does not take the data with it."""

_LARGEST_WINDOW_LOG: Final = 27
_SKIPPABLE: Final = range(0x184D2A50, 0x184D2A60)

ABSURD_SIZE: Final = 1 << 30
ABSURD_RATIO: Final = 250
"""A stream that has grown beyond this size and to more than this many times what is stored is a bomb, or so empty
that nothing is lost by not reading it: captures shrink to a third or a tenth, the most uniform to a hundredth."""

LAYERS: Final = 2
"""A compressed file that was compressed once more is read; what lies deeper is refused."""


class Stream(Protocol):
    """What is asked of an open binary file, buffered or not."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill ``buffer``; return how many bytes, 0 at the end."""
        ...

    def close(self) -> None:
        """Release it."""
        ...


class BrokenStreamError(Exception):
    """A compressed stream cannot be unpacked further: a problem code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _gzip() -> Any:
    from isal import igzip_lib

    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.ZstdDecompressor(options={int(zstd.DecompressionParameter.window_log_max): _LARGEST_WINDOW_LOG})


def _lz4() -> Any:
    from lz4.frame import LZ4FrameDecompressor

    return LZ4FrameDecompressor()


def _xz() -> Any:
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=1 << _LARGEST_WINDOW_LOG)


def _bzip2() -> Any:
    import bz2

    return bz2.BZ2Decompressor()


_FORMATS: Final[tuple[tuple[bytes, str, Callable[[], Any]], ...]] = (
    (b"\x1f\x8b", "gzip", _gzip),
    (b"\x28\xb5\x2f\xfd", "zstd", _zstd),
    (b"\x04\x22\x4d\x18", "lz4", _lz4),
    (b"\xfd7zX", "xz", _xz),
    (b"BZh", "bzip2", _bzip2),
)
_FRAME_HEAD: Final = 8


def compression_of(head: bytes) -> str | None:
    """Return the name of the compression of a stream whose first four bytes are ``head``, None where it is none of these."""
    for magic, name, _ in _FORMATS:
        if head.startswith(magic):
            return name
    return "zstd" if int.from_bytes(head[:4], "little") in _SKIPPABLE else None


class Unpacked:
    """The inside of a compressed ``stream``, as a stream of its own."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._raw = b""  # read and not yet given to the decompressor
        self._no_more = False
        self._member: Any = None
        self._name = "compressed"
        self._taken = 0
        self._given = 0
        self._broken: BrokenStreamError | None = None
        self._scratch = memoryview(bytearray(_RAW))

    @property
    def stored(self) -> int:
        """Bytes taken so far of what is stored (of the outermost of several layers)."""
        return self._stream.stored if isinstance(self._stream, Unpacked) else self._taken

    def readinto(self, view: memoryview, /) -> int:
        """Fill ``view`` with what can be unpacked without waiting for more than that; 0 at the end.

        Raises :class:`BrokenStreamError` where the stream is cut (``cut-short``), damaged (``damaged``), or grows beyond all
        reason (``grows-absurdly``); everything before was given.
        """
        if self._broken is None:
            try:
                return self._give(view)
            except BrokenStreamError as error:
                self._broken = error
        # A library that has met damage must not be asked again: some then write beyond their memory.
        raise self._broken

    def _give(self, view: memoryview) -> int:
        while self._member is not None or self._begin():
            data = self._unpack(min(len(view), _PIECE))
            if self._member.eof:
                self._raw = (self._member.unused_data or b"") + self._raw
                self._member = None
            if data:
                view[: len(data)] = data
                self._given += len(data)
                if self._given > ABSURD_SIZE and self._given > ABSURD_RATIO * self.stored:
                    raise BrokenStreamError(
                        "grows-absurdly",
                        f"{self._name} data that has grown to {self._given} bytes from {self.stored}: not read further;"
                        " unpack it first if it is meant",
                    )
                return len(data)
        return 0

    def close(self) -> None:
        """Release the stream below."""
        self._stream.close()

    def _unpack(self, most: int) -> bytes:
        data = b""
        if self._member.needs_input:
            while len(self._raw) <= _HELD and not self._no_more:
                self._read()
            if not self._raw:
                raise BrokenStreamError("cut-short", f"{self._name} data cut off after {self._taken} bytes")
            cut = -_HELD if len(self._raw) > _HELD else 1
            data, self._raw = self._raw[:cut], self._raw[cut:]
        try:
            return bytes(self._member.decompress(data, most))
        except MemoryError as error:
            raise BrokenStreamError("damaged", f"{self._name} data that needs too much memory") from error
        # Each library has an error of its own; whatever it is, the stream ends here.
        except Exception as error:
            raise BrokenStreamError(
                "damaged", f"{self._name} data damaged near byte {self._taken - len(self._raw)} ({error})"
            ) from error

    def _begin(self) -> bool:
        """Find the next member or frame; say whether there is one."""
        while True:
            while len(self._raw) < _FRAME_HEAD and not self._no_more:
                self._read()
            word = int.from_bytes(self._raw[:4], "little")
            if self._raw[:1] == b"\0":  # padding between members and behind the last
                self._raw = self._raw.lstrip(b"\0")
            elif len(self._raw) >= _FRAME_HEAD and word in _SKIPPABLE:
                self._skip(_FRAME_HEAD + int.from_bytes(self._raw[4:8], "little"))
            else:
                break
        if not self._raw:
            return False
        for magic, name, make in _FORMATS:
            if self._raw.startswith(magic):
                self._name = name
                self._member = make()
                return True
        raise BrokenStreamError("damaged", f"bytes behind the {self._name} data that are not compressed")

    def _skip(self, count: int) -> None:
        while count > len(self._raw) and not self._no_more:
            count -= len(self._raw)
            self._raw = b""
            self._read()
        self._raw = self._raw[count:]

    def _read(self) -> None:
        count = self._stream.readinto(self._scratch) or 0
        self._no_more = count == 0
        self._taken += count
        self._raw += self._scratch[:count]
