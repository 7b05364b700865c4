"""RMI registries: what their answers announce, and how the flow to the object is named."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services.rmi import stubs
from analyser.services.streams import Conversation, Mark, Run
from tests.services.made import CLIENT, SECOND, SERVER, START, Talking, flow, labelled

_HELLO = b"JRMI\x00\x02\x4b"
_LOOKUP = bytes.fromhex("50aced000577220000000000000000000000000000000000000000000244154dc9d4e63bdf74000373766e")


def _utf(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text


def _stub(host: bytes, port: int, *, second: bool = False) -> bytes:
    """The block data of a stub: class of the reference, endpoint, ObjID, and whether it is a result."""
    place = _utf(host) + port.to_bytes(4, "big")
    reference = _utf(b"UnicastRef2") + b"\x00" + place if second else _utf(b"UnicastRef") + place
    block = reference + bytes(22) + b"\x01"
    return (b"\x77" + bytes([len(block)]) if len(block) < 256 else b"\x7a" + len(block).to_bytes(4, "big")) + block


def _answer(*stubs_in_it: bytes) -> bytes:
    """ReturnData: a result with the identifier of its answer, then the proxy with the stub as its handler."""
    head = b"\x51\xac\xed\x00\x05\x77\x0f\x01" + bytes(14) + b"\x73\x7d\x00\x00\x00\x01" + _utf(b"example.Service")
    return head + b"".join(stubs_in_it) + b"\x78"


def _found(data: bytes) -> list[tuple[str | None, int]]:
    side = Run(start=0)
    side.add(data, Mark(1, 0, 9))
    return [(item.address, item.port) for item in stubs(Conversation(1, [], [side]))]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (_answer(_stub(b"192.0.2.10", 41_234)), [("192.0.2.10", 41_234)]),
        (_answer(_stub(b"192.0.2.10", 41_234, second=True)), [("192.0.2.10", 41_234)]),
        (_answer(_stub(b"2001:db8:0:0::5%eth0", 41_234)), [("2001:db8::5", 41_234)]),
        (_answer(_stub(b"server.example", 41_234)), [(None, 41_234)]),
        (_answer(_stub(b"h" * 250, 41_234)), [(None, 41_234)]),
        (_answer(_stub(b"192.0.2.10", 1), _stub(b"192.0.2.10", 1), _stub(b"192.0.2.11", 2)),
         [("192.0.2.10", 1), ("192.0.2.11", 2)]),
        (_answer(_stub(b"192.0.2.10", 0)), []),
        (_answer(_stub(b"192.0.2.10", 65_536)), []),
        (_answer(_stub(b"", 41_234)), []),
        (_answer(_utf(b"UnicastRef")), []),
        (_stub(b"192.0.2.10", 41_234)[:-24], []),
        (_answer(_utf(b"UnicastRef") + b"\xff\xff192.0.2.10" + bytes(40)), []),
        (_answer(_utf(b"UnicastRef2") + b"\x07" + _utf(b"192.0.2.10") + bytes(3) + b"\x01"), []),
    ],
)  # fmt: skip
def test_both_kinds_of_reference_are_read_and_malformed_ones_announce_nothing(
    data: bytes, expected: list[tuple[str | None, int]]
) -> None:
    assert _found(data) == expected


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(st.binary(max_size=40), st.just(_utf(b"UnicastRef")), st.just(_utf(b"UnicastRef2"))), max_size=300
    )
)
def test_any_answer_is_read_and_announces_few_ports_that_there_are(parts: list[bytes]) -> None:
    found = _found(b"".join(parts))
    assert len(found) <= 64
    assert all(0 < port <= 65535 for _, port in found)


def test_a_registry_that_hands_out_stubs_without_end_is_read_so_far() -> None:
    assert len(_found(_answer(*[_stub(b"192.0.2.10", port) for port in range(1, 1000)]))) == 64


REGISTRY = flow(1, orig=_HELLO, resp=b"\x4e" + _utf(b"198.51.100.21") + bytes(4), **{"id.resp_p": 9696})


def _looked_up(port: int, host: bytes = b"10.0.0.5") -> Talking:
    answer = _answer(_stub(host, port))
    talk = Talking(1)
    talk.orig(_HELLO).resp(b"\x4e" + _utf(b"198.51.100.21") + bytes(4)).orig(_LOOKUP)
    return talk.resp(answer[:50]).resp(answer[50:])


def _called(port: int, after: int = 1000, **facts: object) -> dict[str, object]:
    return flow(2, **{"id.resp_p": port, "ts": START + after * SECOND, **facts})


def test_the_flow_to_an_object_is_negotiated_however_late_and_whatever_address_the_stub_has() -> None:
    result = labelled([REGISTRY, _called(41_234)], [_looked_up(41_234)])
    assert result.promises.select("kind", "initiator", "responder", "announced", "port", "kept_by").rows() == [
        ("rmi-stub", CLIENT, SERVER, "10.0.0.5", 41_234, 2)
    ]
    row = result.labels.row(1, named=True)
    assert (row["service"], row["basis"], row["negotiated_by"]) == ("rmi", "negotiated", 1)


def test_a_port_that_no_stub_named_stays_unannounced() -> None:
    row = labelled([REGISTRY, _called(41_235)], [_looked_up(41_234)]).labels.row(1, named=True)
    assert (row["basis"], row["negotiated_by"]) == (None, None)


def test_another_protocol_on_the_port_of_an_object_is_called_what_it_is() -> None:
    caller = _called(41_234, orig=b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", resp=b"HTTP/1.1 200 OK\r\n\r\n")
    row = labelled([REGISTRY, caller], [_looked_up(41_234)]).labels.row(1, named=True)
    assert (row["service"], row["basis"]) == ("http", "payload")


def test_an_object_on_the_port_of_its_registry_needs_no_announcement() -> None:
    assert labelled([REGISTRY], [_looked_up(9696)]).promises.height == 0


def test_the_name_that_was_looked_up_does_not_get_out() -> None:
    result = labelled([REGISTRY], [_looked_up(41_234, b"secret.example")])
    assert "secret" not in result.labels.write_csv() + result.promises.write_csv()
