"""SMTP, POP3 and IMAP dialogues: whether their last word is a refusal.

RFC 5321 section 4.2, RFC 1939, RFC 3501 section 7.1. Knows lines; never returns names or addresses in them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from analyser.services.dialogue import Line, exchanges
from analyser.services.streams import Refusal

_SMTP_REPLY: Final = re.compile(rb"([2-5]\d\d)(?: |$)")
_IMAP_TAGGED: Final = re.compile(rb"[^\s*+]{1,32} (OK|NO|BAD)\b", re.IGNORECASE)
_LEAVING: Final = frozenset({b"QUIT", b"RSET", b"NOOP"})


def smtp_refusal(lines: Sequence[Line]) -> Refusal | None:
    """Return the last reply if it is a 5xx, or a 421 or 554 greeting; polite endings do not count as replies."""
    last: Refusal | None = None
    for verb, reply, mark in exchanges(lines):
        found = _SMTP_REPLY.match(reply)
        if found is None or verb in _LEAVING:
            continue
        code = found[1]
        refused = code[:1] == b"5" or (code == b"421" and not verb)
        last = Refusal(f"SMTP {code.decode('ascii')}", mark) if refused else None
    return last


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
