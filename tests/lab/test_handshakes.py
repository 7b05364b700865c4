"""The handshakes of the lab are of both ends and many kinds, and the score insists on the names of their alerts."""

from __future__ import annotations

from typing import Any

from tests.lab.cases import Case, cases
from tests.lab.handshakes import HANDSHAKES
from tests.lab.score import judge
from tests.lab.severity import severity

RULE = "server-to-printer/hp-install"


def _told(case: Case, detail: str) -> dict[str, Any]:
    truth = case.told("both")[0]
    port = {
        "port": case.row.ports[0], "transport": "tcp", "state": truth.state, "cause": truth.cause, "detail": detail,
        "by": case.initiator if truth.by == "initiator" else case.responder,
    }  # fmt: skip
    ends = {"initiator": {"name": f"i-{case.name}"}, "responder": {"name": f"r-{case.name}"}}
    item = {"rule": f"ysoft-safeq-6/{RULE}", "verdict": truth.state, "sentence": "", "ports": [port], **ends}
    return {"verdicts": [item | {"severity": severity(case.row.requirement, truth.state)}], "unexpected": []}


def test_an_alert_must_be_told_by_its_name() -> None:
    """State, cause and sender are not enough: another alert's name, or none, is wrong."""
    alerts = {name for name, one in HANDSHAKES.items() if one.alert}
    mine = [case for case in cases() if case.row.rule == RULE and case.condition.name in alerts]
    assert {case.condition.name for case in mine} == alerts
    for case in mine:
        alert = str(HANDSHAKES[case.condition.name].alert)
        assert judge(_told(case, f"{alert}; more"), [case], "both")[0].mark == "right"
        assert judge(_told(case, "close_notify"), [case], "both")[0].mark == "wrong"
        assert judge(_told(case, ""), [case], "both")[0].mark == "wrong"


def test_alerts_of_many_kinds_come_from_either_end() -> None:
    """Whoever ends a handshake is told apart: the same alert is made by a client and by a server."""
    kinds = {by: {one.alert for one in HANDSHAKES.values() if one.by == by} for by in ("initiator", "responder")}
    both = {
        "unknown_ca",
        "certificate_expired",
        "certificate_revoked",
        "unsupported_certificate",
        "decrypt_error",
        "decode_error",
    }
    assert both <= kinds["initiator"] & kinds["responder"]
    assert len(kinds["initiator"] | kinds["responder"]) >= 16
