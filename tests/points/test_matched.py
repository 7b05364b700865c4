"""The same conversation is known at every point, whatever clocks and translations do to it; what is in doubt is left alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from analyser.model.finding import ReportDocument
from analyser.pipeline import judging
from samples import speech
from tests.lab.vantages import Packet, pcap
from tests.points.test_located import knock
from tests.points.wire import MS, SERVERS, T0, THREE, TWO, Place, Tcp, Wire, datagram, judged, life, port
from tests.services.test_hearing import Dialogue

OUTSIDE = "203.0.113.7"


def skewed(ms: float, places: tuple[Place, ...] = TWO) -> tuple[Place, ...]:
    """The points of a wire, the clock of the last one ahead."""
    return (*places[:-1], replace(places[-1], clock=ms))


def told(document: ReportDocument, *, times: bool = False) -> list[dict[str, Any]]:
    """Verdicts and unexpected flows as a report has them; without times, which are told by the first point's clock."""
    plain: dict[str, Any] = msgspec.to_builtins(document)
    entries: list[dict[str, Any]] = plain["verdicts"] + plain["unexpected"]
    if not times:
        for item in entries:
            for part in (item, *item.get("ports", ())):
                part.pop("first", None), part.pop("last", None)
    return entries


def story(wire: Wire) -> None:
    """Something of everything: what works, a SYN and an answer that get lost, requests."""
    life(wire, until=30_000)
    knock(wire, lost="a")
    talk = Tcp(wire, port=80)
    talk.syn(10_500)
    talk.syn_ack(10_505, lost="b")
    for number in range(3):
        datagram(wire, 5000 * number + 3000, "client", speech.snmp_get(7 + number))
        datagram(wire, 5000 * number + 3005, "server", speech.snmp_response(7 + number))


FTP_SITE = """
name = "scans"
rules = ["ysoft-safeq-6", "infrastructure"]
features = ["ftp-scanning"]
[[host]]
name = "server"
addresses = ["192.0.2.10"]
roles = ["terminal-server"]
[[host]]
name = "mfd"
addresses = ["198.51.100.21"]
roles = ["mfd"]
terminal = "none"
"""


def test_a_dialogue_that_one_point_heard_whole_was_heard(tmp_path: Path) -> None:
    """A port that nobody announced is unannounced if either point has every line, and in doubt if both have cut lines."""
    dialogue = Dialogue((b"<220 ready", b">USER scan", b"<331 password")).packets
    strange = Dialogue((), port=50_123, source=50_001).packets
    frames = [bytes(packet) for packet in [*dialogue, *strange]]
    packets = [Packet(T0 + n * 10 * MS, data, len(data), 0) for n, data in enumerate(frames)]
    (tmp_path / "site.toml").write_text(FTP_SITE, encoding="utf-8")

    def reasons(*lengths: int) -> list[str]:
        paths = [str(pcap(tmp_path / f"{place}.pcap", packets, snap=length)) for place, length in enumerate(lengths)]
        told = judging.check(paths, site=tmp_path / "site.toml", vantage=True, workers=1)
        return [str(entry.reason) for entry in told.document.unexpected]

    assert reasons(60, 60) == []
    for lengths in ((60, 2000), (2000, 60), (2000, 2000)):
        assert reasons(*lengths) == ["unannounced-dynamic-port"]


@pytest.mark.parametrize("clock", [0.0, 1_250.0, -3_600_000.0, 86_400_000.0 * 40])
def test_clocks_apart(tmp_path: Path, clock: float) -> None:
    """A clock that is seconds, an hour or forty days off changes no finding, and the report says how far it is off."""
    straight, crooked = Wire(), Wire(places=skewed(clock))
    for wire, name in ((straight, "straight"), (crooked, "crooked")):
        story(wire)
        (tmp_path / name).mkdir()
    plain, document = judged(straight, tmp_path / "straight"), judged(crooked, tmp_path / "crooked")
    strip = str(tmp_path)
    assert str(told(document)).replace(strip, "").replace("crooked", "straight") == str(told(plain)).replace(strip, "")
    assert document.vantage is not None
    _, b = document.vantage.points
    assert b.clock_ahead == pytest.approx(clock / 1000, abs=0.0001)
    assert b.clock_error is not None
    assert b.clock_error <= 0.002


@pytest.mark.parametrize("gain", [40.0, -250.0])
def test_a_clock_that_gains(tmp_path: Path, gain: float) -> None:
    """A clock that goes faster than the other is followed: delays are told, and are those of the wire."""
    wire = Wire(places=(TWO[0], replace(TWO[1], clock=1500.0, gains=gain)))
    life(wire, until=120_000)
    knock(wire, lost="a")
    document = judged(wire, tmp_path)
    assert "lost between them" in str(port(document).detail)
    assert document.vantage is not None
    _, b = document.vantage.points
    assert b.clock_steady
    assert b.clock_gain == pytest.approx(gain, abs=1.0)
    assert b.clock_ahead == pytest.approx(1.5, abs=0.0005)
    for way in document.vantage.ways:
        assert way.delay is not None
        assert way.delay.median == pytest.approx(0.0019, abs=0.0003)


def test_a_clock_that_is_set(tmp_path: Path) -> None:
    """A clock that jumps is told as not steady, and no delay with it."""
    wire = Wire()
    life(wire, until=60_000)
    half = T0 + 30_000 * MS
    wire.seen["b"] = [
        replace(frame, time=frame.time + (7_000 * MS if frame.time > half else 0)) for frame in wire.seen["b"]
    ]
    document = judged(wire, tmp_path)
    assert document.vantage is not None
    assert not document.vantage.points[1].clock_steady
    assert all(way.delay is None for way in document.vantage.ways)
    assert port(document, "raw-delivery").attempts == 60


@pytest.mark.parametrize("places", [TWO, THREE], ids=["two", "three"])
def test_the_order_of_arguments(tmp_path: Path, places: tuple[Place, ...]) -> None:
    """Which point is named first decides by whose clock times are told, and nothing else."""
    wire = Wire(places=skewed(700, places))
    story(wire)
    one = judged(wire, tmp_path)
    other = judged(wire, tmp_path, order=list(reversed(range(len(places)))))
    assert told(one) == told(other)
    assert one.vantage is not None
    assert other.vantage is not None
    assert {way.origin + way.target: (way.packets, way.lost) for way in one.vantage.ways} == {
        way.origin + way.target: (way.packets, way.lost) for way in other.vantage.ways
    }


def test_conversations_are_counted_once(tmp_path: Path) -> None:
    """Thirty jobs that three points saw are thirty."""
    wire = Wire(places=THREE)
    life(wire, until=30_000)
    document = judged(wire, tmp_path)
    assert port(document, "raw-delivery").attempts == 30
    assert document.vantage is not None
    assert document.vantage.matched == 30


def test_the_same_ports_again(tmp_path: Path) -> None:
    """Connections that follow one another on the same ports are told apart by their sequence numbers."""
    wire = Wire()
    for number in range(5):
        Tcp(wire, isn=1000 * (number + 1), answer=77 * (number + 1)).job(10_000 * number)
    Tcp(wire, isn=999_999).syn(55_000, lost="a")
    life(wire, until=70_000)
    found = port(judged(wire, tmp_path), "raw-delivery")
    assert found.attempts == 76
    assert "lost between them" in str(found.detail)


@pytest.mark.parametrize("clock", [0.0, 5_000.0])
def test_a_translated_initiator(tmp_path: Path, clock: float) -> None:
    """Behind a translation a connection is the same by both sequence numbers; the report names who really asked, and the other name."""
    wire = Wire(places=skewed(clock), translated=OUTSIDE)
    life(wire, until=20_000)
    document = judged(wire, tmp_path)
    found = port(document, "raw-delivery")
    assert (found.state, found.attempts) == ("open", 20)
    assert f"at b.pcap as {OUTSIDE}:" in str(found.detail)
    assert document.vantage is not None
    assert document.vantage.translated == 20
    assert not document.unexpected


def test_a_translated_syn_without_answer(tmp_path: Path) -> None:
    """A SYN that nobody answered is known behind a translation by its number, port and time."""
    wire = Wire(translated=OUTSIDE)
    life(wire, until=40_000)
    knock(wire)
    document = judged(wire, tmp_path)
    found = port(document)
    assert (found.state, found.attempts) == ("blocked", 1)
    assert "lost between" not in str(found.detail)
    assert not document.unexpected


def test_a_translated_answer_that_is_lost(tmp_path: Path) -> None:
    """An answer to a translated initiator that never came back to it is lost on the return path."""
    wire = Wire(translated=OUTSIDE)
    life(wire, until=40_000)
    talk = Tcp(wire, port=515)
    talk.syn(20_500)
    talk.syn_ack(20_505, lost="b")
    found = port(judged(wire, tmp_path))
    assert (found.state, found.cause) == ("blocked", "return-path")


def test_two_that_look_alike_are_matched_with_none(tmp_path: Path) -> None:
    """Two connections behind a translation with the same number, port and time: nobody says which is which."""
    wire = Wire(translated=OUTSIDE)
    life(wire, until=40_000)
    Tcp(wire, port=515, source=50_001, isn=4711).syn(20_500)
    Tcp(wire, port=515, source=50_002, isn=4711).syn(20_600)
    document = judged(wire, tmp_path)
    assert document.vantage is not None
    assert document.vantage.ambiguous > 0
    assert "lost between" not in str(port(document).detail)


def test_rewritten_sequence_numbers(tmp_path: Path) -> None:
    """A firewall that puts its own sequence numbers in place of the initiator's makes no second conversation, and loses none."""
    wire = Wire()
    life(wire, until=40_000)
    for number in range(2):
        Tcp(wire, port=515, isn=100).syn(20_500 + 1000 * number, lost="a")
        Tcp(wire, port=515, isn=900).syn(20_501 + 1000 * number, made="b", ttl=62)
    found = port(judged(wire, tmp_path))
    assert found.attempts == 1
    assert "it came as far as b.pcap" in str(found.detail)


def test_rewritten_sequence_numbers_that_fit_several(tmp_path: Path) -> None:
    """Where it is in doubt which rewritten SYN is which, none was lost either."""
    wire = Wire()
    life(wire, until=40_000)
    for number in range(2):
        Tcp(wire, port=515, isn=100 + number).syn(20_500 + 1000 * number, lost="a")
        Tcp(wire, port=515, isn=900 + number).syn(20_501 + 1000 * number, made="b", ttl=62)
    document = judged(wire, tmp_path)
    assert "lost between" not in str(port(document).detail)
    assert document.vantage is not None
    assert document.vantage.ambiguous > 0


def test_one_way_there_and_another_back(tmp_path: Path) -> None:
    """Where one point shows what goes and another what comes, both together show that it works."""
    wire = Wire(places=(Place(name="a", hops=1, away=1.0, deaf=True), Place(name="b", hops=1, away=1.1)))
    life(wire, until=20_000)
    # The second point stands on the way back only.
    wire.seen["b"] = [frame for frame in wire.seen["b"] if _goes_back(frame.data)]
    found = port(judged(wire, tmp_path), "raw-delivery")
    assert (found.state, found.confidence, found.attempts) == ("open", "high", 20)


def _goes_back(data: bytes) -> bool:
    return data[26:30] == bytes(map(int, SERVERS[0].split(".")))


def test_running_conversations(tmp_path: Path) -> None:
    """A connection of which a point lacks the beginning is the same one."""
    wire = Wire(places=(TWO[0], replace(TWO[1], begins=12.0)))
    Tcp(wire).job(0.0)
    life(wire, until=20_000)
    document = judged(wire, tmp_path)
    assert port(document, "raw-delivery").attempts == 21


def test_who_asked_is_known_by_the_point_that_saw_it(tmp_path: Path) -> None:
    """A point that began between question and answer takes the answer for a question; both are one conversation all the same."""
    wire = Wire(places=(TWO[0], replace(TWO[1], begins=20_006.0)))
    life(wire, until=40_000)
    datagram(wire, 20_000, "client", speech.opaque(40), port=40_161, source=51_000)
    datagram(wire, 20_010, "server", speech.opaque(60), port=40_161, source=51_000)
    document = judged(wire, tmp_path)
    (odd,) = document.unexpected
    assert (odd.initiator.name, odd.port, odd.flows) == ("print-server", 40_161, 1)
