"""The Python interface gives what the commands give."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import analyser
from analyser.model.capture import InputError

SAMPLES = Path(__file__).parents[2] / "samples"
CAPTURE = SAMPLES / "pcaps" / "ricoh-install.pcap"
SITE = SAMPLES / "sites" / "ricoh-install.toml"


def test_read_flows_gives_the_public_table() -> None:
    """One row per flow, Zeek's names first, times in UTC."""
    flows = analyser.read_flows(CAPTURE)
    assert flows.columns[:6] == ["ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"]
    assert flows["ts"].dtype == pl.Datetime("ns", "UTC")
    assert flows["ts"].is_sorted()
    assert flows.filter(pl.col("id.resp_p") == 51443)["conn_state"].unique().to_list() == ["S0"]


def test_a_report_gives_frames_that_agree_with_its_document() -> None:
    """Verdicts, ports and unexpected flows are tables of the same findings."""
    report = analyser.check([CAPTURE], site=SITE)
    assert report.exit_code == 1
    assert report.verdicts.height == len(report.document.verdicts)
    blocked = report.ports.filter(pl.col("state") == "blocked")
    assert set(blocked["port"].to_list()) == {51443, 64098}
    assert all(blocked["frames"].list.len() > 0)
    assert report.unexpected.height == len(report.document.unexpected)
    assert set(report.to_pandas()) == {"verdicts", "ports", "unexpected", "flows"}


def test_several_capture_points() -> None:
    """Each capture is a point of its own; a conversation that two of them saw is one flow."""
    points = [SAMPLES / "pcaps" / "firewall-between.pcap", SAMPLES / "pcaps" / "firewall-between" / "2.pcap"]
    site = SAMPLES / "sites" / "firewall-between.toml"
    report = analyser.check(points, site=site, vantage=True)
    assert report.document.vantage is not None
    assert report.flows["community_id"].is_unique().all()
    assert "return-path" in report.ports["cause"].to_list()


def test_what_cannot_be_used_is_an_input_error() -> None:
    """Captures and hosts that are not there are named."""
    with pytest.raises(InputError, match=r"nowhere\.pcap"):
        analyser.read_flows("nowhere.pcap")
    with pytest.raises(InputError, match="site-server-1"):
        analyser.check(CAPTURE, site=SITE, at="somebody")
