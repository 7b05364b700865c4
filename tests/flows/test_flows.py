"""One fact of the flow table a test: direction, state, history, sequence, copies, errors, what is kept."""

from __future__ import annotations

import struct
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrHopByHop,
)
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet

from analyser.model.capture import CaptureHeader
from tests.flows.build import START, Bytes, Timed, only_flow, payload, pcap, read

CLIENT, SERVER, ROUTER = "198.51.100.21", "192.0.2.10", "192.0.2.1"
AWAY, BACK = (
    Ether(src="00:00:5e:00:53:01", dst="00:00:5e:00:53:02"),
    Ether(src="00:00:5e:00:53:02", dst="00:00:5e:00:53:01"),
)


def client(flags: str, seq: int, ack: int = 0, data: bytes = b"", *, ipid: int = 0, **ip: Any) -> Packet:
    """Make a packet of the client 40000 to the server's 9100."""
    header = IP(src=CLIENT, dst=SERVER, id=ipid or seq % 60000 + 1, ttl=ip.pop("ttl", 64), **ip)
    return AWAY / header / TCP(sport=40000, dport=9100, flags=flags, seq=seq, ack=ack) / payload(data)


def server(
    flags: str, seq: int, ack: int = 0, data: bytes = b"", *, ttl: int = 128, ipid: int = 0, window: int = 8192
) -> Packet:
    """Make a packet of the server to the client."""
    header = IP(src=SERVER, dst=CLIENT, id=ipid or seq % 60000 + 2, ttl=ttl)
    return BACK / header / TCP(sport=9100, dport=40000, flags=flags, seq=seq, ack=ack, window=window) / payload(data)


HANDSHAKE: list[Timed] = [(0, client("S", 100)), (0.003, server("SA", 900, 101)), (0.004, client("A", 101, 901))]
TALK: list[Timed] = [
    *HANDSHAKE,
    (0.1, client("PA", 101, 901, b"hello")),
    (0.2, server("A", 901, 106)),
    (0.3, server("PA", 901, 106, b"world!")),
    (0.4, client("A", 106, 907)),
]
CLOSED: list[Timed] = [
    *TALK,
    (0.5, client("FA", 106, 907)),
    (0.6, server("FA", 907, 107)),
    (0.7, client("A", 107, 908)),
]
BY_CLIENT = {0, 2, 3, 6, 7, 9}
"""Which packets of it the client sends."""


def test_a_whole_conversation_reads_as_zeek_writes_it() -> None:
    """Ends, bytes, packets, state, history and round trip of a plain conversation."""
    row = only_flow(CLOSED)
    assert (row["id.orig_h"], row["id.orig_p"], row["id.resp_h"], row["id.resp_p"]) == (CLIENT, 40000, SERVER, 9100)
    assert (row["orig_bytes"], row["resp_bytes"], row["orig_pkts"], row["resp_pkts"]) == (5, 6, 6, 4)
    assert (row["conn_state"], row["history"]) == ("SF", "ShADadFf")
    assert row["rtt"] == pytest.approx(0.003)
    assert row["duration"] == pytest.approx(0.7)
    assert row["ts"] == START
    assert (row["orig_payload"], row["resp_payload"]) == (b"hello", b"world!")
    assert (row["orig_data_frame"], row["resp_data_frame"], row["resp_syn_frame"]) == (4, 6, 2)


@pytest.mark.parametrize(
    ("packets", "state", "history"),
    [
        ([(0, client("S", 100)), (1, client("S", 100, ipid=9)), (3, client("S", 100, ipid=10))], "S0", "S"),
        (TALK, "S1", "ShADad"),
        ([(0, client("S", 100)), (0.1, server("RA", 0, 101))], "REJ", "Sr"),
        ([*TALK, (1, client("R", 106))], "RSTO", "ShADadR"),
        ([*TALK, (1, server("R", 907))], "RSTR", "ShADadr"),
        ([*TALK, (1, client("FA", 106, 907))], "S2", "ShADadF"),
        ([*TALK, (1, server("FA", 907, 106))], "S3", "ShADadf"),
        ([(0, client("S", 100)), (1, client("R", 101))], "RSTOS0", "SR"),
        ([(0, client("S", 100)), (1, client("FA", 101, 901))], "SH", "SF"),
        ([(0, server("SA", 900, 101)), (1, server("R", 901))], "RSTRH", "hr"),
        ([(0, server("SA", 900, 101)), (1, server("FA", 901, 101))], "SHR", "hf"),
        ([(0, client("PA", 500, 700, b"x")), (1, server("A", 700, 501))], "OTH", "^Da"),
    ],
)
def test_connection_states(packets: list[Timed], state: str, history: str) -> None:
    """Each of Zeek's states is reached by the packets that define it."""
    row = only_flow(packets)
    assert (row["conn_state"], row["history"]) == (state, history)


def test_a_syn_ack_alone_proves_who_is_the_responder() -> None:
    """The sender of a SYN-ACK is the responder although its packet came first."""
    row = only_flow([(0, server("SA", 900, 101))])
    assert row["id.resp_h"] == SERVER
    assert row["by_syn"]
    assert not row["guessed"]


def test_a_responder_port_orients_what_was_running_before() -> None:
    """Without an opening, the port that a responder is expected at decides against the first packet, and is marked."""
    packets: list[Timed] = [(0, server("PA", 900, 500, b"x")), (0.1, client("A", 500, 901))]
    assert only_flow(packets)["id.resp_h"] == CLIENT
    row = only_flow(packets, ports={"tcp": frozenset({9100})})
    assert row["id.resp_h"] == SERVER
    assert row["guessed"]
    assert row["history"].startswith("^")


def test_a_new_syn_on_the_same_ports_is_a_new_flow() -> None:
    """A SYN with another sequence number starts another flow; a repeated one does not."""
    again: list[Timed] = [*CLOSED, (5, client("S", 7000)), (6, client("S", 7000, ipid=77))]
    tables, _ = read(pcap(again))
    assert tables.flows["conn_state"].to_list() == ["SF", "S0"]
    assert tables.flows["orig_nsyn"].to_list() == [1, 2]


def test_the_tail_of_an_old_connection_does_not_swallow_the_next_syn() -> None:
    """A late RST of the server and then a SYN of the client are two flows."""
    tables, _ = read(pcap([(0, server("R", 5)), (1, client("S", 100))]))
    assert tables.flows.height == 2


def test_a_late_syn_ack_does_not_take_the_next_syn() -> None:
    """A SYN-ACK belongs to the SYN that it acknowledges, also where it was seen first; another SYN is another flow."""
    late = server("SA", 900, 101)
    tables, _ = read(pcap([(0, late), (1, client("S", 100))]))
    assert tables.flows["history"].to_list() == ["hS"]
    tables, _ = read(pcap([(0, late), (1, client("S", 7000))]))
    assert tables.flows["history"].to_list() == ["h", "S"]


def test_first_bytes_are_in_order_of_sequence() -> None:
    """Segments that arrive in the wrong order give the bytes of the stream in the right one."""
    row = only_flow([*HANDSHAKE, (0.1, client("PA", 106, 901, b"second")), (0.2, client("PA", 101, 901, b"first"))])
    assert row["orig_payload"] == b"firstsecond"
    assert row["orig_rtx"] == 0
    assert row["missed_bytes"] == 0


def test_bytes_behind_a_hole_are_not_first_bytes() -> None:
    """Where the first segment is missing, what follows is not taken for the beginning; once acknowledged it is missed."""
    row = only_flow([*HANDSHAKE, (0.1, client("PA", 106, 901, b"second")), (0.2, server("A", 901, 112))])
    assert row["orig_payload"] == b""
    assert row["missed_bytes"] == 5


def test_bytes_lost_on_the_network_are_not_missed_by_the_capture() -> None:
    """A hole that nobody acknowledged is no fault of the capture."""
    row = only_flow([*HANDSHAKE, (0.1, client("PA", 106, 901, b"second")), (0.2, server("A", 901, 101))])
    assert row["missed_bytes"] == 0


def test_payload_that_is_never_acknowledged_is_stuck() -> None:
    """Three sendings of a segment that the responder never acknowledges count two retransmissions, and stuck."""
    sent: list[Timed] = [(n, client("PA", 101, 901, b"x" * 50, ipid=50 + n)) for n in (1, 2, 4)]
    row = only_flow([*HANDSHAKE, *sent])
    assert (row["orig_rtx"], row["orig_stuck"]) == (2, 2)
    assert row["orig_rtx_last_frame"] == 6
    acknowledged = only_flow([*HANDSHAKE, *sent, (5, server("A", 901, 151))])
    assert (acknowledged["orig_rtx"], acknowledged["orig_stuck"]) == (2, 0)


def test_many_packets_between_do_not_hide_a_copy() -> None:
    """Of 20,000 packets that come back after 200 others and 0.2 ms, every one is known again."""
    layers = AWAY / IP(src=CLIENT, dst=SERVER) / UDP(sport=4000, dport=9) / payload(b"0123")
    made = bytearray(bytes(layers))
    sent: list[Timed] = []
    for number in range(20_000):
        made[18:20] = struct.pack("!H", number + 1)  # IP ID
        sent += [(number * 1e-6, bytes(made)), (number * 1e-6 + 2.005e-4, bytes(made))]
    _, facts = read(pcap(sorted(sent, key=lambda one: one[0])))
    assert facts.duplicates == 20_000


def test_copies_are_counted_and_otherwise_ignored() -> None:
    """Exact copies and routed copies (TTL-1, other MACs, VLAN) within a millisecond change nothing but the count."""
    routed = Ether(src="00:00:5e:00:53:07", dst="00:00:5e:00:53:08") / Dot1Q(vlan=7)
    doubled: list[Timed] = []
    for t, packet in CLOSED:
        assert isinstance(packet, Packet)
        copy = routed / packet[IP].copy()
        copy[IP].ttl -= 1
        doubled += [(t, packet), (t + 0.0002, copy), (t + 0.0004, packet)]
    tables, facts = read(pcap(doubled))
    row = tables.flows.row(0, named=True)
    plain = only_flow(CLOSED)
    assert facts.duplicates == 2 * len(CLOSED)
    assert (row["orig_dups"], row["resp_dups"]) == (12, 8)
    for name in (
        "orig_pkts",
        "resp_pkts",
        "orig_bytes",
        "history",
        "orig_nsyn",
        "orig_rtx",
        "resp_ttl_min",
        "conn_state",
    ):
        assert row[name] == plain[name]


def test_a_repetition_after_a_second_is_no_copy() -> None:
    """A SYN sent again with its own IP ID a second later is a retransmission."""
    row = only_flow([(0, client("S", 100, ipid=5)), (1, client("S", 100, ipid=5))])
    assert (row["orig_nsyn"], row["orig_dups"]) == (2, 0)


def test_the_same_traffic_in_another_file_is_counted_once() -> None:
    """A second file with the same packets, by a clock that is off, adds nothing and is named."""
    for offset in (0.3, 30, 4000):
        later = [(t + offset, packet) for t, packet in CLOSED]
        tables, facts = read(pcap(CLOSED), pcap(later, path="again"))
        assert tables.flows.height == 1
        assert tables.flows["orig_pkts"].item() == 6
        assert [(problem.code, problem.count) for problem in facts.files[1].problems] == [("same-traffic", 10)]
        assert facts.files[0].problems == []


@settings(max_examples=30, deadline=None)
@given(
    delays=st.lists(st.integers(100, 5000), min_size=len(CLOSED), max_size=len(CLOSED)),
    waits=st.lists(st.integers(30, 20_000), min_size=len(CLOSED), max_size=len(CLOSED)),
    skew=st.integers(-3000, 3000),
)
def test_a_conversation_at_two_points_counts_once_whatever_the_way_and_the_clocks(
    delays: list[int], waits: list[int], skew: int
) -> None:
    """Nothing is lost and nothing counts twice, though either point may have a packet first, within a millisecond or not."""
    assume(abs(delays[0] + skew) > 1100)  # nearer, the first copy proves nothing of the next ones
    near, far, sent = [], [], 0
    last = {CLIENT: 0, SERVER: 0}  # when each end had the latest packet: nobody answers before
    for n, (delay, wait, (_, packet)) in enumerate(zip(delays, waits, CLOSED, strict=True)):
        sender = CLIENT if n in BY_CLIENT else SERVER
        sent = max(sent, last[sender]) + wait
        there = sent + delay
        last[CLIENT if sender == SERVER else SERVER] = there
        near.append(((sent if sender == CLIENT else there) / 1e6, packet))
        far.append(((there + skew if sender == CLIENT else sent + skew) / 1e6 + 0.01, packet))
    near = [(t + 0.01, packet) for t, packet in near]
    tables, facts = read(pcap(near), pcap(far, path="far"))
    row = tables.flows.row(0, named=True)
    assert tables.flows.height == 1
    assert (row["conn_state"], row["orig_pkts"], row["resp_pkts"]) == ("SF", 6, 4)
    assert (row["orig_bytes"], row["resp_bytes"], row["missed_bytes"]) == (5, 6, 0)
    assert (row["orig_nsyn"], row["resp_nsynack"], row["orig_rtx"], row["resp_rtx"]) == (1, 1, 0, 0)
    assert row["orig_dups"] + row["resp_dups"] == facts.duplicates == len(CLOSED)


def test_a_point_that_holds_one_direction_takes_nothing_from_one_that_holds_both() -> None:
    """The initiator's packets are in both files, the responder's in the second one only: the flow has both sides."""
    away = [item for n, item in enumerate(CLOSED) if n in BY_CLIENT]
    for offset in (0.003, 4000):
        tables, _ = read(pcap(away), pcap([(t + offset, packet) for t, packet in CLOSED], path="both"))
        row = tables.flows.row(0, named=True)
        assert (row["conn_state"], row["orig_pkts"], row["resp_pkts"], row["orig_rtx"]) == ("SF", 6, 4, 0)


def test_the_same_datagrams_from_two_capture_points_are_counted_once() -> None:
    """Requests and answers that two captures hold, half a second apart, are no repetitions."""
    ask = AWAY / IP(src=CLIENT, dst=SERVER, id=77) / UDP(sport=4000, dport=161) / payload(b"question")
    answer = BACK / IP(src=SERVER, dst=CLIENT, id=99) / UDP(sport=161, dport=4000) / payload(b"answer")
    other = AWAY / IP(src=CLIENT, dst=SERVER, id=78) / UDP(sport=4000, dport=161) / payload(b"another")
    talk: list[Timed] = [(0, ask), (0.1, answer), (2, other)]
    tables, facts = read(pcap(talk), pcap([(t + 0.5, packet) for t, packet in talk], path="again"))
    row = tables.flows.row(0, named=True)
    assert (row["orig_pkts"], row["resp_pkts"], row["orig_repeat_after_answer"]) == (2, 1, 0)
    assert facts.files[1].problems[0].code == "same-traffic"


def test_packets_without_an_identification_are_known_at_another_point() -> None:
    """SYNs, datagrams and echoes of IPv6, and echoes of IPv4, that two captures hold count once: soon after, or from further away."""
    one, other = "2001:db8::1", "2001:db8::2"

    def there(hops: int) -> list[Timed]:
        out = AWAY / IPv6(src=one, dst=other, hlim=hops)
        return [
            (0, out / TCP(sport=4000, dport=9100, flags="S", seq=100)),
            (0.5, out / UDP(sport=4000, dport=161) / payload(b"question")),
            (1, out / ICMPv6EchoRequest(id=7, seq=1)),
            (1.5, AWAY / IP(src=CLIENT, dst=SERVER, id=5, ttl=hops) / ICMP(id=7, seq=1)),
        ]

    for hops, offset in ((64, 0.1), (63, 0.1), (63, 1.2), (63, -1.2)):
        tables, facts = read(pcap(there(64)), pcap([(t + offset, p) for t, p in there(hops)], path="again"))
        assert tables.flows["orig_pkts"].to_list() == [1, 1, 1, 1]
        assert (tables.flows["orig_dups"].to_list(), facts.duplicates) == ([1, 1, 1, 1], 4)
    tables, facts = read(pcap(there(64)), pcap([(t + 1, p) for t, p in there(64)[:3]], path="later"))
    assert (tables.flows["orig_pkts"].to_list(), facts.duplicates) == ([2, 2, 2, 1], 0)


def test_an_endless_ping_is_no_copy_of_itself() -> None:
    """After 65,536 echoes number and IP ID come round again, in a later file of a rotated set: that one counts too."""
    ping = AWAY / IP(src=CLIENT, dst=SERVER, id=5) / ICMP(id=1, seq=7)
    tables, facts = read(pcap([(0, ping)]), pcap([(65_536, ping), (65_537, ping)], path="next"))
    assert (tables.flows["orig_pkts"].sum(), facts.duplicates) == (3, 0)


def test_a_copy_at_another_point_says_how_its_sender_looks_there() -> None:
    """Of what the other capture holds 3 ms later the hop limit and the way are kept, which a reset is held against."""

    def at(hops: int, way: Packet, later: float) -> list[Timed]:
        ask, answer = (IP(src=CLIENT, dst=SERVER, id=7, ttl=hops), IP(src=SERVER, dst=CLIENT, id=9, ttl=hops))
        return [
            (later, way / ask / TCP(sport=40000, dport=9100, flags="S", seq=100)),
            (0.1 + later, way / answer / TCP(sport=9100, dport=40000, flags="SA", seq=900, ack=101)),
        ]

    tables, _ = read(pcap(at(64, AWAY, 0)), pcap(at(61, BACK, 0.003), path="again"))
    row = tables.flows.row(0, named=True)
    for side in ("orig", "resp"):
        assert row[f"{side}_path"] != row[f"{side}_copy_path"] != 0
        assert (row[f"{side}_ttl_min"], row[f"{side}_ttl_max"], row[f"{side}_copy_ttl"]) == (64, 64, 61)


def test_a_question_for_a_neighbour_that_two_captures_hold_counts_once() -> None:
    """ARP and neighbour discovery have no identification: a second sight at once is a copy, one a second later another question."""
    for question in (
        AWAY / ARP(op=1, psrc=CLIENT, pdst=SERVER),
        AWAY / IPv6(src="2001:db8::1", dst="ff02::1:ff00:2", hlim=255) / ICMPv6ND_NS(tgt="2001:db8::2"),
    ):
        asked: list[Timed] = [(0, question), (5, question)]
        for offset, requests in ((0.1, 2), (1, 4)):
            tables, _ = read(pcap(asked), pcap([(t + offset, p) for t, p in asked], path="again"))
            assert tables.neighbours["requests"].to_list() == [requests]


def test_a_retry_in_the_next_file_of_a_rotated_set_is_a_retry() -> None:
    """A SYN repeated with the same IP ID after a file was changed counts, and so does what follows it."""
    first: list[Timed] = [(0, client("S", 100, ipid=5)), (1, client("S", 100, ipid=5))]
    rest: list[Timed] = [(3, client("S", 100, ipid=5)), (3.1, server("SA", 900, 101)), (3.2, client("A", 101, 901))]
    tables, facts = read(pcap(first), pcap(rest, path="next"))
    row = tables.flows.row(0, named=True)
    assert (row["orig_nsyn"], row["history"], facts.duplicates) == (3, "ShA", 0)


def test_a_flow_goes_on_from_file_to_file_whatever_their_order() -> None:
    """A conversation cut over two files is one flow, in whichever order they are named; frames count in their file."""
    first, second = CLOSED[:5], CLOSED[5:]
    for sources in ([pcap(first), pcap(second)], [pcap(second), pcap(first)]):
        tables, facts = read(*sources)
        row = tables.flows.row(0, named=True)
        assert (row["conn_state"], row["orig_pkts"], row["resp_data_frame"]) == ("SF", 6, 1)
        assert sorted(item.packets for item in facts.files) == [5, 5]


def test_two_interfaces_at_once_are_one_timeline() -> None:
    """Each direction in a file of its own, interleaved in time, gives one two-sided flow."""
    away = [item for n, item in enumerate(CLOSED) if n in BY_CLIENT]
    back = [item for n, item in enumerate(CLOSED) if n not in BY_CLIENT]
    tables, _ = read(pcap(back), pcap(away))
    assert tables.flows["history"].to_list() == ["ShADadFf"]


def test_icmp_errors_join_the_flow_they_quote() -> None:
    """An ICMP error is evidence of the quoted flow, with its sender, and no flow of its own."""
    syn = client("S", 100)
    error = BACK / IP(src=ROUTER, dst=CLIENT) / ICMP(type=3, code=13) / bytes(syn[IP])[:28]
    tables, _ = read(pcap([(0, syn), (0.01, error)]))
    row = tables.flows.row(0, named=True)
    assert (row["icmp_errors"], row["icmp_type"], row["icmp_code"], row["icmp_sender"]) == (1, 3, 13, ROUTER)
    assert row["icmp_about_orig"]
    assert row["icmp_frame"] == 2
    assert tables.icmp_errors["sender"].to_list() == [ROUTER]


def test_icmpv6_errors_join_through_extension_headers() -> None:
    """The quoted IPv6 packet is followed through its extension headers."""
    udp = (
        IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrDestOpt() / UDP(sport=4000, dport=161) / payload(b"abc")
    )
    error = BACK / IPv6(src="2001:db8::2", dst="2001:db8::1") / ICMPv6DestUnreach(code=4) / bytes(udp)
    row = only_flow([(0, AWAY / udp), (0.01, error)])
    assert (row["proto"], row["icmp_type"], row["icmp_code"], row["icmp_sender"]) == ("udp", 1, 4, "2001:db8::2")


def test_an_icmp_error_about_an_unseen_packet_still_tells_of_its_flow() -> None:
    """Where only the error reached the capture, the flow is there without packets."""
    error = BACK / IP(src=ROUTER, dst=CLIENT) / ICMP(type=3, code=1) / bytes(client("S", 100)[IP])[:28]
    row = only_flow([(0.5, error)])
    assert (row["id.resp_h"], row["orig_pkts"], row["icmp_errors"]) == (SERVER, 0, 1)
    assert row["ts"] == START + 500_000_000


def test_echo_is_one_flow_with_type_and_code() -> None:
    """Request and answer of an echo are one flow, shown as Zeek does: type and code in the ports."""
    ask = AWAY / IP(src=CLIENT, dst=SERVER) / ICMP(type=8, id=7, seq=1)
    answer = BACK / IP(src=SERVER, dst=CLIENT) / ICMP(type=0, id=7, seq=1)
    row = only_flow([(0, ask), (0.01, answer)])
    assert (row["proto"], row["id.orig_h"], row["id.orig_p"], row["id.resp_p"]) == ("icmp", CLIENT, 8, 0)
    assert (row["orig_pkts"], row["resp_pkts"], row["orig_nsyn"]) == (1, 1, 0)


def test_neighbour_questions_and_answers_are_counted() -> None:
    """ARP and neighbour discovery go to their own table: asked, and answered or not."""
    ask = Ether(dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, psrc=SERVER, pdst=CLIENT)
    answer = BACK / ARP(op=2, psrc=CLIENT, pdst=SERVER)
    silent = Ether(dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, psrc=SERVER, pdst="192.0.2.99")
    solicit = AWAY / IPv6(src="2001:db8::1", dst="ff02::1:ff00:2") / ICMPv6ND_NS(tgt="2001:db8::2")
    advert = BACK / IPv6(src="2001:db8::2", dst="2001:db8::1") / ICMPv6ND_NA(tgt="2001:db8::2")
    tables, facts = read(pcap([(0, ask), (0.1, answer), (1, silent), (2, silent), (3, solicit), (3.1, advert)]))
    assert tables.flows.height == 0
    rows = {
        (row["asker"], row["target"]): (row["requests"], row["replies"])
        for row in tables.neighbours.iter_rows(named=True)
    }
    assert rows == {(SERVER, CLIENT): (1, 1), (SERVER, "192.0.2.99"): (2, 0), ("2001:db8::1", "2001:db8::2"): (1, 1)}
    assert facts.link_layer == {"arp": 4, "neighbour discovery": 2}


def test_a_datagram_without_payload_makes_a_flow() -> None:
    """An empty UDP datagram (a time request) is a flow, and so is the answer to it."""
    ask = AWAY / IP(src=CLIENT, dst=SERVER) / UDP(sport=4000, dport=37)
    row = only_flow([(0, ask)])
    assert (row["conn_state"], row["orig_pkts"], row["orig_bytes"]) == ("S0", 1, 0)
    assert row["orig_data_frame"] == 1


def test_the_same_request_again_after_its_answer_is_noted() -> None:
    """A datagram sent again within five seconds after an answer was answered in vain; after six it is a new question."""
    ask = IP(src=CLIENT, dst=SERVER) / UDP(sport=4000, dport=161) / payload(b"question")
    answer = BACK / IP(src=SERVER, dst=CLIENT) / UDP(sport=161, dport=4000) / payload(b"answer")
    asks = [AWAY / ask.copy() for _ in range(4)]
    for n, packet in enumerate(asks):
        packet[IP].id = 10 + n
    row = only_flow([(0, asks[0]), (0.1, answer), (1, asks[1]), (1.1, answer), (7.5, asks[2])])
    assert (row["orig_rtx"], row["orig_repeat_after_answer"]) == (2, 1)


def test_vlans_do_not_split_a_flow() -> None:
    """A tag on one direction only, and QinQ, leave one flow; the tag and the paths are remembered."""
    tagged = [(t, AWAY / Dot1Q(vlan=10) / packet[IP]) if n % 2 else (t, packet) for n, (t, packet) in enumerate(CLOSED)]
    tables, _ = read(pcap(tagged))
    assert tables.flows.height == 1
    double = Ether(type=0x88A8) / Dot1Q(vlan=5, type=0x8100) / Dot1Q(vlan=6) / client("S", 1)[IP]
    inner = only_flow([(0, double)])
    assert inner["vlan"] == 5


def test_payload_and_resets_after_a_reset_are_seen() -> None:
    """Data that its sender goes on sending after "its" reset shows that the reset was not its own."""
    forged = server("R", 901, ttl=250, ipid=4711)
    row = only_flow([*HANDSHAKE, (0.1, forged), (0.2, server("PA", 901, 101, b"still here"))])
    assert (row["resp_nrst"], row["resp_rst_ttl"], row["resp_rst_ipid"], row["resp_after_rst"]) == (1, 250, 4711, 1)
    assert (row["resp_ttl_min"], row["resp_ttl_max"]) == (128, 128)


def test_acknowledgements_tell_of_the_side_that_was_not_captured() -> None:
    """From the initiator's packets alone: it acknowledged a handshake, and then payload."""
    only_handshake = only_flow([(0, client("S", 100)), (0.1, client("A", 101, 901))])
    assert (only_handshake["orig_acks"], only_handshake["orig_acks_payload"]) == (True, False)
    with_payload = only_flow([(0, client("S", 100)), (0.1, client("A", 101, 901)), (0.2, client("A", 101, 999))])
    assert (with_payload["orig_acks_payload"], with_payload["orig_ack_span"]) == (True, 98)


def test_a_file_cut_in_the_middle_is_read_to_the_cut() -> None:
    """The packets before the cut are there, and the file is said to be incomplete."""
    tables, facts = read(pcap(CLOSED, cut=10))
    assert tables.flows["orig_pkts"].item() == 5
    assert (facts.packets, facts.files[0].complete, facts.files[0].problems[0].code) == (9, False, "cut-short")


def test_damage_to_the_end_is_told_with_its_place() -> None:
    """A record of impossible length is damage: what came before is there, and the place is named."""
    source = pcap([*CLOSED, (1, b"")])
    source._content += b"\xff" * 64
    tables, facts = read(source)
    assert tables.flows.height == 1
    assert (facts.files[0].complete, facts.files[0].problems[0].code) == (False, "damaged")
    assert "64 bytes" in facts.files[0].problems[0].detail


def test_what_is_not_decoded_is_named() -> None:
    """A GRE keepalive is counted by name and is no flow: what it carries would be misread as one."""
    gre = AWAY / IP(src=CLIENT, dst=SERVER, proto=47) / payload(b"\0\0\0\0" + bytes(40))
    lldp = Ether(type=0x88CC) / payload(b"x" * 40)
    odd = Ether(type=0x1234) / payload(b"x" * 40)
    tables, facts = read(pcap([(0, gre), (1, lldp), (2, odd), (3, AWAY / b"")]))
    assert tables.flows.height == 0
    assert facts.undecoded == {"gre": 1, "ethertype 0x1234": 1}
    assert facts.link_layer == {"lldp": 1, "loop": 1}


def test_an_unknown_link_type_is_counted_and_named() -> None:
    """Packets of a link type that is not decoded are counted under its name."""
    tables, facts = read(pcap([(0, b"x" * 60), (1, b"y" * 60)], link=143))
    assert tables.flows.height == 0
    assert facts.undecoded == {"docsis": 2}


def test_chosen_packets_are_watched() -> None:
    """Watched ports, TLS handshakes up to application data, and HTTP status lines are kept; other payload is not."""
    hello = b"\x16\x03\x01\x00\x05hello"
    tls: list[Timed] = [
        *HANDSHAKE,
        (0.1, client("PA", 101, 901, hello)),
        (0.2, client("PA", 101 + len(hello), 901, b"\x17\x03\x03" + b"secret" * 20)),
        (0.3, client("PA", 300, 901, b"\x17\x03\x03" + b"secret" * 20)),
    ]
    tables, _ = read(pcap(tls))
    assert [(row["from_orig"], row["data"][:1], len(row["data"])) for row in tables.watched.iter_rows(named=True)] == [
        (True, b"\x16", 10),
        (True, b"\x17", 16),
    ]
    status: list[Timed] = [*HANDSHAKE, (0.1, server("PA", 901, 101, b"HTTP/1.1 401 Unauthorized\r\n" + b"x" * 300))]
    tables, _ = read(pcap(status))
    assert [len(data) for data in tables.watched["data"].to_list()] == [256]
    assert tables.watched.select("seq", "ack").row(0) == (901, 101)
    tables, _ = read(pcap(TALK))
    assert tables.watched.height == 0
    tables, _ = read(pcap(TALK), watch={("tcp", 9100): "stream"})
    assert tables.watched["data"].to_list() == [b"hello", b"world!"]
    assert tables.watched["seq"].to_list() == [101, 901]
    ask = AWAY / IP(src=CLIENT, dst=SERVER) / UDP(sport=4000, dport=37)
    tables, _ = read(pcap([(0, ask)]), watch={("udp", 37): "datagram"})
    assert tables.watched["data"].to_list() == [b""]


def test_what_a_printer_answers_is_watched_behind_a_header_that_came_by_itself() -> None:
    """On any port: the status of IPP stands in the body. Of other answers the header is enough, of the asker nothing is kept."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\nContent-Length: 900\r\n\r\n"
    body = b"\x01\x01\x04\x06" + bytes(896)

    def kept(*said: bytes) -> list[bytes]:
        sent: list[Timed] = [*HANDSHAKE, (0.05, client("PA", 101, 901, b"POST / HTTP/1.1\r\n\r\n"))]
        at = 901
        for turn, data in enumerate(said):
            sent.append((0.1 + turn, server("PA", at, 120, data)))
            sent.append((0.2 + turn, client("PA", 120 + turn * 9, at, b"more data")))
            at += len(data)
        return read(pcap(sent))[0].watched["data"].to_list()

    assert kept(head, body, body) == [head, body[:256]]
    assert kept(head[:50], head[50:], body) == [head[:50], head[50:], body[:256]]
    assert kept(head + body, body) == [(head + body)[:1024], body[:256]]
    other = head.replace(b"application/ipp", b"text/html")
    assert kept(other, body) == [other]
    assert kept(head, body, other, body, head, body) == [head, body[:256], other, head, body[:256]]


def test_of_a_job_only_the_beginning_is_watched_and_of_its_answers_more() -> None:
    """A side that sends to a watched stream port is kept for 1 KiB, the side that answers for 16 KiB."""
    job = bytes(1400)
    sent: list[Timed] = list(HANDSHAKE)
    for turn in range(20):
        sent.append((0.1 + turn, client("A", 101 + turn * 1400, 901 + turn * 1400, job)))
        sent.append((0.2 + turn, server("A", 901 + turn * 1400, 101 + (turn + 1) * 1400, job)))
    tables, _ = read(pcap(sent), watch={("tcp", 9100): "stream"})
    kept = tables.watched.group_by("from_orig").agg(pl.col("data").bin.size().sum())
    assert dict(kept.iter_rows()) == {True: 1024, False: 16384}


def test_a_database_is_watched_on_any_port() -> None:
    """What begins as PRELOGIN and its answer is kept wherever an instance listens; other small messages are not."""
    asked, answered = b"\x12\x01\x00\x08\x00\x00\x00\x00", b"\x04\x01\x00\x08\x00\x00\x01\x00" + bytes(1200)
    sent: list[Timed] = [*HANDSHAKE, (0.1, client("PA", 101, 901, asked)), (0.2, server("PA", 901, 109, answered))]
    tables, _ = read(pcap(sent))
    assert tables.watched["data"].to_list() == [asked, answered]
    sent[-2:] = [(0.1, client("PA", 101, 901, b"\x12\x02" + asked)), (0.2, server("PA", 901, 111, b"\x04\x00" + asked))]
    tables, _ = read(pcap(sent))
    assert tables.watched.height == 0


def test_watched_bytes_are_bounded() -> None:
    """Beyond the budget packets are only counted as overflow."""
    ask = IP(src=CLIENT, dst=SERVER) / UDP(sport=4000, dport=161) / payload(bytes(400))
    packets: list[Timed] = [(n, AWAY / ask / payload(bytes([n % 250]))) for n in range(600)]
    tables, facts = read(pcap(packets), watch={("udp", 161): "datagram"})
    assert tables.watched.height < 600
    assert tables.watched.height + facts.watched_overflow == 600


def test_extension_headers_and_fragments() -> None:
    """Hop-by-hop options are stepped over; later fragments are counted with the flow that the first opened."""
    udp = IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrHopByHop() / UDP(sport=5000, dport=161) / payload(b"x")
    assert only_flow([(0, AWAY / udp)])["id.resp_p"] == 161
    first = IP(src=CLIENT, dst=SERVER, id=77, flags="MF", proto=17) / payload(
        bytes(UDP(sport=5000, dport=161, len=108))[:8] + b"a" * 48
    )
    second = IP(src=CLIENT, dst=SERVER, id=77, frag=7, proto=17) / payload(b"b" * 52)
    row = only_flow([(0, AWAY / first), (0.001, AWAY / second)])
    assert (row["orig_pkts"], row["id.resp_p"]) == (2, 161)
    tables, facts = read(pcap([(0, AWAY / second)]))
    assert tables.flows.height == 0
    assert facts.undecoded == {"fragments without their first": 1}


def test_link_types_of_every_section_are_named() -> None:
    """A pcapng whose sections have other link types names them all, and the smallest snap length."""

    def block(kind: int, body: bytes) -> bytes:
        length = 12 + len(body)
        return struct.pack("<II", kind, length) + body + struct.pack("<I", length)

    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    content = b""
    for link, snaplen, packet in ((1, 96, bytes(client("S", 100))), (101, 262144, bytes(client("S", 200)[IP]))):
        padded = packet + bytes(-len(packet) % 4)
        content += section + block(1, struct.pack("<HHI", link, 0, snaplen))
        content += block(6, struct.pack("<IIIII", 0, 0, 1000, len(packet), len(packet)) + padded)
    header = CaptureHeader(format="pcapng", swapped=False, nanoseconds=False, link_type=None, snaplen=None, length=0)
    tables, facts = read(Bytes(content, header, 1_000_000))
    assert (facts.files[0].link_types, facts.files[0].snaplen, facts.packets) == ((1, 101), 96, 2)
    assert tables.flows.height == 2
