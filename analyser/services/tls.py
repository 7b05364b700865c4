"""TLS as far as it is in clear: hellos, chosen version, server name, fatal alerts, and when each side spoke.

RFC 8446 and 5246 (records, hellos, alerts), RFC 5246 appendix E.2 (the hello of SSL 2.0). Knows bytes and their packets;
must not know flows or what an alert means for a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analyser.services.byterows import Bools, Bytes, Index
from analyser.services.certificates import beside_hellos
from analyser.services.chains import number
from analyser.services.hellos import UNTOLD, known_version, read_client_hellos, read_server_hellos
from analyser.services.streams import Streams
from analyser.services.tlsrecords import NONE, Records, read_records

ALERTS: Final[dict[int, str]] = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
}
"""IANA "TLS Alerts"."""


NO_ALERT: Final = NONE

_CLIENT_HELLO, _SERVER_HELLO = 1, 2


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """What the clear part of k conversations shows, (k,) each; times in ns, 0 where nothing was seen.

    ``version`` and ``offered`` are keys of ``hellos.VERSIONS`` or 0; ``cipher`` and ``alert`` are numbers, -1 where there
    is none. ``protocols`` (offered) and ``protocol`` (chosen) are lists for ``hellos.protocol_names``, ``certificate`` is
    the server's own, in DER.
    """

    version: Index
    offered: Index
    server_name: list[str | None]
    client_hello_t: Index
    server_hello_t: Index
    client_next_t: Index
    cipher: Index
    protocols: list[bytes | None]
    protocol: list[bytes | None]
    certificate: list[bytes | None]
    alert: Index
    alert_from_orig: Bools
    alert_frame: Index
    alert_file: Index


@dataclass(frozen=True, slots=True)
class _Runs:
    """Where the runs of streams lie among their bytes, and the first run of each side (NONE: the side has no run)."""

    data: Bytes
    begin: Index
    end: Index
    first: Index


def read_tls(streams: Streams) -> TlsFacts:
    """Read both sides of conversations; anything that is not TLS ends the reading of that run."""
    runs = _runs(streams)
    old_version, old_size = _old_hellos(streams, runs)
    records = read_records(runs.data, runs.begin + old_size, runs.end)
    offered, names, protocols, client_hello_t, after = _clients(streams, runs, records, old_version, old_size)
    chosen = _servers(streams, runs, records)
    alert, from_orig, alert_frame, alert_file = _alerts(streams, records)
    return TlsFacts(
        version=chosen.version,
        offered=offered,
        server_name=names,
        client_hello_t=client_hello_t,
        server_hello_t=chosen.hello_t,
        client_next_t=_next_bytes(streams, after, chosen.hello_t),
        cipher=chosen.cipher,
        protocols=protocols,
        protocol=chosen.protocol,
        certificate=chosen.certificate,
        alert=alert,
        alert_from_orig=from_orig,
        alert_frame=alert_frame,
        alert_file=alert_file,
    )


def _runs(streams: Streams) -> _Runs:
    bounds = streams.offsets[streams.run_first]
    first = np.full(2 * len(streams.serials), NONE, dtype=np.int64)
    first[streams.run_side[::-1]] = np.arange(len(streams.run_side))[::-1]
    return _Runs(np.frombuffer(streams.data, dtype=np.uint8), bounds[:-1], bounds[1:], first)


def _beginning(streams: Streams, runs: _Runs, side: int) -> tuple[Index, Index]:
    """Return the flows whose initiator (0) or responder (1) was seen from its first byte on, and the runs where."""
    first = runs.first[side::2]
    flows = np.flatnonzero(first != NONE)
    flows = flows[streams.run_at[first[flows]] == 0]
    return flows, first[flows]


def _packet(streams: Streams, place: Index) -> Index:
    """Return the segments that hold places of the data."""
    return np.searchsorted(streams.offsets, place, "right") - 1


def _old_hellos(streams: Streams, runs: _Runs) -> tuple[Index, Index]:
    """Return for each run the version and the size of the SSL 2.0 hello that it begins with; zeros if with none."""
    version, size = (np.zeros(len(runs.begin), dtype=np.int64) for _ in range(2))
    _, chosen = _beginning(streams, runs, 0)
    chosen = chosen[runs.end[chosen] - runs.begin[chosen] >= 5]
    begin = runs.begin[chosen]
    length, told = number(runs.data, begin, 2), number(runs.data, begin + 3, 2)
    old = (length >= 0x8000) & (runs.data[begin + 2] == _CLIENT_HELLO) & ((told >> 8 == 3) | (told == 2))
    version[chosen[old]], size[chosen[old]] = told[old], 2 + (length[old] & 0x7FFF)
    return version, size


def _clients(
    streams: Streams, runs: _Runs, records: Records, old_version: Index, old_size: Index
) -> tuple[Index, list[str | None], list[bytes | None], Index, Index]:
    """Return what clients offered and wanted, when, and where the hello ends in the stream (NONE: it was not seen).

    That is version, name of the server and protocols.
    """
    count = len(streams.serials)
    offered, hello_t, after = np.zeros(count, np.int64), np.zeros(count, np.int64), np.full(count, NONE, np.int64)
    names: list[str | None] = [None] * count
    protocols: list[bytes | None] = [None] * count
    flows, chosen = _beginning(streams, runs, 0)
    old = old_size[chosen] > 0
    offered[flows] = known_version(old_version[chosen])
    after[flows[old]] = old_size[chosen[old]]
    messages = records.messages
    new = ~old & messages.begin_with(_CLIENT_HELLO)[chosen]
    hellos, rows = chosen[new], flows[new]
    at, size = messages.at[hellos] + 4, np.maximum(messages.size[hellos] - 4, 0)
    offered[rows], wanted, listed = read_client_hellos(messages.data, at, size, messages.whole[hellos])
    for row, name, item in zip(rows.tolist(), wanted, listed, strict=True):
        names[row], protocols[row] = name, item
    after[rows] = messages.end[hellos] - runs.begin[hellos]
    seen = old | new
    hello_t[flows[seen]] = streams.t[streams.run_first[chosen[seen]]]
    return offered, names, protocols, hello_t, after


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What servers chose and showed, and when: as in TlsFacts."""

    version: Index
    cipher: Index
    protocol: list[bytes | None]
    certificate: list[bytes | None]
    hello_t: Index


def _servers(streams: Streams, runs: _Runs, records: Records) -> _Chosen:
    count = len(streams.serials)
    version, hello_t = (np.zeros(count, dtype=np.int64) for _ in range(2))
    cipher = np.full(count, UNTOLD, dtype=np.int64)
    protocol: list[bytes | None] = [None] * count
    certificate: list[bytes | None] = [None] * count
    messages = records.messages
    flows, chosen = _beginning(streams, runs, 1)
    told = messages.begin_with(_SERVER_HELLO)[chosen]
    flows, chosen = flows[told], chosen[told]
    at, size = messages.at[chosen] + 4, np.maximum(messages.size[chosen] - 4, 0)
    version[flows], cipher[flows], listed = read_server_hellos(messages.data, at, size)
    shown = beside_hellos(runs.data, messages, chosen, runs.begin[chosen], runs.end[chosen])
    for row, item, found in zip(flows.tolist(), listed, shown, strict=True):
        protocol[row], certificate[row] = item, found
    hello_t[flows] = streams.t[streams.run_first[chosen]]
    # where the hello itself was not captured, what follows it shows that it was sent
    flows = np.flatnonzero(runs.first[1::2] != NONE)
    chosen = runs.first[1::2][flows]
    late = (streams.run_at[chosen] != 0) & (records.spoken[chosen] != NONE)
    hello_t[flows[late]] = streams.t[_packet(streams, records.spoken[chosen[late]])]
    return _Chosen(version, cipher, protocol, certificate, hello_t)


def _alerts(streams: Streams, records: Records) -> tuple[Index, Bools, Index, Index]:
    """Return number, sender and packet of the earliest fatal alert in clear: no change of cipher stands before it."""
    count = len(streams.serials)
    alert, frame, file = np.full(count, NONE, np.int64), np.zeros(count, np.int64), np.zeros(count, np.int64)
    from_orig = np.zeros(count, dtype=np.bool_)
    # of each side the first run where something ends what is in clear
    ended = np.flatnonzero(records.last != NONE)
    sides, place = np.unique(streams.run_side[ended], return_index=True)
    ended = ended[place]
    fatal = records.alert[ended] != NONE
    sides, ended = sides[fatal], ended[fatal]
    packet = _packet(streams, records.last[ended])
    # the latest first, so that the earliest is what remains; in one packet the initiator's
    order = np.lexsort((sides, streams.frame[packet], streams.file[packet], streams.t[packet]))[::-1]
    flows, packet = sides[order] >> 1, packet[order]
    alert[flows], from_orig[flows] = records.alert[ended[order]], sides[order] % 2 == 0
    frame[flows], file[flows] = streams.frame[packet], streams.file[packet]
    return alert, from_orig, frame, file


def _next_bytes(streams: Streams, after: Index, since: Index) -> Index:
    """Return when each client first sent bytes behind ``after`` of its stream, not before ``since``; 0 if it did not."""
    next_t = np.zeros(len(after), dtype=np.int64)
    side = np.repeat(streams.run_side, np.diff(streams.run_first))
    flow = side >> 1
    ends = streams.at + np.diff(streams.offsets)
    fits = (
        (side % 2 == 0) & (after[flow] != NONE) & (since[flow] != 0) & (ends > after[flow]) & (streams.t >= since[flow])
    )
    found = np.flatnonzero(fits)[::-1]
    next_t[flow[found]] = streams.t[found]  # backwards, so that the first in the stream is what remains
    return next_t
