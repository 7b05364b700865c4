"""HTTP/1 answers in a stream: where each one begins and ends, so that bytes of a body are not taken for a status line.

RFC 9112 sections 4, 6 and 7.1. Knows bytes; must not know flows or what a status means for a verdict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

SHORTEST: Final = len(b"HTTP/1.1 200")

_STATUS: Final = re.compile(rb"HTTP/1\.\d (\d{3})(?!\d)")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d{1,15})\r\n")
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]{0,64}\r\n")
_BODILESS: Final = frozenset({204, 304})

Octets = bytes | bytearray


class Answer(NamedTuple):
    """One answer. ``fields``: its header in small letters, empty where it is cut. ``body``: where that begins.

    ``end``: where the next answer begins, None where the body tells no length or is cut before its last chunk.
    """

    status: int
    fields: bytes
    body: int
    end: int | None


class Segment(NamedTuple):
    """A watched packet of the responder: where it stands in the stream, what it acknowledges (None: unknown), its bytes."""

    seq: int
    ack: int | None
    data: bytes


def read_answer(data: Octets, at: int) -> Answer | None:
    """Return the answer that begins at ``at``, None if there is no status line.

    Of a header that is cut nothing is known but its status; it is told as if another answer could follow in another packet.
    """
    line = _STATUS.match(data, at)
    if line is None:
        return None
    status = int(line[1])
    close = data.find(b"\r\n\r\n", at)
    if close < 0:
        return Answer(status, b"", len(data), line.end())
    fields, body = bytes(data[at : close + 2]).lower(), close + 4
    if status < 200 or status in _BODILESS:
        return Answer(status, fields, body, body)
    if _CHUNKED.search(fields):
        return Answer(status, fields, body, _behind_chunks(data, body))
    length = _LENGTH.search(fields)
    return Answer(status, fields, body, body + int(length[1]) if length else None)


def content(data: Octets, answer: Answer) -> bytes:
    """Return the first bytes of an answer's body that are there, without the sizes of its chunks."""
    if not _CHUNKED.search(answer.fields):
        return bytes(data[answer.body : answer.end])
    return b"".join(data[start:end] for start, end in _chunks(data, answer.body))


def answers(data: Octets, at: int = 0) -> Iterator[tuple[int, Answer]]:
    """Yield place and contents of the answers that follow one another from ``at`` on."""
    while (answer := read_answer(data, at)) is not None:
        yield at, answer
        if not answer.fields or answer.end is None or answer.end > len(data) - SHORTEST:
            return
        at = answer.end


def last_status(segments: Sequence[Segment]) -> tuple[int, int] | None:
    """Return the last final status, and the number of the segment that carries it.

    ``segments`` are in the order of time, and all begin like a status line. One that does is an answer if the initiator
    was heard since the answer before, or where that one ended; else it belongs to a body.
    """
    last: tuple[int, int] | None = None
    end: int | None = None
    acked: int | None = None
    for number, (seq, ack, data) in enumerate(segments):
        at = 0
        if number and ack is not None and ack == acked:
            ahead = None if end is None else (end - seq + (1 << 31)) % (1 << 32) - (1 << 31)
            if ahead is None or ahead > len(data) - SHORTEST:
                continue
            at = max(ahead, 0)
        for _, answer in answers(data, at):
            if answer.status >= 200:
                last = answer.status, number
            end, acked = None if answer.end is None else seq + answer.end, ack
    return last


def _chunks(data: Octets, at: int) -> Iterator[tuple[int, int]]:
    """Yield where the chunks begin and end whose size is there; the last of them is empty."""
    while (size := _CHUNK.match(data, at)) is not None:
        end = size.end() + int(size[1], 16)
        yield size.end(), end
        if end == size.end():
            return
        at = end + 2


def _behind_chunks(data: Octets, at: int) -> int | None:
    """Return where a chunked body ends, without a trailer; None if its last chunk is not there."""
    end = None
    for begin, behind in _chunks(data, at):
        end = behind + 2 if begin == behind else None
    return end
