"""The vendor's own matrix on little sites: rows whose reading is easy to get wrong."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from analyser.compliance.check import judge_site
from analyser.compliance.judgement import Judgement
from analyser.model.rule import RulePack
from analyser.model.site import Host, Network, Site
from analyser.policy.packs import load_pack
from tests.compliance_ports.made import observed, opened, refused, replied, request, unanswered
from tests.compliance_rules.little import MFD, TODAY, A, B, called, host, net

_SERVER = host("server", A, "management", "spooler-controller", "terminal-server", "flexispooler", "wps")


@cache
def _packs() -> tuple[RulePack, ...]:
    return load_pack("ysoft-safeq-6"), load_pack("infrastructure")


def matrix(flows: list[dict[str, Any]], *entries: Host | Network, **facts: Any) -> Judgement:
    """The judgement of flows under the vendor's pack."""
    place = Site(
        name="made",
        rules=("ysoft-safeq-6", "infrastructure"),
        hosts=tuple(entry for entry in entries if isinstance(entry, Host)),
        networks=tuple(entry for entry in entries if isinstance(entry, Network)),
        **facts,
    )
    return judge_site(observed(*flows), _packs(), place, today=TODAY)


def verdict(judgement: Judgement, rule: str) -> list[str]:
    """The verdicts of one row, named by section and id."""
    return [str(entry.verdict) for entry in judgement.verdicts if entry.rule == f"ysoft-safeq-6/{rule}"]


def test_a_ricoh_installation_with_two_ports_dropped() -> None:
    """51443 and 64098 are blocked, SNMP is unanswered, 5022 works, 5012 was not tried."""
    ricoh = host("printer", MFD, "mfd", vendor="ricoh", terminal="embedded")
    flows = [opened(orig=A, resp=MFD, port=port) for port in (80, 8080)]
    flows += [opened(orig=A, resp=MFD, port=443, service="tls")]
    flows += [unanswered(orig=A, resp=MFD, port=port) for port in (51443, 64098)]
    flows += [request(orig=A, resp=MFD, sent=5, span=20.0), opened(orig=MFD, resp=A, port=5022, service="tls")]
    judgement = matrix(flows, _SERVER, ricoh, features=("online-accounting",))
    install = next(entry for entry in judgement.verdicts if entry.rule.endswith("/ricoh-install"))
    found = {finding.port: str(finding.state) for finding in install.ports}
    assert found == {80: "open", 443: "open", 8080: "open", 51443: "blocked", 64098: "blocked"}
    assert (install.verdict, install.severity) == ("blocked", "violation")
    assert verdict(judgement, "server-to-printer/snmp-accounting") == ["unanswered"]
    assert verdict(judgement, "printer-to-server/terminal-application") == ["satisfied"]
    assert verdict(judgement, "printer-to-server/ricoh-accounting") == ["missing"]
    assert judgement.unexpected == ()


@pytest.mark.parametrize(
    ("vendor", "port", "service", "rule"),
    [
        ("hp", 5022, "tls", "printer-to-server/terminal-application"),
        ("xerox", 5012, "tls", "printer-to-server/vendor-web-services"),
        ("epson", 5024, "tls", "printer-to-server/epson-web-services"),
        ("toshiba", 390, "ldap", "printer-to-server/toshiba-ldap"),
    ],
)
def test_twins_of_a_comma_list_are_alternatives(vendor: str, port: int, service: str, rule: str) -> None:
    """The plain twin need not be used where the TLS one is, nor 389 where 390 is."""
    printer = host("printer", MFD, "mfd", vendor=vendor, terminal="embedded")
    judgement = matrix([opened(orig=MFD, resp=A, port=port, service=service)], _SERVER, printer)
    assert verdict(judgement, rule) == ["satisfied"]


def test_other_comma_lists_are_sets() -> None:
    """Lexmark needs 80 and 21: one does not stand for the other."""
    printer = host("printer", MFD, "mfd", vendor="lexmark", terminal="embedded")
    judgement = matrix([opened(orig=A, resp=MFD, port=80)], _SERVER, printer)
    assert verdict(judgement, "server-to-printer/lexmark-install") == ["missing"]


def test_scan_to_smb_accepts_445() -> None:
    """The page lists 139; devices of today use 445."""
    printer = host("printer", MFD, "mfd")
    flows = [opened(orig=MFD, resp=A, port=445, service="smb")]
    judgement = matrix(flows, _SERVER, printer, features=("smb-scanning",))
    assert verdict(judgement, "printer-to-server/smb-scanning") == ["satisfied"]
    assert judgement.unexpected == ()


@pytest.mark.parametrize(
    ("initiator", "responder", "port", "reason"),
    [
        (MFD, A, 5555, "wrong-role"),
        (MFD, A, 19898, "localhost-only"),
        (B, A, 4000, "localhost-only"),
        (B, A, 5557, "localhost-only"),
        (B, "203.0.113.5", 5558, "localhost-only"),
        (B, "203.0.113.5", 515, "localhost-only"),
        (B, "203.0.113.5", 3389, "into-workstation"),
        (MFD, "203.0.113.5", 445, "into-workstation"),
        (MFD, A, 9100, "wrong-direction"),
        (B, A, 3389, "not-in-matrix"),
    ],
)
def test_flows_that_the_page_does_not_order(initiator: str, responder: str, port: int, reason: str) -> None:
    """A printer on 5555, remote JMX, a server on a workstation: each has its reason."""
    judgement = matrix(
        [opened(orig=initiator, resp=responder, port=port, service=None)],
        _SERVER,
        host("site", B, "terminal-server", "flexispooler"),
        host("printer", MFD, "mfd"),
        net("office", "203.0.113.0/25", "workstation"),
        features=("workstation-client", "server-spooling"),
    )
    assert [str(entry.reason) for entry in judgement.unexpected] == [reason]


def test_a_remote_wps_opens_its_port_and_nothing_else() -> None:
    """4000 between two machines is expected with ``remote-wps``; 5557 stays meant for one machine."""
    flows = [opened(orig=A, resp=B, port=port, service=None) for port in (4000, 5557)]
    ends = (host("ts", A, "terminal-server", "spooler-controller"), host("wps", B, "wps", "terminal-server"))
    judgement = matrix(flows, *ends, features=("remote-wps",))
    assert "satisfied" in verdict(judgement, "workstation-to-server/workflow-processing")
    assert [entry.port for entry in judgement.unexpected] == [5557]


def test_one_way_to_deliver_is_enough() -> None:
    """RAW works, IPP is refused: jobs arrive, so that the refusal is a notice."""
    flows = [opened(orig=A, resp=MFD, port=9100, service="raw-print"), refused(orig=A, resp=MFD, port=631)]
    judgement = matrix(flows, _SERVER, host("printer", MFD, "mfd"), features=("server-spooling",))
    found = {
        entry.rule.rsplit("/", 1)[1]: (str(entry.verdict), str(entry.severity))
        for entry in judgement.verdicts
        if entry.rule.startswith("ysoft-safeq-6/server-to-printer/") and entry.rule.endswith("-delivery")
    }
    assert found["raw-delivery"] == ("satisfied", "ok")
    assert found["ipp-delivery"] == ("refused", "notice")


def test_etcd_beside_the_terminal_server_is_not_etcd_beside_management() -> None:
    """2378 belongs to the first pair, 2380 to the second; the wrong one is unexpected."""
    servers = [host(f"ts{n}", f"192.0.2.{20 + n}", "terminal-server", "etcd") for n in (1, 2)]
    managers = [host(f"m{n}", f"192.0.2.{30 + n}", "management", "etcd") for n in (1, 2)]
    flows = [
        opened(orig="192.0.2.21", resp="192.0.2.22", port=2378, service="etcd"),
        opened(orig="192.0.2.31", resp="192.0.2.32", port=2380, service="etcd"),
        opened(orig="192.0.2.31", resp="192.0.2.32", port=2378, service="etcd"),
    ]
    judgement = matrix(flows, *servers, *managers, features=("etcd", "management-etcd"))
    assert verdict(judgement, "inter-server/etcd-peers") == ["satisfied"]
    assert verdict(judgement, "cluster/etcd-peers") == ["satisfied"]
    assert [(called(entry.initiator), entry.port) for entry in judgement.unexpected] == [("m1", 2378)]


def test_a_native_konica_minolta_needs_no_terminal_application() -> None:
    """The exception of the page: neither twin is missed by native Konica Minolta terminals and by Samsung."""
    native = host("printer", MFD, "mfd", vendor="konica-minolta", terminal="native")
    judgement = matrix([replied(orig=A, resp=MFD, service="snmp", basis="payload")], _SERVER, native)
    assert verdict(judgement, "printer-to-server/terminal-application") == ["not-applicable"]
