"""The certificates that servers and clients show in clear (TLS 1.2 and before; RFC 5246, section 7.4.2).

Knows where a certificate stands in a handshake, and which alerts are about whose: who sends an alert judges the
certificate of the other side. How a certificate reads is known in ``x509``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from analyser.services.byterows import Bytes, Index
from analyser.services.chains import number
from analyser.services.streams import Streams
from analyser.services.tlsrecords import HANDSHAKE, Messages
from analyser.services.x509 import Period, described, read_certificate, validity

MOST: Final = 2000
"""Alerts per table that are looked into, and certificates that are kept: a scan may draw thousands of them."""

_CERTIFICATE: Final = 11
_RECORD_HEADER, _MESSAGE_HEADER, _LIST_HEADER = 5, 4, 6
_SECOND: Final = 1_000_000_000


class Certificates:
    """The certificates that servers showed, each once: many conversations show few."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}

    def number(self, shown: bytes | None) -> int | None:
        """Return the number of a certificate, None if there is none or no room for another."""
        if shown is None:
            return None
        if shown not in self._numbers and len(self._numbers) == MOST:
            return None
        return self._numbers.setdefault(shown, len(self._numbers))

    def all(self) -> tuple[bytes, ...]:
        """Return all, by their numbers."""
        return tuple(self._numbers)


def beside_hellos(data: Bytes, messages: Messages, hellos: Index, begin: Index, end: Index) -> list[bytes | None]:
    """Return the first certificate in the message behind each ServerHello, None where it is not there whole.

    Args:
        data: the bytes of all runs.
        messages: the first message of every run.
        hellos: the runs that begin with a ServerHello (k).
        begin: where each of those lies in ``data`` (k).
        end: where it ends (k).
    """
    stop = messages.end[hellos]
    behind = messages.at[hellos] + messages.size[hellos]
    same = behind < stop  # the record of the hello holds more
    record = ~same & (stop + _RECORD_HEADER <= end) & (number(data, stop, 2) == HANDSHAKE << 8 | 3)
    at = np.where(same, behind, stop + _RECORD_HEADER)
    limit = np.where(same, stop, np.minimum(at + number(data, stop + 3, 2), end))
    # a hello in several records was copied behind the data: then it is read step by step
    spread = messages.whole[hellos] & (messages.at[hellos] >= len(data))
    told = (messages.whole[hellos] & (same | record) & (number(data, at, 1) == _CERTIFICATE)) | spread
    first = at + _MESSAGE_HEADER + _LIST_HEADER
    size = number(data, first - 3, 3)
    ends = at + _MESSAGE_HEADER + number(data, at + 1, 3)
    within = ~spread & (first + size <= np.minimum(limit, ends)) & (size > 0)
    shown: list[bytes | None] = [None] * len(hellos)
    whole, rest = np.flatnonzero(told & within), np.flatnonzero(told & ~within)
    for row, start, octets in zip(whole.tolist(), first[whole].tolist(), size[whole].tolist(), strict=True):
        shown[row] = data[start : start + octets].tobytes()
    for row, start, after in zip(rest.tolist(), begin[rest].tolist(), end[rest].tolist(), strict=True):
        shown[row] = first_certificate(data[start:after].tobytes())
    return shown


def certificate_notes(streams: Streams, facts: pl.DataFrame, flows: pl.DataFrame, shown: Certificates) -> pl.Series:
    """Return a line about the certificate that an alert is about for each row of ``facts``, mostly null.

    ``facts`` has a row per flow of ``streams``; ``flows`` has ``serial`` and ``id.resp_h``, the address that was used.
    """
    told: list[str | None] = [None] * facts.height
    rows = np.flatnonzero(facts["tls_alert"].is_not_null().to_numpy())[:MOST].tolist()
    if rows:
        serials = facts["serial"].gather(rows)
        used = flows.filter(pl.col("serial").is_in(serials.implode())).select("serial", "id.resp_h")
        addresses = dict(used.iter_rows())
        servers = shown.all()
        for row in rows:
            by_client = bool(facts["tls_alert_from_orig"][row])
            number = facts["certificate"][row]
            if by_client:
                data = None if number is None else servers[number]
            else:
                data = first_certificate(_beginning(streams, 2 * row))
            certificate = read_certificate(data) if data else None
            if certificate is not None:
                name, address = facts["server_name"][row], addresses.get(facts["serial"][row])
                wanted = [item for item in (name or address,) if item] if by_client else None
                told[row] = described(certificate, facts["tls_client_hello_t"][row], wanted)
    return pl.Series("tls_certificate", told, dtype=pl.String)


def out_of_date(facts: pl.DataFrame, shown: Certificates) -> pl.DataFrame:
    """Return (serial, answer_note) of conversations in which a server showed a certificate before or after its time.

    ``facts`` are rows of :data:`analyser.services.handshakes.ALL_FACTS`.
    """
    periods = ((number, validity(data)) for number, data in enumerate(shown.all()))
    known = pl.DataFrame(
        [(number, *period, *_words(period)) for number, period in periods if period is not None],
        schema={"certificate": pl.UInt32, "from": pl.Int64, "until": pl.Int64, "early": pl.String, "late": pl.String},
        orient="row",
    )
    when = pl.col("tls_server_hello_t") // _SECOND
    late, early = when > pl.col("until"), when < pl.col("from")
    return (
        facts.select("serial", "certificate", "tls_server_hello_t")
        .join(known, on="certificate", how="inner", maintain_order="left")
        .filter(late | early)
        .select("serial", answer_note=pl.when(late).then("late").otherwise("early"))
    )


def _words(period: Period) -> tuple[str, str]:
    since, until = period.days()
    return f"the server's certificate is not valid before {since}", f"the server's certificate expired {until}"


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
