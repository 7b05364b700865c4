"""Our labels of the public captures beside what others call the same conversations.

tshark and nDPI are believed where they agree, and a person's judgement (``content_truth``) before both: tshark's labels
follow ports, nDPI guesses too. Shares no code with what makes our labels but the refinements that signatures declare.
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from analyser.model.capture import InputError
from analyser.pipeline.reading import flows
from analyser.policy.packs import signature_folder
from analyser.services.loading import load_signatures
from tests.conformance.truth import CARRIERS, FOLDER, files, is_decoded

TSHARK: Final = {
    "http": "http", "tls": "tls", "ssl": "tls", "http2": "http2", "websocket": "websocket", "ipp": "ipp", "lpd": "lpr",
    "snmp": "snmp", "mdns": "mdns", "nbns": "netbios", "nbdgm": "netbios", "nbss": "netbios", "smb": "smb", "smb2": "smb",
    "ftp": "ftp", "ftp-data": "ftp-data", "smtp": "smtp", "pop": "pop3", "imap": "imap", "ldap": "ldap", "cldap": "ldap",
    "tds": "tds", "ssh": "ssh", "time": "time", "jgroups": "jgroups", "zmtp": "zmtp", "dns": "dns", "llmnr": "dns",
    "ntp": "ntp", "dhcp": "dhcp", "bootp": "dhcp", "dhcpv6": "dhcp", "kerberos": "kerberos", "ssdp": "ssdp", "srvloc": "slp",
    "syslog": "syslog", "quic": "quic", "gquic": "quic", "dtls": "dtls", "rmi": "rmi",
}  # fmt: skip
NDPI: Final = {
    "HTTP": "http", "TLS": "tls", "SSL": "tls", "IPP": "ipp", "SNMP": "snmp", "MDNS": "mdns", "NetBIOS": "netbios",
    "SMBv1": "smb", "SMBv23": "smb", "FTP_CONTROL": "ftp", "FTP_DATA": "ftp-data", "SMTP": "smtp", "SMTPS": "tls",
    "POP3": "pop3", "POPS": "tls", "IMAP": "imap", "IMAPS": "tls", "LDAP": "ldap", "MsSQL-TDS": "tds", "SSH": "ssh",
    "DNS": "dns", "LLMNR": "dns", "NTP": "ntp", "DHCP": "dhcp", "DHCPV6": "dhcp", "Kerberos": "kerberos", "SSDP": "ssdp",
    "Syslog": "syslog", "QUIC": "quic", "DTLS": "dtls", "RMI": "rmi", "HTTP2": "http2", "WebSocket": "websocket",
    "Service_Location_Protocol": "slp", "WSD": "ws-discovery", "ZeroMQ": "zmtp",
}  # fmt: skip
"""Their words for services that we name; all others are "another protocol"."""

OTHER: Final = "another protocol"
NONE: Final = "no label"
JUDGED: Final = Path(__file__).parent / "services.toml"

Ends = tuple[str, tuple[str, int], tuple[str, int]]


@dataclass(frozen=True)
class Conversation:
    """One conversation: who calls it what. ``ours`` and ``basis`` are None without a label.

    ``truth``: what it is, as far as others agree or a person said, else None. ``begun``: its first payload is in the capture.
    """

    file: str
    ends: Ends
    tshark: tuple[str, ...]
    ndpi: str | None
    truth: str | None
    ours: str | None
    basis: str | None
    begun: bool

    @property
    def said(self) -> frozenset[str]:
        """Everything that anybody else calls it."""
        return frozenset({*self.tshark, *({self.ndpi} - {None}), *({self.truth} - {None})})  # type: ignore[arg-type]


@cache
def finer() -> dict[str, frozenset[str]]:
    """Return for each service what a coarser word for it is: SMB is spoken in NetBIOS sessions, IPP in HTTP."""
    coarser: dict[str, set[str]] = defaultdict(set)
    for signature in load_signatures(signature_folder()):
        coarser[signature.service].update(signature.refines)
    coarser["http2"].add("http")  # it may begin as an upgrade
    return {service: frozenset(those) for service, those in coarser.items()}


def fits(ours: str | None, theirs: str) -> bool:
    """Say whether our word means the same as theirs, or is the finer one."""
    return ours is not None and (ours == theirs or theirs in finer().get(ours, ()))


@cache
def conversations() -> tuple[Conversation, ...]:
    """Return every conversation with payload of every public capture that is decoded here."""
    return tuple(one for entry in files() if is_decoded(entry) for one in _of_file(entry))


def _of_file(entry: dict[str, Any]) -> Iterator[Conversation]:
    try:
        run = flows([str(FOLDER / entry["file"])], digests=False)
    except InputError:
        return
    ours: dict[Ends, list[dict[str, Any]]] = defaultdict(list)
    for row in run.whole().frame.to_dicts():
        if row["orig_bytes"] or row["resp_bytes"]:
            ours[_ends(row["proto"], row["id.orig_h"], row["id.orig_p"], row["id.resp_h"], row["id.resp_p"])].append(
                row
            )
    run.close()
    ndpi = {
        _ends(f[0].lower(), f[1], int(f[2]), f[3], int(f[4])): f[5] for f in entry["ndpi"]["flows"] if f[2].isdigit()
    }
    theirs: dict[Ends, list[dict[str, Any]]] = defaultdict(list)
    for told in entry["conversations"]:
        if sum(told["payload_bytes"]) and not CARRIERS.intersection(told["tshark_app"]):
            theirs[
                _ends(told["proto"], told["client"], told["client_port"], told["server"], told["server_port"])
            ].append(told)
    for ends, those in theirs.items():
        # Ports that were used again give several of both, in the order of time; if not as many, the last stands for the rest.
        for number, row in enumerate(ours.get(ends, [])):
            yield _judged(entry["file"], ends, those[min(number, len(those) - 1)], ndpi.get(ends), row)


def _judged(file: str, ends: Ends, told: dict[str, Any], label: str | None, row: dict[str, Any]) -> Conversation:
    """Put together what all call one conversation."""
    tshark = tuple(dict.fromkeys(TSHARK[app] for app in told["tshark_app"] if app in TSHARK))
    guess = _ndpi(label)
    agreed = (word for word in tshark if guess is not None and (word == guess or fits(guess, word)))
    return Conversation(
        file, ends, tshark or (OTHER,) * bool(told["tshark_app"]), guess, _person(file, ends) or next(agreed, None),
        row["service"], row["basis"], _begun(row),
    )  # fmt: skip


def _ends(proto: str, *places: Any) -> Ends:
    low, high = sorted([(places[0], places[1]), (places[2], places[3])])
    return proto, low, high


def _ndpi(label: str | None) -> str | None:
    """Return our word for nDPI's ``91.126/TLS.Google``; None where it has none."""
    if label is None or label.endswith("/Unknown"):
        return None
    return next((NDPI[word] for word in label.split("/", 1)[1].split(".") if word in NDPI), OTHER)


def _begun(row: dict[str, Any]) -> bool:
    """Say whether the first payload is in the capture: a handshake was seen before it, or the transport has none."""
    return row["proto"] != "tcp" or (row["history"][:1] in "SsHh" and not row["missed_bytes"])


def judged() -> dict[str, Any]:
    """Return what persons judged: ``truth`` where ports mislead, ``doubtful`` labels and ``missed`` ones with their reasons."""
    return tomllib.loads(JUDGED.read_text(encoding="utf-8"))


@cache
def _persons() -> dict[tuple[str, int], str]:
    return {(entry["file"], entry["port"]): entry["service"] for entry in judged()["truth"]}


def _person(file: str, ends: Ends) -> str | None:
    known = _persons()
    return next((known[file, port] for _, port in ends[1:] if (file, port) in known), None)


def confusion() -> Counter[tuple[str, str]]:
    """Return how many conversations of each truth got which label from their bytes (or promises), if begun."""
    return Counter((one.truth, _label(one)) for one in conversations() if one.truth is not None and one.begun)


def _label(one: Conversation) -> str:
    if one.ours is None:
        return NONE
    return one.ours if one.basis != "port" else f"{one.ours} (by port)"
