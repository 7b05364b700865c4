"""Where packets were lost or made is told from what two points show, and only from that."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

import pytest

from samples import speech
from tests.points.wire import SERVERS, THREE, TWO, Fate, Place, Side, Tcp, Wire, datagram, entry, judged, life, port

LPR = 515
LATE = (TWO[0], Place(name="b", hops=2, away=2.0, begins=40_000))
SWITCHED = (Place(name="a", hops=0, away=0.1), Place(name="b", hops=0, away=2.0))


def knock(wire: Wire, *, at: float = 20_500, times: int = 3, server: str = SERVERS[0], **fate: Unpack[Fate]) -> None:
    """SYNs to LPR, a second apart, to which nothing comes back."""
    for number in range(times):
        Tcp(wire, port=LPR, server=server).syn(at + 1000 * number, **fate)


def test_a_syn_lost_between(tmp_path: Path) -> None:
    """A SYN that one point saw and the next did not, though packets of both hosts pass it, was lost between them."""
    wire = Wire()
    life(wire)
    knock(wire, lost="a")
    found = port(judged(wire, tmp_path))
    assert (found.state, found.cause, found.confidence, found.by) == ("blocked", "no-answer", "high", None)
    assert "seen at a.pcap and not at b.pcap: lost between them" in str(found.detail)
    assert found.other_explanation is None


def test_the_sentence_does_not_say_there_or_back(tmp_path: Path) -> None:
    """What was lost on the way there was not lost on the way back."""
    wire = Wire()
    life(wire)
    knock(wire, lost="a")
    sentence = entry(judged(wire, tmp_path), "lpr-delivery").sentence
    assert "lost between them" in sentence
    assert "there or back" not in sentence


def test_other_hosts_make_it_likely(tmp_path: Path) -> None:
    """Where only other hosts of the network were seen at the second point, the answer is weaker and says what else it may be."""
    wire = Wire()
    life(wire, server=SERVERS[1])
    knock(wire, lost="a")
    found = port(judged(wire, tmp_path))
    assert (found.state, found.cause, found.confidence) == ("blocked", "no-answer", "medium")
    assert "lost between them" in str(found.detail)
    assert found.other_explanation == "another way past b.pcap, or a packet that it did not catch"


def test_a_point_that_began_later_is_no_witness(tmp_path: Path) -> None:
    """Absence from a capture that had not begun says nothing; the finding is what the first point shows by itself."""
    wire = Wire(places=LATE)
    life(wire)
    knock(wire, lost="a")
    found = port(judged(wire, tmp_path))
    assert (found.state, found.cause) == ("blocked", "no-answer")
    assert "between" not in str(found.detail)


def test_a_point_that_ends_earlier(tmp_path: Path) -> None:
    """What only a capture shows that ends right after is too early to tell, however long the other goes on."""
    wire = Wire(
        places=(Place(name="a", hops=0, away=0.1, ends=22_000), Place(name="b", hops=2, away=2.0, begins=23_000))
    )
    life(wire)
    knock(wire, at=20_500, times=1, lost="a")
    assert port(judged(wire, tmp_path)).state == "pending"


def test_a_point_without_any_of_their_packets_is_no_witness(tmp_path: Path) -> None:
    """A point that shows nothing of either network may stand beside another way."""
    wire = Wire(places=(TWO[0], Place(name="b", hops=1, away=1.0)))
    life(wire)
    wire.seen["b"] = []
    other = Tcp(wire, server="203.0.113.9", port=80)
    other.job(100)
    other = Tcp(wire, server="203.0.113.9", port=80, source=50_009, isn=5)
    other.job(50_000)
    knock(wire, lost="a")
    found = port(judged(wire, tmp_path))
    assert "between" not in str(found.detail)


def test_a_syn_that_arrived(tmp_path: Path) -> None:
    """A SYN that reached the responder's own segment, and no answer there: the responder's own firewall, or no service."""
    wire = Wire()
    life(wire)
    knock(wire)
    found = port(judged(wire, tmp_path))
    assert (found.state, found.cause, found.by) == ("blocked", "no-answer", SERVERS[0])
    assert found.other_explanation == "its own firewall, or the service does not answer"
    assert "it came as far as b.pcap" in str(found.detail)


def test_a_syn_that_passed_a_point_on_the_way(tmp_path: Path) -> None:
    """A SYN that a point in the middle saw got that far; nobody is blamed beyond it."""
    wire = Wire(places=(TWO[0], Place(name="b", hops=1, away=1.0)))
    life(wire)
    knock(wire, lost="b")
    found = port(judged(wire, tmp_path))
    assert (found.state, found.by) == ("blocked", None)
    assert "it came as far as b.pcap" in str(found.detail)


@pytest.mark.parametrize("times", [1, 2, 4])
def test_an_answer_lost_on_the_way_back(tmp_path: Path, times: int) -> None:
    """A SYN-ACK that one point saw and the initiator's did not is lost on the return path, even where it was sent once."""
    wire = Wire()
    life(wire)
    talk = Tcp(wire, port=LPR)
    for number in range(times):
        talk.syn(20_500 + 1000 * number)
        talk.syn_ack(20_505 + 1000 * number, lost="b")
    found = port(judged(wire, tmp_path))
    assert (found.state, found.cause, found.confidence) == ("blocked", "return-path", "high")
    assert "answered at b.pcap, and no answer at a.pcap: lost between them, on the way back" in str(found.detail)
    assert {item.capture.rpartition("/")[2] for item in found.evidence} == {"a.pcap", "b.pcap"}


def test_an_answer_that_a_deaf_point_lacks(tmp_path: Path) -> None:
    """A point that never shows packets of the responder cannot show that an answer was lost."""
    wire = Wire(places=(Place(name="a", hops=1, away=0.1, deaf=True), TWO[1]))
    life(wire)
    talk = Tcp(wire, port=LPR)
    talk.syn(20_500)
    talk.syn_ack(20_505)
    found = port(judged(wire, tmp_path))
    assert found.cause != "return-path"


def test_an_open_port_seen_from_both_sides(tmp_path: Path) -> None:
    """What works is open, counted once, whoever saw it."""
    wire = Wire()
    life(wire, until=9000)
    found = port(judged(wire, tmp_path), "raw-delivery")
    assert (found.state, found.attempts, found.answered) == ("open", 9, 9)


@pytest.mark.parametrize(("times", "confidence"), [(1, "medium"), (2, "high")])
@pytest.mark.parametrize(("claims", "made", "far"), [("server", "a", "b"), ("client", "b", "a")])
def test_a_reset_made_between(tmp_path: Path, claims: Side, made: str, far: str, times: int, confidence: str) -> None:
    """A reset that only the point away from its pretended sender saw was made between, though its TTL gives nothing away.

    One alone may be a packet that the other point did not catch.
    """
    wire = Wire()
    life(wire)
    talk = Tcp(wire, port=LPR)
    talk.syn(20_500)
    talk.syn_ack(20_505)
    talk.ack(20_510)
    for number in range(times):
        talk.reset(20_515 + number, claims, made=made, ttl=62)
    found = port(judged(wire, tmp_path))
    assert (found.state, found.cause, found.confidence) == ("blocked", "reset-in-path", confidence)
    assert f"reset seen at {made}.pcap and not at {far}.pcap: made between them" in str(found.detail)


def test_a_refusal_made_between(tmp_path: Path) -> None:
    """A device that answers a SYN in the responder's name is no refusal by the responder."""
    wire = Wire()
    life(wire)
    talk = Tcp(wire, port=LPR)
    talk.syn(20_500, lost="a")
    talk.refuse(20_503, made="a", ttl=62)
    found = port(judged(wire, tmp_path))
    assert (found.state, found.cause) == ("blocked", "reset-in-path")


def test_a_refusal_that_passed_both(tmp_path: Path) -> None:
    """A reset that left the responder's own segment is the responder's, even with no other packet to compare it with."""
    wire = Wire()
    life(wire)
    talk = Tcp(wire, port=LPR)
    talk.syn(20_500)
    talk.refuse(20_505)
    found = port(judged(wire, tmp_path))
    assert (found.state, found.cause, found.confidence) == ("refused", "reset-by-responder", "high")
    assert "the reset passed b.pcap and a.pcap" in str(found.detail)


def test_an_error_sent_between(tmp_path: Path) -> None:
    """An ICMP error that the farther point lacks was sent by somebody between."""
    wire = Wire()
    life(wire)
    talk = Tcp(wire, port=LPR)
    talk.syn(20_500, lost="a")
    talk.prohibited(20_503)
    found = port(judged(wire, tmp_path))
    assert (found.state, found.cause, found.by) == ("blocked", "icmp-admin-prohibited", "192.0.2.1")
    assert "ICMP seen at a.pcap and not at b.pcap: sent between them" in str(found.detail)


def test_requests_lost_between(tmp_path: Path) -> None:
    """SNMP that stays silent by design is blocked where its requests are proved to have been lost."""
    wire = Wire()
    life(wire)
    for number in range(3):
        datagram(wire, 20_000 + 5000 * number, "client", speech.snmp_get(7 + number), lost="a")
    found = port(judged(wire, tmp_path), "snmp-accounting")
    assert (found.state, found.cause, found.confidence) == ("blocked", "no-answer", "high")
    assert "lost between them" in str(found.detail)


def test_answers_of_datagrams_lost_on_the_way_back(tmp_path: Path) -> None:
    """A datagram's answer that never came to the point of the asker is lost on the return path."""
    wire = Wire()
    life(wire)
    for number in range(3):
        datagram(wire, 20_000 + 5000 * number, "client", speech.snmp_get(7 + number))
        datagram(wire, 20_005 + 5000 * number, "server", speech.snmp_response(7 + number), lost="b")
    found = port(judged(wire, tmp_path), "snmp-accounting")
    assert (found.state, found.cause) == ("blocked", "return-path")


def test_payload_lost_between(tmp_path: Path) -> None:
    """Large segments that one point sends again and again and the next never shows are lost between them, not by the other end."""
    wire = Wire()
    life(wire)
    talk = Tcp(wire, port=LPR)
    talk.syn(20_500)
    talk.syn_ack(20_505)
    talk.ack(20_510)
    for number in range(5):
        talk.say(20_520 + 300 * 2**number, b"\x02queue\n" + bytes(1300), lost="a")
    found = port(judged(wire, tmp_path))
    assert (found.state, found.cause, found.confidence) == ("blocked", "dropped-after-handshake", "high")
    assert "payload seen at a.pcap, and not all of it at b.pcap: lost between them" in str(found.detail)
    assert found.other_explanation is None


def test_three_points_name_the_nearest_two(tmp_path: Path) -> None:
    """Of several points the drop is located between the last that saw the packet and the first that did not."""
    wire = Wire(places=THREE)
    life(wire)
    knock(wire, lost="m")
    found = port(judged(wire, tmp_path))
    assert "seen at m.pcap and not at b.pcap: lost between them" in str(found.detail)


def test_three_points_and_a_lost_answer(tmp_path: Path) -> None:
    """The same on the way back."""
    wire = Wire(places=THREE)
    life(wire)
    talk = Tcp(wire, port=LPR)
    talk.syn(20_500)
    talk.syn_ack(20_505, lost="m")
    found = port(judged(wire, tmp_path))
    assert "answered at m.pcap, and no answer at a.pcap: lost between them, on the way back" in str(found.detail)


def test_points_without_a_router_between(tmp_path: Path) -> None:
    """Where TTLs are alike, the longer wait for a SYN-ACK tells which point is nearer to the initiator."""
    wire = Wire(places=SWITCHED)
    life(wire)
    knock(wire, lost="a")
    found = port(judged(wire, tmp_path))
    assert "seen at a.pcap and not at b.pcap: lost between them" in str(found.detail)


@pytest.mark.parametrize("sender", [None, "client", "server"])
def test_a_point_that_loses_packets_proves_no_reset(tmp_path: Path, sender: str | None) -> None:
    """A point that lacks packets which passed it may lack a reset too: a single one that it does not show was not made between."""
    wire = Wire()
    life(wire, until=20_000)
    if sender is not None:
        place = {"client": 3, "server": 4}[sender]  # the job and its acknowledgement
        del wire.seen["b"][8 * 5 + place]
    talk = Tcp(wire, port=LPR)
    talk.syn(10_500)
    talk.syn_ack(10_505)
    talk.ack(10_510)
    talk.say(10_512, b"\x02queue\n")
    talk.heard(10_517, 7)
    talk.reset(10_520, "server", made="a", ttl=62)
    document = judged(wire, tmp_path)
    assert (port(document).cause == "reset-in-path") is (sender is None)
    assert document.vantage is not None
    assert [point.lacks_packets for point in document.vantage.points] == [False, sender is not None]


def test_a_reset_beside_others_that_passed(tmp_path: Path) -> None:
    """Where a server ends its connections with resets, one that a point lacks was lost by the capture, not made between."""
    wire = Wire()
    life(wire, until=20_000)
    for number in range(10):
        talk = Tcp(wire, port=LPR, source=50_000 + number, isn=1000 * number + 1, answer=77 * number + 1)
        talk.syn(1000 * number + 500)
        talk.syn_ack(1000 * number + 505)
        talk.ack(1000 * number + 510)
        talk.say(1000 * number + 512, b"\x02queue\n")
        talk.heard(1000 * number + 517, 7)
        talk.reset(1000 * number + 520, "server", made="a" if number == 4 else None, ttl=62 if number == 4 else 64)
    found = port(judged(wire, tmp_path))
    assert found.cause != "reset-in-path"
    assert "between" not in str(found.detail)


def test_a_point_of_which_nobody_knows_where_it_stands(tmp_path: Path) -> None:
    """A third point on the same segment as the second, of which nothing tells which comes first, is not what a packet is lost before."""
    wire = Wire(places=(TWO[0], Place(name="x", hops=1, away=1.0), Place(name="y", hops=1, away=1.0)))
    life(wire)
    knock(wire, lost="a")
    found = port(judged(wire, tmp_path))
    assert found.state == "blocked"
    assert "seen at a.pcap and not at x.pcap: lost between them" in str(found.detail)
    knock(wire, at=30_500, lost="x")
    found = port(judged(wire, tmp_path))
    assert "seen at x.pcap and not at y.pcap" not in str(found.detail)


def test_some_arrived_and_some_were_lost(tmp_path: Path) -> None:
    """What arrived and what was lost are two things: who is blamed for the one is not blamed for the other."""
    wire = Wire()
    life(wire)
    for number in range(3):
        Tcp(wire, port=LPR, source=50_000 + number, isn=number + 1).syn(20_500 + 1000 * number)
    for number in range(2):
        Tcp(wire, port=LPR, source=51_000 + number, isn=number + 9).syn(30_500 + 1000 * number, lost="a")
    found = port(judged(wire, tmp_path))
    assert (found.by, found.attempts) == (SERVERS[0], 5)
    assert "lost between" not in str(found.detail)
    assert "also no-answer (2 attempts)" in str(found.detail)
