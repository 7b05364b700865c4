"""One flow against the signatures, test by test and byte by byte: what ``analyser.services.matcher`` is held against.

Structures are asked of the flow alone, so that a batch cannot change what one of its rows says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analyser.services.byterows import PREFIX, ByteRows
from analyser.services.signature import AnyOf, Find, Pattern, Signature, Size, Structured, Template, Test
from analyser.services.structures import STRUCTURES

Told = tuple[str | None, str | None]
"""Service and sub-label."""


class Flow(NamedTuple):
    """What is known of one flow: transport, responder's port, the first bytes of both sides."""

    transport: str
    port: int
    orig: bytes
    resp: bytes


def told(signatures: Sequence[Signature], flow: Flow) -> Told:
    """Return what the signatures call a flow: both sides together, else the finer side, else the responder's word."""
    refines = {signature.service: set(signature.refines) for signature in signatures}
    known = {signature.service for signature in signatures}
    patterns = sorted(
        (pattern for signature in signatures for pattern in signature.patterns),
        key=lambda pattern: (len(refines[pattern.service] & known), pattern.bits, pattern.service, pattern.id),
    )
    best: dict[str, Told] = {"orig": (None, None), "resp": (None, None), "both": (None, None)}
    for pattern in patterns:
        held, sublabel = _holds(pattern, flow)
        if held:
            best["both" if pattern.orig and pattern.resp else "orig" if pattern.orig else "resp"] = (
                pattern.service,
                sublabel,
            )

    def finer(one: str | None, other: str | None) -> bool:
        return one is not None and other is not None and other in refines[one]

    service, sublabel = best["resp"]
    if service is None or finer(best["orig"][0], service):
        service, sublabel = best["orig"]
    elif best["orig"][0] == service and best["orig"][1] is not None:
        sublabel = best["orig"][1]  # what was asked says more than the answer
    together, kind = best["both"]
    if together is not None and not finer(service, together):
        sublabel = sublabel if together == service and kind is None else kind
        service = together
    return service, sublabel


def _holds(pattern: Pattern, flow: Flow) -> tuple[bool, str | None]:
    sublabel = pattern.sublabel
    if flow.transport not in pattern.transports or (pattern.ports and flow.port not in pattern.ports):
        return False, None
    for tests, data in ((pattern.orig, flow.orig[:PREFIX]), (pattern.resp, flow.resp[:PREFIX])):
        for test in tests:
            held, kind = _test(test, data)
            if not held:
                return False, None
            if pattern.sublabel is None and isinstance(test, Structured) and test.sublabels:
                sublabel = kind
    return True, sublabel


def _test(test: Test, data: bytes) -> tuple[bool, str | None]:
    if isinstance(test, Template):
        window = data[test.at : test.at + len(test.allowed)]
        fits = len(window) == len(test.allowed)
        return fits and all(test.allowed[place][byte] for place, byte in enumerate(window)), None
    if isinstance(test, AnyOf):
        return any(_test(one, data)[0] for one in test.templates), None
    if isinstance(test, Find):
        window = data[: test.within].lower() if test.fold else data[: test.within]
        return any((needle.lower() if test.fold else needle) in window for needle in test.needles), None
    if isinstance(test, Size):
        return test.least <= len(data) <= test.most, None
    assert isinstance(test, Structured)
    row = ByteRows(np.frombuffer(data.ljust(PREFIX, b"\0"), np.uint8).reshape(1, PREFIX), np.array([len(data)]))
    kind = int(STRUCTURES[test.name].read(row, np.array([0]), test.at)[0])
    return kind >= 0, STRUCTURES[test.name].sublabels[kind] if kind >= 0 else None
