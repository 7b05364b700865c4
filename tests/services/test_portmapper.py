"""Port mappers: which port an answer gives out, and how the flow to it is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services.portmapper import Given, given_port
from tests.services.made import CLIENT, SECOND, SERVER, START, flow, labelled

XID = b"\x5a\x01\x02\x03"


def _words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in numbers)


def _text(text: bytes) -> bytes:
    return _words(len(text)) + text + bytes(-len(text) % 4)


def call(version: int = 2, *, protocol: int | bytes = 6, procedure: int = 3, credentials: bytes = b"") -> bytes:
    """Ask where NFS version 3 listens."""
    asked = XID + _words(0, 2, 100_000, version, procedure, 1 if credentials else 0) + _text(credentials) + _words(0, 0)
    if isinstance(protocol, int):
        return asked + _words(100_003, 3, protocol, 0)
    return asked + _words(100_003, 3) + _text(protocol) + _text(b"") + _text(b"")


def reply(port: int | bytes = 2049, *, status: int = 0, accepted: int = 0, verifier: bytes = b"") -> bytes:
    """Answer it."""
    said = XID + _words(1, status, 0) + _text(verifier) + _words(accepted)
    return said + (_words(port) if isinstance(port, int) else _text(port))


@pytest.mark.parametrize(
    ("asked", "answered", "given"),
    [
        (call(), reply(), Given(None, 2049)),
        (call(credentials=b"machine and user"), reply(verifier=b"odd"), Given(None, 2049)),
        (call(3, protocol=b"tcp"), reply(b"192.0.2.10.8.1"), Given("192.0.2.10", 2049)),
        (call(4, protocol=b"tcp6"), reply(b"2001:db8::5.8.1"), Given("2001:db8::5", 2049)),
        (call(4, protocol=b"tcp"), reply(b"0.0.0.0.8.1"), Given(None, 2049)),
        (call(4, protocol=b"udp"), reply(b"0.0.0.0.8.1"), None),
        (call(4, protocol=b"tcp"), reply(b""), None),
        (call(4, protocol=b"tcp"), reply(b"192.0.2.10.8.256"), None),
        (call(4, protocol=b"tcp"), reply(b"host.8.1"), None),
        (call(protocol=17), reply(), None),
        (call(procedure=4), reply(), None),
        (call(), reply(0), None),  # the program is not there
        (call(), reply(70_000), None),
        (call(), reply(status=1), None),
        (call(), reply(accepted=1), None),
        (call(), b"\x00" + reply()[1:], None),  # the answer to another call
        (call()[:-8], reply(), None),
        (call(), reply()[:-4], None),
        (b"", b"", None),
    ],
)
def test_only_an_accepted_answer_with_a_port_of_tcp_gives_one(
    asked: bytes, answered: bytes, given: Given | None
) -> None:
    assert given_port(asked, answered, stream=False) == given
    mark = b"\x80\x00\x00\x20"
    assert given_port(mark + asked, mark + answered, stream=True) == given


@settings(deadline=None)
@given(st.binary(max_size=80), st.binary(max_size=80), st.booleans())
def test_any_bytes_give_a_port_or_none(asked: bytes, answered: bytes, stream: bool) -> None:
    for one, other in (
        (asked, answered),
        (call() + asked, reply() + answered),
        (call(4, protocol=asked), reply(answered)),
    ):
        found = given_port(one, other, stream=stream)
        assert found is None or 0 < found.port <= 65535


@pytest.mark.parametrize("proto", ["udp", "tcp"])
def test_the_flow_to_a_port_that_was_given_out_is_negotiated(proto: str) -> None:
    """Whatever it speaks it was announced; a name that its bytes or its port give it stays."""
    mark = b"\x80\x00\x00\x38" if proto == "tcp" else b""
    asked: dict[str, Any] = {"id.resp_p": 111, "proto": proto, "orig": mark + call(), "resp": mark + reply()}
    later = [
        flow(serial, ts=START + after * SECOND, **{"id.resp_p": port}, **facts)
        for serial, after, port, facts in (
            (2, 4000, 2049, {"orig": b"\x80\x00\x00\x28" + XID, "resp": b"\x80\x00\x00\x18" + XID}),
            (3, 5, 2049, {"resp": b"SSH-2.0-x\r\n"}),
            (4, 5, 2050, {}),
        )
    ]
    result = labelled([flow(1, **asked), *later])
    said = result.labels.select("service", "basis", "sublabel", "negotiated_by").rows()
    assert said == [
        (None, None, "portmapper", None), ("opaque", "negotiated", "opaque", 1), ("ssh", "payload", None, 1),
        (None, None, None, None),
    ]  # fmt: skip
    promised = result.promises.select("kind", "initiator", "responder", "announced", "port", "frame", "kept_by").rows()
    assert promised == [("portmapper", CLIENT, SERVER, SERVER, 2049, 5, 3)]
