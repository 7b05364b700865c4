"""What one attempt came to, as far as its own flow shows: two decision tables, the first line that fits.

``tcp`` judges connections, ``DATAGRAM`` requests. Both work on columns of FLOWS and LABELS, joined with what
``icmp`` and ``resets`` found out (``icmp_…``, ``orig_reset``, ``resp_reset``), for all attempts at once. An attempt
to which nothing came back ends as ``NO_WITNESS`` here; what its silence means is for ``silence`` to say.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from analyser.compliance.attempts import resets, silence
from analyser.compliance.attempts.outcomes import Outcome
from analyser.model.finding import Cause

TLS_PATIENCE: Final = 5_000_000_000
"""Nanoseconds after which a TLS handshake without progress has stalled."""

_ICMP_OUTCOMES: Final = {
    Cause.ICMP_ADMIN_PROHIBITED: Outcome.ICMP_ADMIN_PROHIBITED,
    Cause.ICMP_HOST_UNREACHABLE: Outcome.ICMP_HOST_UNREACHABLE,
    Cause.ICMP_NET_UNREACHABLE: Outcome.ICMP_NET_UNREACHABLE,
    Cause.ICMP_PORT_UNREACHABLE: Outcome.ICMP_PORT_UNREACHABLE,
    Cause.ICMP_OTHER: Outcome.ICMP_OTHER,
}

_col = pl.col
Line = tuple[pl.Expr, Outcome | pl.Expr]


def _flag(name: str) -> pl.Expr:
    return _col(name).fill_null(value=False)


_SYN: Final = _col("orig_nsyn") > 0
_SYN_ACK: Final = _col("resp_nsynack") > 0
_BEGUN_BEFORE: Final = ~_SYN & ~_SYN_ACK
_ORIG_SEEN: Final = _col("orig_pkts") > 0
_RESP_SEEN: Final = _col("resp_pkts") > 0
_BOTH_SEEN: Final = _ORIG_SEEN & _RESP_SEEN
_ORIG_SAID: Final = _col("orig_bytes") > 0
_RESP_SAID: Final = _col("resp_bytes") > 0
_ORIG_SENT: Final = _ORIG_SAID | _flag("resp_acks_payload")
_RESP_SENT: Final = _RESP_SAID | _flag("orig_acks_payload")
"""Payload was seen, or acknowledged by the other end though the capture lost it."""
_ORIG_RST: Final = _col("orig_nrst") > 0
_RESP_RST: Final = _col("resp_nrst") > 0
_ORIG_FIN: Final = _col("orig_nfin") > 0
_RESP_FIN: Final = _col("resp_nfin") > 0
_ORIG_SPOKE: Final = _flag("orig_acks") | _ORIG_SAID
_RESP_SPOKE: Final = _flag("resp_acks") | _RESP_SAID
_NEVER: Final = 2**63 - 1


def _moment(condition: pl.Expr, column: str) -> pl.Expr:
    """The time in ``column`` where the condition holds, else the end of time."""
    return pl.when(condition).then(_col(column)).otherwise(pl.lit(_NEVER, pl.Int64))


_ORIG_CLOSED: Final = pl.min_horizontal(_moment(_ORIG_FIN, "orig_fin_t"), _moment(_ORIG_RST, "orig_rst_t"))
_RESP_CLOSED: Final = pl.min_horizontal(_moment(_RESP_FIN, "resp_fin_t"), _moment(_RESP_RST, "resp_rst_t"))
_CLOSED: Final = pl.min_horizontal(_ORIG_CLOSED, _RESP_CLOSED)

_ENDINGS: Final = {
    side: _col(f"{side}_nrst").cast(pl.UInt64) + _col(f"{side}_nfin").cast(pl.UInt64) for side in ("orig", "resp")
}
_END_ONLY: Final = (
    ~_ORIG_SAID & ~_RESP_SAID & (_col("orig_pkts") <= _ENDINGS["orig"]) & (_col("resp_pkts") <= _ENDINGS["resp"])
)  # fmt: skip
"""Nothing but FINs and RSTs."""

_ICMP_OUTCOME: Final = (
    pl.when((_col("icmp_cause") == Cause.ICMP_PORT_UNREACHABLE) & _flag("icmp_from_responder"))
    .then(int(Outcome.ICMP_PORT_UNREACHABLE_OWN))
    .otherwise(_col("icmp_cause").replace_strict(
        {str(cause): int(outcome) for cause, outcome in _ICMP_OUTCOMES.items()}, default=None, return_dtype=pl.UInt8
    ))
)  # fmt: skip
_ICMP: Final = _col("icmp_cause").is_not_null()
_ICMP_ABOUT_REQUEST: Final = _ICMP & _flag("icmp_of_orig")
_ICMP_ABOUT_ANSWER: Final = _ICMP & ~_flag("icmp_of_orig") & (_col("icmp_cause") != Cause.ICMP_PORT_UNREACHABLE)
"""An initiator that no longer listens says "port unreachable" about a late answer: that stops nothing."""

_FORGED: Final = (_col("orig_reset") == resets.FORGED).fill_null(value=False) | (
    _col("resp_reset") == resets.FORGED
).fill_null(value=False)
_PERHAPS_FORGED: Final = (_col("orig_reset") == resets.PERHAPS_FORGED).fill_null(value=False) | (
    _col("resp_reset") == resets.PERHAPS_FORGED
).fill_null(value=False)
_COMPARED: Final = (_col("resp_reset") == resets.GENUINE).fill_null(value=False)

POSITIVE: Final = _SYN_ACK | _RESP_SPOKE | _flag("orig_acks")
"""Somebody answered: seen, or acknowledged by an initiator whose peer is not in the capture."""
_ORIG_STUCK: Final = (_col("orig_stuck") >= 2) & _RESP_SEEN & (_col("resp_zero_window") == 0)
_RESP_STUCK: Final = (_col("resp_stuck") >= 2) & _ORIG_SEEN & (_col("orig_zero_window") == 0)
"""A closed window is a receiver that stopped reading, not a path that drops."""
_UNHEARD: Final = _SYN_ACK & ~_ORIG_SPOKE & _ORIG_SEEN & ~_ORIG_RST & ~_ORIG_FIN
"""The responder agreed; the initiator neither acknowledged nor declined. A responder may give up with a reset."""
_NO_WORD: Final = _UNHEARD & ~_RESP_RST
_PROBE: Final = (
    (_SYN_ACK | _flag("orig_acks")) & _ORIG_RST & ~_ORIG_SENT & ~_RESP_SENT
    & ~(_ORIG_FIN & (_col("orig_fin_t") <= _col("orig_rst_t"))) & ~(_RESP_FIN & (_col("resp_fin_t") <= _col("orig_rst_t")))
)  # fmt: skip
_RESET_AFTER_HANDSHAKE: Final = (
    _SYN_ACK
    & _RESP_RST
    & (_col("resp_rst_t") >= _col("resp_syn_t"))
    & ~_RESP_SENT
    & (_ORIG_SAID | ~(_ORIG_FIN & (_col("orig_fin_t") <= _col("resp_rst_t"))))
)
_RESPONDER_CLOSED: Final = (
    _RESP_FIN
    & _ORIG_SAID
    & ~_RESP_SENT
    & (_col("resp_fin_t") < _ORIG_CLOSED)
    & (_col("orig_data_t") <= _col("resp_fin_t"))
)
_ALERT: Final = _col("tls_alert").is_not_null()
_REFUSED: Final = _col("refused_code").is_not_null()
_HELLO: Final = _col("tls_client_hello_t").fill_null(0)
_SERVER_HELLO: Final = _col("tls_server_hello_t").fill_null(0)


_WATCHED_UNTIL: Final = _col("until")


def _tls_stalled() -> pl.Expr:
    until = pl.min_horizontal(_CLOSED, _WATCHED_UNTIL)
    asked = (_HELLO > 0) & (_SERVER_HELLO == 0) & _flag("resp_acks_payload")
    unanswered = (
        asked & ~_RESP_SENT & ((until - _HELLO >= TLS_PATIENCE) | (_ORIG_CLOSED < _RESP_CLOSED))
    )  # fmt: skip
    # a conversation that changed over to TLS: the responder spoke before, and has no word for the hello
    cut_off = (
        asked & _RESP_SAID & (_col("resp_data_last_t") <= _HELLO) & (_col("missed_bytes") == 0)
        & ((until - _HELLO >= TLS_PATIENCE) | (_CLOSED < _NEVER))
    )  # fmt: skip
    unfinished = (
        (_HELLO > 0) & (_SERVER_HELLO > 0) & (_col("tls_client_next_t").fill_null(0) == 0)
        & (_col("orig_data_last_t") <= _SERVER_HELLO) & (_col("missed_bytes") == 0)
        & ((_WATCHED_UNTIL - _SERVER_HELLO >= TLS_PATIENCE) | (_CLOSED < _NEVER))
    )  # fmt: skip
    return unanswered | cut_off | unfinished


def tcp() -> tuple[Line, ...]:
    """Return the decision table of one TCP connection, first line first."""
    early = _WATCHED_UNTIL - _col("t") < silence.PATIENCE
    heard_again = (_col("resp_nsynack") > 1) | (_col("orig_syn_last_t") > _col("resp_syn_t"))
    return (
        (_BEGUN_BEFORE & _END_ONLY & ~(_flag("orig_acks") & _flag("resp_acks")), Outcome.NO_ATTEMPT),
        (_FORGED, Outcome.RESET_IN_PATH),
        (_PERHAPS_FORGED, Outcome.RESET_PERHAPS_IN_PATH),
        # A conversation that was running when the capture began.
        (_BEGUN_BEFORE & _ORIG_SPOKE & _RESP_SPOKE, Outcome.MID_STREAM),
        (_BEGUN_BEFORE & (_flag("orig_acks_payload") | _flag("resp_acks_payload")), Outcome.INFERRED),
        (_BEGUN_BEFORE, Outcome.ONE_SIDED),
        # No positive answer: an error, a reset, or nothing.
        (~POSITIVE & _ICMP_ABOUT_REQUEST & ~(_RESP_RST & (_col("resp_rst_t") < _col("icmp_at"))), _ICMP_OUTCOME),
        (~POSITIVE & _RESP_RST & _COMPARED, Outcome.REFUSED),
        (~POSITIVE & _RESP_RST, Outcome.REFUSED_UNCOMPARED),
        (~POSITIVE, Outcome.NO_WITNESS),
        # One direction only. Acknowledgements prove the port open, but a refusal in so many words is seen, not inferred.
        (~_BOTH_SEEN & (_ORIG_SPOKE | _RESP_SPOKE) & _ALERT, Outcome.TLS_ALERT),
        (~_ORIG_SEEN & _RESP_SPOKE & _REFUSED, Outcome.APPLICATION_REFUSED),
        (~_ORIG_SEEN & _RESP_SPOKE, Outcome.INFERRED),
        (~_ORIG_SEEN, Outcome.ONE_SIDED),
        (_PROBE, Outcome.PROBE),
        (~_RESP_SEEN, Outcome.INFERRED),
        # The answer does not arrive, or what follows does not.
        (_NO_WORD & _ICMP_ABOUT_ANSWER, _ICMP_OUTCOME),
        (_UNHEARD & (_col("resp_nsynack") >= 3), Outcome.RETURN_PATH),
        (_NO_WORD & heard_again & early, Outcome.PENDING),
        (_NO_WORD & heard_again, Outcome.UNFINISHED),
        (_ALERT, Outcome.TLS_ALERT),
        ((_ORIG_STUCK & _ICMP_ABOUT_REQUEST) | (_RESP_STUCK & _ICMP_ABOUT_ANSWER), _ICMP_OUTCOME),
        (_ORIG_STUCK | _RESP_STUCK, Outcome.DROPPED_AFTER_HANDSHAKE),
        # The network is open; what about the application?
        (_flag("wrong_side"), Outcome.WRONG_PROTOCOL),
        (_tls_stalled(), Outcome.TLS_STALLED),
        (_RESPONDER_CLOSED, Outcome.CLOSED_BY_FIN),
        (_RESET_AFTER_HANDSHAKE & _COMPARED, Outcome.CLOSED_BY_RESET),
        (_RESET_AFTER_HANDSHAKE, Outcome.CLOSED_BY_UNCOMPARED_RESET),
        (_REFUSED, Outcome.APPLICATION_REFUSED),
        (pl.lit(value=True), Outcome.OPEN),
    )


DATAGRAM: Final[tuple[Line, ...]] = (
    (_col("repeats_after_answer") >= 2, Outcome.RETURN_PATH),
    (_flag("answered") & ~_ORIG_SEEN, Outcome.ONE_SIDED),
    (_flag("answered") & _ICMP_ABOUT_ANSWER, _ICMP_OUTCOME),
    (_flag("answered") & _REFUSED, Outcome.APPLICATION_REFUSED),
    (_flag("answered"), Outcome.OPEN),
    (_ICMP_ABOUT_REQUEST & (_col("icmp_until") >= _col("t")), _ICMP_OUTCOME),
    (pl.lit(value=True), Outcome.NO_WITNESS),
)
"""The decision table of one datagram request (or any flow that is not TCP), first line first."""


def decide(table: tuple[Line, ...]) -> pl.Expr:
    """Return the outcome of the first line that fits, as a number of ``Outcome``."""
    chain = pl.lit(int(Outcome.NO_ATTEMPT), pl.UInt8)
    for condition, outcome in reversed(table):
        value = outcome if isinstance(outcome, pl.Expr) else pl.lit(int(outcome), pl.UInt8)
        chain = pl.when(condition.fill_null(value=False)).then(value.cast(pl.UInt8)).otherwise(chain)
    return chain
