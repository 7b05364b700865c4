"""What dialogues give away: it is said that a secret was sent in clear text, never which."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services import wire
from tests.services.made import Talking, first, flow, labelled

TLS = b"\x16\x03\x01\x00\x05hello"
START_TLS = wire.ber(0x30, wire.integer(1), wire.ber(0x77, wire.ber(0x80, b"1.3.6.1.4.1.1466.20037")))
SEARCH = wire.ber(0x30, wire.integer(1), wire.ber(0x63, wire.ber(4), wire.ber(10, b"\x00"), wire.ber(10, b"\x00")))
SASL = wire.ber(
    0x30, wire.integer(1), wire.ber(0x60, wire.integer(3), wire.ber(4), wire.ber(0xA3, wire.ber(4, b"GSS")))
)
NAMELESS = wire.ber(0x30, wire.integer(1), wire.ber(0x60, wire.integer(3), wire.ber(4), wire.ber(0x80)))
LONG = wire.ber(
    0x30, wire.integer(9), wire.ber(0x60, wire.integer(3), wire.ber(4), wire.ber(0x80, b"abc"), long=True), long=True
)


def _labels(talk: Talking, port: int) -> dict[str, Any]:
    said = {way: b"".join(row["data"] for row in talk.rows if row["from_orig"] == way) for way in (True, False)}
    return first(labelled([flow(1, orig=said[True], resp=said[False], **{"id.resp_p": port})], [talk]))


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ([wire.ldap_bind(1)], True),
        ([SEARCH, wire.ldap_bind(2)], True),
        ([LONG[:9], LONG[9:]], True),
        ([NAMELESS], False),
        ([SASL], False),
        ([SEARCH], False),
        ([START_TLS, TLS], False),
        ([SEARCH, b"\x30\x84\xff\xff\xff\xff\x02"], False),
    ],
)
def test_a_password_in_a_bind_is_said(asked: list[bytes], sent: bool) -> None:
    """A simple bind with a password, whenever it comes; not one without, nor what stands behind StartTLS."""
    talk = Talking(1)
    for number, part in enumerate(asked, 1):
        talk.orig(part).resp(wire.ldap_result(number, 0))
    row = _labels(talk, 389)
    assert (row["service"], row["answer_note"]) == ("ldap", "password sent in clear text" if sent else None)


@pytest.mark.parametrize(
    ("lines", "note"),
    [
        ([b".CARD 0123456789"], "card number sent in clear text"),
        ([b".PIN 4711"], "PIN sent in clear text"),
        ([b".CARD 0123456789", b".NOP", b".PIN 4711"], "card number and PIN sent in clear text"),
        ([b".NOP"] * 300 + [b".CARD 0123456789"], "card number sent in clear text"),
        ([b".NOP", b".COPY"], None),
        ([b".ACTION .CARD 1"], None),
    ],
)
def test_a_terminal_that_sends_cards_or_pins_in_clear_text_is_said(lines: list[bytes], note: str | None) -> None:
    """However late in the session; a word inside another line is none."""
    talk = Talking(1).orig(b".SQ 1.0 SQPR00000001\r\n").resp(b".SQ OK\r\n")
    for line in lines:
        talk.orig(line + b"\r\n").resp(b"OK\r\n")
    row = _labels(talk, 4096)
    assert (row["service"], row["answer_note"]) == ("safeq-terminal", note)
