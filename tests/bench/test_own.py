"""The benchmark's commands run, and every promise finds the figures that it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import own, peers
from bench.libraries import NAMES, Libraries
from bench.measuring import Job, Spent, measure
from bench.records import first_packets, repeated
from bench.targets import targets
from bench.workloads import workloads


class NoLibraries(Libraries):
    """Libraries that nobody installed."""

    def __init__(self) -> None:
        self.python = Path("nowhere") / "python"
        self._causes = {}


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    folder = tmp_path_factory.mktemp("workloads")
    office, scan = workloads(folder, scale=0.002)
    half = first_packets(office.capture, folder / "half.pcap", office.packets // 2)
    compared = [job for workload in (office, scan) for job in peers.jobs(workload, half, NoLibraries(), 9)]
    return {
        job.name: job
        for job in [*compared, *own.jobs(office, scan, repeated(office.capture, folder / "days.pcap", own.DAYS))]
    }


def test_every_promise_is_about_something_that_is_measured(jobs: dict[str, Job]) -> None:
    spent = {name: [Spent(*(2.0, 2.0) if name.startswith(own.LONG) else (1.0, 1.0), 1, 0)] for name in jobs}
    assert [item.what for item in targets(spent, 4000, 0.4, 1.2) if item.value is None] == []


def test_commands_of_the_analyser_answer(jobs: dict[str, Job]) -> None:
    for name in ("office: analyser flows", "scan: analyser check", own.HELP, own.pipe("flows", own.TIMES)):
        spent = measure(jobs[name].command, feeder=jobs[name].feeder)
        assert spent.failure is None, spent.said


def test_softflowd_tracks_all_flows(jobs: dict[str, Job]) -> None:
    job = jobs["scan: softflowd"]
    if job.missing:
        pytest.skip(job.missing)
    assert job.complaint is not None
    assert job.complaint(measure(job.command).said) is None


def test_the_whole_kernel_can_be_compiled_before() -> None:
    own.compile_all()


def test_every_library_has_its_script() -> None:
    for name in NAMES:
        assert Path(NoLibraries().command(name, Path("x.pcap"))[1]).is_file()
