"""Answers of SQL servers: whether the last one turns the client away.

MS-TDS 2.2.3.1 (packets) and 2.2.7 (tokens). Knows bytes of one conversation; never returns the text of an error, in which
names of users and databases stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from analyser.services.streams import Conversation, Refusal, Run

_HEADER: Final = 8
_ANSWER: Final = 0x04
_HANDSHAKE: Final = 0x12
_LAST_PACKET: Final = 0x01

_ERROR, _LOGGED_IN = 0xAA, 0xAD
_SHORT: Final = frozenset({_ERROR, _LOGGED_IN, 0xAB, 0xE3, 0xED, 0xA9, 0xA4})  # length in two bytes
_LONG: Final = frozenset({0xE4, 0xEE})  # in four
_DONE: Final = frozenset({0xFD, 0xFE, 0xFF})
_SIZE_OF_DONE: Final = 12
_SIZE_OF_STATUS: Final = {0x79: 4}

_MAY_NOT: Final = frozenset({229, 230, 262, 297, 300, 916, 4060, 4064, *range(18400, 18500)})
"""Errors that mean "you may not"; others, such as a wrong name in a query, answer the question."""
_FATAL: Final = 20
"""From this class on the server ends the conversation."""


class _Token(NamedTuple):
    """A token of a message: its kind, and for an error its number and class."""

    kind: int
    number: int = 0
    severity: int = 0


def tds_refusal(conversation: Conversation) -> Refusal | None:
    """Return the server's last answer if it turns the client away.

    Before a log-in is acknowledged any error does; afterwards those that deny a right or end the conversation. Where the
    log-in lies inside TLS nothing is known.
    """
    last: Refusal | None = None
    waits = False
    for run in conversation.resp:
        for at, message in _messages(run):
            if message[:1] == b"\x00":  # the answer to PRELOGIN has options, not tokens
                waits = True
                continue
            tokens = list(_tokens(message))
            if any(token.kind == _LOGGED_IN for token in tokens):
                waits = False
            refusing = [
                token
                for token in tokens
                if token.kind == _ERROR and (waits or token.number in _MAY_NOT or token.severity >= _FATAL)
            ]
            last = Refusal(f"TDS {refusing[0].number}", run.mark(at)) if refusing else None
    return last


def _messages(run: Run) -> Iterator[tuple[int, bytes]]:
    """Yield place and bytes of each answer, its packets put together; one that is cut is yielded as far as it goes."""
    at, data = 0, run.data
    begin, parts = 0, bytearray()
    while at + _HEADER <= len(data) and data[at] in (_ANSWER, _HANDSHAKE):
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if size < _HEADER:
            break
        if data[at] == _ANSWER:
            begin = begin if parts else at
            parts += data[at + _HEADER : at + size]
            if data[at + 1] & _LAST_PACKET:
                yield begin, bytes(parts)
                parts.clear()
        at += size
    if parts:
        yield begin, bytes(parts)


def _tokens(message: bytes) -> Iterator[_Token]:
    """Yield the tokens from the beginning of an answer up to the first whose length cannot be told (its rows)."""
    at = 0
    while at < len(message):
        kind = message[at]
        if kind in _DONE or kind in _SIZE_OF_STATUS:
            yield _Token(kind)
            at += 1 + _SIZE_OF_STATUS.get(kind, _SIZE_OF_DONE)
            continue
        width = 2 if kind in _SHORT else 4 if kind in _LONG else 0
        body = at + 1 + width
        if not width or body > len(message):
            return
        if kind == _ERROR:
            if body + 6 > len(message):
                return
            yield _Token(kind, int.from_bytes(message[body : body + 4], "little"), message[body + 5])
        else:
            yield _Token(kind)
        at = body + int.from_bytes(message[at + 1 : body], "little")
