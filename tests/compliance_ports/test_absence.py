"""Nothing attempted: what may be said of it."""

from __future__ import annotations

from typing import Any

import pytest

from analyser.compliance.attempts.judge import Demand
from tests.compliance_ports.judging import ANY, judge
from tests.compliance_ports.made import CLIENT, SERVER, opened

LOCAL = Demand(transport="tcp", port=5558, localhost=True)
REMOTE = {"orig_ttl_min": 62, "orig_ttl_max": 62}


@pytest.mark.parametrize(
    ("facts", "detail"),
    [({}, "never tried"), (REMOTE, "never tried, or stopped before this point")],
    ids=["own-segment", "elsewhere"],
)
def test_never_tried_is_said_only_of_an_initiator_whose_segment_is_captured(facts: dict[str, Any], detail: str) -> None:
    finding = judge(opened(port=80, **facts)).absent([CLIENT], [SERVER], ANY)
    assert (finding.state, finding.detail) == ("not-attempted", detail)
    assert (finding.attempts, finding.first, finding.evidence) == (0, None, ())


def test_an_initiator_that_was_never_seen_may_have_been_stopped_before() -> None:
    finding = judge(opened()).absent(["192.0.2.77"], [SERVER], ANY)
    assert (finding.state, finding.detail) == ("not-attempted", "never tried, or stopped before this point")


def test_all_initiators_that_were_seen_must_be_near() -> None:
    far = opened(orig="192.0.2.11", **REMOTE)
    assert judge(opened(), far).absent([CLIENT, "192.0.2.11"], [SERVER], ANY).detail != "never tried"
    assert judge(opened(), far).absent([CLIENT, "192.0.2.77"], [SERVER], ANY).detail == "never tried"


def test_an_initiator_that_was_never_seen_may_have_been_stopped_elsewhere() -> None:
    assert judge(opened()).absent([CLIENT, "192.0.2.77"], [SERVER], ANY).detail == "never tried"
    assert judge(opened()).absent([CLIENT, "203.0.113.77"], [SERVER], ANY).detail != "never tried"
    several = {address: frozenset({CLIENT, "203.0.113.77"}) for address in (CLIENT, "203.0.113.77")}
    assert judge(opened(), aliases=several).absent([CLIENT, "203.0.113.77"], [SERVER], ANY).detail == "never tried"


def test_arp_shows_the_segment_of_its_asker() -> None:
    asked = {"asker": CLIENT, "target": "192.0.2.1", "requests": 1, "replies": 1, "frame": 1, "file": 0}
    capture = judge(opened(**REMOTE), neighbours=[{**asked, "first_t": 0, "last_t": 0}])
    assert capture.absent([CLIENT], [SERVER], ANY).detail == "never tried"


def test_a_pair_of_which_neither_end_is_shown_is_not_observable() -> None:
    finding = judge(opened()).absent(["203.0.113.5"], ["203.0.113.6"], ANY)
    assert (finding.state, finding.detail) == ("not-observable", "neither end is in this capture")


def test_one_end_is_enough_to_observe() -> None:
    assert judge(opened()).absent(["203.0.113.5"], [SERVER], ANY).state == "not-attempted"


def test_an_encapsulation_that_was_not_decoded_may_hide_the_attempt() -> None:
    capture = judge(opened(), encapsulations=("gre",))
    unseen, seen = capture.absent(["203.0.113.5"], [SERVER], ANY), capture.absent([CLIENT], [SERVER], ANY)
    assert (unseen.state, seen.state) == ("not-observable", "not-attempted")
    assert "inside gre, which was not decoded" in (unseen.detail or "")
    assert seen.detail == "never tried, or inside gre, which was not decoded"


@pytest.mark.parametrize(
    ("loopback", "host", "state"),
    [
        (False, None, "not-observable"),
        (True, None, "not-observable"),
        (False, "server", "not-observable"),
        (True, "server", "not-attempted"),
    ],
)
def test_loopback_is_observable_only_with_its_packets_and_a_named_host(
    loopback: bool, host: str | None, state: str
) -> None:
    capture = judge(opened(orig="127.0.0.1", resp="127.0.0.1", loopback=loopback), capture_host=host)
    assert capture.absent([CLIENT], [CLIENT], LOCAL).state == state
