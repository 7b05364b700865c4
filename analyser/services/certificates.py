"""The certificate that a fatal alert is about, where it is in clear (TLS 1.2 and before; RFC 5246, section 7.4.2).

Who sends an alert judges the certificate of the other side. Only conversations that ended in an alert are looked at, so
the cost does not grow with the traffic. How a certificate reads is known in ``x509``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from analyser.services.streams import Streams
from analyser.services.tlsrecords import HANDSHAKE
from analyser.services.x509 import described, read_certificate

MOST: Final = 2000
"""Alerts per table that are looked into: a scan may draw thousands, all about few certificates."""

_CERTIFICATE: Final = 11
_RECORD_HEADER, _MESSAGE_HEADER, _LIST_HEADER = 5, 4, 6


def certificate_notes(streams: Streams, facts: pl.DataFrame, flows: pl.DataFrame) -> pl.Series:
    """Return a line about the certificate for each row of ``facts`` (one per flow of ``streams``), mostly null.

    ``flows`` has ``serial`` and ``id.resp_h``, the address that was used.
    """
    told: list[str | None] = [None] * facts.height
    rows = np.flatnonzero(facts["tls_alert"].is_not_null().to_numpy())[:MOST].tolist()
    if rows:
        serials = facts["serial"].gather(rows)
        used = flows.filter(pl.col("serial").is_in(serials.implode())).select("serial", "id.resp_h")
        addresses = dict(used.iter_rows())
        for row in rows:
            by_client = bool(facts["tls_alert_from_orig"][row])
            shown = first_certificate(_beginning(streams, 2 * row + by_client))
            certificate = read_certificate(shown) if shown else None
            if certificate is not None:
                name, address = facts["server_name"][row], addresses.get(facts["serial"][row])
                wanted = [item for item in (name or address,) if item] if by_client else None
                told[row] = described(certificate, facts["tls_client_hello_t"][row], wanted)
    return pl.Series("tls_certificate", told, dtype=pl.String)


def _beginning(streams: Streams, side: int) -> bytes:
    """Return what a side sent from its first byte on without a gap; nothing if its first byte was not seen."""
    run = int(np.searchsorted(streams.run_side, side))
    if run == len(streams.run_side) or streams.run_side[run] != side or streams.run_at[run] != 0:
        return b""
    begin, end = streams.offsets[streams.run_first[run : run + 2]].tolist()
    return streams.data[begin:end]


def first_certificate(data: bytes) -> bytes | None:
    """Return the certificate of the side that sent ``data`` (the first of its list), None if it is not there whole."""
    said = _handshake(data)
    at = 0
    while at + _MESSAGE_HEADER <= len(said):
        end = at + _MESSAGE_HEADER + int.from_bytes(said[at + 1 : at + 4], "big")
        if said[at] == _CERTIFICATE:
            begin = at + _MESSAGE_HEADER + _LIST_HEADER
            size = int.from_bytes(said[begin - 3 : begin], "big")
            found = said[begin : begin + size]
            return found if size and begin + size <= min(end, len(said)) else None
        at = end
    return None


def _handshake(data: bytes) -> bytes:
    """Return the handshake messages of the records at the beginning, one behind the other."""
    at, parts = 0, []
    while at + _RECORD_HEADER <= len(data) and data[at] == HANDSHAKE and data[at + 1] == 3:
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        parts.append(data[at + _RECORD_HEADER : at + _RECORD_HEADER + size])
        at += _RECORD_HEADER + size
    return b"".join(parts)
