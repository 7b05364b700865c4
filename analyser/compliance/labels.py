"""How well the label of a flow agrees with what a rule asks for.

Knows the words of services and how protocols contain one another; knows no flows. Only labels from bytes are
worth comparing: a label guessed from the port is the rule's own guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from functools import cache
from typing import Final

from analyser.model.service import INSIDE_TLS, UNPUBLISHED, Service


class Fit(IntEnum):
    """How a label agrees with a rule's words, the best last."""

    NO = 0
    POSSIBLE = 1
    EXACT = 2


OVER_HTTP: Final[frozenset[str]] = frozenset(
    {Service.WEBDAV, Service.IPP, Service.WEBSOCKET, Service.ETCD, Service.HTTP2}
)
"""Protocols carried by HTTP: one may be taken for the other when only its first line was seen."""

MAY_ENCRYPT: Final[frozenset[str]] = frozenset(
    {Service.ETCD, Service.TDS, Service.RMI, Service.JGROUPS, Service.IPP, Service.TLS}
)
"""Services that a site may run inside TLS on the same port."""

_KIN: Final[tuple[frozenset[str], ...]] = (
    frozenset({Service.SMB, Service.NETBIOS}),
    frozenset({Service.ETCD, Service.HTTP2}),  # its third version is gRPC, whose paths may not have been captured
    frozenset({Service.RAW_PRINT, Service.SAFEQ_CLIENT}),  # the mark of a client may stay in the job that is printed
)


def fit(words: Iterable[str], label: str) -> Fit:
    """Return how well ``label`` (a service proved by bytes) agrees with the services that a rule writes.

    No words at all, or a word without public framing, agree with anything, but only possibly.
    """
    return max((_fit_word(word, label) for word in words), default=Fit.POSSIBLE)


@cache
def _fit_word(word: str, label: str) -> Fit:
    if word == label or (word in INSIDE_TLS and label == Service.TLS):
        return Fit.EXACT
    if word in UNPUBLISHED or Service.OPAQUE in (word, label):
        return Fit.POSSIBLE
    if label == Service.TLS:
        return Fit.POSSIBLE if word in MAY_ENCRYPT else Fit.NO
    if (word == Service.HTTP and label in OVER_HTTP) or (label == Service.HTTP and word in OVER_HTTP):
        return Fit.POSSIBLE
    return Fit.POSSIBLE if any(word in kin and label in kin for kin in _KIN) else Fit.NO
