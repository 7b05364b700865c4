"""The public flow table written down: Parquet, CSV, JSON Lines, Zeek's conn.log, and the page on a screen.

Knows the columns that :func:`analyser.report.flows.flow_table` gives and how each format says "unknown"; no flow
is judged or left out here. Whole columns are turned into text at once: a million flows take seconds.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl
from polars.io.plugins import register_io_source

from analyser.model.capture import InputError
from analyser.report.escape import FORMULA_TEXT, UNSAFE_TEXT, in_cell, in_json, on_screen

ENDINGS: Final = (".parquet", ".csv", ".jsonl", ".log")

_LINES_AT_ONCE: Final = 20_000
_ISO: Final = "%Y-%m-%dT%H:%M:%S%.6fZ"

_ZEEK_TYPES: Final[dict[str, str]] = {
    "id.orig_h": "addr",
    "id.orig_p": "port",
    "id.resp_h": "addr",
    "id.resp_p": "port",
    "proto": "enum",
    "duration": "interval",
    "rtt": "interval",
    "tunnel_parents": "set[string]",
    "icmp_sender": "addr",
}
"""Types of conn.log where they are not told by the column: whole numbers are ``count``, the rest ``string``."""


def write_flows(tables: Iterable[pl.DataFrame], path: Path) -> int:
    """Write the public flow table, given in parts, to ``path`` in the format its ending names; return how many rows it has.

    Raises InputError for an ending that is none of ``ENDINGS``.
    """
    check_ending(path)
    count = 0

    def counted() -> Iterator[pl.DataFrame]:
        nonlocal count
        for table in tables:
            count += table.height
            yield table

    if path.suffix.lower() == ".parquet":
        _write_parquet(counted(), path)
    else:
        with path.open("wb") as file:
            {".csv": write_csv, ".jsonl": write_jsonl, ".log": write_zeek}[path.suffix.lower()](counted(), file)
    return count


def _write_parquet(tables: Iterator[pl.DataFrame], path: Path) -> None:
    """Write the parts one after the other, each as a row group, so that only one is in memory at a time."""
    first = next(tables)

    def more(_columns: object, _predicate: object, _rows: object, _size: object) -> Iterator[pl.DataFrame]:
        yield first
        yield from tables

    register_io_source(more, schema=first.schema, is_pure=False).sink_parquet(path, engine="streaming")


def check_ending(path: Path) -> None:
    """Raise InputError if no format of ours ends like ``path``."""
    if path.suffix.lower() not in ENDINGS:
        raise InputError(str(path), f"the ending chooses the format: one of {', '.join(ENDINGS)}")


def write_csv(tables: Iterable[pl.DataFrame], file: BinaryIO) -> None:
    """Write comma separated values with a header line; times ISO 8601 in UTC, unknown values empty."""
    for number, table in enumerate(tables):
        cured = _cured(table.with_columns(_iso_times()), f"{UNSAFE_TEXT}|{FORMULA_TEXT}", in_cell)
        cured.write_csv(file, include_header=number == 0)


def write_jsonl(tables: Iterable[pl.DataFrame], file: BinaryIO) -> None:
    """Write one JSON object a line, keys as the columns, unknown values null."""
    file.writelines(json_lines(tables))


def json_lines(tables: Iterable[pl.DataFrame]) -> Iterator[bytes]:
    """Yield the lines of :func:`write_jsonl`, many at a time."""
    for part in chain.from_iterable(table.iter_slices(_LINES_AT_ONCE) for table in tables):
        lines = io.BytesIO()
        part.with_columns(_iso_times()).write_ndjson(lines)
        yield in_json(lines.getvalue())


def write_zeek(tables: Iterable[pl.DataFrame], file: BinaryIO) -> None:
    """Write Zeek's tab separated conn.log, as ``zeek-cut`` and others read it; ``-`` is unset."""
    rest = iter(tables)
    first = next(rest)
    opened = f"{dt.datetime.now(dt.UTC):%Y-%m-%d-%H-%M-%S}"
    head = (
        "#separator \\x09",
        "#set_separator\t,",
        "#empty_field\t(empty)",
        "#unset_field\t-",
        "#path\tconn",
        f"#open\t{opened}",
        "\t".join(["#fields", *first.columns]),
        "\t".join(["#types", *(_zeek_type(name, kind) for name, kind in first.schema.items())]),
    )
    file.write(("\n".join(head) + "\n").encode())
    for table in chain([first], rest):
        safe = _cured(table, r"[^ -\[\]-~]|^-$|^\(empty\)$", _zeek_text)
        safe.select(_zeek_value(name, kind) for name, kind in table.schema.items()).write_csv(
            file, include_header=False, separator="\t", quote_style="never"
        )
    file.write(f"#close\t{opened}\n".encode())


def flow_page(head: pl.DataFrame, count: int) -> str:
    """Return an aligned table of the first flows (``head``), one line each, and how many more of ``count`` there are."""
    columns = {
        "time (UTC)": head["ts"].dt.strftime("%H:%M:%S%.3f"),
        "proto": head["proto"],
        "initiator": _end(head, "orig"),
        "responder": _end(head, "resp"),
        "service": head["service"],
        "state": head["conn_state"],
        "bytes": head["orig_bytes"] + head["resp_bytes"],
    }
    cells = [
        [name, *("-" if value is None or value == "" else on_screen(str(value)) for value in values)]
        for name, values in columns.items()
    ]
    widths = [max(map(len, column)) for column in cells]
    lines = [
        " ".join(
            cell.rjust(width) if name == "bytes" else cell.ljust(width)
            for name, cell, width in zip(columns, row, widths, strict=True)
        ).rstrip()
        for row in zip(*cells, strict=True)
    ]
    if count > head.height:
        lines.append(f"… and {count - head.height:,} more; --json or -o FILE.csv gives all, with every column")
    return "\n".join(lines) + "\n"


def _iso_times() -> pl.Expr:
    return pl.col(pl.Datetime).dt.strftime(_ISO)


def _cured(table: pl.DataFrame, trouble: str, cure: Callable[[str], str]) -> pl.DataFrame:
    """Return the table with every text in which the pattern ``trouble`` is found replaced by its cure.

    Few texts are troubled, many are equal: the pattern runs over whole columns, the cure once per text.
    """
    cured = []
    for column in table.select(pl.col(pl.String)):
        bad = column.filter(column.str.contains(trouble)).unique().to_list()
        if bad:
            cured.append(column.replace_strict(bad, list(map(cure, bad)), default=column))
    return table.with_columns(cured)


def _zeek_type(name: str, kind: pl.DataType) -> str:
    if name in _ZEEK_TYPES:
        return _ZEEK_TYPES[name]
    if kind.is_temporal():
        return "time"
    return "count" if kind.is_integer() else "string"


def _zeek_value(name: str, kind: pl.DataType) -> pl.Expr:
    """Return a column as conn.log spells it: seconds with six decimals, ``-`` for unknown, ``(empty)`` for no text."""
    column = pl.col(name)
    if kind.is_temporal():
        column = _decimal(column.dt.epoch("us"))
    elif kind.is_float():
        column = _decimal((column * 1e6).round().cast(pl.Int64))
    elif name == "proto":  # Zeek knows four words; both versions of ICMP are one of them
        words = {"tcp": "tcp", "udp": "udp", "icmp": "icmp", "icmp6": "icmp"}
        column = column.replace_strict(words, default="unknown_transport")
    elif kind == pl.String():
        column = pl.when(column == "").then(pl.lit("(empty)")).otherwise(column)
    return column.cast(pl.String).fill_null("-").alias(name)


def _decimal(micros: pl.Expr) -> pl.Expr:
    return pl.format("{}.{}", micros // 1_000_000, (micros % 1_000_000).cast(pl.String).str.zfill(6))


def _zeek_text(text: str) -> str:
    r"""Return a text as Zeek writes it: bytes that are not plain, and ``-`` or ``(empty)`` meant as such, as ``\xNN``."""
    if text in ("-", "(empty)"):
        return f"\\x{ord(text[0]):02x}{text[1:]}"
    return "".join(
        character if character.isprintable() and character.isascii() and character != "\\" else _zeek_bytes(character)
        for character in text
    )


def _zeek_bytes(character: str) -> str:
    return "\\\\" if character == "\\" else "".join(f"\\x{byte:02x}" for byte in character.encode())


def _end(flows: pl.DataFrame, side: str) -> pl.Series:
    """Return ``address:port`` (``[address]:port`` for IPv6); ICMP has no ports, its type stands in the other table."""
    host, port = pl.col(f"id.{side}_h"), pl.col(f"id.{side}_p")
    with_port = (
        pl.when(host.str.contains(":", literal=True))
        .then(pl.format("[{}]:{}", host, port))
        .otherwise(pl.format("{}:{}", host, port))
    )
    return flows.select(
        pl.when(pl.col("proto").is_in(["tcp", "udp", "sctp"])).then(with_port).otherwise(host)
    ).to_series()
