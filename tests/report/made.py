"""Reports made by hand: what the readers of a report are tested on, without any capture."""

from __future__ import annotations

import dataclasses
from typing import Any

from analyser.model.capture import CaptureNote, Problem
from analyser.model.finding import (
    Cause,
    Clients,
    Confidence,
    Coverage,
    End,
    Evidence,
    InfrastructureNote,
    OutOfScope,
    PortFinding,
    PortState,
    ReportDocument,
    RulesNote,
    Scan,
    Severity,
    SiteNote,
    Summary,
    ToolNote,
    Undecoded,
    UnexpectedEntry,
    UnexpectedReason,
    Verdict,
    VerdictEntry,
    WaiverNote,
)

SERVER = End(name="site-server-1", address="192.0.2.10", roles=("terminal-server",))
PRINTER = End(name="mfd-3rd-floor", address="198.51.100.21", roles=("mfd",))
OFFICE = End(name="office", address="203.0.113.0/24", roles=("workstation",), clients=Clients(seen=3, open=0, failed=3))
NOBODY = End(name=None, address=None, roles=("mig",))


def evidence(*frames: int, port: int = 51443, capture: str = "captures/failing.pcap") -> Evidence:
    return Evidence(
        capture=capture,
        frames=frames,
        filter=f"ip.addr==192.0.2.10 && ip.addr==198.51.100.21 && tcp.port=={port}",
        community_id="1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
    )


def port(number: int | None, state: PortState = PortState.OPEN, **facts: Any) -> PortFinding:
    return PortFinding(**{"transport": "tcp", "port": number, "state": state, "attempts": 1, **facts})


def blocked(number: int, *frames: int, **facts: Any) -> PortFinding:
    return port(
        number,
        PortState.BLOCKED,
        **{
            "cause": Cause.NO_ANSWER,
            "detail": "7 SYNs in 63 s",
            "confidence": Confidence.HIGH,
            "attempts": 1,
            "evidence": (evidence(*frames, port=number),) if frames else (),
            **facts,
        },
    )


def verdict(rule: str = "ysoft-safeq-6/server-to-printer/ricoh-install", **facts: Any) -> VerdictEntry:
    return VerdictEntry(
        **{
            "id": "a3f1c2d4",
            "rule": rule,
            "section": rule.split("/")[1],
            "requirement": "mandatory",
            "verdict": Verdict.BLOCKED,
            "severity": Severity.VIOLATION,
            "sentence": "Ports 51443 and 64098 get no answer on the way; the printer answers on 80.",
            "remedy": "ask the firewall team to allow TCP 51443, 64098",
            "initiator": SERVER,
            "responder": PRINTER,
            "ports": (port(80), port(443), blocked(51443, 103, 802), blocked(64098, 108, 807)),
            **facts,
        }
    )


def unexpected(**facts: Any) -> UnexpectedEntry:
    return UnexpectedEntry(
        **{
            "id": "77aa0011",
            "reason": UnexpectedReason.INTO_WORKSTATION,
            "rule": "ysoft-safeq-6/workstation-inbound/nothing",
            "severity": Severity.VIOLATION,
            "sentence": "The printer opened a file share of a workstation.",
            "initiator": PRINTER,
            "responder": OFFICE,
            "transport": "tcp",
            "port": 445,
            "state": PortState.OPEN,
            "cause": None,
            "service": "smb",
            "basis": "payload",
            "flows": 2,
            "bytes": 4200,
            "first": "2026-03-02T08:00:01.000000Z",
            "last": "2026-03-02T08:00:09.000000Z",
            "evidence": (evidence(900, port=445),),
            **facts,
        }
    )


def report(*verdicts: VerdictEntry, compliant: bool | None = False, **facts: Any) -> ReportDocument:
    findings: tuple[UnexpectedEntry, ...] = facts.get("unexpected", ())
    severities = [entry.severity.value for entry in verdicts] + [entry.severity.value for entry in findings]
    words = [entry.verdict.value for entry in verdicts]
    return ReportDocument(
        **{
            "schema": "analyser/report/1",
            "tool": ToolNote(version="0.1.0"),
            "rules": (RulesNote(id="ysoft-safeq-6", version="2026.1", sha256="0" * 64),),
            "site": SiteNote(name="Brno", sha256="1" * 64),
            "generated_at": "2026-03-02T09:00:00.000000Z",
            "captures": (capture(),),
            "coverage": coverage(),
            "verdicts": verdicts,
            "unexpected": (),
            "infrastructure": (InfrastructureNote(service="dns", flows=3),),
            "summary": Summary(
                compliant=compliant,
                verdicts={word: words.count(word) for word in words},
                severities={word: severities.count(word) for word in severities},
                unexpected=len(findings),
                exit_code={True: 0, False: 1, None: 3}[compliant],
            ),
            **facts,
        }
    )


def capture(**facts: Any) -> CaptureNote:
    return CaptureNote(
        **{
            "path": "captures/failing.pcap",
            "sha256": "2" * 64,
            "format": "pcap",
            "link_types": ("ethernet",),
            "packets": 8412,
            "bytes": 1_234_567,
            "first": "2026-03-02T08:00:00.000000Z",
            "last": "2026-03-02T08:02:14.000000Z",
            "complete": True,
            **facts,
        }
    )


def coverage(**facts: Any) -> Coverage:
    return Coverage(
        **{
            "hosts_seen": 2,
            "two_sided_hosts": 2,
            "duplicates_removed": 0,
            "dropped_by_capture": None,
            "snaplen": 262144,
            "decapsulated": 0,
            "undecoded": (),
            "link_layer": (),
            "out_of_scope": OutOfScope(flows=0, packets=0),
            "watched_overflow": 0,
            **facts,
        }
    )


def everything() -> ReportDocument:
    """A report in which every kind of entry and every optional value occurs."""
    waived = WaiverNote(id="w1", reason="ticket 4711", owner="it-ops", expires="2027-03-31")
    return report(
        verdict(),
        verdict(
            "ysoft-safeq-6/workstation-to-server/web",
            id="b2",
            verdict=Verdict.MISSING,
            severity=Severity.WARNING,
            initiator=OFFICE,
            responder=NOBODY,
            remedy=None,
            sentence="Nobody tried.",
            ports=(port(None, PortState.NOT_ATTEMPTED, attempts=0),),
        ),
        verdict(
            "ysoft-safeq-6/other/ldap",
            id="b3",
            verdict=Verdict.SATISFIED,
            severity=Severity.OK,
            remedy=None,
            waiver=waived,
            ports=(port(636, service="tls", basis="payload", answered=1),),
        ),
        verdict(
            "ysoft-safeq-6/cluster/etcd",
            id="b4",
            verdict=Verdict.NOT_APPLICABLE,
            severity=Severity.OK,
            remedy=None,
            initiator=None,
            responder=None,
            ports=(),
        ),
        unexpected=(
            unexpected(),
            unexpected(
                id="78",
                responder=None,
                port=None,
                scan=Scan(hosts=40, ports=1, host_list=("203.0.113.1",), port_list=(445,)),
                waiver=waived,
                severity=Severity.OK,
            ),
        ),
        captures=(capture(complete=False, problems=(Problem(code="cut-short", count=1, detail="ends in a record"),)),),
        coverage=coverage(undecoded=(Undecoded(what="geneve", packets=7),), dropped_by_capture=12),
    )


def changed(document: ReportDocument, **facts: Any) -> ReportDocument:
    return dataclasses.replace(document, **facts)


def changed_summary(document: ReportDocument, **facts: Any) -> Summary:
    return dataclasses.replace(document.summary, **facts)
