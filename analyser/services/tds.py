"""Conversations with SQL servers: how they agree on encryption, the TLS inside, and whether the last answer is a no.

MS-TDS 2.2.3.1 (packets), 2.2.6.4 and 2.2.6.5 (LOGIN7, PRELOGIN) and 2.2.7 (tokens). Knows bytes of one conversation; never
returns the text of an error or a login, in which names of users and databases stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from analyser.services.streams import Conversation, Refusal, Run

_HEADER: Final = 8
_ANSWER: Final = 0x04
_HANDSHAKE: Final = 0x12
_LOGIN: Final = 0x10
_LAST_PACKET: Final = 0x01

_ENCRYPTION: Final = 0x01
_END_OF_OPTIONS: Final = 0xFF
_WORDS: Final = ("off", "on", "not supported", "required")
_PASSWORD_AT: Final = 44  # in LOGIN7: where the password stands, then how many characters it has
_TLS_RECORDS: Final = range(20, 24)

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


def agreed(conversation: Conversation) -> str | None:
    """Return what both sides say about encryption before the login, None where not both are seen."""
    client, server = (_encryption(side) for side in (conversation.orig, conversation.resp))
    if client is None or server is None:
        return None
    return f"encryption {_WORDS[server]}, client: {_WORDS[client]}"


def disclosed(conversation: Conversation) -> str | None:
    """Return what whoever listens can read: the login itself, or all but the login."""
    for packet in _packets(conversation.orig):
        if packet.kind == _LOGIN:
            data = packet.run.data[packet.begin : packet.end]
            password = int.from_bytes(data[_PASSWORD_AT + 2 : _PASSWORD_AT + 4], "little")
            return f"{'password' if password else 'login'} sent in clear text"
    if _encryption(conversation.orig) == _encryption(conversation.resp) == _WORDS.index("off"):
        return "only the login is encrypted"
    return None


def inside(conversation: Conversation) -> Conversation | None:
    """Return the TLS that begins inside packets of both sides and goes on without them; None if there is none.

    Only what is before the first gap can be taken out of its packets.
    """
    sides = [_unwrapped(conversation.orig, is_client=True), _unwrapped(conversation.resp, is_client=False)]
    return Conversation(conversation.serial, *sides) if any(sides) else None


def _unwrapped(side: Sequence[Run], *, is_client: bool) -> list[Run]:
    rest = Run(start=0)
    # what a client sends first in packets of this kind is its PRELOGIN
    begun, end = not is_client, 0
    for packet in _packets(side):
        end = packet.end
        if begun and packet.kind == _HANDSHAKE:
            for data, mark in packet.run.pieces(packet.begin, packet.end):
                rest.add(data, mark)
        begun = begun or packet.last
    if not rest.data:
        return []
    run = side[0]
    if run.data[end : end + 1] and run.data[end] in _TLS_RECORDS:
        for data, mark in run.pieces(end, len(run.data)):
            rest.add(data, mark)
    return [rest]


def _encryption(side: Sequence[Run]) -> int | None:
    """Return what the PRELOGIN of a side says about encryption, an index into ``_WORDS``."""
    packet = next(_packets(side), None)
    if packet is None or packet.kind not in (_HANDSHAKE, _ANSWER):
        return None
    options = packet.run.data[packet.begin : packet.end]
    for at in range(0, len(options) - 4, 5):
        if options[at] == _END_OF_OPTIONS or (at == 0 and options[at] != 0):  # VERSION comes first
            return None
        place = int.from_bytes(options[at + 1 : at + 3], "big")
        if options[at] == _ENCRYPTION and place < len(options):
            return options[place] & 3
    return None


class _Packet(NamedTuple):
    """A packet of a run: its kind, where its data begins and ends, whether it is the last of its message."""

    run: Run
    kind: int
    begin: int
    end: int
    last: bool


def _packets(side: Sequence[Run]) -> Iterator[_Packet]:
    """Yield the packets that a side begins with, if its beginning was seen; the last may be cut."""
    if side and side[0].start == 0:
        yield from _packets_of(side[0], frozenset({_ANSWER, _LOGIN, _HANDSHAKE}))


def _packets_of(run: Run, kinds: frozenset[int]) -> Iterator[_Packet]:
    at, data = 0, run.data
    while at + _HEADER <= len(data) and data[at] in kinds:
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if size < _HEADER:
            return
        yield _Packet(run, data[at], at + _HEADER, min(at + size, len(data)), bool(data[at + 1] & _LAST_PACKET))
        at += size


def _messages(run: Run) -> Iterator[tuple[int, bytes]]:
    """Yield place and bytes of each answer, its packets put together; one that is cut is yielded as far as it goes."""
    begin, parts = 0, bytearray()
    for packet in _packets_of(run, frozenset({_ANSWER, _HANDSHAKE})):
        if packet.kind == _ANSWER:
            begin = begin if parts else packet.begin - _HEADER
            parts += run.data[packet.begin : packet.end]
            if packet.last:
                yield begin, bytes(parts)
                parts.clear()
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
