"""Permits in the words of firewalls: nftables, Cisco, Windows, and a policy that generators of others read.

nftables, Cisco and the neutral policy are written by aerleon, which many other firewalls can be told by, too (it reads the
neutral policy). Windows is told by PowerShell, which aerleon does not write. Knows permits; must not know sites or findings.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from analyser.model.capture import InputError
from analyser.model.permit import Permit
from analyser.report.escape import on_screen

EXTENSIONS: Final[dict[str, str]] = {"nftables": "nft", "cisco": "acl", "windows": "ps1", "aerleon": "yaml"}
"""The languages, and how files in them end."""

_TARGETS: Final[dict[str, str]] = {"nftables": "{family} forward ACCEPT", "cisco": "safeq {family}"}
"""aerleon's options per target. A chain that accepts what it does not name can be loaded beside others."""
_ENDS: Final[dict[str, str]] = {
    "cisco": "an access list denies what it does not name: put these lines into the one in use"
}
_FAMILIES: Final = {("cisco", "inet"): "extended"}
_FILTER: Final = "safeq"
_MOST_LETTERS: Final = 80
"""A comment of nftables has up to 128 bytes."""


def firewall_text(permits: Sequence[Permit], language: str, *, about: str, left_out: Sequence[str] = ()) -> str:
    """Return ``permits`` in one of the languages of EXTENSIONS, ready to be read by a person and then loaded.

    Args:
        permits: what is to be let through; with none, the text says so.
        language: a key of EXTENSIONS.
        about: one line on where the permits come from.
        left_out: one line each on what is needed and stands in no filter.

    Raises:
        InputError: aerleon is not installed and the language needs it.
    """
    mark = "! " if language == "cisco" else "# "
    lines = [_plain(about), *(f"not in here: {_plain(line)}" for line in left_out)]
    lines += [_ENDS[language]] if language in _ENDS else []
    lines += [] if permits else ["nothing to let through"]
    head = "".join(f"{mark}{line}\n" for line in lines)
    if not permits:
        return head
    if language == "windows":
        return head + _windows(permits)
    return head + (_neutral(permits) if language == "aerleon" else _generated(permits, language))


# -- through aerleon -------------------------------------------------------------------------------------------------


def _generated(permits: Sequence[Permit], language: str) -> str:
    definitions, policy = _policy(permits, [language])
    try:
        from aerleon import api
        from aerleon.lib import naming
    except ImportError:
        raise _needs_aerleon(language) from None
    known = naming.Naming()
    known.ParseDefinitionsObject(definitions, "")
    written: Any = api.Generate([policy], known)  # type: ignore[list-item]  # a dictionary, as it documents
    (text,) = written.values()
    # What version control would fill in, and lists written twice where a term has several ports.
    lines = [line for line in text.splitlines() if not re.search(r"\$(Id|Date|Revision):\$", line)]
    return (
        "\n".join(line for at, line in enumerate(lines) if not (at and line.strip() and line == lines[at - 1])) + "\n"
    )


def _neutral(permits: Sequence[Permit]) -> str:
    """Return definitions and policy as aerleon reads them, two documents in one file (``def/`` and ``policies/``)."""
    definitions, policy = _policy(permits, list(_TARGETS))
    try:
        import yaml
    except ImportError:
        raise _needs_aerleon("aerleon") from None
    documents = [definitions, {"filters": policy["filters"]}]
    return str(yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=120))


def _needs_aerleon(language: str) -> InputError:
    return InputError(language, "needs aerleon: pip install 'analyser[firewall]'; windows needs nothing")


def _policy(permits: Sequence[Permit], targets: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return aerleon's definitions of names, and the policy that uses them."""
    networks: dict[str, Any] = {}
    services: dict[str, Any] = {}
    terms: list[dict[str, str]] = []
    names: dict[tuple[str, ...], str] = {}

    def named(kind: str, values: tuple[str, ...]) -> str:
        if values not in names:
            names[values] = f"{kind}{len(names) + 1}"
            networks[names[values]] = {"values": [{"address": value} for value in values]}
        return names[values]

    for permit in permits:
        service = f"{permit.transport.upper()}_{'_'.join(map(_span, permit.ports))}".replace("-", "_TO_")
        services[service] = [{"protocol": permit.transport, "port": _span(ports)} for ports in permit.ports]
        terms.append(
            {
                "name": permit.name,
                "comment": _plain(permit.title)
                + (" (announced; better followed by a helper)" if permit.announced else ""),
                "source-address": named("FROM_", permit.initiators),
                "destination-address": named("TO_", permit.responders),
                "destination-port": service,
                "protocol": permit.transport,
                "action": "accept",
            }
        )
    six = {":" in address for permit in permits for address in (*permit.initiators, *permit.responders)}
    family = "mixed" if len(six) > 1 else "inet6" if True in six else "inet"
    options = {target: _TARGETS[target].format(family=_FAMILIES.get((target, family), family)) for target in targets}
    header = {"targets": options, "comment": "What YSoft SafeQ 6 needs; all else is not mentioned here"}
    return {"networks": networks, "services": services}, {
        "filename": _FILTER,
        "filters": [{"header": header, "terms": terms}],
    }


# -- Windows ---------------------------------------------------------------------------------------------------------


def _windows(permits: Sequence[Permit]) -> str:
    """Return lines of PowerShell: for each end what it opens, and what it lets in.

    Source: Microsoft, NetSecurity module, New-NetFirewallRule. A line belongs on the machines above it.
    """
    by_machine: dict[tuple[str, tuple[str, ...]], list[Permit]] = defaultdict(list)
    for permit in permits:
        by_machine["Inbound", permit.responders].append(permit)
        by_machine["Outbound", permit.initiators].append(permit)
    out = []
    for (direction, machines), those in by_machine.items():
        does = "lets in" if direction == "Inbound" else "opens, where outbound traffic is filtered"
        out.append(f"\n# what {', '.join(machines)} {does}")
        out += [_windows_line(permit, direction) for permit in those]
    return "\n".join(out) + "\n"


def _windows_line(permit: Permit, direction: str) -> str:
    inward = direction == "Inbound"
    ports = ",".join(f"'{_span(ports)}'" for ports in permit.ports)
    far = ",".join(f"'{address}'" for address in (permit.initiators if inward else permit.responders))
    words = {
        "DisplayName": _quoted(f"SafeQ {permit.name}"),
        "Description": _quoted(permit.title),
        "Direction": direction,
        "Action": "Allow",
        "Protocol": permit.transport.upper(),
        "LocalPort" if inward else "RemotePort": ports,
        "RemoteAddress": far,
    }
    return "New-NetFirewallRule " + " ".join(f"-{key} {value}" for key, value in words.items())


def _quoted(words: str) -> str:
    """Return a PowerShell literal: only the quote itself means something in it, in any of its four shapes."""
    return "'" + re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", _plain(words)) + "'"


def _plain(words: str) -> str:
    """Return words for a comment: one line, no quotes that a firewall could stumble over, bounded."""
    return on_screen(words).replace('"', "'").replace("\\", "/")[:_MOST_LETTERS]


def _span(ports: tuple[int, int]) -> str:
    first, last = ports
    return str(first) if first == last else f"{first}-{last}"


def write_requests(permits: Sequence[Permit], folder: Path, *, about: str) -> list[str]:
    """Write ``permits`` in every language that can be written here, one file each; return the names of the files.

    Languages that need a library that is not installed are left out. Files of an earlier run are removed: what nobody needs any
    more must not be asked for. Raises OSError where ``folder`` cannot be written to.
    """
    names = []
    for language, ending in EXTENSIONS.items():
        file = folder / f"{language}.{ending}"
        file.unlink(missing_ok=True)
        try:
            text = firewall_text(permits, language, about=about) if permits else None
        except InputError:
            continue
        if text is not None:
            folder.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            names.append(file.name)
    return names
