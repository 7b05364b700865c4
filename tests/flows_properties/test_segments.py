"""The kernel and the plain reader tell the same of TCP that fits nothing; and what is right where they once differed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyser.flows.memory import Limits
from tests.flows_properties.compare import kernel_reads, kernel_rows
from tests.flows_properties.packets import ACK, FIN, PSH, RST, SYN, Route, frame, ip, mac, tcp, udp
from tests.flows_properties.segments import exchange, timed
from tests.flows_properties.test_invariance import changed, rows_of
from tests.flows_properties.test_reference import SLOW, check
from tests.flows_properties.traffic import pcap

CLIENT, SERVER = "192.0.2.1", "192.0.2.9"
Segment = tuple[int, int, int, int, bytes]
"""Side (0: the client), flags, number, acknowledged number, payload."""


@SLOW
@given(st.data(), st.sampled_from([65535, 65535, 54, 58, 66, 100]))
def test_any_segments_are_read_as_the_reference_reads_them(data: st.DataObject, snaplen: int) -> None:
    """All flags, odd numbers, reordered and simultaneous openings, ports used again, copies with other tags."""
    frames = exchange(lambda options: data.draw(st.sampled_from(options)))
    check(pcap(timed(frames), 1, snaplen=snaplen))


@SLOW
@given(st.data(), st.integers(1, 3))
def test_any_segments_in_any_batches(data: st.DataObject, batch: int) -> None:
    """The same without a reference: one packet at a time gives what all at once give."""
    capture = pcap(timed(exchange(lambda options: data.draw(st.sampled_from(options)))), 1)
    assert changed(rows_of(capture, limits=Limits(batch=batch)), rows_of(capture)) == []


def framed(segment: Segment, ipid: int) -> bytes:
    """Return a segment on Ethernet."""
    side, flags, seq, ack, payload = segment
    ports, ends = ((40000, 9100), (CLIENT, SERVER)) if side == 0 else ((9100, 40000), (SERVER, CLIENT))
    route = Route(*ends, ipid=ipid)
    return frame(route, ip(route, 6, tcp(*ports, seq, ack, flags, payload)))


def told(*segments: Segment, gap: int = 2000) -> list[dict[str, Any]]:
    """Return the flows of one conversation, a segment every ``gap`` microseconds, on which both readers agree."""
    capture = pcap(timed([(gap, framed(segment, n + 1)) for n, segment in enumerate(segments)]), 1)
    check(capture)
    return kernel_rows(kernel_reads([capture])[0])


def only(*segments: Segment, gap: int = 2000) -> dict[str, Any]:
    """Return the one flow of a conversation."""
    (row,) = told(*segments, gap=gap)
    return row


SYN_100: Segment = (0, SYN, 100, 0, b"")
SYN_ACK_900: Segment = (1, SYN | ACK, 900, 101, b"")


def test_a_number_before_the_fin_is_payload() -> None:
    """The FIN's own number tells whether one number acknowledged behind the SYN is the FIN or a byte the capture lacks."""
    unseen = only(SYN_100, (1, PSH | ACK, 901, 102, b"x"), (0, FIN | ACK, 102, 902, b""))
    assert unseen["resp_acks_payload"]
    bare = only(SYN_100, (1, PSH | ACK, 901, 102, b"x"), (0, FIN | ACK, 101, 902, b""))
    assert not bare["resp_acks_payload"]


def test_payload_at_the_number_of_a_fin_does_not_undo_it() -> None:
    """A receiver ignores what comes behind a FIN (RFC 9293, 3.10.7.4), so its acknowledgement means the FIN."""
    row = only(SYN_100, (0, FIN | ACK, 101, 901, b""), (0, ACK, 101, 901, b"x"), (1, ACK, 901, 102, b""))
    assert not row["resp_acks_payload"]


def test_the_fin_on_a_syn_with_payload_has_a_number_behind_both() -> None:
    """SYN, one byte and FIN take three numbers: acknowledging two of them acknowledges the byte."""
    row = only((0, SYN | FIN, 100, 0, b"x"), (1, ACK, 901, 102, b""))
    assert row["resp_acks_payload"]


def test_a_reset_opens_nothing() -> None:
    """RST is looked at before SYN and FIN (RFC 9293, 3.10.7): alone it is no attempt, and payload behind it loses no byte."""
    row = only((0, SYN | RST, 100, 0, b""))
    assert (row["orig_nsyn"], row["orig_nrst"], row["by_syn"], row["history"]) == (0, 1, False, "^R")
    row = only((0, SYN | RST, 100, 0, b""), (0, PSH | ACK, 100, 901, b"xyz"))
    assert row["orig_payload"] == b"xyz"
    row = only(SYN_100, (1, SYN | ACK | RST, 900, 101, b""))
    assert (row["resp_nsynack"], row["conn_state"], row["rtt"]) == (0, "REJ", None)


def test_a_reset_ends_nothing_in_order() -> None:
    """A probe that is taken back with FIN and RST is still a probe: no FIN was delivered."""
    row = only(SYN_100, SYN_ACK_900, (0, ACK, 101, 901, b""), (0, FIN | RST | ACK, 101, 901, b""))
    assert (row["orig_nfin"], row["orig_nrst"], row["conn_state"]) == (0, 1, "RSTO")


def test_first_bytes_are_trimmed_at_the_beginning() -> None:
    """Of a segment that begins before the stream, a receiver keeps what lies in it (RFC 9293, 3.10.7.4)."""
    assert only(SYN_100, (0, PSH | ACK, 100, 901, b"xyz"))["orig_payload"] == b"yz"
    row = only((0, PSH | ACK, 103, 901, b"def"), (0, PSH | ACK, 100, 901, b"abcdefgh"))
    assert row["orig_payload"] == b"defgh"


def test_the_initiators_own_syn_ack_is_no_syn() -> None:
    """A round trip is measured from a SYN; where the last opening was something else, which SYN was answered is not known."""
    odd: Segment = (0, SYN | ACK, 100, 555, b"")
    assert only(SYN_100, SYN_ACK_900, odd)["rtt"] == pytest.approx(0.002)
    assert only(SYN_100, SYN_100, SYN_ACK_900, odd)["rtt"] is None
    assert only(SYN_100, odd, SYN_ACK_900)["rtt"] == pytest.approx(0.004)


def test_a_syn_ack_that_acknowledges_no_syn_measures_nothing() -> None:
    """It answers another connection (RFC 9293, 3.10.7.3), so its time after this one's SYN is no round trip."""
    stray: Segment = (1, SYN | ACK, 700, 55, b"")
    assert only(SYN_100, stray)["rtt"] is None
    assert only(SYN_100, stray, SYN_ACK_900)["rtt"] is None
    assert only(SYN_100, (1, ACK, 900, 101, b""), stray)["rtt"] is None
    older = (0, PSH | ACK, 80, 880, b"older")  # of the connection before, late
    assert only(SYN_100, older, SYN_ACK_900)["rtt"] == pytest.approx(0.004)
    early = (0, SYN, 100, 0, b"early")  # TCP Fast Open
    assert only(early, (1, SYN | ACK, 900, 106, b""))["rtt"] == pytest.approx(0.002)


def test_zero_is_a_number_like_any_other() -> None:
    """A stream that begins at 2**32 - 1 is acknowledged with 0."""
    last = 2**32 - 1
    row = only(
        (0, SYN, last, 0, b""), (1, SYN | ACK, 900, 0, b""), (0, PSH | ACK, 0, 901, b"hello"), (1, ACK, 901, 5, b"")
    )
    assert (row["resp_ack_span"], row["resp_acks_payload"], row["missed_bytes"]) == (5, True, 0)


def test_a_syn_ack_may_come_again_with_another_number() -> None:
    """A server that keeps no state answers a repeated SYN anew (SYN cookies): nothing was missed, nothing acknowledged."""
    again: Segment = (1, SYN | ACK, 900 + 2**20, 101, b"")
    taken: Segment = (0, ACK, 101, 901 + 2**20, b"")
    row = only(SYN_100, SYN_ACK_900, SYN_100, again, taken)
    assert (row["orig_acks_payload"], row["missed_bytes"], row["resp_isn"]) == (False, 0, 900 + 2**20)
    row = only(SYN_100, SYN_ACK_900, (0, ACK, 101, 901, b""), again, (1, PSH | ACK, 901, 101, b"hello"))
    assert (row["resp_payload"], row["missed_bytes"], row["resp_isn"]) == (b"hello", 0, 900)


def test_a_segment_of_which_a_byte_was_acknowledged_is_not_stuck() -> None:
    """The path let it through: a receiver with little room takes a part. Bytes on a SYN begin behind its number."""
    sent: Segment = (0, PSH | ACK, 101, 901, b"hello")
    assert only(SYN_100, SYN_ACK_900, sent, sent, (1, ACK, 901, 102, b""))["orig_stuck"] == 0
    assert only(SYN_100, SYN_ACK_900, sent, sent, (1, ACK, 901, 101, b""))["orig_stuck"] == 1
    early: Segment = (0, SYN, 100, 0, b"hello")
    assert only(early, SYN_ACK_900, early)["orig_stuck"] == 1


def test_a_hole_that_is_filled_from_its_end_is_smaller() -> None:
    """What was filled already and comes again is a retransmission, wherever in the hole it was."""
    row = only(
        SYN_100, SYN_ACK_900, (0, PSH | ACK, 111, 901, b"third"), (0, PSH | ACK, 106, 901, b"other"),
        (0, PSH | ACK, 106, 901, b"other"), (1, ACK, 901, 116, b""),
    )  # fmt: skip
    assert (row["orig_rtx"], row["missed_bytes"]) == (1, 5)


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_syn_acks_the_first_is_the_responders(first: int) -> None:
    """Where both ends answered, time decides, never which address is the lower one."""
    row = only((first, SYN | ACK, 900, 101, b""), (1 - first, SYN | ACK, 100, 901, b""))
    assert row["id.resp_h"] == (CLIENT, SERVER)[first]


@pytest.mark.parametrize("first", [0, 1])
def test_of_packets_with_one_time_the_first_captured_came_first(first: int) -> None:
    """Clocks are coarse, captures are in order: openings, and a RST beside a FIN or payload, are told by their frames."""
    opening = only((first, SYN, 100, 0, b""), (1 - first, SYN, 900, 0, b""), gap=0)
    assert opening["id.orig_h"] == (CLIENT, SERVER)[first]
    theirs: Segment = (1, FIN | ACK, 901, 101, b"")
    ends: list[Segment] = [(0, RST | ACK, 101, 901, b""), (0, FIN | ACK, 101, 901, b"")]
    closing = only(SYN_100, SYN_ACK_900, theirs, ends[first], ends[1 - first], gap=0)
    assert closing["conn_state"] == ("RSTO", "SF")[first]
    data: list[Segment] = [(0, PSH | ACK, 101, 901, b"hello"), (0, RST | ACK, 106, 901, b"")]
    assert only(data[first], data[1 - first], gap=0)["orig_after_rst"] == first


def test_the_copy_of_a_syn_opens_nothing() -> None:
    """A mirror that shows packets twice may show the next SYN between a SYN and its copy: still two connections."""
    first, second = framed((0, SYN, 100, 0, b""), 1), framed((0, SYN, 5000, 0, b""), 2)
    capture = pcap(timed([(200, first), (200, second), (200, first), (200, second)]), 1)
    check(capture)
    rows = kernel_rows(kernel_reads([capture])[0])
    assert [(row["orig_pkts"], row["orig_isn"]) for row in rows] == [(1, 100), (1, 5000)]
    assert sum(row["orig_dups"] for row in rows) == 2


def test_later_fragments_of_wireless_frames_are_no_llc() -> None:
    """The LLC header of an 802.11 frame is in its first fragment: the others are counted as what they are."""
    route = Route(CLIENT, SERVER, link=105)
    body = b"\xaa\xaa\x03\x00\x00\x00\x08\x00" + ip(route, 17, udp(4000, 161, bytes(200)))

    def fragment(number: int, control: bytes, part: bytes) -> bytes:
        addresses = mac(SERVER) + mac(CLIENT) + mac(SERVER)
        return control + b"\0\0" + addresses + bytes([1 << 4 | number, 0]) + part

    frames = [(2000, fragment(0, b"\x08\x05", body[:120])), (2000, fragment(1, b"\x08\x01", body[120:]))]
    capture = pcap(timed(frames), 105)
    check(capture)
    tables, facts = kernel_reads([capture])
    assert facts.undecoded == {"802.11 later fragments": 1}
    assert facts.link_layer == {}
    assert tables.flows["orig_bytes"].to_list() == [200]
