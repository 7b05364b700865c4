"""The kernel and the plain reader tell the same flows."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.flows_properties.compare import differences, kernel_reads
from tests.flows_properties.traffic import EXAMPLES, LINKS, PORTS, Timed, pcap, pcapng, traffic
from tests.reference.reader import read

SLOW = settings(max_examples=EXAMPLES * 40, deadline=None, suppress_health_check=list(HealthCheck))


def check(*files: bytes) -> None:
    """Compare the two readers on files."""
    tables, facts = kernel_reads(files, PORTS)
    reading = read(files, PORTS)
    assert differences(tables, reading) == []
    assert [item.packets for item in facts.files] == [item.records for item in reading.files]
    assert [item.complete for item in facts.files] == [item.complete for item in reading.files]
    assert (facts.duplicates, facts.decapsulated) == (reading.duplicates, reading.decapsulated)


@SLOW
@given(st.data())
def test_any_conversation_is_read_as_the_reference_reads_it(data: st.DataObject) -> None:
    """Handshakes, losses, repeats, reordering, copies, resets, ICMP errors, fragments and tags on every link type."""
    link = data.draw(LINKS)
    check(pcap(data.draw(traffic(link=link)), link))


@SLOW
@given(
    traffic(link=1), st.sampled_from("<>"), st.booleans(), st.sampled_from([6, 9, 7]), st.sampled_from([0, 1_600_000_000])
)  # fmt: skip
def test_every_container_is_read_as_the_reference_reads_it(
    frames: Timed, order: str, nanoseconds: bool, resolution: int, offset: int
) -> None:
    """Byte orders, resolutions, interfaces and offsets of pcap and pcapng change nothing but what they say."""
    check(pcap(frames, 1, order=order, nanoseconds=nanoseconds))
    check(pcapng(frames, 1, order=order, resolution=resolution, offset=offset))


@SLOW
@given(traffic(link=1), st.integers(20, 120), st.integers(0, 60))
def test_cut_packets_and_cut_files(frames: Timed, snaplen: int, lost: int) -> None:
    """Short snap lengths and files that end in the middle are read as far as they go, by both in the same way."""
    check(pcap(frames, 1, snaplen=snaplen))
    whole = pcap(frames, 1)
    check(whole[: max(len(whole) - lost, 24)])
    check(pcapng(frames, 1)[: -lost or None])
