"""Answers to jobs: LPR acknowledgements and IPP status.

RFC 1179 section 5, RFC 8011 appendix B. Knows bytes of one conversation; must not know flows.
"""

from __future__ import annotations

from typing import Final

from analyser.services import http
from analyser.services.streams import Conversation, Refusal

_LPR_RECEIVE_JOB: Final = 2

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
