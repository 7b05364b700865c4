"""What befalls single rules: after the handshake, in TLS, in the application, with ports that are announced, and in time.

Data like ``conditions``: each truth stands beside its cause.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.lab.conditions import PLAIN, VIEWS, Condition, Other, Told, same
from tests.lab.handshakes import HANDSHAKES


def _case(name: str, *told: Told, **what: object) -> Condition:
    return Condition(name=name, truth=same(*told), transports=("tcp", "udp"), **what)  # type: ignore[arg-type]


_OPEN: Final = Told("open")
_LOST: Final = Told("blocked", "dropped-after-handshake")
_FORGED: Final = Told("blocked", "reset-in-path")
_REFUSED: Final = Told("failing", "application-refused")
_DATA: Final = Told("blocked", "no-answer")

_TLS: Final = (
    *(
        _case(
            name, Told("failing", "tls-alert", one.by) if one.alert else _OPEN, listens=name, asks=name,
            detail=one.alert or "encrypted, application not visible",
        )
        for name, one in HANDSHAKES.items()
    ),
    _case("tls-silent", Told("failing", "tls-stalled"), listens="swallow"),
    _case("clear-text-in-tls", Told("wrong-protocol"), listens="plain"),
    Condition(
        name="reset-after-hello", forward="reset-after-payload",
        # What the router throws away never reaches the other side: there a handshake is followed by nothing.
        truth={"initiator": (_FORGED,), "both": (_FORGED,), "responder": (_OPEN,)},
    ),
    _case("injected-resets", _FORGED, inject=True, listens="slow"),
    Condition(
        name="payload-dropped", forward="payload-dropped",
        truth={"initiator": (_LOST,), "both": (_LOST,), "responder": (_OPEN,)},
    ),
)  # fmt: skip

_FTP_DATA: Final = tuple(
    condition
    for version in (4, 6)  # PASV and PORT (RFC 959), or EPSV and EPRT (RFC 2428)
    for condition in (
        Condition(
            name="passive-data-blocked", listens="ftp-passive", asks="ftp-passive", forward="data-dropped", truth=same(_OPEN), version=version,
            others=(Other("printer-to-server/ftp-passive-data", _DATA, ("initiator", "both")),),
        ),
        Condition(
            name="passive-data", listens="ftp-passive", asks="ftp-passive", truth=same(_OPEN), version=version,
            others=(Other("printer-to-server/ftp-passive-data", _OPEN, VIEWS),),
        ),
        Condition(
            name="active-data-blocked", listens="ftp-active", asks="ftp-active", backward="data-dropped", version=version,
            truth=same(_REFUSED),  # the server says so on the control connection: 425
            others=(Other("server-to-printer/ftp-active-data", _DATA, ("responder", "both"), turned=True),),
        ),
        Condition(
            name="active-data", listens="ftp-active", asks="ftp-active", truth=same(_OPEN), version=version,
            others=(Other("server-to-printer/ftp-active-data", _OPEN, VIEWS, turned=True),),
        ),
    )
)  # fmt: skip

_INSTANCE: Final = tuple(
    condition
    for version in (4, 6)
    for condition in (
        Condition(
            name="instance-blocked", listens="instance", asks="instance", forward="streams-dropped", truth=same(_OPEN), version=version,
            others=(Other("other/sql-instance", _DATA, ("initiator", "both")),),
        ),
        Condition(
            name="instance", listens="instance", asks="instance", truth=same(_OPEN), version=version,
            others=(Other("other/sql-instance", _OPEN, VIEWS),),
        ),
    )
)  # fmt: skip

SPECIAL: Final[dict[str, tuple[Condition, ...]]] = {
    "server-to-printer/hp-install": (
        *_TLS,
        _case("probe", Told("probe-only"), asks="probe"),
        Condition(
            name="late", forward="dropped", freed_after=2.0, truth=same(_OPEN) | {"responder": (_OPEN,)},
        ),
        Condition(
            name="blocked-then-open", forward="dropped", freed_after=6.0, asked_after=(0.0, 7.0),
            truth={"initiator": (Told("intermittent", "no-answer"),), "both": (Told("intermittent", "no-answer"),), "responder": (_OPEN,)},
        ),
        _case("asleep", Told("open"), host="dropped", freed_after=2.0),
    ),
    "server-to-printer/samsung-install": (
        _case("unauthorised", _REFUSED, listens="http-401", asks="http-401"),
        _case("forbidden", _REFUSED, listens="http-403", asks="http-403"),
        _case("unavailable", _REFUSED, listens="http-503", asks="http-503"),
    ),
    "server-to-printer/raw-delivery": (
        _case("large-job", _OPEN, listens="swallow", asks="large"),
        Condition(
            name="path-mtu", forward="large-dropped", asks="big",
            truth={"initiator": (_LOST,), "both": (_LOST,), "responder": (_OPEN, _LOST)},
        ),
    ),
    "server-to-printer/snmp-install-check": (
        # An agent that does not know the community says nothing: the same bytes as a drop.
        _case("wrong-community", Told("unanswered", "no-answer"), listens="swallow"),
        _case("agent-off", Told("refused", "icmp-port-unreachable", "responder"), listens=None),
    ),
    "printer-to-server/ftp-scanning": (
        _case("log-in-refused", _REFUSED, listens="ftp-530", asks="ftp-530"),
        *_FTP_DATA,
    ),
    "other/sql-browser": _INSTANCE,
    "other/mail-delivery": (_case("mail-refused", _REFUSED, listens="smtp-554", asks="smtp-554"),),
    "other/ldap-plain": (_case("log-in-refused", _REFUSED, listens="ldap-49", asks="ldap-49"),),
}  # fmt: skip

_REAL: Final = _case("real", _OPEN, listens="real", asks="real")
_REAL_REFUSED: Final = _case("real-refused", _REFUSED, listens="real", asks="real-refused")
_REAL_DROPPED: Final = replace(
    next(item for item in PLAIN if item.name == "dropped"), name="real-dropped", listens="real", asks="real"
)

REAL: Final[dict[str, tuple[Condition, ...]]] = {
    "printer-to-server/ftp-scanning": (
        # The list of files goes over a port that the server opens.
        replace(_REAL, others=(Other("printer-to-server/ftp-passive-data", _OPEN, VIEWS),)),
        _REAL_REFUSED, _REAL_DROPPED,
    ),
    "server-to-printer/snmp-install-check": (
        _REAL, _case("real-wrong-community", Told("unanswered", "no-answer"), listens="real", asks="real-refused"), _REAL_DROPPED,
    ),
    "other/ldap-plain": (_REAL, _REAL_REFUSED, _REAL_DROPPED),
    # Inside TLS a wrong password is not seen.
    "other/ldap-tls": (_REAL, _case("real-unseen", _OPEN, listens="real", asks="real-refused"), _REAL_DROPPED),
    "other/mail-delivery": (_REAL, _REAL_REFUSED, _REAL_DROPPED),
    "server-to-printer/samsung-install": (
        _REAL, _REAL_REFUSED, _case("real-forbidden", _REFUSED, listens="real", asks="real-forbidden"), _REAL_DROPPED,
    ),
    "server-to-printer/hp-install": (
        _REAL, _case("real-unknown-ca", Told("failing", "tls-alert", "initiator"), listens="real", asks="real-refused"), _REAL_DROPPED,
    ),
    "server-to-printer/ipp-delivery": (_REAL, _REAL_REFUSED, _REAL_DROPPED),
    "cluster/etcd-installer": (_REAL, _REAL_DROPPED),
    "server-to-printer/terminal-pro-4-setup": (_REAL, _REAL_DROPPED),
    "printer-to-server/smb-scanning": (_REAL, _REAL_REFUSED, _REAL_DROPPED),
    "printer-to-server/webdav-scanning": (
        replace(_REAL, asks="real-put"), _case("real-unseen", _OPEN, listens="real", asks="real-put-refused"),
        replace(_REAL_DROPPED, asks="real-put"),
    ),
    "server-to-printer/ipp-tls-delivery": (
        _REAL, _case("real-unseen", _OPEN, listens="real", asks="real-refused"), _REAL_DROPPED,
    ),
    "server-to-printer/lpr-delivery": (_REAL, _REAL_REFUSED, _REAL_DROPPED),
    "server-to-printer/raw-delivery": (_REAL, _REAL_DROPPED),
    "printer-to-server/terminal-time": (_REAL, _REAL_DROPPED),
    "inter-server/mobile-print-mail": (_REAL, _REAL_REFUSED, _REAL_DROPPED),
    "inter-server/near-roaming-tcp": (_REAL, _REAL_DROPPED),
}  # fmt: skip
"""Where real programs speak (``programs``): as they should, refused by the application itself, and dropped by the router."""
