"""TLS facts of flows as columns: from watched packets, and where a side was not watched from its first bytes.

Knows tables; how TLS reads is known in ``tls``. Numbers become words, and certificates are read, only where somebody
asks for them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import numpy as np
import polars as pl

from analyser.model.service import Service
from analyser.services.byterows import Index
from analyser.services.certificates import Certificates, certificate_notes
from analyser.services.hellos import UNTOLD, VERSIONS, protocol_names
from analyser.services.placing import ORIG, PLACED, RESP, place
from analyser.services.streams import Streams
from analyser.services.tls import ALERTS, NO_ALERT, read_tls
from analyser.services.x509 import listed, read_certificate
from analyser.tables import HANDSHAKE_WORDS, HANDSHAKES, LABELS, LabelTables

COLUMNS: Final = (
    "tls_version",
    "tls_offered",
    "server_name",
    "tls_client_hello_t",
    "tls_server_hello_t",
    "tls_client_next_t",
    "tls_alert",
    "tls_alert_from_orig",
    "tls_alert_frame",
    "tls_alert_file",
)

SCHEMA: Final[dict[str, pl.DataType]] = {**HANDSHAKES, **{name: LABELS[name] for name in COLUMNS}}

ALL_FACTS: Final[dict[str, pl.DataType]] = {**SCHEMA, "tls_certificate": LABELS["tls_certificate"]}

LABELLED: Final = (*COLUMNS, "tls_certificate")
"""Which of them are columns of LABELS."""

_FIRST: Final = [
    f"{side}_{name}" for side in ("orig", "resp") for name in ("payload", "data_t", "data_file", "data_frame")
]

_MOST_NAMES: Final = 16

_ALERT_WORDS: Final = {NO_ALERT: None, **{code: ALERTS.get(code, f"alert {code}") for code in range(256)}}


def tls_facts(
    flows: pl.DataFrame, labels: pl.DataFrame, watched: pl.DataFrame, changed: pl.DataFrame, shown: Certificates
) -> pl.DataFrame:
    """Return the TLS columns (ALL_FACTS) of every TCP flow of which a side speaks TLS, from its first byte or by agreement.

    ``changed``: ALL_FACTS of flows that changed over to TLS on the way. ``shown`` takes the certificates.
    """
    speaks = (labels["orig_says"] == Service.TLS) | (labels["resp_says"] == Service.TLS)
    chosen = flows.select(*PLACED, *_FIRST, "proto").filter(
        (speaks | (labels["service"] == Service.TLS)).fill_null(value=False), pl.col("proto") == "tcp"
    )
    segments = place(watched, chosen)
    bare = segments.bare()
    if len(bare):
        segments = segments.with_heads(_heads(chosen, watched, bare))
    facts = [all_facts(streams, flows, shown) for streams in segments.streams()]
    return pl.concat([*facts, changed]).unique("serial", keep="first", maintain_order=True)


def all_facts(streams: Streams, flows: pl.DataFrame, shown: Certificates) -> pl.DataFrame:
    """Return ALL_FACTS of conversations; ``flows`` says which address was used, ``shown`` takes the certificates."""
    facts = facts_frame(streams, shown)
    return facts.with_columns(certificate_notes(streams, facts, flows, shown))


def facts_frame(streams: Streams, shown: Certificates) -> pl.DataFrame:
    """Return what conversations show of TLS as a table of SCHEMA; ``shown`` takes the certificates."""
    facts = read_tls(streams)
    columns = (
        np.array(streams.serials, dtype=np.uint64),
        facts.cipher,
        pl.Series(facts.protocols, dtype=pl.Binary),
        pl.Series(facts.protocol, dtype=pl.Binary),
        pl.Series(map(shown.number, facts.certificate), dtype=pl.UInt32),
        facts.version,
        facts.offered,
        pl.Series(facts.server_name, dtype=pl.String),
        facts.client_hello_t,
        facts.server_hello_t,
        facts.client_next_t,
        facts.alert,
        facts.alert_from_orig,
        facts.alert_frame,
        facts.alert_file,
    )
    versions = pl.col("tls_version", "tls_offered").replace_strict(VERSIONS, default=None, return_dtype=pl.String)
    alerts = pl.col("tls_alert").replace_strict(_ALERT_WORDS, return_dtype=pl.String)
    return pl.DataFrame(dict(zip(SCHEMA, columns, strict=True))).with_columns(versions, alerts).cast(pl.Schema(SCHEMA))


def _heads(chosen: pl.DataFrame, watched: pl.DataFrame, bare: Index) -> pl.DataFrame:
    """Return the first bytes of the sides ``bare`` of flows of which not both sides were watched."""
    rest = chosen.with_row_index("flow")[np.unique(bare >> 1)]
    sides = watched.join(rest, on="serial", how="semi").select("serial", "from_orig").unique().group_by("serial").len()
    whole = sides.filter(pl.col("len") == 2)["serial"]
    rest = rest.filter(~pl.col("serial").is_in(whole.implode()))
    both = (
        rest.select(
            side=2 * pl.col("flow").cast(pl.Int64) + number,
            t=f"{name}_data_t",
            file=f"{name}_data_file",
            frame=f"{name}_data_frame",
            data=f"{name}_payload",
        )
        for number, name in ((ORIG, "orig"), (RESP, "resp"))
    )
    return pl.concat(both).filter(pl.col("side").is_in(bare), pl.col("data").bin.size() > 0)


def handshake_words(labels: LabelTables) -> pl.DataFrame:
    """Return what handshakes show, in words: ``serial`` and HANDSHAKE_WORDS, one row per row of HANDSHAKES.

    ``cert_names`` tells of up to 16 names. What cannot be read is null.
    """
    # imported late, as the library that reads certificates is: judging needs neither
    from analyser.services.ciphers import cipher_name

    table = labels.handshakes
    ciphers = {code: cipher_name(code) for code in table["cipher"].unique().to_list() if code != UNTOLD}
    read = [(number, *_certificate_words(data)) for number, data in enumerate(labels.certificates)]
    kinds = {name: kind for name, kind in HANDSHAKE_WORDS.items() if name.startswith("cert_")}
    certificates = pl.DataFrame(read, schema={"certificate": pl.UInt32(), **kinds}, orient="row")
    return (
        table.join(certificates, on="certificate", how="left", maintain_order="left")
        .with_columns(
            pl.col("cipher").replace_strict(ciphers, default=None, return_dtype=pl.String),
            *(_in_words(table[name]) for name in ("alpn", "next_protocol")),
        )
        .select("serial", *HANDSHAKE_WORDS)
    )


def _in_words(lists: pl.Series) -> pl.Series:
    found = lists.drop_nulls().unique().to_list()
    names = [protocol_names(item) for item in found]
    return lists.replace_strict(found, names, default=None, return_dtype=pl.String)


def _certificate_words(data: bytes) -> tuple[str | datetime | None, ...]:
    certificate = read_certificate(data)
    if certificate is None:
        return (None,) * 5
    names = listed(certificate, _MOST_NAMES) or None
    return certificate.subject, certificate.issuer, names, *certificate.period.times()
