"""What a capture is to the stages: bytes with a known format, and what was found while reading them.

Knows names and shapes; opening files belongs to ``capture``, understanding packets to ``flows``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol


class InputError(Exception):
    """The user's input cannot be used: which file, where in it, and what was expected instead.

    The message is complete as it stands; ``path`` is the file as the user named it, ``place`` a line,
    a key or a byte offset (or None).
    """

    def __init__(self, path: str, message: str, place: str | None = None) -> None:
        super().__init__(f"{path}{':' + place if place else ''}: {message}")
        self.path = path
        self.place = place
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureHeader:
    """The outside of a capture. For pcapng ``link_type`` and ``snaplen`` are None: they belong to its interfaces.

    ``format`` is "pcap", "pcapng" or "snoop"; ``swapped``: the file's byte order is not little-endian;
    ``nanoseconds``: resolution of pcap time stamps; ``length``: bytes of the header before the first
    record (24 for pcap, 0 for pcapng, whose section header is a block like others). ``record`` (not for pcapng): bytes
    of a record's header, and where in it stand time, caught length and original length.
    """

    format: str
    swapped: bool
    nanoseconds: bool
    link_type: int | None
    snaplen: int | None
    length: int
    record: tuple[int, int, int, int] = (16, 0, 8, 12)


class ByteSource(Protocol):
    """A capture as a stream of bytes, header included.

    ``first_t`` in ns, None where no packet was found. ``live``: it can be read once only, perhaps while it is written.
    """

    path: str
    header: CaptureHeader
    first_t: int | None
    live: bool

    def readinto(self, view: memoryview) -> int:
        """Fill ``view`` from the stream; return how many bytes, 0 at the end (also after an interrupt)."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something about a capture that limits what it shows (``cut-short``, ``same-file``, ``same-traffic`` …)."""

    code: str
    count: int
    detail: str


@dataclass(slots=True, kw_only=True)
class FileFacts:
    """What reading one capture showed. ``first`` and ``last`` in ns, None without packets.

    ``dropped``: packets that the capturing program says it lost (pcapng statistics), None where it does not say.
    """

    path: str
    packets: int = 0
    octets: int = 0
    first: int | None = None
    last: int | None = None
    link_types: tuple[int, ...] = ()
    snaplen: int | None = None
    complete: bool = True
    dropped: int | None = None
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingFacts:
    """What reading all captures showed, next to the tables.

    ``undecoded`` and ``link_layer``: packets by name. ``icmp_errors``: those that quote a flow and belong to it. Every
    packet is in a flow, or counted once in these or in ``duplicates``. ``decapsulated``: packets whose flow was found inside a
    tunnel. ``watched_overflow``: packets that were to be kept for the services stage and were not.
    """

    files: tuple[FileFacts, ...]
    undecoded: dict[str, int]
    link_layer: dict[str, int]
    duplicates: int
    icmp_errors: int
    decapsulated: int
    watched_overflow: int

    @property
    def packets(self) -> int:
        """Packets of all files."""
        return sum(item.packets for item in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtFrame:
    """One frame as it was caught: its number in the capture from 1, time (ns), bytes, and its length on the wire.

    ``headers``: so many of the bytes are headers; what follows them is what somebody said.
    """

    number: int
    t: int
    link_type: int
    data: bytes
    length: int
    headers: int

    def without_payload(self) -> CaughtFrame:
        """Return the frame cut behind its headers; its length on the wire still tells how much there was."""
        return replace(self, data=self.data[: self.headers])


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureNote:
    """One capture as it was read. ``bytes`` is the size of what was read; ``packets`` counts records."""

    path: str
    sha256: str | None
    format: str
    link_types: tuple[str, ...]
    packets: int
    bytes: int
    first: str | None
    last: str | None
    complete: bool
    problems: tuple[Problem, ...] = ()
