"""Answers of protocols that do not talk in lines: LPR acknowledgements, LDAP results, IPP status.

RFC 1179 section 5, RFC 4511 section 4.1.9 and appendix A, RFC 8011 appendix B. Knows bytes of one
conversation; must not know flows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from analyser.services.streams import Conversation, Refusal, Run

_LPR_RECEIVE_JOB: Final = 2

# Results that mean "you may not" or "not here, not now"; the rest answers the question (no such object, referral …).
# 14 asks the client to go on with its bind: when nothing follows, the bind was not finished.
_LDAP_REFUSALS: Final = frozenset({7, 8, 13, 14, 48, 49, 50, 51, 52, 53})
_LDAP_RESULTS: Final = frozenset({0x61, 0x65, 0x67, 0x69, 0x6B, 0x6D, 0x6F, 0x78})
_EXTENDED_REQUEST, _EXTENDED_RESPONSE = 0x77, 0x78
_START_TLS: Final = b"1.3.6.1.4.1.1466.20037"

_IPP_FIRST_ERROR: Final = 0x0400


def lpr_refusal(conversation: Conversation) -> Refusal | None:
    """Return the last acknowledgement of a job if it is not zero.

    Only where the initiator begins with "receive job"; queries are answered with text.
    """
    asked, answered = conversation.orig, conversation.resp
    if not asked or asked[0].start or asked[0].data[0] != _LPR_RECEIVE_JOB or not answered:
        return None
    run = answered[-1]
    code = run.data[-1]
    return Refusal(f"LPR {code}", run.mark(len(run.data) - 1)) if code else None


def ldap_refusal(conversation: Conversation) -> Refusal | None:
    """Return the last result of the server if it turns the client away."""
    last: Refusal | None = None
    for run in conversation.resp:
        at = 0
        while (message := _element(run.data, at)) is not None:
            tag, start, end = message
            if tag != 0x30:
                break
            code = _ldap_result(run.data, start)
            if code is not None:
                last = Refusal(f"LDAP {code}", run.mark(at)) if code in _LDAP_REFUSALS else None
            at = end
    return last


def ldap_after_starttls(conversation: Conversation) -> Conversation | None:
    """Return what follows the change to TLS (RFC 4511, section 4.14) once the server agreed, None if it did not."""
    for number, run in enumerate(conversation.orig):
        for message in _ldap_messages(run.data):
            asked = _element(run.data, message.content) if message.operation == _EXTENDED_REQUEST else None
            if asked is not None and run.data[asked[1] : asked[2]] == _START_TLS:
                agreed = _agreed(conversation.resp, message.identifier)
                rest = [run.tail(message.end), *conversation.orig[number + 1 :]]
                return Conversation(conversation.serial, rest, agreed) if agreed else None
    return None


def _agreed(side: Sequence[Run], identifier: bytes) -> list[Run] | None:
    """Return what a server sends behind its answer to an extended request, None if that is a no."""
    for number, run in enumerate(side):
        for message in _ldap_messages(run.data):
            if message.operation == _EXTENDED_RESPONSE and message.identifier == identifier:
                agreed = _ldap_result(run.data, message.start) == 0
                return [run.tail(message.end), *side[number + 1 :]] if agreed else None
    return None


class _Message(NamedTuple):
    """An LDAP message: its id as written, where its contents and those of its operation begin, where it ends."""

    identifier: bytes
    start: int
    operation: int
    content: int
    end: int


def _ldap_messages(data: bytearray) -> Iterator[_Message]:
    """Yield the whole messages that a run begins with."""
    at = 0
    while (message := _element(data, at)) is not None and message[0] == 0x30 and message[2] <= len(data):
        _, start, at = message
        identifier = _element(data, start)
        operation = _element(data, identifier[2]) if identifier else None
        if identifier is None or operation is None:
            return
        yield _Message(bytes(data[start : identifier[2]]), start, operation[0], operation[1], at)


def _ldap_result(data: bytearray, at: int) -> int | None:
    """Return the result code of the message whose contents begin at ``at``, None if it carries none."""
    message = _element(data, at)
    operation = _element(data, message[2]) if message else None
    if operation is None or operation[0] not in _LDAP_RESULTS:
        return None
    code = _element(data, operation[1])
    if code is None or code[0] != 0x0A or code[2] > len(data) or not 1 <= code[2] - code[1] <= 2:
        return None
    return int.from_bytes(data[code[1] : code[2]], "big")


def _element(data: bytearray, at: int) -> tuple[int, int, int] | None:
    """Return tag, start and end of the BER element at ``at``, None where its header is not there."""
    if at + 2 > len(data):
        return None
    length, start = data[at + 1], at + 2
    if length > 0x80:
        count = length - 0x80
        if count > 4 or start + count > len(data):
            return None
        length, start = int.from_bytes(data[start : start + count], "big"), start + count
    elif length == 0x80:
        return None
    return data[at], start, start + length


def ipp_refusal(conversation: Conversation) -> Refusal | None:
    """Return the last IPP status if it is an error."""
    last: Refusal | None = None
    for run in conversation.resp:
        for at, status in _ipp_statuses(run):
            last = Refusal(f"IPP 0x{status:04x}", run.mark(at)) if status >= _IPP_FIRST_ERROR else None
    return last


def _ipp_statuses(run: Run) -> Iterator[tuple[int, int]]:
    """Yield place and status of each IPP answer: two bytes behind the version, at the start of an HTTP body."""
    at = run.data.find(b"HTTP/1.")
    while at >= 0:
        end = run.data.find(b"\r\n\r\n", at)
        if end < 0:
            return
        header, body = bytes(run.data[at:end]).lower(), end + 4
        if b"transfer-encoding: chunked" in header:
            body = run.data.find(b"\r\n", body) + 2
        if b"application/ipp" in header and len(run.data) >= body + 4 and run.data[body] in (1, 2):
            yield at, int.from_bytes(run.data[body + 2 : body + 4], "big")
        at = run.data.find(b"HTTP/1.", end)
