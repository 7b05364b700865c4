"""What several capture points show together of one conversation."""

from __future__ import annotations

from enum import IntEnum, auto


class Crossing(IntEnum):
    """What happened between capture points. Numbers have no meaning outside one run."""

    NOTHING = 0
    REQUEST_LOST = auto()
    """The initiator's packets were seen at one point and not at the next."""
    REQUEST_PASSED = auto()
    """They were seen at several points, and nothing came back at any."""
    ANSWER_LOST = auto()
    """The responder's answer was seen at one point and not at the next on its way back."""
    RESPONDER_RESET_MADE = auto()
    """A reset that claims the responder was seen at one point and not at the one nearer to it."""
    INITIATOR_RESET_MADE = auto()
    RESET_PASSED = auto()
    """A reset of the responder was seen at several points."""
    """``sure`` says that the one nearer to the responder is on its segment."""
    ERROR_MADE = auto()
    """An ICMP error about the initiator's packets was seen at one point and not at the next."""
    PAYLOAD_LOST = auto()
    """Segments that were sent again and again at one point did not come to the next."""
