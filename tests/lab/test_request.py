"""From a failing capture to the right words for the firewall, as somebody new to the tool goes about it; and they open the way.

A firewall that lets through what it names, and nothing else, stands between a server and a printer. Two commands are given in
a shell, with what the first one prints taken as it is; the captures are of both ports of the firewall.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab.network import ROOT, ZONES, Lab, lab, why_not
from tests.lab.run import until_ready
from tests.lab.vantages import pcap, read
from tests.live.wire import environment

SERVER, PRINTER = ZONES["servers"].address(10), ZONES["devices"].address(20)

# Who is asked, on which port, by which protocol; of the last port nobody has to know.
SPOKEN = (
    (PRINTER, 80, "tcp", "http"), (PRINTER, 443, "tcp", "https"), (PRINTER, 8080, "tcp", "http"), (PRINTER, 51443, "tcp", "https"),
    (PRINTER, 64098, "tcp", "http"), (PRINTER, 161, "udp", "snmp"), (SERVER, 5022, "tcp", "https"), (SERVER, 5012, "tcp", "https"),
)  # fmt: skip
STOPPED = {(PRINTER, 51443), (PRINTER, 64098), (SERVER, 5012)}
STILL_STOPPED = (PRINTER, 64099, "tcp", "http")
LET_THROUGH = """
table ip site {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    meta l4proto icmp accept
    tcp dport { 80, 443, 8080, 5022 } accept
    udp dport 161 accept
  }
}
"""
REQUESTS = (
    f"ask the firewall team to allow TCP 51443, 64098 from {SERVER} to {PRINTER}",
    f"ask the firewall team to allow TCP 5012 from {PRINTER} to {SERVER}",
)
RULES = {
    f"ip saddr {SERVER}/32 ip daddr {PRINTER}/32 tcp dport {{ 51443, 64098 }} ct state new accept",
    f"ip saddr {PRINTER}/32 ip daddr {SERVER}/32 tcp dport 5012 ct state new accept",
}


@dataclass
class Tried:
    """What came of the two commands and of the rules: seconds and words of each command, the rules, who got through."""

    seconds: list[float]
    printed: list[str]
    installing: str
    rules: list[str]
    before: dict[tuple[str, int], str]
    after: dict[tuple[str, int], str]
    again: dict[str, Any]


def analyser(folder: Path, *words: str) -> tuple[str, float]:
    """Give a command in a folder; return what it prints, and the seconds that it took."""
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "analyser", *words], cwd=folder, env=environment({"PYTHONPATH": str(ROOT), "COLUMNS": "200"}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.stdout, time.monotonic() - begun


def ask(site: Lab, *more: tuple[str, int, str, str]) -> dict[tuple[str, int], str]:
    """Let both ask each other for everything; return what they met."""
    met: dict[tuple[str, int], str] = {}
    for zone, source, asked in (("servers", SERVER, PRINTER), ("devices", PRINTER, SERVER)):
        plan = [entry(source, one) | {"patience": 5.0} for one in (*SPOKEN, *more) if one[0] == asked]
        program, words = site.speak(zone, "ask", plan)
        program.wait(40)
        met |= {(asked, told["port"]): told["met"] for told in map(json.loads, words.read_text().splitlines())}
    time.sleep(3.5)  # that nothing comes back is seen only after a while
    return met


def captured(site: Lab, name: str, since: int) -> int:
    """Write what crossed both ports of the firewall after a time into a folder; return the time of the last packet."""
    place = site.folder / name
    place.mkdir()
    last = since
    for zone in ("servers", "devices"):
        packets = [one for one in read(site.capture(zone), 0) if one.t > since]
        pcap(place / f"{zone}.pcap", packets)
        last = max(last, *(one.t for one in packets))
    return last


def entry(source: str, one: tuple[str, int, str, str]) -> dict[str, Any]:
    """Return a line of the plan of a program (see ``speakers``)."""
    address, port, transport, service = one
    return {
        "case": "c0", "number": 0, "source": source, "address": address, "port": port, "transport": transport, "service": service,
        "manner": "service",
    }  # fmt: skip


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """The whole way: a capture, two commands, the rules put into the firewall, and a second capture."""
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("request")
    with lab(folder) as site:
        site.run("router", "nft", "-f", "-", words=LET_THROUGH)
        for zone, own in (("servers", SERVER), ("devices", PRINTER)):
            plan = [entry("", one) for one in (*SPOKEN, STILL_STOPPED) if one[0] == own]
            program, words = site.speak(zone, "serve", plan)
            until_ready(words, program)
        before = ask(site)
        seen = captured(site, "failing", since=0)
        starter, first = analyser(folder, "check", "failing")
        (folder / "site.toml").write_text(starter)
        report, second = analyser(folder, "check", "failing", "--site", "site.toml", "-o", "out")
        rules = re.findall(
            r"^ *(ip saddr .* accept)$", (folder / "out/requests/nftables.nft").read_text(), re.MULTILINE
        )
        site.run("router", "nft", "-c", "-f", str(folder / "out/requests/nftables.nft"))
        for rule in rules:
            site.run("router", "nft", "insert", "rule", "ip", "site", "forward", *rule.split())
        after = ask(site, STILL_STOPPED)
        captured(site, "mended", since=seen)
    again, _ = analyser(folder, "check", "mended", "--site", "site.toml", "--json")
    installing, _ = analyser(folder, "install", "ricoh", "failing")
    return Tried([first, second], [starter, report], installing, rules, before, after, json.loads(again))


def test_the_firewall_stops_what_it_does_not_name(tried: Tried) -> None:
    """The lab is as it is meant to be: three clients get no answer, all others are understood."""
    assert {place for place, met in tried.before.items() if met == "no answer"} == STOPPED
    assert {met for place, met in tried.before.items() if place not in STOPPED} == {"talked"}


def test_two_commands_say_what_to_ask_of_the_firewall(
    tried: Tried, record_property: Callable[[str, object], None]
) -> None:
    """The second of two commands, given the first one's site file as it was printed, asks for exactly what is dropped."""
    for number, seconds in enumerate(tried.seconds, 1):
        record_property(f"seconds of command {number}", round(seconds, 1))
        print(f"command {number}: {seconds:.1f} s")
    words = " ".join(tried.printed[1].split())
    assert all(request in words for request in REQUESTS), words
    assert set(re.findall(r"allow (?:TCP|UDP) [\d, ]+ from [\d.]+ to [\d.]+\d", words)) == {
        one.partition("team to ")[2] for one in REQUESTS
    }
    assert set(tried.rules) == RULES


def test_an_installation_asks_for_the_same(tried: Tried) -> None:
    """One command without a site file finds both addresses and says the same two requests."""
    words = " ".join(tried.installing.split())
    assert all(request in words for request in REQUESTS), words


def test_the_rules_open_the_way_and_no_other(tried: Tried) -> None:
    """With the printed lines in the firewall every client comes through; the port beside stays shut."""
    assert tried.after.pop(STILL_STOPPED[:2]) == "no answer"
    assert set(tried.after.values()) == {"talked"}
    assert tried.after.keys() == tried.before.keys()


def test_a_second_capture_shows_that_it_is_mended(tried: Tried) -> None:
    """What was blocked is satisfied, and nothing is left to ask of the firewall but the port that no row knows."""
    states = {
        (item["responder"]["address"], port["port"]): port["state"]
        for item in tried.again["verdicts"]
        for port in item["ports"]
        if item["responder"] and (item["responder"]["address"], port["port"]) in STOPPED
    }
    assert states == dict.fromkeys(STOPPED, "open")
    assert "blocked" not in {item["verdict"] for item in tried.again["verdicts"]}
