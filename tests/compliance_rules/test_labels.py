"""How labels agree with the words of rules, and the names that only port and role can give."""

from __future__ import annotations

import pytest

from analyser.compliance.labels import Fit, fit
from tests.compliance_ports.made import opened
from tests.compliance_rules.little import MFD, A, entries, judged, rule


@pytest.mark.parametrize(
    ("words", "label", "expected"),
    [
        ("http", "http", Fit.EXACT),
        ("https", "tls", Fit.EXACT),
        ("ldaps", "tls", Fit.EXACT),
        ("ipp", "http", Fit.POSSIBLE),
        ("http", "webdav", Fit.POSSIBLE),
        ("http", "tls", Fit.NO),
        ("https", "http", Fit.NO),
        ("https", "ssh", Fit.NO),
        ("raw-print", "ssh", Fit.NO),
        ("ymq", "tls", Fit.POSSIBLE),
        ("opaque", "ssh", Fit.POSSIBLE),
        ("smb", "netbios", Fit.POSSIBLE),
        ("etcd", "tls", Fit.POSSIBLE),
        ("http https", "tls", Fit.EXACT),
        ("", "ssh", Fit.POSSIBLE),
    ],
)
def test_a_label_agrees_as_far_as_bytes_can_tell(words: str, label: str, expected: Fit) -> None:
    """TLS satisfies the words that mean a protocol inside it; unpublished services agree with anything."""
    assert fit(words.split(), label) is expected


def test_an_unpublished_service_is_named_by_its_port() -> None:
    """YMQ is never proved by bytes: basis "port", and what the payload was stands beside it."""
    port = entries(judged([opened(orig=A, resp=MFD, service="tls")], [rule(service="ymq")]))[0].ports[0]
    assert (port.service, port.basis) == ("ymq", "port")
    assert "payload tls" in (port.detail or "")


def test_unknown_bytes_of_an_unpublished_service_are_opaque() -> None:
    """No label at all: still the rule's name by port, and the payload is called opaque."""
    port = entries(judged([opened(orig=A, resp=MFD, service=None)], [rule(service="safeq-client")]))[0].ports[0]
    assert (port.service, port.basis) == ("safeq-client", "port")
    assert "payload opaque" in (port.detail or "")


def test_a_row_without_known_protocol_keeps_what_the_bytes_say() -> None:
    """Where the page does not say which protocol, a proved label is worth more than "opaque"."""
    port = entries(judged([opened(orig=A, resp=MFD, service="tls")], [rule(service="opaque")]))[0].ports[0]
    assert (port.service, port.basis) == ("tls", "payload")


def test_another_protocol_on_the_port_is_said() -> None:
    """SSH where only TLS is allowed is wrong-protocol, not satisfied, and keeps its own name."""
    entry = entries(judged([opened(orig=A, resp=MFD, service="ssh")], [rule(service="https")]))[0]
    assert (entry.verdict, entry.severity, entry.ports[0].service) == ("wrong-protocol", "violation", "ssh")
