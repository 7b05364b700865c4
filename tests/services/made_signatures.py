"""Signatures made at random over few different bytes, so that tests of all kinds hold, nearly hold and contradict one another."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from analyser.services.signature import AnyOf, Find, Pattern, Signature, Size, Structured, Template, Test

LETTERS = b"abAB[{0\x00"
PORTS = (1, 2, 65535)
_SERVICES = ("a", "b", "c", "d")

short = st.sampled_from([LETTERS, b"aA["]).flatmap(lambda some: st.lists(st.sampled_from(some), max_size=14).map(bytes))
"""First bytes of a side."""


@st.composite
def templates(draw: st.DrawFn) -> Template:
    """Return one to three places, each with one byte, some or any."""
    length = draw(st.integers(1, 3))
    allowed = np.zeros((length, 256), np.bool_)
    for place in range(length):
        allowed[place, draw(st.lists(st.sampled_from(LETTERS), min_size=1, max_size=3))] = True
        allowed[place] |= draw(st.integers(0, 3)) == 0
    return Template(draw(st.sampled_from([0, 0, 0, 1, 9])), allowed)


_needles = st.lists(st.sampled_from(b"aA["), min_size=1, max_size=5).map(bytes)

any_test: st.SearchStrategy[Test] = st.one_of(
    templates(),
    st.builds(AnyOf, st.lists(templates(), min_size=1, max_size=3).map(tuple)),
    st.builds(Find, st.lists(_needles, min_size=1, max_size=2).map(tuple), st.integers(1, 16), st.booleans()),
    st.tuples(st.integers(0, 14), st.integers(0, 14)).map(lambda two: Size(min(two), max(two))),
    st.sampled_from([Structured("text-line"), Structured("text-line", 2), Structured("netbios-name")]),
)


@st.composite
def signatures(draw: st.DrawFn) -> list[Signature]:
    """Return signatures of which some refine others."""
    made = []
    for service in _SERVICES[: draw(st.integers(1, 4))]:
        patterns = []
        for number in range(draw(st.integers(1, 4))):
            orig, resp = (tuple(draw(st.lists(any_test, max_size=2))) for _ in range(2))
            patterns.append(
                Pattern(
                    service=service,
                    id=str(number),
                    transports=draw(st.sampled_from([("tcp",), ("udp",), ("tcp", "udp")])),
                    ports=tuple(draw(st.lists(st.sampled_from(PORTS), max_size=2, unique=True))),
                    orig=orig or (() if resp else (Size(0, 14),)),
                    resp=resp,
                    sublabel=draw(st.sampled_from([None, "x", "y"])),
                )
            )
        refines = tuple(other for other in _SERVICES if other < service and draw(st.booleans()))
        made.append(
            Signature(service=service, source="", refines=refines, patterns=tuple(patterns), examples=(), file="")
        )
    return made
