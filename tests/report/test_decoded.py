"""A dissector's answer without what people said: what is shown, what is left out, what breaks off."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyser.report.decoded import MOST_LINES, TOLD, DecodedFrame, NotDecodedError, decoded


def pdml(*packets: str) -> bytes:
    """Return a document with ``packets``."""
    return ("<pdml>" + "".join(f"<packet>{packet}</packet>" for packet in packets) + "</pdml>").encode()


def field(name: str, words: str = "said", inside: str = "") -> str:
    """Return a field that shows ``words``."""
    return f'<field name="{name}" showname="{words}" show="{words}">{inside}</field>'


def only(document: bytes) -> DecodedFrame:
    """Return the one frame of a document."""
    (frame,) = decoded(document)
    return frame


def test_headers_are_whole_and_payload_is_named() -> None:
    """Every field of a layer below applications is shown but the bytes that it carries."""
    frame = only(
        pdml(f'<proto name="tcp" showname="TCP">{field("tcp.flags", "Flags: SYN")}{field("tcp.payload")}</proto>')
    )
    assert frame.lines == ((0, "TCP"), (1, "Flags: SYN"), (1, "tcp.payload (left out)"))
    assert frame.left_out == 1


@pytest.mark.parametrize(
    "name", ["http.authorization", "snmp.community", "ftp.request.arg", "http.request.uri", "new.one"]
)
def test_only_known_fields_of_applications_are_shown(name: str) -> None:
    """What is not known to be a code is left out, in whatever it stands, and counted."""
    frame = only(
        pdml(f'<proto name="http">{field("", "GET secret", field("http.response.code", "401") + field(name))}</proto>')
    )
    shown = " ".join(words for _, words in frame.lines)
    assert "401" in shown
    assert "said" not in shown
    assert "secret" not in shown
    assert frame.left_out == 1


def test_a_login_is_no_command() -> None:
    """What a dissector calls a command is shown only if it can be one."""
    shown = only(
        pdml(f'<proto name="smtp">{field("smtp.req.command", "AUTH")}{field("smtp.req.command", "c2VjcmV0")}</proto>')
    )
    assert [words for _, words in shown.lines] == ["smtp", "AUTH", "(1 field left out)"]


def test_foreign_fields_in_headers_are_not_shown() -> None:
    """A dissector that hangs a field of an application into a header gives nothing away."""
    assert only(pdml(f'<proto name="ip" showname="IP">{field("http.authbasic")}</proto>')).left_out == 1


def test_long_answers_are_cut() -> None:
    """Thousands of lines of one frame are counted, not shown; so are endless words."""
    many = "".join(field("tcp.options", "x" * 5000) for _ in range(MOST_LINES + 10))
    frame = only(pdml(f'<proto name="tcp" showname="TCP">{many}</proto>'))
    assert len(frame.lines) == MOST_LINES + 1
    assert max(len(words) for _, words in frame.lines) < 400


def test_frames_before_a_break_are_given() -> None:
    """Where the document breaks off, what was whole is there, and the break is told."""
    frames = decoded(pdml('<proto name="tcp" showname="TCP"/>')[:-3] + b"<broken")
    assert next(frames).lines == ((0, "TCP"),)
    with pytest.raises(NotDecodedError, match="breaks off"):
        next(frames)


@given(st.binary(max_size=200))
def test_any_bytes_give_frames_or_a_clear_error(data: bytes) -> None:
    """No bytes in place of the document raise anything else."""
    with contextlib.suppress(NotDecodedError):
        list(decoded(data))


def test_what_is_told_holds_no_words_of_people() -> None:
    """The list of shown fields names none that holds an argument, a name, a community, a path or an authorisation."""
    words = {"arg", "authbasic", "authorization", "community", "username", "uri", "host", "cookie", "parameter", "name"}
    assert {name for name in TOLD if name.split(".")[-1] in words} == {"snmp.name"}  # an object's number
