"""The matrix of a rule pack for its readers: the JSON document ``analyser/matrix/1`` and a table.

Knows rules; which of them apply to a site is told from outside, by rule id.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analyser.model.rule import Ports, Requirement, Rule, RulePack, Scope, When
from analyser.report.escape import in_cell, on_screen
from analyser.report.page import Page

_STYLES: Final[dict[Requirement, str]] = {
    Requirement.MANDATORY: "bold",
    Requirement.RECOMMENDED: "",
    Requirement.OPTIONAL: "",
    Requirement.FORBIDDEN: "bold red",
}


_COLUMNS: Final = (
    "rule", "row", "requirement", "transport", "ports", "service", "initiator", "responder", "condition", "applies", "title",
)  # fmt: skip


def matrix_document(pack: RulePack, applies: Mapping[str, bool] | None = None) -> dict[str, object]:
    """Return the document of ``analyser matrix --json``.

    ``applies`` says by rule id whether a rule applies to the site in question; without a site that is not known.
    """
    return {
        "schema": "analyser/matrix/1",
        "rules": {"id": pack.id, "version": pack.version, "source": pack.source},
        "rows": [_row(rule, None if applies is None else applies[rule.id]) for rule in pack.rules],
    }


def matrix_csv(
    pack: RulePack, applies: Mapping[str, bool] | None = None, ports: Mapping[str, tuple[int, ...]] | None = None
) -> str:
    """Return the matrix as CSV with a head line, a rule a line; lists in a cell have blanks between.

    ``applies`` and ``ports`` as for :func:`matrix_text`; without a site ``applies`` is empty.
    """
    out = io.StringIO()
    sheet = csv.writer(out, lineterminator="\n")
    sheet.writerow(_COLUMNS)
    for rule in pack.rules:
        applied = None if applies is None else applies[rule.id]
        sheet.writerow(
            in_cell(cell)
            for cell in (
                rule.id, str(rule.row), rule.requirement, rule.transport, port_words(rule, (ports or {}).get(rule.id)),
                " ".join(rule.service), " ".join(rule.initiator), " ".join(rule.responder), _conditions(rule),
                "" if applied is None else "yes" if applied else "no", rule.title,
            )
        )  # fmt: skip
    return out.getvalue()


def _row(rule: Rule, applies: bool | None) -> dict[str, object]:
    return {
        "rule": rule.id,
        "section": rule.section,
        "row": rule.row,
        "requirement": rule.requirement,
        "transport": rule.transport,
        "ports": _ports(rule),
        "scope": rule.scope,
        "service": list(rule.service),
        "initiator": list(rule.initiator),
        "responder": list(rule.responder),
        "subject": rule.subject,
        "each": rule.each,
        "one_of": rule.one_of,
        "silent": rule.silent,
        "one_way": rule.one_way,
        "when": _when(rule.when),
        "setting": rule.setting,
        "volume": rule.volume,
        "applies": applies,
    }


def _ports(rule: Rule) -> dict[str, object]:
    ports = rule.ports
    if ports.negotiated_by is not None and ports.range is not None:
        return {"range": f"{ports.range[0]}-{ports.range[1]}", "negotiated_by": ports.negotiated_by}
    if ports.all is not None:
        return {"all": list(ports.all)}
    if not ports.any and rule.setting is not None:
        return {"setting": rule.setting}
    return {"any": list(ports.any or ())}


def _when(when: When) -> dict[str, object]:
    """Return the conditions in the shape in which rules are written; those that ask nothing are left out."""
    site = {"feature": list(when.feature), "build_from": when.build_from}
    ends = {
        end: {
            key: list(getattr(when, f"{end}_{key}"))
            for key in ("vendor", "terminal", "not_vendor", "not_native_vendor")
        }
        for end in ("initiator", "responder")
    }
    everything: dict[str, Mapping[str, object]] = {"site": site, **ends}
    asked = {part: {key: value for key, value in keys.items() if value} for part, keys in everything.items()}
    return {part: keys for part, keys in asked.items() if keys}


def matrix_text(
    pack: RulePack,
    *,
    width: int,
    site: str | None = None,
    applies: Mapping[str, bool] | None = None,
    ports: Mapping[str, tuple[int, ...]] | None = None,
) -> Text:
    """Return the matrix as tables, one per section, no wider than ``width``.

    ``ports`` are those that the settings of ``site`` give to rules (by id).
    """
    page = Text(f"{pack.source}\n")
    if site is not None and applies is not None:
        count = sum(applies[rule.id] for rule in pack.rules)
        page.append(f"Site {on_screen(site)}: {count} of {len(pack.rules)} rules apply (marked +).\n")
    for section in dict.fromkeys(rule.section for rule in pack.rules):
        table = Table(box=None, width=width, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
        table.add_column("Row", justify="right", no_wrap=True, min_width=3)
        table.add_column("Needed", no_wrap=True, min_width=max(map(len, Requirement)))
        table.add_column("Ports", width=width // 4)
        table.add_column("From → to, and what for", ratio=1)
        for rule in pack.rules:
            if rule.section == section:
                known = None if applies is None else applies[rule.id]
                table.add_row(*_cells(rule, known, (ports or {}).get(rule.id)), style="dim" if known is False else "")
        page.append(f"\n{section}\n", style="bold")
        page.append_text(_drawn(table, width))
    return page


def _cells(rule: Rule, applies: bool | None, ports: tuple[int, ...] | None) -> tuple[Text, ...]:
    ends = f"{', '.join(rule.initiator)} → {', '.join(rule.responder)}"
    if rule.requirement is Requirement.FORBIDDEN:
        ends = f"anything → {', '.join(rule.responder)}"
    conditions = _conditions(rule)
    last = f"{ends}\n{rule.title}" + (f"\n{conditions}" if conditions else "")
    return (
        Text(f"{'+' if applies else ''}{rule.row}"),
        Text(rule.requirement, style=_STYLES[rule.requirement]),
        Text(on_screen(port_words(rule, ports))),
        Text("\n".join(on_screen(line) for line in last.split("\n"))),
    )


def port_words(rule: Rule, ports: tuple[int, ...] | None = None) -> str:
    """Return transport and ports as a sentence has them; ``ports`` replaces those of the rule (a setting)."""
    transport = "any port" if rule.requirement is Requirement.FORBIDDEN else rule.transport.upper()
    numbers = _numbers(rule.ports, ports)
    setting = f"({rule.setting})" if rule.setting is not None else ""
    scope = "" if rule.scope is Scope.NETWORK else f"{rule.scope} only" if rule.scope is Scope.LOCALHOST else rule.scope
    return " ".join(part for part in (transport, numbers, setting, scope) if part)


def _numbers(written: Ports, ports: tuple[int, ...] | None) -> str:
    if written.negotiated_by is not None:
        return "as announced"
    listed = ports or written.listed
    words = [str(port) for port in listed]
    if written.all is None:
        return " or ".join(words)
    if len(listed) > 2 and listed == tuple(range(listed[0], listed[-1] + 1)):
        return f"{listed[0]} to {listed[-1]}"
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _conditions(rule: Rule) -> str:
    when = rule.when
    parts = [f"with {' or '.join(when.feature)}"] if when.feature else []
    vendors = when.initiator_vendor or when.responder_vendor
    terminals = when.initiator_terminal or when.responder_terminal
    without = (*when.initiator_not_vendor, *when.responder_not_vendor)
    native = (*when.initiator_not_native_vendor, *when.responder_not_native_vendor)
    parts += [f"vendor {' or '.join(vendors)}"] if vendors else []
    parts += [f"terminal {' or '.join(terminals)}"] if terminals else []
    parts += [f"not {' or '.join(without)}"] if without else []
    parts += [f"not native {' or '.join(native)}"] if native else []
    parts += [f"from build {when.build_from}"] if when.build_from else []
    parts += [f"one of: {rule.one_of}"] if rule.one_of else []
    return "; ".join(parts)


def rule_text(rule: Rule, *, width: int) -> Text:
    """Return everything that one rule says, a line for each key."""
    other = "responder" if rule.subject == "initiator" else "initiator"
    page = Page(width)
    page.line((rule.id, "bold"))
    page.line(f"{rule.file}:{rule.line}")
    said = {
        "title": rule.title,
        "row": f"{rule.row} of {rule.section}",
        "needed": rule.requirement,
        "ports": port_words(rule),
        "announced": rule.ports.negotiated_by and f"in the traffic of {rule.ports.negotiated_by}",
        "service": ", ".join(rule.service),
        "initiator": ", ".join(rule.initiator),
        "responder": ", ".join(rule.responder),
        "subject": f"each {rule.subject} needs {'every' if rule.each else 'one'} {other}",
        "condition": _conditions(rule),
        "opened by": rule.opened_by,
        "silent": "may stay silent by design" if rule.silent else None,
        "one way": "never answered" if rule.one_way else None,
        "volume": rule.volume,
        "note": rule.note,
    }
    for key, words in said.items():
        if words:
            page.prose(words, first=f"  {key:<10} ", rest=" " * 13)
    return page.text()


def _drawn(table: Table, width: int) -> Text:
    """Return a table as text with its styles, the blanks at line ends taken away."""
    console = Console(width=width, file=io.StringIO(), color_system=None, legacy_windows=False)
    drawn = Text()
    for segment in console.render(table):
        drawn.append(segment.text, segment.style)
    lines = drawn.split("\n", allow_blank=True)
    for line in lines:
        line.rstrip()
    return Text("\n").join(lines)
