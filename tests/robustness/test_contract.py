"""The report seen from outside: what its parts say about one another holds in every sample.

The words and tables stand here once more, as the documentation has them, and not as the code does.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from analyser.report.json import report_json
from samples.renew import Case
from tests.samples.running import every_case, judged

ORDER = (
    "blocked", "refused", "unanswered", "failing", "wrong-protocol", "intermittent", "missing", "inconclusive",
    "satisfied", "unused", "not-applicable",
)  # fmt: skip
PATH_CAUSES = {
    "no-answer", "return-path", "icmp-admin-prohibited", "icmp-host-unreachable", "icmp-net-unreachable",
    "icmp-port-unreachable", "icmp-other", "reset-in-path", "dropped-after-handshake",
}  # fmt: skip
CAUSES: dict[str, set[str | None]] = {
    "open": {None},
    "blocked": {*PATH_CAUSES},
    "refused": {"reset-by-responder", "icmp-port-unreachable"},
    "unanswered": {"no-answer", "host-silent"},
    "failing": {"tls-alert", "tls-stalled", "closed-without-data", "application-refused"},
    "wrong-protocol": {None},
    "probe-only": {None},
    "one-sided": {None},
    "pending": {None},
    "not-attempted": {None},
    "not-observable": {None},
}
CAUSES["intermittent"] = set.union(*CAUSES.values())
SERVICES = {
    "http", "tls", "http2", "websocket", "webdav", "ipp", "lpr", "raw-print", "snmp", "mdns", "etcd", "rmi", "netbios",
    "smb", "ftp", "ftp-data", "smtp", "pop3", "imap", "ldap", "tds", "sql-browser", "ssh", "time", "jgroups", "zmtp",
    "ymq", "safeq-terminal", "safeq-client", "dns", "ntp", "dhcp", "kerberos", "ssdp", "ws-discovery", "slp", "syslog",
    "quic", "dtls", "opaque", None,
}  # fmt: skip
BAD = {"blocked", "refused", "unanswered", "failing", "wrong-protocol"}
DOUBTFUL = {"probe-only", "one-sided", "pending", "not-observable"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6,9}Z")


@cache
def document(case: Case) -> dict[str, Any]:
    """Return the report of a sample as its reader gets it."""
    parsed: dict[str, Any] = json.loads(report_json(judged(case)))
    return parsed


def heaviest(verdict: dict[str, Any]) -> str:
    """Return the severity that the table gives, before waivers and notices for alternatives and clients."""
    mandatory = verdict["requirement"] == "mandatory"
    if verdict["verdict"] in BAD:
        return "violation" if mandatory else "warning"
    if verdict["verdict"] in ("intermittent", "missing"):
        return "warning" if mandatory else "notice"
    return "notice" if verdict["verdict"] == "inconclusive" else "ok"


@every_case
def test_verdicts_are_in_order_and_of_the_right_weight(case: Case) -> None:
    """The order of the report, ids that are one of a kind, and no severity above the table's."""
    found = document(case)["verdicts"]
    assert [entry["verdict"] for entry in found] == sorted((entry["verdict"] for entry in found), key=ORDER.index)
    names = [entry["id"] for entry in found + document(case)["unexpected"]]
    assert len(set(names)) == len(names)
    for entry in found:
        if entry["waiver"]:
            assert entry["severity"] == "ok"
        elif entry["verdict"] == "satisfied":
            assert entry["severity"] in ("ok", "notice")
        elif entry["severity"] != heaviest(entry):
            # Failing clients of a network carry its weight; beside another rule that works, a failing one weighs little.
            network = "clients" in (entry["initiator"] or {}) or "clients" in (entry["responder"] or {})
            beside = any(other["verdict"] == "satisfied" and other["rule"] != entry["rule"] for other in found)
            assert network or (entry["severity"] == "notice" and beside), entry["id"]


@every_case
def test_ports_say_what_their_verdict_says(case: Case) -> None:
    """State and cause fit each other, an applying rule names its ports, and a verdict is that of one of its ports."""
    for entry in document(case)["verdicts"]:
        states = {port["state"] for port in entry["ports"]}
        assert all(port["cause"] in CAUSES[port["state"]] for port in entry["ports"]), entry["id"]
        match entry["verdict"]:
            case "not-applicable":
                assert (entry["initiator"], entry["responder"], entry["ports"]) == (None, None, [])
            case "satisfied":
                assert "open" in states
            case "missing" | "unused":
                assert "not-attempted" in states or not states
            case "inconclusive":  # open is not enough where an encrypted control channel hides what was announced
                assert states & DOUBTFUL or not states or "attributed by time" in entry["sentence"]
                assert not re.search(r"\bworks\b", entry["sentence"])
            case word:
                assert word in states


@every_case
def test_evidence_can_be_looked_up(case: Case) -> None:
    """Every frame is one of a capture that the report names; what was seen has times, what was not has none."""
    report = document(case)
    packets = {note["path"]: note["packets"] for note in report["captures"]}
    findings = [port for entry in report["verdicts"] for port in entry["ports"]] + report["unexpected"]
    for found in findings:
        for piece in found["evidence"]:
            assert piece["frames"]
            assert piece["frames"] == sorted(set(piece["frames"]))
            assert 1 <= piece["frames"][0] <= piece["frames"][-1] <= packets[piece["capture"]]
        assert found["service"] in SERVICES
        assert found["basis"] in ("payload", "negotiated", "port", None)
        assert (found["service"] is None) == (found["basis"] is None)
        assert (found["first"] is None) == (found["last"] is None)
        if found["first"] is not None:
            assert TIME.fullmatch(found["first"])
            assert TIME.fullmatch(found["last"])
            assert found["first"] <= found["last"]
        if found["state"] in ("not-attempted", "not-observable"):
            assert (found["evidence"], found["first"]) == ([], None)
        elif found["state"] != "open" or found.get("attempts"):
            assert found["evidence"], found


@every_case
def test_the_summary_counts_what_is_there(case: Case) -> None:
    """Counts are those of the entries; the exit code, ``compliant`` and the heaviest finding agree."""
    report = document(case)
    summary, entries = report["summary"], report["verdicts"] + report["unexpected"]
    for word, number in summary["verdicts"].items():
        assert number == sum(entry["verdict"] == word for entry in report["verdicts"])
    for word, number in summary["severities"].items():
        assert number == sum(entry["severity"] == word for entry in entries)
    assert summary["unexpected"] == len(report["unexpected"])
    assert summary["compliant"] is {0: True, 1: False, 3: None}[summary["exit_code"]]
    assert (summary["exit_code"] == 1) == (summary["severities"]["violation"] > 0)
    if summary["exit_code"] == 0:
        assert any(e["verdict"] == "satisfied" and e["requirement"] == "mandatory" for e in report["verdicts"])
