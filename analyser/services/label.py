"""The stage's door: flow tables in, labels, promises and requests out.

Knows in which order evidence counts: what the bytes show, then what another flow announced, then the port.
Roles and rules are not known here.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl

from analyser.model.service import INSIDE_TLS, Basis, Service
from analyser.services.byterows import HEAD, PREFIX, byte_rows
from analyser.services.certificates import Certificates, out_of_date
from analyser.services.datagrams import datagrams
from analyser.services.discovery import sought_and_offered
from analyser.services.handshakes import LABELLED, tls_facts
from analyser.services.heads import LONG, TYPE, heads
from analyser.services.hearing import partly_heard
from analyser.services.matcher import NO_SERVICE, FirstBytes, Matcher
from analyser.services.placing import ORIG, RESP
from analyser.services.promises import announced_service, keep, promises
from analyser.services.refusals import from_http, from_snmp, from_talks, kinds_of, notes_of, together
from analyser.services.requests import requests
from analyser.services.signature import Find, Signature, Test
from analyser.services.talks import read_talks
from analyser.tables import HANDSHAKES, LABELS, PROMISES, REQUESTS, FlowTables, LabelTables, empty

CHUNK: Final = 1 << 17
"""Flows matched at once: fewer would take more calls, more would take more memory."""


def label(
    tables: FlowTables,
    *,
    ports: Mapping[tuple[str, int], str],
    signatures: Sequence[Signature],
    key: bytes | None = None,
) -> LabelTables:
    """Label every flow.

    Args:
        tables: what the flows stage made.
        ports: (transport, responder port) → service word, for the guess where bytes say nothing.
        signatures: from :func:`analyser.services.loading.load_signatures`.
        key: random bytes that make numbers of credentials; the same for tables whose numbers are to be compared.

    Returns:
        LABELS with the rows and order of FLOWS, PROMISES and REQUESTS in time order. Never raises for any
        content of the tables.
    """
    flows, watched = tables.flows, tables.watched
    if not flows.height:
        return _nothing()
    labels = by_payload(flows, Matcher(signatures))
    labels = by_heads(flows, labels, watched, signatures).with_columns(serial=flows["serial"])
    labels = by_port(flows, labels.with_columns(wrong_side=asked_tls_answered_clear(flows, labels)), ports)
    shown = Certificates()
    talks, changed = read_talks(flows, labels, watched, shown)
    messages = datagrams(flows, labels, watched, key or secrets.token_bytes(32))
    announced, uses = keep(promises(talks, flows, labels, watched), flows)
    facts = tls_facts(flows, labels, watched, changed, shown)
    labels = _beside(labels, facts.select("serial", *LABELLED))
    snmp_refusals, notes = from_snmp(messages)
    refusals = pl.concat([from_talks(talks), from_http(flows, labels, watched), snmp_refusals])
    labels = _beside(labels, refusals.unique("serial", keep="first", maintain_order=True))
    labels = _beside(labels, together([notes, notes_of(talks), out_of_date(facts, shown)]))
    labels = _beside(labels, sought_and_offered(flows, labels, watched))
    labels = _beside(labels, kinds_of(talks)).with_columns(sublabel=pl.coalesce("types", "kind_of_talk", "sublabel"))
    labels = by_announcement(_beside(labels, uses))
    labels = _beside(labels, partly_heard(flows, labels, watched))
    return LabelTables(
        labels=complete(labels),
        promises=announced,
        requests=requests(messages),
        handshakes=facts.select(list(HANDSHAKES)),
        certificates=shown.all(),
    )


def _nothing() -> LabelTables:
    labels, promised, asked, handshakes = map(empty, (LABELS, PROMISES, REQUESTS, HANDSHAKES))
    return LabelTables(labels=labels, promises=promised, requests=asked, handshakes=handshakes, certificates=())


def _beside(labels: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Put facts of some flows, one row each, beside the labels of all."""
    return labels.join(facts, on="serial", how="left", maintain_order="left")


def by_announcement(labels: pl.DataFrame) -> pl.DataFrame:
    """Give flows to announced ports the service that was announced.

    The data of a transfer may look like anything; a database or a remote object must not look like something else. A
    port mapper promises no service that has a word: what has one by its bytes or its port keeps it.
    """
    promised = announced_service(pl.col("kind"))
    transfer = pl.col("kind").is_not_null() & (promised == Service.FTP_DATA)
    unnamed = (promised == Service.OPAQUE) & pl.col("service").is_not_null()
    server = (
        pl.col("kind").is_not_null()
        & ~unnamed
        & (
            (pl.col("basis") != Basis.PAYLOAD).fill_null(value=True)
            | (pl.col("service") == promised)
            | (pl.col("service") == Service.TLS)
        )
    )
    announced = transfer | server
    return labels.with_columns(
        service=pl.when(announced).then(promised).otherwise("service"),
        basis=pl.when(announced).then(pl.lit(str(Basis.NEGOTIATED))).otherwise("basis"),
        sublabel=pl.when(transfer).then(None).otherwise("sublabel"),
    )


def announced_anew(flows: pl.DataFrame, found: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return labelled flows and their PROMISES once more, when flows have come together that were labelled apart."""
    promised, uses = keep(found, flows)
    labelled = by_announcement(_beside(flows.drop("negotiated_by"), uses))
    return labelled.select(flows.columns), promised


def complete(labels: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of LABELS; where nothing was seen words are null, numbers 0 and booleans false."""
    nothing: dict[pl.DataType, int | bool] = {pl.Int64(): 0, pl.UInt32(): 0, pl.UInt16(): 0, pl.Boolean(): False}
    missing = [name for name in LABELS if name not in labels.columns]
    filled = labels.with_columns(pl.lit(None, dtype=LABELS[name]).alias(name) for name in missing)
    return filled.select(
        pl.col(name).cast(kind).fill_null(nothing[kind]) if kind in nothing else pl.col(name).cast(kind)
        for name, kind in LABELS.items()
    )


def by_payload(flows: pl.DataFrame, matcher: Matcher) -> pl.DataFrame:
    """Return (service, sublabel, orig_says, resp_says) for each flow from the first bytes of its two sides."""
    chunks = [_match(flows.slice(start, CHUNK), matcher) for start in range(0, flows.height, CHUNK)]
    return pl.concat(chunks)


def by_heads(
    flows: pl.DataFrame, labels: pl.DataFrame, watched: pl.DataFrame, signatures: Sequence[Signature]
) -> pl.DataFrame:
    """Return ``labels`` with those of flows of which a side was watched further than the flow table goes made anew."""
    chosen = [item for item in signatures if item.service in LONG or set(item.refines) & set(LONG)]
    patterns = [pattern for item in chosen for pattern in item.patterns]
    asked = _far(test for pattern in patterns for test in pattern.orig)
    answered = _far(test for pattern in patterns for test in pattern.resp)
    longer = heads(flows, labels, watched, {TYPE, *asked}, answered)
    if longer.is_empty():
        return labels
    both = longer.pivot("side", index="row", values="head", aggregate_function="first", maintain_order=True)
    known = flows[both["row"]]
    further = [
        pl.coalesce(both[str(side)], known[f"{name}_payload"]).alias(f"{name}_payload")
        for side, name in ((ORIG, "orig"), (RESP, "resp"))
        if str(side) in both.columns
    ]
    again = _match(known.with_columns(further), Matcher(chosen), HEAD)
    anew = again.with_columns(row=both["row"])
    return labels.with_row_index("row").update(anew, on="row", how="left", maintain_order="left").drop("row")


def _far(tests: Iterable[Test]) -> set[bytes]:
    """Return the strings that are looked for further than the flow table goes, as written and in small letters."""
    found = {needle for test in tests if isinstance(test, Find) and test.within > PREFIX for needle in test.needles}
    return found | {needle.lower() for needle in found}


def first_bytes(flows: pl.DataFrame, width: int = PREFIX) -> FirstBytes:
    """Return transport, responder port and first bytes of flows as arrays; ``width``: how many of each side."""
    proto = flows["proto"]
    transport = np.where((proto == "tcp").to_numpy(), 0, np.where((proto == "udp").to_numpy(), 1, 2)).astype(np.uint8)
    orig, resp = byte_rows(flows["orig_payload"], width), byte_rows(flows["resp_payload"], width)
    return FirstBytes(transport, flows["id.resp_p"].to_numpy(), orig, resp)


def _match(flows: pl.DataFrame, matcher: Matcher, width: int = PREFIX) -> pl.DataFrame:
    first = first_bytes(flows, width)
    found = matcher.match(first)
    # a direction that was guessed may be the wrong way round: what the bytes do not explain is tried mirrored
    doubtful = np.flatnonzero(flows["guessed"].to_numpy() & (found.service == NO_SERVICE))
    if len(doubtful):
        mirrored = matcher.match(
            FirstBytes(
                first.transport[doubtful],
                flows["id.orig_p"].to_numpy()[doubtful],
                first.resp.take(doubtful),
                first.orig.take(doubtful),
            )
        )
        found.service[doubtful], found.sublabel[doubtful] = mirrored.service, mirrored.sublabel
    services, sublabels = pl.Series(matcher.services, dtype=pl.String), pl.Series(matcher.sublabels, dtype=pl.String)
    named = _words(services, found.service)
    return pl.DataFrame(
        {
            "service": named.set(named == Service.OPAQUE, None),  # a protocol without a word of its own
            "sublabel": _words(sublabels, found.sublabel),
            "orig_says": _words(services, found.orig),
            "resp_says": _words(services, found.resp),
        }
    )


def asked_tls_answered_clear(flows: pl.DataFrame, labels: pl.DataFrame) -> pl.Series:
    """Say of which flows the initiator asks for TLS and the responder answers in clear text.

    A known protocol or plain text is an answer in clear; unknown bytes may be TLS of which the beginning is lost.
    """
    text = (
        flows["resp_payload"].bin.slice(0, 4).bin.encode("hex").str.contains(r"^([2-6][0-9a-f]|7[0-9a-e]|0[9ad]){4}$")
    )
    known = labels["resp_says"].is_not_null() & (labels["resp_says"] != Service.TLS)
    unlike = known | (labels["resp_says"].is_null() & text)
    return ((labels["orig_says"] == Service.TLS) & unlike).fill_null(value=False)


def _words(words: pl.Series, codes: np.ndarray[tuple[int], np.dtype[np.int16]]) -> pl.Series:
    """Codes to words, null for -1."""
    index = pl.Series(codes.astype(np.int64)).replace(NO_SERVICE, None)
    return words.gather(index)


def by_port(flows: pl.DataFrame, labels: pl.DataFrame, ports: Mapping[tuple[str, int], str]) -> pl.DataFrame:
    """Fill in the basis; where no bytes proved a service, guess it from transport and responder port.

    Bytes of the responder that nothing explains make the sub-label ``opaque``, beside a guess or without one.
    """
    words = {key: str(Service.TLS) if word in INSIDE_TLS else word for key, word in ports.items()}
    known = {key: word for key, word in words.items() if word in set(Service)}
    guesses = pl.DataFrame(
        {
            "proto": [transport for transport, _ in known],
            "id.resp_p": [port for _, port in known],
            "guess": list(known.values()),
        },
        schema={"proto": pl.String, "id.resp_p": pl.UInt16, "guess": pl.String},
    )
    guess = flows.select("proto", "id.resp_p").join(
        guesses, on=["proto", "id.resp_p"], how="left", maintain_order="left"
    )
    unexplained = pl.col("service").is_null() & (flows["resp_payload"].bin.size().fill_null(0) > 0)
    return labels.with_columns(guess["guess"]).with_columns(
        service=pl.coalesce("service", "guess"),
        basis=pl.coalesce(
            pl.when(pl.col("service").is_not_null()).then(pl.lit(str(Basis.PAYLOAD))),
            pl.when(pl.col("guess").is_not_null()).then(pl.lit(str(Basis.PORT))),
        ),
        sublabel=pl.when(unexplained & pl.col("sublabel").is_null())
        .then(pl.lit(str(Service.OPAQUE)))
        .otherwise(pl.col("sublabel")),
    )
