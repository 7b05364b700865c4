"""Attempts: every TCP connection and every UDP request of the capture, with what it came to.

One attempt is one TCP connection (a row of FLOWS) or one UDP request with its repeats (a row of REQUESTS, or the flow
where the services stage found no requests in it). Knows which columns an attempt needs; what they mean is decided in
``decisions`` and ``silence``.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from analyser.compliance.attempts import between, decisions, icmp, resets, silence
from analyser.compliance.attempts.outcomes import Outcome
from analyser.compliance.attempts.vantage import Vantage
from analyser.compliance.attempts.watching import watched_until
from analyser.tables import Observed

DELAY: Final = 500_000_000
"""Nanoseconds from a first sending to its answer that are worth telling, if it had to be repeated."""

SILENT_BY_DESIGN: Final = ("snmp", "time", "sql-browser", "syslog")
"""UDP services that may drop a request without a word (wrong community, no such instance …)."""

MUTE: Final = ("raw-print", "ftp-data", "jgroups", "safeq-client")
"""Services whose responder may close without having sent anything."""

CLOSED: Final = (Outcome.CLOSED_BY_FIN, Outcome.CLOSED_BY_RESET, Outcome.CLOSED_BY_UNCOMPARED_RESET)
"""Endings that are normal for a service in ``MUTE``."""

_CHALLENGE: Final = r"^(HTTP 40[17]|LDAP 14)\b|(?i)more.processing"
"""Refusals that ask the initiator to come again with credentials."""

_GROUP_ADDRESS: Final = r"^(22[4-9]|23\d)\.|^255\.255\.255\.255$|^[fF]{2}[0-9a-fA-F]{2}:"

_FINDINGS: Final = (
    "icmp_by", "icmp_frame_at", "icmp_file_at", "icmp_of_orig", "icmp_from_responder",
    "orig_reset", "orig_reset_ttl", "orig_true_ttl", "orig_reset_hops",
    "resp_reset", "resp_reset_ttl", "resp_true_ttl", "resp_reset_hops",
)  # fmt: skip
"""What ``icmp`` and ``resets`` found out."""

_COMMON: Final = (
    "row", "serial", "orig_h", "resp_h", "port", "orig_path", "orig_dups", "label", "basis", "sublabel", "payload", *_FINDINGS,
)  # fmt: skip


def icmp_facts(observed: Observed) -> pl.DataFrame:
    """Return ``icmp.causes`` of the capture."""
    return icmp.causes(observed.flows, observed.icmp_errors)


def collect(observed: Observed, errors: pl.DataFrame, vantage: Vantage) -> pl.DataFrame:
    """Return all attempts.

    ``row`` (index into FLOWS), ``serial``, ``request`` (index into REQUESTS or null), ``t``, ``sent_last`` and
    ``last_t`` (ns), ``sends``, ``answered``, ``delay`` (ns, 0 if not worth telling), ``rtt`` (s, or null), ``loud`` and
    ``silent`` (outcome if the service must answer, and if it may stay silent), ``arrived`` (the request was seen on
    the responder's own segment), ``label``, ``basis``, ``sublabel``, ``payload`` (bytes crossed), ``challenge`` (refused with a
    challenge), ``orig_h``, ``resp_h``, ``port``, ``udp``, the columns of ``_FINDINGS``, and those of ``between.lay_over``.
    """
    joined = _with_findings(observed, errors, vantage)
    parts = pl.concat([_connections(joined), *_datagrams(joined, observed)], how="diagonal_relaxed")
    found = parts.with_row_index("attempt_id").collect()
    told = _explain_silence(found, vantage, observed)
    told = between.lay_over(told, observed)
    return told.drop("attempt_id", "credential", "orig_path", "orig_dups")


def _explain_silence(found: pl.DataFrame, vantage: Vantage, observed: Observed) -> pl.DataFrame:
    """Give attempts to which nothing came back the outcome that the capture bears; adds ``silent`` and ``arrived``."""
    quiet = found.filter(pl.col("loud") == int(Outcome.NO_WITNESS)).select(
        "row", "attempt_id", "t", "last_t", "resp_h", "port", "orig_path", "orig_dups", "credential",
        group_address=pl.col("resp_h").str.contains(_GROUP_ADDRESS),
    )  # fmt: skip
    arrived = pl.repeat(value=False, n=len(found), dtype=pl.Boolean, eager=True)
    if quiet.is_empty():
        return found.with_columns(silent="loud", arrived=arrived)
    answered = found.filter(pl.col("answered") & pl.col("credential").is_not_null()).select("row", "port", "credential")
    quiet = quiet.with_columns(_watched_until(quiet["last_t"], quiet["row"], observed))
    ends = vantage.ends_of(observed.flows)
    quiet, answered = (part.hstack(ends[part["row"]]) for part in (quiet, answered))
    told = silence.explain(quiet, answered, vantage)
    places = told["attempt_id"]
    return found.with_columns(
        loud=found["loud"].scatter(places, told["loud"]),
        silent=found["loud"].scatter(places, told["silent"]),
        arrived=arrived.scatter(places, told["arrived"]),
    )


def _watched_until(moments: pl.Series, rows: pl.Series, observed: Observed) -> pl.Series:
    """Return until when flows were watched after ``moments``: of several points, by the one that tells of them. ``rows`` of FLOWS."""
    until = watched_until(moments, observed.periods or [(observed.started, observed.ended)])
    if not observed.points:
        return until
    asked = pl.col("orig_last_frame") > 0
    last = observed.flows[rows].select(file=pl.when(asked).then("orig_last_file").otherwise("resp_last_file"))["file"]
    begins = 0
    for captures, periods in observed.point_periods:
        mine = last.is_between(begins, begins + captures, closed="left").arg_true()
        until = until.scatter(mine, watched_until(moments[mine], periods)) if periods else until
        begins += captures
    return until


def _with_findings(observed: Observed, errors: pl.DataFrame, vantage: Vantage) -> pl.LazyFrame:
    """FLOWS and LABELS with row number, ICMP errors, judged resets and the short names of ``_COMMON``."""
    flows = observed.flows
    ends = flows.lazy().select("serial", "id.resp_h").join(errors.lazy(), on="serial", how="inner").collect()
    ends = vantage.identify(vantage.identify(ends, "icmp_by", "sender"), "id.resp_h", "resp")
    from_responder = pl.col("sender_host") == pl.col("resp_host")
    known = ends.with_columns(icmp_from_responder=from_responder).drop(
        "id.resp_h", "sender_host", "sender_net", "resp_host", "resp_net"
    )
    framed = flows.lazy().with_row_index("row").with_columns(
        _watched_until(flows["last_t"], pl.arange(len(flows), eager=True), observed),
        orig_h="id.orig_h",
        resp_h="id.resp_h",
        port="id.resp_p",
        label="service",
        payload=(pl.col("orig_bytes") > 0) | (pl.col("resp_bytes") > 0),
    )  # fmt: skip
    for found in (known, resets.compare(flows, "orig", vantage.sights), resets.compare(flows, "resp", vantage.sights)):
        framed = framed.join(found.lazy(), on="serial", how="left")
    return framed


def _told_delay(asked_t: pl.Expr, answer_t: pl.Expr, sends: pl.Expr) -> pl.Expr:
    delay = answer_t - asked_t
    return pl.when((sends > 1) & (answer_t > 0) & (delay >= DELAY)).then(delay).otherwise(pl.lit(0, pl.Int64))


def _connections(joined: pl.LazyFrame) -> pl.LazyFrame:
    syn = pl.col("orig_nsyn") > 0
    started = joined.filter(pl.col("proto") == "tcp").with_columns(
        t=pl.when(syn & (pl.col("orig_syn_t") > 0)).then("orig_syn_t").otherwise("ts")
    )
    return started.select(
        *_COMMON,
        "t",
        "last_t",
        "rtt",
        request=pl.lit(None, pl.UInt32),
        sent_last=pl.max_horizontal("t", "orig_syn_last_t"),
        sends=pl.col("orig_nsyn").cast(pl.UInt64),
        answered=decisions.POSITIVE,
        delay=_told_delay(pl.col("orig_syn_t"), pl.col("resp_syn_t"), pl.col("orig_nsyn")),
        loud=decisions.decide(decisions.tcp()),
        challenge=pl.col("refused_code").str.contains(_CHALLENGE).fill_null(value=False),
        credential=pl.lit(None, pl.UInt64),
        udp=pl.lit(value=False),
    )


def _datagrams(joined: pl.LazyFrame, observed: Observed) -> list[pl.LazyFrame]:
    flows = joined.filter(pl.col("proto") != "tcp")
    requests = observed.requests.lazy().with_row_index("request")
    asked = requests.rename({"last_t": "sent_last", "file": "request_file", "frame": "request_frame"}).join(
        flows.drop("rtt", "last_t"), on="serial", how="inner", maintain_order="left"
    )
    single = asked.with_columns(
        answered=pl.col("answer_t") > 0,
        repeats_after_answer=pl.col("repeat_after_answer"),
        sends=pl.col("sent").cast(pl.UInt64),
        last_t=pl.max_horizontal("sent_last", "answer_t"),
        delay=_told_delay(pl.col("t"), pl.col("answer_t"), pl.col("sent")),
        credential=pl.col("credential").fill_null(0),
    )
    sent_t = pl.when(pl.col("orig_data_t") > 0).then("orig_data_t").otherwise("ts")
    whole = flows.join(requests.select("serial").unique(), on="serial", how="anti").with_columns(
        t=sent_t,
        sent_last=pl.max_horizontal(sent_t, "orig_data_last_t"),
        answered=pl.col("resp_pkts") > 0,
        repeats_after_answer=pl.col("orig_repeat_after_answer").cast(pl.UInt32),
        sends=pl.col("orig_pkts"),
        delay=pl.lit(0, pl.Int64),
        credential=pl.lit(None, pl.UInt64),
        request=pl.lit(None, pl.UInt32),
    )
    columns = ("t", "last_t", "request", "sent_last", "sends", "answered", "delay", "credential")
    return [
        part.select(
            *_COMMON,
            *columns,
            rtt=pl.lit(None, pl.Float64),
            loud=decisions.decide(decisions.DATAGRAM),
            challenge=pl.lit(value=False),
            udp=pl.col("proto") == "udp",
        )
        for part in (single, whole)
    ]


def unasked() -> pl.Expr:
    """Return the outcome of attempts of which no rule asks anything: their own label decides what is normal."""
    mute = pl.col("loud").is_in([int(item) for item in CLOSED]) & pl.col("label").is_in(MUTE)
    silent = pl.col("udp") & pl.col("label").is_in(SILENT_BY_DESIGN)
    return (
        pl.when(mute.fill_null(value=False)).then(int(Outcome.OPEN))
        .when(silent.fill_null(value=False)).then("silent")
        .otherwise("loud").cast(pl.UInt8)
    )  # fmt: skip
