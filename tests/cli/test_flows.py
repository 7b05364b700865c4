"""``analyser flows`` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from tests.cli.running import DEMO, run


def test_the_screen_shows_a_table() -> None:
    """Without options the flows stand in aligned columns, one line each, at 80 columns."""
    result = run("flows", DEMO[0])
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert lines[0].split()[:3] == ["time", "(UTC)", "proto"]
    assert any("198.51.100.21:51443" in line and " S0 " in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_json_lines_hold_every_flow() -> None:
    """``--json`` prints one object a line with Zeek's names and ours."""
    flows = [json.loads(line) for line in run("flows", DEMO[0], "--json").stdout.splitlines()]
    assert len(flows) > 10
    assert all(flow["uid"] and flow["community_id"].startswith("1:") for flow in flows)
    assert {"id.orig_h", "conn_state", "history", "service", "basis"} < set(flows[0])


def test_files_and_lines_agree(tmp_path: Path) -> None:
    """What ``-o`` writes is what ``--json`` prints; the message about it goes to standard error."""
    path = tmp_path / "flows.parquet"
    result = run("flows", DEMO[0], "-o", str(path))
    assert result.returncode == 0
    assert result.stdout == ""
    assert str(path.name) in result.stderr
    lines = [json.loads(line) for line in run("flows", DEMO[0], "--json").stdout.splitlines()]
    assert pl.read_parquet(path)["uid"].to_list() == [flow["uid"] for flow in lines]
