"""SMTP, POP3 and IMAP dialogues: whether their last word is a refusal.

RFC 5321 section 4.2, RFC 1939, RFC 3501 section 7.1. Knows lines; never returns names or addresses in them.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from analyser.services.dialogue import Exchange, Line, exchanges
from analyser.services.streams import Refusal

_SMTP_REPLY: Final = re.compile(rb"([2-5]\d\d)(?: |$)")
_IMAP_TAGGED: Final = re.compile(rb"[^\s*+]{1,32} (OK|NO|BAD)\b", re.IGNORECASE)
_GO_ON: Final = b"354"
_BYE: Final = b"221"
_LEAVING: Final = frozenset({b"QUIT", b"RSET", b"NOOP"})


def smtp_refusal(lines: Sequence[Line]) -> Refusal | None:
    """Return the last reply if it is a 5xx, or a 421 or 554 greeting; polite endings do not count as replies."""
    last: Refusal | None = None
    for verb, reply, mark in _in_turn(lines):
        code = reply[:3]
        if verb in _LEAVING or code == _BYE:
            continue
        refused = code[:1] == b"5" or (code == b"421" and not verb)
        last = Refusal(f"SMTP {code.decode('ascii')}", mark) if refused else None
    return last


def _in_turn(lines: Sequence[Line]) -> Iterator[Exchange]:
    """Pair replies with commands in their order: a client may send several before it hears an answer (RFC 2920).

    The text of a mail, which the server asks for with 354, is answered as one command.
    """
    waiting: deque[bytes] = deque()
    is_text = False
    for line in lines:
        if line.from_orig:
            if not is_text or line.text == b".":
                waiting.append(line.text.split(b" ", 1)[0].upper())
                is_text = False
        elif (reply := _SMTP_REPLY.match(line.text)) is not None:
            is_text = reply[1] == _GO_ON
            yield Exchange(waiting.popleft() if waiting else b"", line.text, line.mark)


def pop3_refusal(lines: Sequence[Line]) -> Refusal | None:
    """Return the last status line if it is -ERR."""
    last: Refusal | None = None
    for verb, reply, mark in exchanges(lines):
        if verb in _LEAVING:
            continue
        if reply.startswith(b"-ERR"):
            last = Refusal("POP3 -ERR", mark)
        elif reply.startswith(b"+OK"):
            last = None
    return last


def imap_refusal(lines: Sequence[Line]) -> Refusal | None:
    """Return the last tagged answer if it is NO (BAD is the client's mistake), or a greeting that says BYE."""
    last: Refusal | None = None
    for number, line in enumerate(line for line in lines if not line.from_orig):
        if number == 0 and line.text.upper().startswith(b"* BYE"):
            last = Refusal("IMAP BYE", line.mark)
        tagged = _IMAP_TAGGED.match(line.text)
        if tagged is not None:
            last = Refusal("IMAP NO", line.mark) if tagged[1].upper() == b"NO" else None
    return last
