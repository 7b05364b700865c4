"""Signatures over many flows at once say of each what a plain reader says of it alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services.lint import judge
from analyser.services.matcher import Matcher
from analyser.services.signature import Example, Find, Pattern, Signature
from tests.services.made import SIGNATURES
from tests.services.made_signatures import PORTS, short, signatures
from tests.services.plain_matcher import Flow, told

MATCHER = Matcher(SIGNATURES)
EXAMPLES = [example for signature in SIGNATURES for example in signature.examples]


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """An example, sides exchanged with another's, cut, changed, made longer, or sent to another port; or noise."""
    one, other = draw(st.sampled_from(EXAMPLES)), draw(st.sampled_from(EXAMPLES))
    orig = draw(st.sampled_from([one.orig, other.orig, one.resp, b""]))
    resp = draw(st.sampled_from([one.resp, one.resp, other.resp, other.orig, b""]))
    sides = []
    for data in (orig, resp):
        changed = bytearray(data[: draw(st.integers(0, 140))] + draw(st.binary(max_size=20)) * draw(st.integers(0, 8)))
        for place, byte in draw(st.lists(st.tuples(st.integers(0, 139), st.integers(0, 255)), max_size=2)):
            if place < len(changed):
                changed[place] = byte
        sides.append(bytes(changed)[:128])
    port = draw(st.sampled_from([one.port, other.port, 40000]))
    return Flow(draw(st.sampled_from([one.transport, other.transport])), port, *sides)


@settings(max_examples=150, deadline=None)
@given(st.lists(flows(), min_size=1, max_size=12))
def test_many_at_once_are_judged_as_each_alone(those: list[Flow]) -> None:
    """Service and sub-label of every flow are those of a reader that tries one test after the other."""
    asked = [Example(title="x", accepted=True, transport=t, port=p, orig=o, resp=r) for t, p, o, r in those]
    assert judge(MATCHER, asked) == [told(SIGNATURES, flow) for flow in those]


@settings(max_examples=300, deadline=None)
@given(
    signatures(),
    st.lists(st.builds(Flow, st.sampled_from(["tcp", "udp"]), st.sampled_from([*PORTS, 3]), short, short), max_size=8),
)
def test_any_signatures_are_told_as_one_reads_them(some: list[Signature], those: list[Flow]) -> None:
    """Bytes, sets, alternatives, strings in either case, sizes, ports and what refines what mean what the plain reader takes them for."""
    asked = [Example(title="x", accepted=True, transport=t, port=p, orig=o, resp=r) for t, p, o, r in those]
    assert judge(Matcher(some), asked) == [told(some, flow) for flow in those]


@pytest.mark.parametrize("needle", [b"x", b"Abc", b"ab[", b"abcdefghi"])
def test_a_string_is_found_only_wholly_inside_its_window(needle: bytes) -> None:
    """Wherever it stands and wherever the window ends, also where it is cut by one byte in the middle of a row."""
    row = b"." * 40
    for place in range(20):
        for within in range(1, 40):
            find = Find((needle,), within)
            pattern = Pattern(service="a", id="1", transports=("tcp",), ports=(), orig=(find,), resp=())
            made = Signature(service="a", source="", refines=(), patterns=(pattern,), examples=(), file="")
            data = row[:place] + needle + row
            (told,) = judge(
                Matcher([made]), [Example(title="x", accepted=True, transport="tcp", port=1, orig=data, resp=b"")]
            )
            assert (told[0] == "a") == (place + len(needle) <= within)


def test_the_plain_reader_agrees_with_the_examples() -> None:
    """The reader that the matcher is held against gives every accepted example its service."""
    for signature in SIGNATURES:
        for example in signature.examples:
            if example.accepted:
                flow = Flow(example.transport, example.port, example.orig, example.resp)
                assert told(SIGNATURES, flow)[0] == signature.service
