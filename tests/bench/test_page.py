"""The benchmark's page shows what was promised beside what was measured, and keeps what people wrote."""

from __future__ import annotations

import pytest

from bench.libraries import cause
from bench.measuring import Job, Spent
from bench.own import DAYS, FIRST_RUN, LONG, ONCE, unexplained, working
from bench.page import job_table, remarks_of, stage_table, target_table, with_remarks
from bench.peers import miscounted, untracked
from bench.targets import Target, targets


def spent(cpu: float, wall: float = 1.0, memory: float = 100.0, code: int = 0, said: str = "") -> Spent:
    return Spent(cpu, wall, memory, code, said)


def test_remarks_survive_a_renewal() -> None:
    page = with_remarks("# Old", "what somebody wrote")
    assert remarks_of(with_remarks("# New", remarks_of(page))) == "what somebody wrote"


@pytest.mark.parametrize(
    ("target", "verdict"),
    [
        (Target("", 2.0, True, "s", 2.0), "ok"),
        (Target("", 2.0, True, "s", 2.2), "missed by 10%"),
        (Target("", 2.0, True, "s", 9.0), "missed: 4.5 times the limit"),
        (Target("", 2.5, False, "", 2.0), "missed by 20%"),
        (Target("", 2.5, False, "", 3.0), "ok"),
        (Target("", 2.5, False, "", None), "not measured"),
    ],
)
def test_a_target_says_whether_it_is_met_and_by_how_much_not(target: Target, verdict: str) -> None:
    assert target.verdict == verdict
    assert verdict in target_table([target])


def test_targets_are_ratios_of_medians_and_a_slope() -> None:
    found = {
        item.what: item.value
        for item in targets(
            {
                "office: analyser check": [spent(2), spent(3), spent(30)],
                "office: ndpiReader -q": [spent(10)],
                "office: analyser flows": [spent(1)],
                "office: softflowd": [spent(1, code=2)],
                working(ONCE, 1): [spent(1.0, wall=1.0)],
                working(LONG, 1): [spent(1.5, wall=1.6)],
                working(ONCE, 2): [spent(1.0, wall=0.9)],
                working(LONG, 2): [spent(1.5, wall=1.2)],
                FIRST_RUN: [spent(9, wall=5)],
            },
            2_000_000,
            None,
            None,
        )
    }
    assert found["office: CPU of check ÷ CPU of ndpiReader -q"] == pytest.approx(0.3)
    assert found["office: CPU of flows ÷ CPU of softflowd"] is None
    assert found["office: steady rate of flows on one core"] == pytest.approx(4.0 * (DAYS - 1))
    assert found["office: steady rate of flows with two workers ÷ that with one"] == pytest.approx(2.0)
    assert found["a small file, first run of all"] == 5


def test_a_row_shows_median_least_and_most_or_why_there_is_none() -> None:
    jobs = [
        Job(name="office: a", command=["a"], packets=4_000_000, complaint=lambda said: said),
        Job(name="office: b", command=["b"], missing="b is not installed"),
        Job(name="office: c", command=["c"]),
    ]
    rounds = {"office: a": [spent(1, said="lost some"), spent(2), spent(4)], "office: c": [spent(1, code=9, said="oh")]}
    lines = job_table("reader", jobs, rounds).splitlines()[2:]
    assert lines[0].startswith("| a (lost some) | 2.00 (1.00-4.00) |")
    assert "| 2.00 | 100 |" in lines[0]
    assert "b is not installed" in lines[1]
    assert "exit code 9: oh" in lines[2]


def test_stages_and_the_end_of_the_process_make_up_the_whole() -> None:
    lines = stage_table({"office": ({"labels": (0.5, 0.6)}, spent(2, wall=3))}).splitlines()
    assert "| labels | 0.50 | 0.60 |" in lines
    assert "| end of the process | 1.50 | 2.40 |" in lines


def test_figures_of_a_reader_that_did_not_do_the_whole_work_are_marked() -> None:
    assert untracked("Flows expired: 800 (0 forced)", 800) is None
    assert untracked("Flows expired: 900 (100 forced)", 800) == "tracked 900 flows, 100 of them forced out"
    assert untracked("", 800) == "no statistics"
    assert miscounted("400 20\n", 400) is None
    assert miscounted("399 20\n", 400) == "counted 399 20 instead of 400 packets"
    assert unexplained("compiling the packet kernel") is None
    assert unexplained("") is not None


def test_why_a_library_is_missing_is_told_without_addresses() -> None:
    log = (
        "Looking in https://example.org/simple\nERROR: No matching distribution found for x from https://example.org/x"
    )
    assert cause(log) == "No matching distribution found for x from"
    assert cause("") == "the installer failed"
