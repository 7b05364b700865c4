"""One ``[[rule]]`` or ``[[traffic]]`` of a rule pack to model.

Knows the keys of a rule and the words each may hold; how rules relate to one another is the linter's matter.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from analyser.model.flow import PROTOCOL_NAMES, Transport
from analyser.model.rule import Infrastructure, Ports, Requirement, Rule, Scope, When
from analyser.model.service import INSIDE_TLS, Service
from analyser.model.vocabulary import CAPACITIES, FEATURES, ROLES, SHORT_NAMES, TERMINALS, VENDORS
from analyser.policy.document import Fields
from analyser.policy.issues import shown, unknown

WIDEST: Final = 64
"""Ports that a rule may list one by one; more is a range, and a range has to be negotiated."""

_IDENTIFIER: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_BUILD: Final = re.compile(r"\d{1,9}(\.\d{1,9})*")
_RANGE: Final = re.compile(r"(\d{1,5})-(\d{1,5})")
_SERVICES: Final = (*(str(service) for service in Service), *INSIDE_TLS)
_ROLE_WORDS: Final = (*ROLES, *SHORT_NAMES, "server")


def read_rule(fields: Fields, *, pack: str, section: str) -> Rule | None:
    """Return the rule written in ``fields``; None, with the reasons noted in its document, if it cannot be used."""
    before = len(fields.document.issues)
    name = _identifier(fields, "id")
    row = fields.integer("row", required=True, high=999)
    title = fields.text("title", required=True)
    requirement = fields.text("requirement", required=True, known=tuple(Requirement))
    transport = fields.text("transport", required=True, known=tuple(Transport))
    initiator, responder = _roles(fields, "initiator"), _roles(fields, "responder")
    subject = fields.text("subject", required=True, known=("initiator", "responder"))
    service = fields.texts("service", required=True, known=_SERVICES)
    scope = fields.text("scope", known=tuple(Scope))
    opened_by = fields.text("opened_by", known=FEATURES)
    setting = fields.text("setting")
    ports = _ports(fields)
    rest = {
        "when": _when(fields),
        "each": fields.flag("each"),
        "one_of": _identifier(fields, "one_of", required=False) or None,
        "silent": fields.flag("silent"),
        "one_way": fields.flag("one_way"),
        "volume": fields.text("volume"),
        "note": fields.text("note"),
    }
    fields.finish()
    _complain_of_contradictions(fields, ports, requirement, scope, setting, opened_by)
    if len(fields.document.issues) > before or ports is None:
        return None
    return Rule(
        id=f"{pack}/{section}/{name}",
        pack=pack,
        section=section,
        row=row or 0,
        title=title or "",
        requirement=Requirement(requirement or ""),
        transport=Transport(transport or ""),
        ports=ports,
        initiator=initiator,
        responder=responder,
        service=service or (),
        subject=subject or "",
        scope=Scope(scope or Scope.NETWORK),
        opened_by=opened_by,
        setting=setting,
        file=fields.document.file,
        find_line=partial(fields.document.line, fields.path),
        **rest,  # type: ignore[arg-type]
    )


def read_traffic(fields: Fields, *, pack: str) -> tuple[Infrastructure, ...]:
    """Return what one ``[[traffic]]`` explains, one record per transport; empty if it cannot be used."""
    before = len(fields.document.issues)
    name = _identifier(fields, "id")
    service = _identifier(fields, "service")
    transports = fields.texts("transport", required=True, known=tuple(PROTOCOL_NAMES.values()))
    ports = fields.integers("ports")
    responder = _roles(fields, "responder", required=False)
    if ports is None:
        fields.complain("ports", "missing; [] stands for all that this transport has")
    elif not ports and {"tcp", "udp"} & set(transports or ()):
        fields.complain("ports", "no port of TCP or UDP: this would explain every flow")
    elif len(ports) > WIDEST:
        fields.complain("ports", f"{len(ports)} ports would swallow every unexpected flow")
    fields.finish()
    if len(fields.document.issues) > before:
        return ()
    return tuple(
        Infrastructure(
            id=f"{pack}/{name}-{transport}" if len(transports or ()) > 1 else f"{pack}/{name}",
            service=service,
            transport=transport,
            ports=ports or (),
            responder=responder,
        )
        for transport in transports or ()
    )


def _identifier(fields: Fields, key: str, *, required: bool = True) -> str:
    word = fields.text(key, required=required)
    if word is not None and not _IDENTIFIER.fullmatch(word):
        fields.complain(key, f"expected lower-case words joined by hyphens, found {shown(word)}")
    return word or ""


def _roles(fields: Fields, key: str, *, required: bool = True) -> tuple[str, ...]:
    words = fields.texts(key, required=required) or ()
    if required and not words and key in fields.keys:
        fields.complain(key, "expected at least one role")
    for word in words:
        role, at, capacity = word.partition("@")
        if role not in _ROLE_WORDS:
            fields.complain(key, unknown("role", role, _ROLE_WORDS))
        if at and capacity not in CAPACITIES:
            fields.complain(key, unknown("capacity", capacity, sorted(CAPACITIES)))
    return words


def _ports(fields: Fields) -> Ports | None:
    table = fields.table("ports", required=True)
    if table is None:
        return None
    before = len(fields.document.issues)
    alternatives, together = table.integers("any", low=1), table.integers("all", low=1)
    announced = table.text("negotiated_by")
    limits = table.text("range")
    table.finish()
    ways = [key for key in table.keys if key in {"any", "all", "negotiated_by"}]
    if limits is not None and announced is None:
        table.complain("range", "a range without negotiated_by would swallow every unexpected flow")
    elif len(ways) != 1:
        found = " and ".join(ways) or "none"
        fields.complain("ports", f"expected exactly one of any, all, negotiated_by, found {found}")
    if together is not None and len(together) < 2:
        table.complain("all", "expected two ports or more; a single one is written as any")
    for listed in (alternatives, together):
        if listed is not None and len(listed) > WIDEST:
            fields.complain("ports", f"{len(listed)} ports would swallow every unexpected flow")
    span = _span(table, limits, required=announced is not None)
    if len(fields.document.issues) > before:
        return None
    return Ports(any=alternatives, all=together, negotiated_by=announced, range=span)


def _span(table: Fields, limits: str | None, *, required: bool) -> tuple[int, int] | None:
    if limits is None:
        if required and "range" not in table.keys:
            table.complain("range", 'missing; expected the ports that may be announced, such as "1024-65535"')
        return None
    match = _RANGE.fullmatch(limits)
    low, high = (int(match[1]), int(match[2])) if match else (1, 0)
    if not 1 <= low <= high <= 65535:
        table.complain("range", f'expected "FIRST-LAST" within 1-65535, found {shown(limits)}')
    return low, high


def _when(fields: Fields) -> When:
    table = fields.table("when")
    if table is None:
        return When()
    found: dict[str, tuple[str, ...]] = {}
    build = None
    site = table.table("site")
    if site is not None:
        found["feature"] = site.texts("feature", known=FEATURES) or ()
        build = site.text("build_from")
        if build is not None and not _BUILD.fullmatch(build):
            site.complain("build_from", f'expected dotted numbers such as "6.0.97", found {shown(build)}')
        site.finish()
    for end in ("initiator", "responder"):
        device = table.table(end)
        if device is None:
            continue
        for key in ("vendor", "not_vendor", "not_native_vendor"):
            found[f"{end}_{key}"] = device.texts(key, known=VENDORS, kind="vendor") or ()
        found[f"{end}_terminal"] = device.texts("terminal", known=TERMINALS) or ()
        device.finish()
    table.finish()
    return When(build_from=build, **found)


def _complain_of_contradictions(
    fields: Fields,
    ports: Ports | None,
    requirement: str | None,
    scope: str | None,
    setting: str | None,
    opened_by: str | None,
) -> None:
    if ports is not None and ports.any == () and requirement != Requirement.FORBIDDEN and setting is None:
        fields.complain("ports", "no port at all: only a forbidden row or one with a setting may leave them open")
    if ports is not None and setting is not None and len(ports.listed) > 1:
        fields.complain("setting", "moves a single port; this rule has several")
    if opened_by is not None and scope != Scope.LOCALHOST:
        fields.complain("opened_by", "opens a localhost rule; this one is not")
