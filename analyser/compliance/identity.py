"""The name of a finding: a short hash that is the same tonight and tomorrow, since no time goes into it.

Knows only words; what identifies a finding is chosen by its caller.
"""

from __future__ import annotations

import hashlib

_LENGTH = 10
_SEPARATOR = "\x1f"


def finding_id(*parts: str | int | None) -> str:
    """Return a hash of ``parts`` as ten hexadecimal digits; None and "" are the same: not known."""
    text = _SEPARATOR.join("" if part is None else str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_LENGTH]


class Ids:
    """Gives each finding of one report an id of its own, even where two names in a site are alike."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def give(self, *parts: str | int | None) -> str:
        """Return :func:`finding_id` of ``parts``, told apart from ids given before."""
        wanted = finding_id(*parts)
        again = 1
        while wanted in self._given:
            again += 1
            wanted = finding_id(*parts, f"#{again}")
        self._given.add(wanted)
        return wanted
