"""What a case needs of a row of the vendor's matrix, read as plain data: nothing of the analyser takes part.

Knows the rule files and which machine may play which role. It must not know what happens to the traffic.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PACK: Final = Path(__file__).resolve().parents[2] / "rules" / "ysoft-safeq-6"

# A short name stands for several roles; the lab's machines play one each, so that other rows ask little of them.
_PLAYED: Final = {
    "server": "spooler-controller",
    "flexispooler@server": "flexispooler",
    "flexispooler@workstation": "workstation",
    "desktop-interface@workstation": "workstation",
}
_ENCRYPTED_PORTS: Final = {443, 9443, 5022, 5012, 5024, 50003, 49630, 51443, 7627, *range(5014, 5020)}
_PREFERRED: Final = {"shared-folder-tcp": 445, "smb-scanning": 445}
"""Of alternatives, the port that is tried where it is not the first."""


@dataclass(frozen=True)
class Row:
    """A rule: who asks whom, on which ports, in which protocol by port."""

    rule: str
    requirement: str
    transport: str
    ports: tuple[int, ...]
    services: tuple[str, ...]
    initiator: tuple[str, ...]
    responder: tuple[str, ...]
    silent: bool
    vendor: str | None
    vendor_at: str | None
    terminal: str | None
    features: tuple[str, ...]

    def service(self, port: int) -> str:
        """Return what is spoken on a port when all is well."""
        if len(self.services) == 1:
            return self.services[0]
        named = {21: "ftp", 110: "pop3", 445: "smb", 631: "ipp", 389: "ldap", 5559: "http"}.get(port)
        return named or ("https" if port in _ENCRYPTED_PORTS and "https" in self.services else self.services[0])


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _roles(written: str) -> tuple[str, ...]:
    if written in _PLAYED:
        return (_PLAYED[written],)
    role, _, place = written.partition("@")
    return (role, place) if place and role == "etcd" else (role,)


def requirements() -> dict[str, str]:
    """Return how much every rule is required."""
    return {
        f"{file.stem}/{item['id']}": item["requirement"]
        for file in sorted(PACK.glob("*.toml"))
        for item in tomllib.loads(file.read_text(encoding="utf-8")).get("rule", [])
    }


def rows() -> list[Row]:
    """Return the rules whose traffic crosses a network to a port that is known beforehand."""
    found = []
    for file in sorted(PACK.glob("*.toml")):
        for item in tomllib.loads(file.read_text(encoding="utf-8")).get("rule", []):
            ports = item["ports"].get("any") or item["ports"].get("all")
            if not ports or item.get("scope") in ("localhost", "multicast", "subnet") or item.get("one_way"):
                continue
            when = item.get("when", {})
            at = next((end for end in ("initiator", "responder") if end in when), None)
            condition = when.get(at, {}) if at else {}
            terminal = _first(condition.get("terminal")) if "terminal" in condition else None
            ends = (_list(item["initiator"]), _list(item["responder"]))
            client = any("@workstation" in end for end in (ends[0][0], ends[1][0]))
            wanted = _first(when.get("site", {}).get("feature"))
            features = (*((wanted,) if wanted else ()), *(("workstation-client",) if client else ()))
            tried = tuple(ports) if "all" in item["ports"] else (_PREFERRED.get(item["id"], ports[0]),)
            found.append(
                Row(
                    rule=f"{file.stem}/{item['id']}",
                    requirement=item["requirement"],
                    transport=item["transport"],
                    ports=tried,
                    services=tuple(_list(item["service"])),
                    initiator=_roles(ends[0][0]),
                    responder=_roles(ends[1][0]),
                    silent=item.get("silent", False),
                    vendor=_first(condition.get("vendor")) or ("ricoh" if terminal else None),
                    vendor_at=at,
                    terminal=terminal,
                    features=tuple(dict.fromkeys(features)),
                )
            )
    return found
