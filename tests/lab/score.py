"""What the analyser says of the lab, held against what was done there.

Knows the report's JSON and the truth of the cases; every word of the truth comes from the cases. An answer is right (the exact
words), weaker (less is claimed, which the place of the capture or the cut of it excuses), or wrong.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import analyser
from analyser.report.json import report_json
from tests.lab.cases import Case, site
from tests.lab.conditions import Other, Told, View
from tests.lab.severity import VERDICTS, severity

_UNSURE: Final = {"one-sided", "pending", "not-observable"}
_QUIET: Final = {"missing", "unused", "not-applicable", "inconclusive"}
"""Verdicts of rules of which nothing was tried."""


@dataclass(frozen=True)
class Judged:
    """One case at one view: the mark ("right", "weaker", "wrong"), and why it is not right."""

    case: Case
    mark: str
    why: str


def report(captures: Sequence[Path], made: Sequence[Case], folder: Path, *, points: bool = False) -> dict[str, Any]:
    """Judge captures by the site of some cases of one rule; return the report as the command prints it.

    ``points``: each capture is a point of its own.
    """
    file = folder / f"{made[0].row.rule.replace('/', '-')}.toml"
    file.write_text(site(made), encoding="utf-8")
    told: dict[str, Any] = json.loads(
        report_json(analyser.check([str(path) for path in captures], site=str(file), vantage=points).document)
    )
    return told


def judge(told: dict[str, Any], made: Sequence[Case], view: View, *, limited: bool = False) -> list[Judged]:
    """Hold a report of one rule's cases against their truth; of a ``limited`` capture less may be said."""
    by_pair: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for item in told["verdicts"]:
        ends = [(item[end] or {}).get("name") for end in ("initiator", "responder")]
        by_pair[item["rule"].removeprefix("ysoft-safeq-6/"), *map(str, ends)].append(item)
    found = [_case(case, view, by_pair, told["unexpected"]) for case in made]
    return [_excused(item, by_pair, view, told["unexpected"]) for item in found] if limited else found


_HANDSHAKE: Final = {"failing", "wrong-protocol", "probe-only", "open", "intermittent"}
"""States in which the responder answered the opening: where no more of the connection is captured, the port is open."""


def _excused(item: Judged, by_pair: Any, view: View, strange: Sequence[dict[str, Any]]) -> Judged:
    """Return the mark of a case of which a capture shows only some packets: no more may be claimed than the truth, but less.

    What was invented has no excuse, nor has silence where the responder did answer. A port that was announced before the
    capture began is unannounced as far as it shows, and says so.
    """
    if not any(_attempted(entry) for entry in _entries(item.case, item.case.row.rule, by_pair)):
        strange = [other for other in strange if other["reason"] != "unannounced-dynamic-port"]
    if item.mark != "wrong" or _invented(item.case, view, by_pair, strange, limited=True)[0] == "wrong":
        return item
    truth = item.case.told(view)[0]
    met = truth.state in _HANDSHAKE or truth.cause in ("dropped-after-handshake", "reset-in-path", "return-path")
    less = {*_UNSURE, "not-attempted"} | ({"open"} if met else set())
    if truth.state in ("blocked", "refused", "intermittent"):
        less |= {"unanswered"}
    if truth.state == "intermittent":
        less |= {"blocked"}
    rules = [item.case.row.rule, *(other.rule for other in item.case.condition.others)]
    ports = [port for rule in rules for entry in _entries(item.case, rule, by_pair) for port in entry["ports"]]
    # Blocked without a cause: what says why was not captured, or cut off.
    fits = {(truth.state, truth.cause)} | ({("blocked", "no-answer")} if truth.state == "blocked" else set())
    honest = all(
        port["state"] in less or (port["state"], port["cause"]) in fits or _uncompared(truth, port) for port in ports
    )
    return Judged(item.case, "weaker", item.why) if honest else item


def _uncompared(truth: Told, port: dict[str, Any]) -> bool:
    """Say whether a forged reset is told as one with nothing genuine to compare it to (verdicts.md 4): less sure, and honest."""
    return truth.cause == "reset-in-path" and (port["cause"], port["confidence"]) == ("reset-by-responder", "low")


def _entries(case: Case, rule: str, by_pair: dict[tuple[str, str, str], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return what is said of a rule and the two hosts of a case, whichever of them is named."""
    ends = {f"i-{case.name}", f"r-{case.name}"}
    return [
        item
        for (named, one, other), items in by_pair.items()
        if named == rule and ({one, other} <= ends or ("None" in (one, other) and ends & {one, other}))
        for item in items
    ]


def _case(case: Case, view: View, by_pair: Any, strange: Sequence[dict[str, Any]]) -> Judged:
    accepted = case.told(view)
    marks = [_rule(case, case.row.rule, accepted, by_pair)]
    marks += [_other(case, other, by_pair) for other in case.condition.others if other.seen_at(view)]
    if view == "points":
        marks.append(_place(case, by_pair))
    marks += [_invented(case, view, by_pair, strange)]
    order = ("wrong", "weaker", "right")
    mark, why = min(marks, key=lambda item: order.index(item[0]))
    return Judged(case, mark, why)


_PLACED: Final = {
    "dropped": "lost between them",
    "real-dropped": "lost between them",
    "answer-dropped": "lost between them",
    "reset-by-router": "made between them",
}
"""What two points show of conditions: where it happened."""


def _place(case: Case, by_pair: Any) -> tuple[str, str]:
    words = _PLACED.get(case.condition.name)
    items = [item for item in _entries(case, case.row.rule, by_pair) if _attempted(item)] if words else []
    lacking = [port["detail"] for item in items for port in item["ports"] if words not in (port["detail"] or "")]
    return ("wrong", f"{case.row.rule}: not located: {lacking[0]}") if lacking else ("right", "")


def _rule(case: Case, rule: str, accepted: Sequence[Told], by_pair: Any) -> tuple[str, str]:
    found = _entries(case, rule, by_pair)
    tried = [item for item in found if _attempted(item)]
    if accepted[0].state == "not-attempted":
        if not tried and all(item["verdict"] in ("missing", "unused", "inconclusive") for item in found):
            return "right", ""
        return "wrong", f"{rule}: nothing was tried, but {_words(found)}"
    if not tried:
        return "wrong", f"{rule}: {accepted[0]} was there, but {_words(found)}"
    worst = ("right", "")
    for item in tried:
        for port in item["ports"]:
            mark = _port(case, port, accepted)
            if mark == "right" and not _named(case, port):
                mark = "wrong"
            if mark != "right" and worst[0] != "wrong":
                worst = (
                    mark,
                    f"{rule}: {accepted[0]} became {port['state']}/{port['cause']} by {port['by']} ({port['detail']})",
                )
        state = accepted[0].state
        verdict = VERDICTS.get(state, state)
        if worst[0] == "right" and item["verdict"] != verdict:
            worst = ("wrong", f"{rule}: {state} made the verdict {item['verdict']}")
        if item["severity"] != severity(case.row.requirement, item["verdict"]):
            worst = ("wrong", f"{rule}: {item['verdict']} of a {case.row.requirement} rule is {item['severity']}")
    return worst


def _port(case: Case, port: dict[str, Any], accepted: Sequence[Told]) -> str:
    if port["transport"] != case.row.transport or port["port"] not in case.row.ports:
        return "right" if port["state"] == "not-attempted" else "wrong"
    for place, told in enumerate(accepted):
        by = case.initiator if told.by == "initiator" else case.address_of(told.by)
        if told.cause == "no-answer" and _stopped(case) and port["by"] is not None:
            return "wrong"  # nobody is to blame for what never arrived
        if (port["state"], port["cause"]) == (told.state, told.cause) and (told.by is None or port["by"] == by):
            return "weaker" if place else "right"
    if port["state"] in _UNSURE or (accepted[0].state == "blocked" and port["state"] == "unanswered"):
        return "weaker"
    return "wrong"


def _stopped(case: Case) -> bool:
    """Say whether the network stopped the request or its answer on the way."""
    return case.condition.forward == "dropped" or case.condition.lost


def _named(case: Case, port: dict[str, Any]) -> bool:
    """Say whether the detail of a port has the words that its condition asks for; only of a port that is as it was made."""
    tried = port["port"] in case.row.ports and port["state"] == case.condition.truth["both"][0].state
    return not tried or (case.condition.detail or "") in (port["detail"] or "")


def _other(case: Case, other: Other, by_pair: Any) -> tuple[str, str]:
    asking = f"{'r' if other.turned else 'i'}-{case.name}"
    items = [item for item in _entries(case, other.rule, by_pair) if _attempted(item)]
    states = {(port["state"], port["cause"]) for item in items for port in item["ports"]}
    askers = {item["initiator"]["name"] for item in items}
    if states == {(other.told.state, other.told.cause)} and askers == {asking}:
        return "right", ""
    return "wrong", f"{other.rule}: {other.told} of {asking} was there, but {_words(items)}"


def _invented(
    case: Case, view: View, by_pair: Any, strange: Iterable[dict[str, Any]], *, limited: bool = False
) -> tuple[str, str]:
    """Nothing may be said of rules that nobody tried; of rules that ask for the same port, only what is said of the case's own."""
    ends = {f"i-{case.name}", f"r-{case.name}"}
    allowed = {case.row.rule, *(other.rule for other in case.condition.others)}
    truth = {VERDICTS.get(told.state, told.state) for told in case.told(view)} | {"unanswered"}
    for (rule, one, other), items in by_pair.items():
        if rule in allowed or not ends & {one, other}:
            continue
        for item in items:
            tried = [port for port in item["ports"] if port["state"] not in ("not-attempted", "not-observable")]
            same = {port["port"] for port in tried} <= set(case.row.ports) and (
                item["verdict"] in truth or (limited and all(_uncompared(case.told(view)[0], port) for port in tried))
            )
            if item["verdict"] not in _QUIET and not same:
                return "wrong", f"{rule}: nobody tried it, but {_words([item])}"
    for item in strange:
        names = {(item[end] or {}).get("name") for end in ("initiator", "responder")}
        if names & ends:
            return "wrong", f"unexpected {item['reason']} {item['transport']}/{item['port']} {item['state']}"
    return "right", ""


def _attempted(item: dict[str, Any]) -> bool:
    return any(port["state"] not in ("not-attempted", "not-observable") for port in item["ports"])


def _words(items: Iterable[dict[str, Any]]) -> str:
    return "; ".join(f"{item['verdict']}: {item['sentence']}" for item in items) or "nothing is said"


def known_cases(told: dict[str, Any], made: Sequence[Case]) -> set[tuple[str, str]]:
    """Return which known cases of support are named, each with the condition of the two hosts it is named of."""
    conditions = {case.name: case.condition.name for case in made}
    found = set()
    for item in told["verdicts"]:
        if "case" in item:
            names = [str((item[end] or {}).get("name")).partition("-")[2] for end in ("initiator", "responder")]
            condition = next((conditions[name] for name in names if name in conditions), "nobody")
            found.add((condition, item["case"]["id"].partition("/")[2]))
    return found
