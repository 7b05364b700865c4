"""One side secured, the other not: said beside the state of a port, and only where bytes of both kinds were seen."""

from __future__ import annotations

from typing import Any

import pytest

from analyser.compliance.security import CUT_SHORT, OTHERS
from tests.compliance_ports.made import at, opened
from tests.compliance_rules.little import A, host, judged, rule, site

CLIENTS = ("203.0.113.1", "203.0.113.2", "203.0.113.3")
PLACE = site(
    host("spoc", A, "spooler-controller"),
    *(host(f"client-{number}", address, "workstation") for number, address in enumerate(CLIENTS)),
)


def _short(client: int, service: str | None) -> dict[str, Any]:
    return opened(orig=CLIENTS[client], resp=A, port=5555, service=service, orig_syn_t=at(0))


def _long(client: int, service: str | None) -> dict[str, Any]:
    """A conversation of a minute."""
    last = {
        "orig_fin_t": at(60),
        "resp_fin_t": at(60.1),
        "orig_last_t": at(60.2),
        "resp_last_t": at(60.1),
        "last_t": at(60.2),
    }
    return _short(client, service) | last


def _details(*flows: dict[str, Any], service: str = "ymq") -> dict[str, str]:
    wanted = rule(
        service=service, ports=(5555,), initiator="workstation", responder="spooler-controller", subject="initiator"
    )
    entries = judged(list(flows), [wanted], PLACE).verdicts
    return {
        entry.initiator.name or "": entry.ports[0].detail or "" for entry in entries if entry.initiator and entry.ports
    }


@pytest.mark.parametrize(("short", "long"), [("tls", None), (None, "tls"), ("zmtp", "tls")])
def test_clients_that_are_cut_short_beside_others_of_the_other_kind_are_told(
    short: str | None, long: str | None
) -> None:
    """Those whose connections end at once read that one side may be unsecured; those that work only that there are others."""
    told = _details(_short(0, short), _short(0, short), _long(1, long), _long(2, long))
    assert OTHERS[short == "tls"] in told["client-0"]
    assert CUT_SHORT in told["client-0"]
    for name in ("client-1", "client-2"):
        assert OTHERS[long == "tls"] in told[name]
        assert CUT_SHORT not in told[name]


def test_nothing_is_said_where_all_speak_alike_or_one_client_speaks_both() -> None:
    """All in clear text, all in TLS, or the same client in both ways: no side was forgotten."""
    for flows in (
        [_short(0, None), _long(1, None)],
        [_short(0, "tls"), _long(1, "tls")],
        [_short(0, "tls"), _long(0, None)],
    ):
        assert not any(note in detail for detail in _details(*flows).values() for note in (*OTHERS.values(), CUT_SHORT))


def test_no_side_is_suspected_where_both_kinds_work_or_both_end_at_once() -> None:
    """Only a difference between the kinds is a suspicion."""
    for first, second in ((_short, _short), (_long, _long)):
        told = _details(first(0, "tls"), second(1, None))
        assert OTHERS[True] in told["client-0"]
        assert not any(CUT_SHORT in detail for detail in told.values())


def test_a_conversation_that_was_running_says_nothing_of_its_kind() -> None:
    """In the middle TLS need not look like TLS."""
    running = _long(1, None) | {"orig_nsyn": 0, "resp_nsynack": 0}
    assert not any("others" in detail for detail in _details(_short(0, "tls"), running).values())


def test_rules_of_public_protocols_are_judged_by_their_own_words() -> None:
    """Where a rule allows plain and TLS, both are as they should be."""
    told = _details(_short(0, "tls"), _long(1, "http"), service="http")
    assert not any("others" in detail for detail in told.values())
