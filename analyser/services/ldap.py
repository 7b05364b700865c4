"""LDAP dialogues: refusals, the change to TLS, and passwords that are sent outside it.

RFC 4511 sections 4.1.1, 4.2, 4.12, 4.14 and appendix A. Knows bytes of one conversation; never returns a name or a password.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from analyser.services.ber import element
from analyser.services.streams import Conversation, Refusal, Run

# Results that mean "you may not" or "not here, not now"; the rest answers the question (no such object, referral …).
# 1 is how directory servers of Windows ask for a bind before anything else.
# 14 asks the client to go on with its bind: when nothing follows, the bind was not finished.
_REFUSALS: Final = frozenset({1, 7, 8, 13, 14, 48, 49, 50, 51, 52, 53})
_PROTOCOL_ERROR: Final = 2  # to an extended request, such as StartTLS: not known here
_SEQUENCE, _ENUMERATED = 0x30, 0x0A
_BIND, _EXTENDED_REQUEST, _EXTENDED = 0x60, 0x77, 0x78
_RESULTS: Final = frozenset({0x61, 0x65, 0x67, 0x69, 0x6B, 0x6D, 0x6F, _EXTENDED})
_SIMPLE: Final = 0x80
_START_TLS: Final = b"1.3.6.1.4.1.1466.20037"
_SMALLEST: Final = 5  # messageID and an operation without contents


class _Message(NamedTuple):
    """A message: where it begins, its id as written, its operation and where the contents of that begin, where it ends.

    It may end beyond what was captured.
    """

    at: int
    identifier: bytes
    operation: int
    content: int
    end: int


def refusal(conversation: Conversation) -> Refusal | None:
    """Return the last result of the server if it turns the client away."""
    last: Refusal | None = None
    for run in conversation.resp:
        for message in _messages(run.data):
            code = _result(run.data, message)
            if code is not None:
                refused = code in _REFUSALS or (message.operation, code) == (_EXTENDED, _PROTOCOL_ERROR)
                last = Refusal(f"LDAP {code}", run.mark(message.at)) if refused else None
    return last


def password_in_clear(conversation: Conversation) -> bool:
    """Say whether a client binds with a password outside TLS."""
    return any(_binds_openly(run.data, message) for run in conversation.orig for message in _messages(run.data))


def after_starttls(conversation: Conversation) -> Conversation | None:
    """Return what follows the change to TLS once the server agreed, None if it did not."""
    for number, run in enumerate(conversation.orig):
        for message in _messages(run.data):
            asked = element(run.data, message.content) if message.operation == _EXTENDED_REQUEST else None
            if asked is not None and run.data[asked[1] : asked[2]] == _START_TLS and message.end <= len(run.data):
                agreed = _agreed(conversation.resp, message.identifier)
                rest = [run.tail(message.end), *conversation.orig[number + 1 :]]
                return Conversation(conversation.serial, rest, agreed) if agreed else None
    return None


def _agreed(side: Sequence[Run], identifier: bytes) -> list[Run] | None:
    """Return what a server sends behind its answer to an extended request, None if that is a no."""
    for number, run in enumerate(side):
        for message in _messages(run.data):
            if message.operation == _EXTENDED and message.identifier == identifier and message.end <= len(run.data):
                agreed = _result(run.data, message) == 0
                return [run.tail(message.end), *side[number + 1 :]] if agreed else None
    return None


def _messages(data: bytearray) -> Iterator[_Message]:
    """Yield the messages that a run begins with, also the last one if its end is missing."""
    at = 0
    while (found := element(data, at)) is not None and found[0] == _SEQUENCE and found[2] - found[1] >= _SMALLEST:
        _, start, end = found
        identifier = element(data, start)
        operation = element(data, identifier[2]) if identifier else None
        if identifier is not None and operation is not None:
            yield _Message(at, bytes(data[start : identifier[2]]), operation[0], operation[1], end)
        at = end


def _result(data: bytearray, message: _Message) -> int | None:
    """Return the result code of a message, None if it carries none."""
    code = element(data, message.content) if message.operation in _RESULTS else None
    if code is None or code[0] != _ENUMERATED or code[2] > len(data) or not 1 <= code[2] - code[1] <= 2:
        return None
    return int.from_bytes(data[code[1] : code[2]], "big")


def _binds_openly(data: bytearray, message: _Message) -> bool:
    version = element(data, message.content) if message.operation == _BIND else None
    name = element(data, version[2]) if version else None
    proof = element(data, name[2]) if name else None
    return proof is not None and proof[0] == _SIMPLE and proof[2] > proof[1]
