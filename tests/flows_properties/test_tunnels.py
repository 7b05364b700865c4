"""Tunnels around any traffic: both readers open them alike, and nothing but the tunnel's name shows in the flows."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.flows_properties.compare import kernel_reads, kernel_rows
from tests.flows_properties.test_reference import check
from tests.flows_properties.traffic import EXAMPLES, PORTS, Timed, pcap, traffic
from tests.flows_properties.wraps import WRAPS, Wrap, complaint, wrapped
from tests.reference.reader import Row

SLOW = settings(max_examples=EXAMPLES * 40, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def around(draw: st.DrawFn, frames: Timed, deepest: int = 3) -> Timed:
    """The frames in tunnels, one way or another, some of them in none."""
    ways = draw(st.lists(st.lists(WRAPS, max_size=deepest), min_size=1, max_size=2))
    chosen = draw(st.lists(st.integers(0, len(ways) - 1), min_size=len(frames), max_size=len(frames)))
    return [(t, wrapped(data, ways[way])) for (t, data), way in zip(frames, chosen, strict=True)]


@SLOW
@given(st.data())
def test_any_tunnel_is_read_as_the_reference_reads_it(data: st.DataObject) -> None:
    """Tunnels in tunnels, up to more than are opened; packets by two ways; routers that complain about the outer packets."""
    frames = data.draw(around(data.draw(traffic(link=1)), deepest=data.draw(st.sampled_from([2, 2, 2, 12]))))
    about = data.draw(st.sets(st.integers(0, max(len(frames) - 1, 0)), max_size=2))
    out: Timed = []
    for n, (t, frame) in enumerate(frames):
        message = complaint(frame) if n in about else None
        out += [(t, frame)] if message is None else [(t, frame), (t + 1000, message)]
    check(pcap(out, 1))


@SLOW
@given(st.data())
def test_tunnels_change_nothing_but_their_name(data: st.DataObject) -> None:
    """Wrapped traffic gives the flows of the traffic itself: ends, counts, states, evidence, places."""
    frames = data.draw(traffic(link=1))
    ways = data.draw(st.lists(WRAPS, min_size=1, max_size=2).filter(is_told_by_its_inside))
    plain, inside = rows(frames), rows([(t, wrapped(frame, ways)) for t, frame in frames])
    assert [{**row, "tunnel_parents": None} if "tunnel_parents" in row else row for row in inside] == plain


def is_told_by_its_inside(ways: list[Wrap]) -> bool:
    """Say whether no tunnel in UDP holds an EtherType by which no datagram is taken for a tunnel's."""
    return all(way.args[0] not in ("fabricpath", "bridged") for way in ways[:-1])


def rows(frames: Timed) -> list[Row]:
    """Return all flows of a capture, neighbours and ICMP errors."""
    tables, facts = kernel_reads([pcap(frames, 1)], PORTS)
    return [
        *kernel_rows(tables),
        *tables.neighbours.to_dicts(),
        *tables.icmp_errors.to_dicts(),
        {"copies": facts.duplicates},
    ]


@SLOW
@given(st.data())
def test_damaged_and_cut_tunnels(data: st.DataObject) -> None:
    """Bytes changed in the outer headers and short snap lengths: both readers give up at the same place."""
    frames = data.draw(around(data.draw(traffic(link=1)), deepest=2))
    damage = st.tuples(st.integers(12, 110), st.integers(0, 255), st.booleans())
    changed: Timed = []
    for t, frame in frames:
        at, value, spared = data.draw(damage)
        changed.append((t, frame if spared or at >= len(frame) else frame[:at] + bytes([value]) + frame[at + 1 :]))
    check(pcap(changed, 1, snaplen=data.draw(st.sampled_from([65535, 65535, 90, 120]))))


@SLOW
@given(st.data(), st.sampled_from([9, 51, 104, 105, 107, 127, 192, 239, 258, 6, 10]))
def test_damaged_links(data: st.DataObject, link: int) -> None:
    """Bytes changed in the headers of rare link types: both readers give up at the same place."""
    frames = data.draw(traffic(link=link))
    changed: Timed = []
    for t, frame in frames:
        at, value = data.draw(st.tuples(st.integers(0, 24), st.integers(0, 255)))
        changed.append((t, frame[:at] + bytes([value]) + frame[at + 1 :] if at < len(frame) else frame))
    check(pcap(changed, link))
