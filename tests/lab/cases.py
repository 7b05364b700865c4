"""Cases: a rule, what is done to its traffic, and two addresses of its own; and the plans that make it so.

Knows rows, conditions and zones. The same cases give the firewall its rules, the programs their plans, the site file its hosts, and
the score its truth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.lab.conditions import PLAIN, SIX, Condition, Told, View
from tests.lab.matrix import Row, rows
from tests.lab.network import OFF, ZONES, Zone
from tests.lab.special import REAL, SPECIAL

_ZONE_OF: Final = {
    "workstation": "office", "administrator": "office", "mobile-client": "office",
    "mfd": "devices", "terminal-professional": "devices", "terminal-ultralight": "devices", "terminal-pro-4": "devices",
    "mobile-terminal": "devices", "hardware-appliance": "devices", "payment-machine": "devices",
    "management": "center", "ldap": "center", "mail": "center", "mssql": "center", "entra-id": "center", "etcd": "center",
    "management-installer": "center", "ims": "center",
}  # fmt: skip
_ELSEWHERE: Final = {"center": "servers", "servers": "center", "office": "servers", "devices": "servers"}

IN_SIX: Final = (
    "server-to-printer/hp-install", "server-to-printer/snmp-install-check", "server-to-printer/raw-delivery",
    "workstation-to-server/administration-web", "printer-to-server/ftp-scanning", "printer-to-server/terminal-time",
    "other/sql-browser", "other/ldap-plain", "other/mail-delivery", "inter-server/shared-folder-tcp", "inter-server/near-roaming-tcp",
    "cluster/etcd-peers", "workstation-outbound/spooler-controller", "server-to-printer/ricoh-install",
)  # fmt: skip
"""Rules of every part and protocol that go through IPv6 where there is no time for all of them."""

_RESPONDERS: Final = 0x2000
"""From here on addresses of a zone are those of responders."""


@dataclass(frozen=True)
class Case:
    """One pair of addresses and what it goes through. ``number`` is its own, as is ``off`` among hosts that are switched off."""

    number: int
    row: Row
    condition: Condition
    initiator_zone: Zone
    responder_zone: Zone
    off: int = 0

    @property
    def name(self) -> str:
        """The name of the case, and in a site file that of its group."""
        return f"c{self.number}"

    @property
    def initiator(self) -> str:
        """The address of who asks."""
        return self.initiator_zone.address(self.number + 1, self.condition.version)

    @property
    def responder(self) -> str:
        """The address of who is asked."""
        if self.condition.off:
            return f"{OFF}.{self.off + 2}"
        return self.responder_zone.address(_RESPONDERS + self.number, self.condition.version)

    @property
    def real(self) -> bool:
        """Say whether a real program asks."""
        return (self.condition.asks or "").startswith("real")

    @property
    def service(self) -> str:
        """What is spoken on its first port when all is well."""
        return self.row.service(self.row.ports[0])

    def told(self, view: View) -> tuple[Told, ...]:
        """Return what may be said of each port at a view, the right words first."""
        return self.condition.told(view, self.row.transport, silent=self.row.silent)

    def address_of(self, who: str | None) -> str | None:
        """Return the address that a truth means by "router" or "responder"."""
        if who == "router":
            zone = self.initiator_zone
            return zone.router6 if self.condition.version == 6 else zone.router
        return self.responder if who == "responder" else None


def _zones(row: Row) -> tuple[Zone, Zone]:
    one, other = (_ZONE_OF.get(roles[0], "servers") for roles in (row.initiator, row.responder))
    return ZONES[one], ZONES[_ELSEWHERE[one] if one == other else other]


def cases(*, whole: bool = False) -> list[Case]:
    """Return every case, numbered; over IPv6 those of ``IN_SIX``, or of all rules where it is the ``whole``."""
    found: list[Case] = []

    def add(row: Row, condition: Condition) -> None:
        zones = _zones(row)
        if row.transport in condition.transports and not (condition.off and zones[1].name != "devices"):
            off = sum(case.condition.off for case in found)
            found.append(Case(len(found), row, condition, *zones, off=off))

    known = {row.rule: row for row in rows()}
    for row in known.values():
        for condition in PLAIN:
            add(row, condition)
    for rule in known if whole else IN_SIX:
        for condition in SIX:
            add(known[rule], condition)
    for several in (SPECIAL, REAL):
        for rule, conditions in several.items():
            for condition in conditions:
                add(known[rule], condition)
    return found


def servers(made: Sequence[Case]) -> dict[str, list[dict[str, Any]]]:
    """Return what listens, by zone."""
    plans: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for case in made:
        manner = case.condition.listens
        if manner is not None:
            plans[case.responder_zone.name] += [_entry(case, port, manner) for port in case.row.ports]
    return plans


def clients(made: Sequence[Case]) -> dict[str, list[dict[str, Any]]]:
    """Return who asks, by zone."""
    plans: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for case in made:
        manner = case.condition.asks
        if manner is None:
            continue
        for turn, after in enumerate(case.condition.asked_after):
            for place, port in enumerate(case.row.ports):
                entry = _entry(case, port, manner)
                entry |= {"ping": case.condition.witness and place == turn == 0, "after": after}
                if len(case.condition.asked_after) > 1 and turn == 0:
                    entry["patience"] = 5.0
                plans[case.initiator_zone.name].append(entry)
    return plans


def _entry(case: Case, port: int, manner: str) -> dict[str, Any]:
    return {
        "case": case.name, "number": case.number, "address": case.responder, "source": case.initiator, "port": port,
        "transport": case.row.transport, "service": case.row.service(port), "manner": manner, "data": 50_000 + case.number,
    }  # fmt: skip


def router_ways(made: Sequence[Case]) -> tuple[list[tuple[str, str, str]], list[tuple[str, str]]]:
    """Return what the router does: (sender, receiver, chain), and whose answers are lost."""
    ways = [(case.initiator, case.responder, case.condition.forward) for case in made if case.condition.forward]
    ways += [(case.responder, case.initiator, case.condition.backward) for case in made if case.condition.backward]
    return ways, [(case.initiator, case.responder) for case in made if case.condition.lost]


def host_ways(made: Sequence[Case], zone: str) -> list[tuple[str, str, str]]:
    """Return what the hosts of a zone do with packets to themselves."""
    mine = [case for case in made if case.responder_zone.name == zone and case.condition.host]
    return [(case.initiator, case.responder, str(case.condition.host)) for case in mine]


def addresses_of(made: Sequence[Case], zone: str) -> list[str]:
    """Return the IPv6 addresses of a zone that cases use."""
    ends = [((case.initiator_zone, case.initiator), (case.responder_zone, case.responder)) for case in made]
    return [address for pair in ends for where, address in pair if where.name == zone and ":" in address]


def site(made: Sequence[Case]) -> str:
    """Return a site file with the hosts of some cases of one rule: a group each, so that none stands in for another."""
    row = made[0].row
    lines = [f'name = "{row.rule}"', 'rules = ["ysoft-safeq-6", "infrastructure"]', f"features = {list(row.features)}"]
    for case in made:
        for end, address, roles in (("i", case.initiator, row.initiator), ("r", case.responder, row.responder)):
            lines += ["[[host]]", f'name = "{end}-{case.name}"', f'addresses = ["{address}"]', f"roles = {list(roles)}"]
            vendor = row.vendor if row.vendor_at == {"i": "initiator", "r": "responder"}[end] else None
            if vendor:
                lines += [f'vendor = "{vendor}"', f'terminal = "{row.terminal or "embedded"}"']
            elif "mfd" in roles:
                lines += ['terminal = "none"']
        lines += ["[[group]]", f'name = "{case.name}"', f'members = ["i-{case.name}", "r-{case.name}"]']
    return "\n".join(lines).replace("'", '"') + "\n"
