"""What a reader of single rules cannot see: how the rules of a pack, and of several packs, hold together.

Knows rules as model; files and words were checked when they were read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from analyser.model.flow import Transport
from analyser.model.rule import Rule, RulePack
from analyser.policy.issues import Issue


def lint(packs: Sequence[RulePack]) -> list[Issue]:
    """Return everything that is wrong between the rules of ``packs``, in the order of files and lines."""
    issues: list[Issue] = []
    for pack in packs:
        sections: dict[str, list[Rule]] = defaultdict(list)
        for rule in pack.rules:
            sections[rule.section].append(rule)
        issues += _duplicates(pack.rules)
        issues += _lost_negotiations(pack.rules)
        issues += _lonely_alternatives(pack.rules)
        for rules in sections.values():
            issues += _order(rules)
            issues += _twins(rules)
    issues += _duplicate_packs(packs)
    return sorted(issues)


def _issue(rule: Rule, key: str, message: str) -> Issue:
    return Issue(file=rule.file, line=rule.line, key=f"rule.{key}", message=f"{rule.id.rpartition('/')[2]}: {message}")


def _duplicates(rules: Iterable[Rule]) -> list[Issue]:
    first: dict[str, Rule] = {}
    return [
        _issue(rule, "id", f"already used in line {first[rule.id].line}")
        for rule in rules
        if first.setdefault(rule.id, rule) is not rule
    ]


def _duplicate_packs(packs: Sequence[RulePack]) -> list[Issue]:
    counted = Counter(pack.id for pack in packs)
    return [
        Issue(file=name, line=0, key="id", message=f"{number} packs have this id")
        for name, number in counted.items()
        if number > 1
    ]


def _order(rules: Sequence[Rule]) -> list[Issue]:
    """Rows stand in the order of the page and none is left out; row 0 is a statement outside the table."""
    issues = []
    last = 0
    for rule in rules:
        if rule.row < last:
            issues.append(_issue(rule, "row", f"row {rule.row} stands after row {last}"))
        elif rule.row > last + 1:
            issues.append(_issue(rule, "row", f"row {rule.row} follows row {last}: a row is missing between them"))
        last = max(last, rule.row)
    return issues


def _twins(rules: Sequence[Rule]) -> list[Issue]:
    """Two rules of one row are the TCP and the UDP half of it, and say so in their names."""
    rows: dict[int, list[Rule]] = defaultdict(list)
    for rule in rules:
        rows[rule.row].append(rule)
    issues = []
    for row, halves in rows.items():
        names = {rule.id.rpartition("-")[0] for rule in halves}
        transports = {rule.transport for rule in halves}
        if len(halves) > 1 and (len(names) > 1 or transports != {Transport.TCP, Transport.UDP} or len(halves) != 2):
            issues.append(
                _issue(halves[-1], "row", f"row {row} is used {len(halves)} times; only …-tcp and …-udp share one")
            )
        for rule in halves:
            ending = rule.id.rpartition("-")[2]
            if len(halves) > 1 and ending != rule.transport:
                issues.append(_issue(rule, "id", f"expected to end in -{rule.transport}, for it shares its row"))
    return issues


def _lost_negotiations(rules: Iterable[Rule]) -> list[Issue]:
    known = {f"{rule.section}/{rule.id.rpartition('/')[2]}" for rule in rules}
    return [
        _issue(rule, "ports.negotiated_by", f"no rule is called {rule.ports.negotiated_by!r}")
        for rule in rules
        if rule.ports.negotiated_by is not None and rule.ports.negotiated_by not in known
    ]


def _lonely_alternatives(rules: Iterable[Rule]) -> list[Issue]:
    counted = Counter(rule.one_of for rule in rules)
    return [
        _issue(rule, "one_of", f"no other rule is an alternative {rule.one_of!r}")
        for rule in rules
        if rule.one_of is not None and counted[rule.one_of] == 1
    ]
