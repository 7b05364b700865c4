"""The flows over which signatures are timed are what they are said to be."""

from __future__ import annotations

from analyser.compliance.attempts.fitting import NAMELESS
from analyser.model.service import Service
from analyser.policy.packs import signature_folder
from analyser.services.label import by_payload
from analyser.services.loading import load_signatures
from analyser.services.matcher import Matcher
from bench.signatures import FLOWS, made, measured


def test_every_service_and_noise_is_among_them() -> None:
    """Each service that has a signature is met, and a part of the flows is none of them; the same seed gives the same flows."""
    flows = made(6000)
    signatures = load_signatures(signature_folder())
    labels = by_payload(flows, Matcher(signatures))
    found = labels["service"]
    # what has no word of its own is met by its sub-label
    met = {*found.to_list(), *(Service.OPAQUE for word in labels["sublabel"] if word in NAMELESS)}
    assert {signature.service for signature in signatures} <= met
    assert 0.1 < found.null_count() / len(found) < 0.4
    assert flows.equals(made(6000))
    assert made(10, seed=2).height == 10
    assert FLOWS == 1_000_000


def test_time_is_measured() -> None:
    """What is measured is processor time, of which some is spent."""
    assert measured(made(20_000)) > 0
