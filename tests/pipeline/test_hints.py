"""What rule packs tell the reading stages."""

from __future__ import annotations

from analyser.hints import hints
from analyser.policy.packs import load_pack

PACKS = (load_pack("ysoft-safeq-6"), load_pack("infrastructure"))


def test_ports_of_the_matrix_and_of_infrastructure_orient_flows() -> None:
    """Every port that a rule names, and those of infrastructure, are expected at a responder."""
    ports = hints(PACKS, {}, {}).responders
    assert {51443, 64098, 9100, 5014, 5019} <= ports["tcp"]
    assert {161, 53, 1434} <= ports["udp"]
    assert 40000 not in ports["tcp"]


def test_a_port_suggests_a_service_only_where_rules_agree_or_it_is_registered() -> None:
    """One service per port suggests it; several suggest the registered one; unpublished ones suggest nothing."""
    guesses = hints(PACKS, {}, {}).guesses
    assert guesses["tcp", 22] == "ssh"
    assert guesses["udp", 161] == "snmp"
    assert guesses["tcp", 80] == "http"
    assert guesses["tcp", 443] == "tls"
    assert guesses["tcp", 9100] == "raw-print"
    assert ("tcp", 5555) not in guesses
    assert ("tcp", 5021) not in guesses


def test_a_moved_port_takes_its_meaning_along() -> None:
    """Where a site moves FTP to 2121, that port is expected, suggested and watched as 21 was."""
    rule = next(rule for rule in PACKS[0].rules if rule.setting == "ftp-port")
    moved = hints(PACKS, {("tcp", 21): "control"}, {rule.id: (2121,)})
    assert 2121 in moved.responders["tcp"]
    assert moved.guesses["tcp", 2121] == "ftp"
    assert moved.watch["tcp", 2121] == "control"
