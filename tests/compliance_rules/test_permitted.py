"""What a network has to let through: all that rules ask of a site, and nothing beyond it."""

from __future__ import annotations

import ipaddress
import json

import pytest

from analyser.compliance.permitted import permits
from analyser.model.permit import Permit
from analyser.model.rule import Ports, RulePack, Scope
from analyser.model.site import Group, Network, Site
from analyser.policy.packs import load_pack
from analyser.policy.sites import load_site
from tests.cli.running import PCAPS, SITES, run
from tests.compliance_rules.little import MFD, MFD2, A, B, V, host, rule

SAMPLES = sorted(path.stem for path in SITES.glob("*.toml") if (PCAPS / f"{path.stem}.pcap").is_file())


def lets(those: list[Permit], transport: str, source: str, target: str, port: int) -> bool:
    """Say whether one of the permits lets a connection through."""

    def holds(places: tuple[str, ...], address: str) -> bool:
        return any(ipaddress.ip_address(address) in ipaddress.ip_network(place) for place in places)

    return any(
        one.transport == transport
        and holds(one.initiators, source)
        and holds(one.responders, target)
        and any(first <= port <= last for first, last in one.ports)
        for one in those
    )


def needed(site: Site, *rules: object) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the ends of the permits that ``rules`` ask of ``site``."""
    pack = RulePack(id="p", version="1", source="", sha256="", rules=tuple(rules))  # type: ignore[arg-type]
    return [(one.initiators, one.responders) for one in permits([pack], site)[0]]


@pytest.mark.parametrize("name", SAMPLES)
def test_what_worked_is_let_through(name: str) -> None:
    """In every sample each pair and port that a rule was satisfied by is in the policy of its site."""
    site = SITES / f"{name}.toml"
    document = json.loads(run("check", str(PCAPS / f"{name}.pcap"), "--site", str(site), "--json").stdout or "{}")
    those, left_out = permits([load_pack("ysoft-safeq-6")], load_site(site))
    quiet = {rule.id for rule in left_out}
    for entry in document.get("verdicts", ()):
        ends = [entry[end] and entry[end]["address"] for end in ("initiator", "responder")]
        if entry["rule"] in quiet or not all(ends) or ends[0] == ends[1] or any("/" in end for end in ends):
            continue
        for port in entry["ports"]:
            if port["state"] == "open" and not ends[0].startswith("127."):
                assert lets(those, port["transport"], ends[0], ends[1], port["port"]), (
                    entry["rule"],
                    ends,
                    port["port"],
                )


def test_each_subject_is_let_to_its_group() -> None:
    """A device of a group may turn to the group's servers and its virtual address, not to others."""
    servers = [host("s1", A, "terminal-server", group="g"), host("s2", B, "terminal-server")]
    devices = [host("m1", MFD, "mfd", group="g"), host("m2", MFD2, "mfd")]
    site = Site(
        name="x", rules=(), hosts=(*servers, *devices), groups=(Group(name="g", members=("s1",), virtual=(V,)),)
    )
    found = needed(site, rule(initiator="mfd", responder="terminal-server", subject="initiator"))
    assert found == [((MFD,), (A, V)), ((MFD2,), (A, B, V))]


def test_peers_are_let_to_each_other() -> None:
    """Between servers of one role either may open; nobody needs the network to reach himself."""
    site = Site(name="x", rules=(), hosts=(host("s1", A, "spooler-controller"), host("s2", B, "spooler-controller")))
    found = needed(site, rule(initiator="spooler-controller", responder="spooler-controller", subject="initiator"))
    assert found == [((A,), (B,)), ((B,), (A,))]


def test_translated_networks_come_from_their_router_too() -> None:
    """The address that a network is translated to counts as its own."""
    office = Network(name="office", cidr="203.0.113.0/24", roles=("workstation",), nat=("192.0.2.77",))
    site = Site(name="x", rules=(), hosts=(host("s", A, "management"),), networks=(office,))
    found = needed(site, rule(initiator="workstation", responder="management", subject="initiator"))
    assert found == [(("203.0.113.0/24", "192.0.2.77"), (A,))]


def test_what_no_filter_can_tell_is_left_out_and_named() -> None:
    """Rows inside one machine need no network; packets to everybody are told apart; ranges stay ranges."""
    site = Site(name="x", rules=(), hosts=(host("s", A, "terminal-server"), host("m", MFD, "mfd")))
    rules = (
        rule("local", scope=Scope.LOCALHOST, initiator="terminal-server", responder="terminal-server"),
        rule("cast", scope=Scope.SUBNET),
        rule("data", ports=Ports(negotiated_by="s/ftp", range=(1024, 65535))),
    )
    pack = RulePack(id="p", version="1", source="", sha256="", rules=rules)
    those, left_out = permits([pack], site)
    assert [(one.name, one.ports, one.announced) for one in those] == [("s-data", ((1024, 65535),), True)]
    assert [one.id for one in left_out] == ["p/s/cast"]
