"""The flow table as readers get it: public columns, and every format says the same."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analyser.model.capture import InputError
from analyser.report.flow_files import ENDINGS, flow_page, write_csv, write_flows, write_jsonl, write_zeek
from analyser.report.flows import flow_table
from analyser.tables import FLOWS, FLOWS_PUBLIC, HANDSHAKE_WORDS, LABELS
from tests.compliance_ports.made import T0, flow

ZEEK_ORDER = [
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "service",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "conn_state",
    "history",
    "missed_bytes",
    "orig_pkts",
    "orig_ip_bytes",
    "resp_pkts",
    "resp_ip_bytes",
    "tunnel_parents",
    "community_id",
    "basis",
    "tls_version",
    "server_name",
    "rtt",
]
"""The contract's columns up to the ones whose order it leaves open."""


def table(*flows: dict[str, Any], captures: tuple[str, ...] = ("a.pcap", "b.pcap")) -> pl.DataFrame:
    return flow_table(pl.DataFrame(list(flows), schema={**FLOWS, **LABELS, **HANDSHAKE_WORDS}), captures)


def written(frame: pl.DataFrame, writer: Any) -> str:
    file = io.BytesIO()
    writer([frame], file)
    return file.getvalue().decode()


def zeek_rows(text: str) -> list[dict[str, str]]:
    """Read conn.log as its header says: the separator, the names, the rows."""
    lines = text.splitlines()
    assert lines[0] == "#separator \\x09"
    (names,) = [line.split("\t")[1:] for line in lines if line.startswith("#fields")]
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines if not line.startswith("#")]


def test_columns_stand_in_the_order_of_the_contract() -> None:
    """Zeek's columns first and in the contract's order, each once, and no inner column leaks."""
    columns = table(flow()).columns
    assert columns[: len(ZEEK_ORDER)] == ZEEK_ORDER
    assert set(FLOWS_PUBLIC) < set(columns)
    assert not [name for name in columns if name.endswith("_t") or name in ("serial", "orig_payload", "orig_path")]


def test_a_sub_label_is_a_column() -> None:
    """Which kind of a service was spoken stands in the table, null where bytes do not tell."""
    frame = table(flow(service="snmp", basis="payload", sublabel="v2c get"), flow(service="dns"))
    assert frame["sublabel"].to_list() == ["v2c get", None]


SHOWN = {
    "cipher": "TLS_RSA_WITH_AES_128_CBC_SHA", "alpn": "h2, http/1.1", "next_protocol": "h2", "cert_subject": "printer",
    "cert_issuer": "Site CA", "cert_names": "a.example, 192.0.2.9",
    "cert_not_before": dt.datetime(2020, 1, 2, tzinfo=dt.UTC), "cert_not_after": dt.datetime(9999, 12, 31, tzinfo=dt.UTC),
}  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_a_handshake_shows_is_in_every_format(tmp_path: Path, ending: str) -> None:
    """Suite, protocols and the server's certificate are columns; dates are times, also those far away."""
    path = tmp_path / f"flows{ending}"
    write_flows([table(flow(service="tls") | SHOWN, flow(sport=7))], path)
    if ending == ".parquet":
        shown, nothing = pl.read_parquet(path).select(list(SHOWN)).rows(named=True)
        assert (shown, set(nothing.values())) == (SHOWN, {None})
        return
    text = path.read_text(encoding="utf-8")
    if ending == ".jsonl":
        row, other = map(json.loads, text.splitlines())
        dates, unset = ("2020-01-02T00:00:00.000000Z", "9999-12-31T00:00:00.000000Z"), None
    elif ending == ".csv":
        row, other = csv.DictReader(io.StringIO(text))
        dates, unset = ("2020-01-02T00:00:00.000000Z", "9999-12-31T00:00:00.000000Z"), ""
    else:
        row, other = zeek_rows(text)
        dates, unset = ("1577923200.000000", "253402214400.000000"), "-"
    written_down = SHOWN | dict(zip(("cert_not_before", "cert_not_after"), dates, strict=True))
    assert {name: row[name] for name in SHOWN} == written_down
    assert {other[name] for name in SHOWN} == {unset}


def test_without_handshakes_the_table_has_no_columns_of_them() -> None:
    """A screen needs none, and reading certificates takes time."""
    frame = pl.DataFrame([flow()], schema={**FLOWS, **LABELS})
    assert not set(flow_table(frame, ("a.pcap",)).columns) & set(HANDSHAKE_WORDS)


def test_nothing_seen_is_null_and_frames_name_their_file() -> None:
    """A frame number comes with the path of its capture; zeros of the inner table become nulls."""
    row = table(flow(orig_syn_frame=7, orig_syn_file=1)).row(0, named=True)
    assert (row["syn_frame"], row["syn_file"]) == (7, "b.pcap")
    for name in ("syn_ack_frame", "syn_ack_file", "icmp_type", "icmp_sender", "orig_ttl_min", "icmp_frame"):
        assert row[name] is None


def test_times_are_utc_and_oldest_first() -> None:
    """``ts`` is a UTC time of nanoseconds, rows stand in time order."""
    frame = table(flow(ts=T0 + 5, sport=2), flow(ts=T0 + 1, sport=1))
    assert frame["id.orig_p"].to_list() == [1, 2]
    assert frame.schema["ts"] == pl.Datetime("ns", "UTC")


def test_no_flows_and_no_captures_give_an_empty_table() -> None:
    """A capture without flows is no error in any format."""
    frame = table(captures=())
    assert frame.height == 0
    assert written(frame, write_csv).startswith("ts,uid,id.orig_h")
    assert written(frame, write_jsonl) == ""
    assert zeek_rows(written(frame, write_zeek)) == []
    assert flow_page(frame, 0).startswith("time (UTC)")


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_ending_chooses_the_format(tmp_path: Path, ending: str) -> None:
    """Every promised ending gives a file that its own kind of reader can read back."""
    path = tmp_path / f"flows{ending.upper()}"
    assert write_flows([table(flow(service="http", orig_bytes=3))], path) == 1
    if ending == ".parquet":
        assert pl.read_parquet(path)["service"].to_list() == ["http"]
    elif ending == ".csv":
        assert next(csv.DictReader(path.open(encoding="utf-8")))["service"] == "http"
    elif ending == ".jsonl":
        assert json.loads(path.read_text(encoding="utf-8"))["orig_bytes"] == 3
    else:
        assert zeek_rows(path.read_text(encoding="utf-8"))[0]["service"] == "http"


def test_another_ending_is_refused_with_the_choices(tmp_path: Path) -> None:
    """An unknown ending is the user's error and the message lists what would do; nothing is written."""
    with pytest.raises(InputError, match=re.escape(".parquet, .csv, .jsonl, .log")):
        write_flows([table(flow())], tmp_path / "flows.txt")
    assert not list(tmp_path.iterdir())


def test_text_formats_write_iso_times_in_utc() -> None:
    """CSV and JSON Lines spell times as ISO 8601 with microseconds and a Z."""
    frame = table(flow(ts=T0 + 1_234_567))
    assert json.loads(written(frame, write_jsonl))["ts"] == "2026-03-02T08:00:00.001234Z"
    assert next(csv.DictReader(io.StringIO(written(frame, write_csv))))["ts"] == "2026-03-02T08:00:00.001234Z"


def test_conn_log_speaks_zeek() -> None:
    """Types, seconds with six decimals, ``-`` for unset, ``(empty)`` for empty, and Zeek's four protocols."""
    text = written(
        table(flow(ts=T0 + 1_234_567, duration=0.5), flow(ts=T0 + 9, proto="icmp6"), flow(ts=T0 + 10, proto="igmp")),
        write_zeek,
    )
    header = {line.split("\t")[0]: line.split("\t")[1:] for line in text.splitlines() if line.startswith("#")}
    kinds = dict(zip(header["#fields"], header["#types"], strict=True))
    assert header["#path"] == ["conn"]
    assert header["#close"]
    assert (kinds["ts"], kinds["id.orig_p"], kinds["duration"], kinds["orig_bytes"]) == (
        "time", "port", "interval", "count",
    )  # fmt: skip
    first = zeek_rows(text)[-1]
    assert float(first["ts"]) == pytest.approx(dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC).timestamp() + 0.001234)
    assert (first["duration"], first["service"], first["uid"]) == ("0.500000", "-", "(empty)")
    assert {row["proto"] for row in zeek_rows(text)} == {"tcp", "icmp", "unknown_transport"}


HOSTILE = [
    "=cmd|' /C calc'!A0",
    "\x1b[2J\x1b]0;x\x07",
    "a\tb\nc",
    "\u202egnp.exe",
    "-",
    "(empty)",
    'q",x',
    "\x85\u2028",
    "č",
]


_TEXTS = [column for column, kind in HANDSHAKE_WORDS.items() if kind == pl.String()]


@pytest.mark.parametrize("name", HOSTILE)
def test_foreign_text_can_do_no_harm(name: str) -> None:
    """A server name made to trick terminals, spreadsheets or parsers stays one harmless cell in every format."""
    frame = table(flow(server_name=name, service="tls") | dict.fromkeys(_TEXTS, name))
    for text in (
        written(frame, write_csv),
        written(frame, write_jsonl),
        written(frame, write_zeek),
        flow_page(frame, 1),
    ):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028]", text)
    (cells,) = csv.DictReader(io.StringIO(written(frame, write_csv)))
    assert not {cells[column][0] for column in ("server_name", *_TEXTS)} & set("=+-@\t\r\n")
    assert json.loads(written(frame, write_jsonl))["server_name"] == name
    (row,) = zeek_rows(written(frame, write_zeek))
    assert row["service"] == "tls"
    assert row["server_name"] not in ("-", "(empty)")


def test_the_page_shows_the_first_flows_and_counts_the_others() -> None:
    """A screen gets a head with aligned columns and the number of flows it does not see."""
    page = flow_page(table(*(flow(ts=T0 + number, sport=number + 1) for number in range(10))), 60)
    lines = page.splitlines()
    assert len(lines) == 1 + 10 + 1
    assert "50 more" in lines[-1]
    assert len({line.index("tcp") for line in lines[1:-1]}) == 1
    assert max(map(len, lines)) <= 80


def test_ipv6_ends_can_be_told_from_their_ports() -> None:
    """IPv6 ends are written with brackets, so that the port can be told."""
    page = flow_page(table(flow(orig="2001:db8::1", resp="2001:db8::2", sport=5, port=443)), 1)
    assert "[2001:db8::2]:443" in page
