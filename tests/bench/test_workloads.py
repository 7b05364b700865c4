"""The benchmark's workloads are what they promise, cut or repeated as well."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path

import pytest

from analyser.pipeline import judging, reading
from bench import office, scan
from bench.records import first_packets, repeat
from bench.traffic import PCAP_HEADER
from bench.workloads import Workload, workloads

SCALE = 0.005


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workload, Workload]:
    return workloads(tmp_path_factory.mktemp("workloads"), scale=SCALE)


def counts(capture: Path) -> tuple[int, int]:
    """Return how many packets and flows the analyser finds."""
    with closing(reading.flows([str(capture)])) as run:
        return run.facts.packets, run.whole().frame.height


def test_workloads_are_the_same_bytes_every_time(made: tuple[Workload, Workload], tmp_path: Path) -> None:
    for first, second in zip(made, workloads(tmp_path, scale=SCALE), strict=True):
        assert first.capture.read_bytes() == second.capture.read_bytes()


def test_the_analyser_reads_as_many_packets_and_flows_as_were_made(made: tuple[Workload, Workload]) -> None:
    for workload in made:
        assert counts(workload.capture) == (workload.packets, workload.flows)


def test_the_office_has_the_mean_frame_it_promises(made: tuple[Workload, Workload]) -> None:
    mean = (made[0].capture.stat().st_size - 24) / made[0].packets - 16
    assert mean == pytest.approx(office.FRAME, rel=0.03)


def test_the_office_satisfies_the_rules_it_was_made_for(made: tuple[Workload, Workload]) -> None:
    document = judging.check([str(made[0].capture)], site=made[0].site).document
    satisfied = {verdict.rule for verdict in document.verdicts if verdict.verdict == "satisfied"}
    assert {f"ysoft-safeq-6/{rule}" for rule in office.EXPLAINED} <= satisfied


def test_a_scan_has_five_packets_a_flow() -> None:
    assert scan.PACKETS == 5 * scan.FLOWS


def test_the_first_packets_are_whole_records(made: tuple[Workload, Workload], tmp_path: Path) -> None:
    cut = first_packets(made[1].capture, tmp_path / "cut.pcap", 1234)
    assert counts(cut)[0] == 1234
    assert made[1].capture.read_bytes().startswith(cut.read_bytes())


def test_repeated_traffic_comes_again_after_it_ended(made: tuple[Workload, Workload], tmp_path: Path) -> None:
    once, thrice = made[1].capture, tmp_path / "thrice.pcap"
    with thrice.open("wb") as out:
        repeat(once, 3, out)
    with closing(reading.flows([str(once)])) as single, closing(reading.flows([str(thrice)])) as run:
        before, after = single.facts.files[0], run.facts.files[0]
    assert (after.packets, after.first) == (3 * before.packets, before.first)
    assert before.first is not None
    assert before.last is not None
    assert after.last is not None
    span = before.last - before.first
    assert 3 * span < after.last - before.first < 3 * span + 4_000_000_000


def test_traffic_written_once_is_the_capture_itself(made: tuple[Workload, Workload]) -> None:
    out = io.BytesIO()
    repeat(made[1].capture, 1, out)
    assert out.getvalue() == made[1].capture.read_bytes()
    assert out.getvalue().startswith(PCAP_HEADER)
