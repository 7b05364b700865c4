"""Answers of protocols that do not talk in lines: LPR acknowledgements, LDAP results, IPP status.

RFC 1179 section 5, RFC 4511 section 4.1.9 and appendix A, RFC 8011 appendix B. Knows bytes of one
conversation; must not know flows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from analyser.services import http
from analyser.services.ber import element
from analyser.services.streams import Conversation, Refusal, Run

_LPR_RECEIVE_JOB: Final = 2

# Results that mean "you may not" or "not here, not now"; the rest answers the question (no such object, referral …).
# 1 is how directory servers of Windows ask for a bind before anything else.
# 14 asks the client to go on with its bind: when nothing follows, the bind was not finished.
_LDAP_REFUSALS: Final = frozenset({1, 7, 8, 13, 14, 48, 49, 50, 51, 52, 53})
_PROTOCOL_ERROR: Final = 2  # to an extended request, such as StartTLS: not known here
_EXTENDED: Final = 0x78
_LDAP_RESULTS: Final = frozenset({0x61, 0x65, 0x67, 0x69, 0x6B, 0x6D, 0x6F, 0x78})
_EXTENDED_REQUEST: Final = 0x77
_START_TLS: Final = b"1.3.6.1.4.1.1466.20037"

_SMALLEST: Final = 5  # messageID and an operation without contents

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
        while (message := element(run.data, at)) is not None:
            tag, start, end = message
            if tag != 0x30 or end - start < _SMALLEST:
                break
            answer = _ldap_result(run.data, start)
            if answer is not None:
                refused = answer[1] in _LDAP_REFUSALS or answer == (_EXTENDED, _PROTOCOL_ERROR)
                last = Refusal(f"LDAP {answer[1]}", run.mark(at)) if refused else None
            at = end
    return last


def ldap_after_starttls(conversation: Conversation) -> Conversation | None:
    """Return what follows the change to TLS (RFC 4511, section 4.14) once the server agreed, None if it did not."""
    for number, run in enumerate(conversation.orig):
        for message in _ldap_messages(run.data):
            asked = element(run.data, message.content) if message.operation == _EXTENDED_REQUEST else None
            if asked is not None and run.data[asked[1] : asked[2]] == _START_TLS:
                agreed = _agreed(conversation.resp, message.identifier)
                rest = [run.tail(message.end), *conversation.orig[number + 1 :]]
                return Conversation(conversation.serial, rest, agreed) if agreed else None
    return None


def _agreed(side: Sequence[Run], identifier: bytes) -> list[Run] | None:
    """Return what a server sends behind its answer to an extended request, None if that is a no."""
    for number, run in enumerate(side):
        for message in _ldap_messages(run.data):
            if message.operation == _EXTENDED and message.identifier == identifier:
                agreed = _ldap_result(run.data, message.start) == (_EXTENDED, 0)
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
    while (message := element(data, at)) is not None and message[0] == 0x30 and message[2] <= len(data):
        _, start, at = message
        identifier = element(data, start)
        operation = element(data, identifier[2]) if identifier else None
        if identifier is None or operation is None:
            return
        yield _Message(bytes(data[start : identifier[2]]), start, operation[0], operation[1], at)


def _ldap_result(data: bytearray, at: int) -> tuple[int, int] | None:
    """Return operation and result code of the message whose contents begin at ``at``, None if it carries none."""
    message = element(data, at)
    operation = element(data, message[2]) if message else None
    if operation is None or operation[0] not in _LDAP_RESULTS:
        return None
    code = element(data, operation[1])
    if code is None or code[0] != 0x0A or code[2] > len(data) or not 1 <= code[2] - code[1] <= 2:
        return None
    return operation[0], int.from_bytes(data[code[1] : code[2]], "big")


def ipp_refusal(conversation: Conversation) -> Refusal | None:
    """Return the last IPP status if it is an error."""
    last: Refusal | None = None
    for run in conversation.resp:
        for at, answer in http.answers(run.data):
            if b"application/ipp" not in answer.fields:
                continue
            head = http.content(run.data, answer)[:4]  # version, status
            if len(head) == 4 and head[0] in (1, 2):
                status = int.from_bytes(head[2:], "big")
                last = Refusal(f"IPP 0x{status:04x}", run.mark(at)) if status >= _IPP_FIRST_ERROR else None
    return last
