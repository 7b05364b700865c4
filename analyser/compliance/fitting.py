"""Whether the protocol seen on a port contradicts what a rule asks for.

Knows words only. A label agrees with a rule as ``labels`` says; here is what follows from it when it does not.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from analyser.compliance.labels import Fit, fit
from analyser.model.service import Service

NOT_YMQ: Final = frozenset(
    {Service.HTTP, Service.IPP, Service.WEBDAV, Service.ETCD, Service.SSH, Service.SMB, Service.RMI}
)
"""Protocols that YMQ certainly is not, though its own framing is not published; TLS and ZMTP may carry it."""


@cache
def misfits(services: tuple[str, ...], label: str) -> bool:
    """Tell whether ``label``, proved by bytes, is none of ``services`` (as a rule writes them; none: anything fits)."""
    if not services:
        return False
    possible = tuple(word for word in services if not (word == Service.YMQ and label in NOT_YMQ))
    return not possible or fit(possible, label) is Fit.NO
