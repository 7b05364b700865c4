"""How labels agree with the words of rules, and the names that only port and role can give."""

from __future__ import annotations

import pytest

from analyser.compliance.labels import Fit, fit
from tests.compliance_ports.made import handshake, opened, unanswered
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
        ("etcd", "http2", Fit.POSSIBLE),
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


def test_a_port_where_nothing_was_said_has_no_payload() -> None:
    """A bare handshake proves the port; that nothing was sent is said like any other payload. Silence says nothing of it."""
    bare = entries(judged([handshake(orig=A, resp=MFD)], [rule(service="ymq")]))[0].ports[0]
    assert (bare.state, bare.service, bare.basis) == ("open", "ymq", "port")
    assert "payload none" in (bare.detail or "")
    silent = entries(judged([unanswered(orig=A, resp=MFD)], [rule(service="ymq")]))[0].ports[0]
    assert "payload" not in (silent.detail or "")


def test_a_sub_label_stands_in_the_detail_of_an_open_port() -> None:
    """The version, language or command that bytes show is told; what they do not explain is not called a kind."""
    flows = [opened(orig=A, resp=MFD, service="raw-print", sublabel="pcl-xl")]
    assert (entries(judged(flows, [rule(service="raw-print")]))[0].ports[0].detail or "").startswith("pcl-xl; ")
    flows = [opened(orig=A, resp=MFD, service="raw-print", basis="port", sublabel="opaque")]
    assert "opaque" not in (entries(judged(flows, [rule(service="raw-print")]))[0].ports[0].detail or "")


def test_a_protocol_without_a_word_of_its_own_contradicts_too() -> None:
    """Port 5555 is also that of a telephone's debug bridge: a finding for YMQ, and for what has no public framing."""
    flows = [opened(orig=A, resp=MFD, service=None, sublabel="adb")]
    port = entries(judged(flows, [rule(service="ymq")]))[0].ports[0]
    assert (port.state, port.service, port.basis, port.detail) == ("wrong-protocol", None, None, "adb spoken")
    guessed = [opened(orig=A, resp=MFD, service="http", basis="port", sublabel="adb")]
    port = entries(judged(guessed, [rule(service="http")]))[0].ports[0]
    assert (port.state, port.service, port.detail) == ("wrong-protocol", None, "adb spoken")
    assert entries(judged(flows, [rule(service="opaque")]))[0].ports[0].state == "wrong-protocol"


@pytest.mark.parametrize("label", ["http", "ssh", "smb", "rmi"])
def test_public_protocols_on_the_port_of_ymq_are_findings(label: str) -> None:
    """What YMQ certainly is not is wrong there; TLS, ZMTP and unknown bytes may be it."""
    (port,) = entries(judged([opened(orig=A, resp=MFD, service=label)], [rule(service="ymq")]))[0].ports
    assert port.state == "wrong-protocol"
    for fine in ("tls", "zmtp", None):
        assert (
            entries(judged([opened(orig=A, resp=MFD, service=fine)], [rule(service="ymq")]))[0].ports[0].state == "open"
        )


def test_a_row_without_known_protocol_keeps_what_the_bytes_say() -> None:
    """Where the page does not say which protocol, a proved label is worth more than "opaque"."""
    port = entries(judged([opened(orig=A, resp=MFD, service="tls")], [rule(service="opaque")]))[0].ports[0]
    assert (port.service, port.basis) == ("tls", "payload")


def test_another_protocol_on_the_port_is_said() -> None:
    """SSH where only TLS is allowed is wrong-protocol, not satisfied, and keeps its own name."""
    entry = entries(judged([opened(orig=A, resp=MFD, service="ssh")], [rule(service="https")]))[0]
    assert (entry.verdict, entry.severity, entry.ports[0].service) == ("wrong-protocol", "violation", "ssh")
