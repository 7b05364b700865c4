"""BER (ITU-T X.690) in a message: tag and length in any definite form. Many messages at once are read by the compiled part.

Knows the encoding; must not know which protocol it carries.
"""

from __future__ import annotations


def element(data: bytes | bytearray, at: int) -> tuple[int, int, int] | None:
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
