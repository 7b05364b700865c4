"""Which dialogues were captured whole: what cannot be read announces nothing that one may rely on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from analyser.services.label import label
from analyser.services.watch import watch_ports
from tests.flows.build import Timed, payload, pcap, read
from tests.services.made import CLIENT, SERVER, SIGNATURES

AWAY = Ether(src="00:00:5e:00:53:01", dst="00:00:5e:00:53:02")
_PORTS = {("tcp", 21): "ftp", ("udp", 1434): "sql-browser"}
PASSIVE = (
    b"<220 ready",
    b">USER scan",
    b"<331 password",
    b">PASS x",
    b"<230 in",
    b">PASV",
    b"<227 (192,0,2,10,195,80)",
)


class Dialogue:
    """Packets of one conversation: a handshake, then lines, each by ``>`` the client or ``<`` the server."""

    def __init__(self, said: Sequence[bytes], *, port: int = 21, source: int = 50_000) -> None:
        self._source, self._port = source, port
        self.packets: list[Packet] = []
        self._next = {b">": 100, b"<": 900}
        self._say(b">", "S")
        self._say(b"<", "SA")
        self._say(b">", "A")
        for line in said:
            self._say(line[:1], "PA", line[1:] + b"\r\n")

    def _say(self, who: bytes, flags: str, data: bytes = b"") -> None:
        away = who == b">"
        ends = (CLIENT, SERVER) if away else (SERVER, CLIENT)
        ports = (self._source, self._port) if away else (self._port, self._source)
        other = self._next[b"<" if away else b">"] if "A" in flags else 0
        header = TCP(sport=ports[0], dport=ports[1], flags=flags, seq=self._next[who], ack=other)
        number = len(self.packets) + 1
        self.packets.append(AWAY / IP(src=ends[0], dst=ends[1], id=number) / header / payload(data))
        self._next[who] += len(data) + ("S" in flags)


def _said(packets: Sequence[Packet], snaplen: int = 262144) -> list[bool]:
    timed: list[Timed] = [(n / 10, packet) for n, packet in enumerate(packets)]
    tables, _ = read(pcap(timed, snaplen=snaplen), watch=watch_ports())
    return label(tables, ports=_PORTS, signatures=SIGNATURES).labels["partly_heard"].to_list()


def test_a_dialogue_from_its_first_packet_on_is_heard_whole() -> None:
    """Also with a line that was sent again."""
    whole = Dialogue(PASSIVE).packets
    assert _said(whole) == [False]
    again = whole[-1].copy()
    again[IP].id = 77
    assert _said([*whole, again]) == [False]


@pytest.mark.parametrize(
    "what", ["cut short", "client only", "server only", "from the middle", "a line lost", "the end lost"]
)
def test_a_dialogue_of_which_something_is_missing_is_heard_in_part(what: str) -> None:
    whole = Dialogue(PASSIVE).packets
    fewer = {
        "client only": [packet for packet in whole if packet[IP].src == CLIENT],
        "server only": [packet for packet in whole if packet[IP].src == SERVER],
        "from the middle": whole[5:],
        "a line lost": [*whole[:-3], *whole[-2:]],
        # what the server sent last was captured nowhere, but the client acknowledged it
        "the end lost": [*whole[:-1], Dialogue([*PASSIVE, b">QUIT"]).packets[-1]],
    }
    assert _said(fewer.get(what, whole), snaplen=70 if what == "cut short" else 262144) == [True]


def test_a_dialogue_that_goes_on_longer_than_anybody_listens_is_heard_in_part() -> None:
    """128 KB of a side are read."""
    chatter = [b"<200 " + bytes(1390).replace(b"\0", b"x")] * 100
    assert _said(Dialogue([*PASSIVE, *chatter]).packets) == [True]
    assert _said(Dialogue([*PASSIVE, *chatter[:50]]).packets) == [False]


def test_where_nobody_said_anything_nothing_was_missed() -> None:
    """An attempt without an answer announces nothing, nor does another protocol."""
    assert _said(Dialogue(()).packets[:1]) == [False]
    web = [packet.copy() for packet in Dialogue((b">GET / HTTP/1.0",)).packets]
    for packet in web:
        side = "dport" if packet[IP].src == CLIENT else "sport"
        setattr(packet[TCP], side, 8080)
    assert _said(web, snaplen=70) == [False]


def test_an_answer_of_a_browser_that_was_cut_is_heard_in_part() -> None:
    said = b"ServerName;DB;InstanceName;SAFEQ;IsClustered;No;Version;15.0;tcp;50123;;"
    ask = AWAY / IP(src=CLIENT, dst=SERVER) / UDP(sport=50_000, dport=1434) / payload(b"\x04SAFEQ\0")
    answer = AWAY / IP(src=SERVER, dst=CLIENT) / UDP(sport=1434, dport=50_000) / payload(b"\x05\x00\x00" + said)
    assert _said([ask, answer]) == [False]
    assert _said([ask, answer], snaplen=96) == [True]
