"""SMB answers: whether a server's last word about logging in, a share or a file is a refusal.

MS-SMB2 2.2.1 and MS-CIFS 2.2.3.1 (headers), MS-ERREF 2.3 (status codes), RFC 1002 section 4.3 (frames). Knows bytes of
one conversation; never returns the names of users, shares or files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from analyser.services.streams import Conversation, Refusal, Run

STATUSES: Final[dict[int, str]] = {
    0xC0000016: "more-processing-required",
    0xC0000022: "access-denied",
    0xC0000064: "no-such-user",
    0xC000006A: "wrong-password",
    0xC000006D: "logon-failure",
    0xC000006E: "account-restriction",
    0xC000006F: "invalid-logon-hours",
    0xC0000070: "invalid-workstation",
    0xC0000071: "password-expired",
    0xC0000072: "account-disabled",
    0xC00000BB: "not-supported",
    0xC00000CC: "bad-network-name",
    0xC000015B: "logon-type-not-granted",
    0xC0000193: "account-expired",
    0xC0000224: "password-must-change",
    0xC0000234: "account-locked-out",
}
"""Status codes that have a name in reports (MS-ERREF); others are told by number."""

_FIRST_ERROR: Final = 0xC0000000
_PENDING: Final = 0x103  # an interim answer: the real one follows
_ACCESS_DENIED: Final = 0xC0000022
_OLD_CLASSES: Final = {1: "ERRDOS", 2: "ERRSRV"}
_OLD_DENIED: Final = frozenset({(1, 5), (2, 4)})

_HEADER: Final = 4
_MESSAGE, _ACCEPTED, _REFUSED, _KEEP_ALIVE = 0x00, 0x82, 0x83, 0x85
_SMB1, _SMB2, _ENCRYPTED = b"\xffSMB", b"\xfeSMB", b"\xfdSMB"

_ENTERING_1: Final = frozenset({0x70, 0x72, 0x73, 0x75})  # tree connect, negotiate, session setup, tree connect
_OPENING_1: Final = frozenset({0x03, 0x2D, 0xA2})
_ENTERING_2: Final = frozenset({0, 1, 3})  # negotiate, session setup, tree connect
_OPENING_2: Final = frozenset({5})


class _Answer(NamedTuple):
    """One answer: its code in words if it is an error, whether that denies access, what was asked, where it stands."""

    error: str | None
    denied: bool
    entering: bool
    opening: bool
    at: int


def smb_refusal(conversation: Conversation) -> Refusal | None:
    """Return the last answer that decides, if it is a refusal.

    Deciding are answers to negotiation, log-in and the choice of a share; of files only "access denied" refuses, since
    asking for one that is not there is ordinary. A message that is encrypted shows that the log-in succeeded.
    """
    last: Refusal | None = None
    for run in conversation.resp:
        for answer in _answers(run):
            if answer.entering or answer.opening:
                refused = answer.error is not None and (answer.entering or answer.denied)
                last = Refusal(f"SMB {answer.error}", run.mark(answer.at)) if refused else None
        last = _session_refusal(run) or last
    return last


def _session_refusal(run: Run) -> Refusal | None:
    """Return the answer that turns a NetBIOS session down, which is all that such a server says."""
    data = run.data
    if run.start or len(data) < _HEADER + 1 or data[0] != _REFUSED or int.from_bytes(data[1:4], "big") != 1:
        return None
    return Refusal(f"NetBIOS 0x{data[_HEADER]:02x}", run.mark(0))


def _answers(run: Run) -> Iterator[_Answer]:
    """Yield the answers in the frames of a run, as far as frames follow one another."""
    at, data = 0, run.data
    while at + _HEADER <= len(data) and data[at] in (_MESSAGE, _ACCEPTED, _KEEP_ALIVE):
        end = at + _HEADER + int.from_bytes(data[at + 1 : at + 4], "big")
        if data[at] == _MESSAGE:
            begin = bytes(data[at + _HEADER : at + _HEADER + 4])
            if begin == _SMB2:
                yield from _chained(data, at + _HEADER, min(end, len(data)))
            elif begin == _SMB1:
                yield from _single(data, at + _HEADER)
            elif begin == _ENCRYPTED:
                yield _Answer(None, denied=False, entering=True, opening=False, at=at)
            else:
                return
        at = end


def _chained(data: bytearray, at: int, end: int) -> Iterator[_Answer]:
    """Yield the answers of one frame of SMB 2 or 3: several may be chained, each with a header of 64 bytes."""
    while at + 24 <= end and data[at : at + 4] == _SMB2:
        command = int.from_bytes(data[at + 12 : at + 14], "little")
        if data[at + 16] & 1:  # from a server
            status = int.from_bytes(data[at + 8 : at + 12], "little")
            yield from _told(status, command in _ENTERING_2, command in _OPENING_2, at)
        onward = int.from_bytes(data[at + 20 : at + 24], "little")
        if onward < 64:
            return
        at += onward


def _single(data: bytearray, at: int) -> Iterator[_Answer]:
    """Yield the answer of a frame of SMB 1. An old server tells class and code of an error instead of a status."""
    if at + 12 > len(data) or not data[at + 9] & 0x80:
        return
    command, status = data[at + 4], int.from_bytes(data[at + 5 : at + 9], "little")
    entering, opening = command in _ENTERING_1, command in _OPENING_1
    if data[at + 11] & 0x40 or not status:
        yield from _told(status, entering, opening, at)
        return
    kind, code = status & 0xFF, status >> 16
    yield _Answer(f"{_OLD_CLASSES.get(kind, kind)} {code}", (kind, code) in _OLD_DENIED, entering, opening, at)


def _told(status: int, entering: bool, opening: bool, at: int) -> Iterator[_Answer]:
    """Yield the answer with a status, unless it is an interim one."""
    if status != _PENDING:
        named = f"0x{status:08x} {STATUSES.get(status, '')}".rstrip() if status >= _FIRST_ERROR else None
        yield _Answer(named, status == _ACCESS_DENIED, entering, opening, at)
