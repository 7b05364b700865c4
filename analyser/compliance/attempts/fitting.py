"""Whether the protocol seen on a port contradicts what a rule asks for.

Knows words only. A label agrees with a rule as ``labels`` says; here is what follows from it when it does not.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from analyser.compliance.labels import Fit, fit
from analyser.model.service import Service

_OF_ITS_OWN: Final = frozenset({Service.YMQ, Service.SAFEQ_TERMINAL, Service.SAFEQ_CLIENT})
"""Protocols of the vendor: unpublished, but certainly none of the public ones in ``FOREIGN``."""

NAMELESS: Final = frozenset({"adb"})
"""Sub-labels of flows without a service that bytes prove: public protocols that a print site has no word for."""

FOREIGN: Final = NAMELESS | frozenset(
    {Service.HTTP, Service.IPP, Service.WEBDAV, Service.ETCD, Service.SSH, Service.SMB, Service.RMI}
)
"""Protocols that the vendor's own ones certainly are not, though their framing is not published; TLS may carry them."""

ELSEWHERE: Final = NAMELESS | frozenset(
    {Service.SSH, Service.SMB, Service.SMTP, Service.POP3, Service.IMAP, Service.FTP, Service.LDAP, Service.TDS}
)
"""Protocols with ports of their own in the matrix, or with none: what has no public framing may be anything but these."""


@cache
def misfits(services: tuple[str, ...], label: str) -> bool:
    """Tell whether ``label``, proved by bytes, is none of ``services`` (as a rule writes them; none: anything fits)."""
    if not services:
        return False
    possible = tuple(
        word
        for word in services
        if not (word in _OF_ITS_OWN and label in FOREIGN) and not (word == Service.OPAQUE and label in ELSEWHERE)
    )
    return not possible or fit(possible, label) is Fit.NO
