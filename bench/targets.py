"""The promises on speed, each beside what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from bench.measuring import Results, Spent
from bench.own import ALONE, DAYS, FIRST_RUN, HELP, LONG, ONCE, SMALL_WARM, TIMES, TOGETHER, pipe, working


@dataclass(frozen=True, slots=True)
class Target:
    """What is promised, the limit in words, and what was measured; ``value`` None: it could not be measured."""

    what: str
    limit: float
    at_most: bool
    unit: str
    value: float | None

    @property
    def verdict(self) -> str:
        """Say whether the promise is kept, and by how much it is missed."""
        if self.value is None:
            return "not measured"
        if self.value <= self.limit if self.at_most else self.value >= self.limit:
            return "ok"
        share = self.value / self.limit
        return f"missed: {share:.1f} times the limit" if share > 2 else f"missed by {abs(share - 1):.0%}"


def targets(spent: Results, packets: int, signatures: float | None, dearest: float | None) -> list[Target]:
    """Return all targets. ``packets``: those of the office; further days of it, by the seconds they add, are the steady rate.

    ``signatures``: CPU seconds of all signatures over the million flows of the scan; ``dearest``: over a million flows that all have
    payload both ways, mostly such as a signature proves.
    """

    def middle(name: str, of: Callable[[Spent], float]) -> float | None:
        rounds = spent.get(name, [])
        return statistics.median(map(of, rounds)) if rounds and not any(item.failure for item in rounds) else None

    def cpu(name: str) -> float | None:
        return middle(name, lambda item: item.cpu)

    def wall(name: str) -> float | None:
        return middle(name, lambda item: item.wall)

    def memory(name: str) -> float | None:
        return middle(name, lambda item: item.memory)

    def times_of(workload: str, ours: str, theirs: str) -> float | None:
        return ratio(cpu(f"{workload}: analyser {ours}"), cpu(f"{workload}: {theirs}"))

    def further_days(of: Callable[[str], float | None], workers: int) -> float | None:
        once, several = of(working(ONCE, workers)), of(working(LONG, workers))
        return several - once if once and several and several > once else None

    steady = further_days(cpu, ALONE)
    rate = None if steady is None else (DAYS - 1) * packets / steady / 1e6
    found = [
        Target(
            "office: CPU of check ÷ CPU of ndpiReader -q",
            0.40,
            True,
            "",
            times_of("office", "check", "ndpiReader -q"),
        ),
        Target("scan: CPU of check ÷ CPU of ndpiReader -q", 0.08, True, "", times_of("scan", "check", "ndpiReader -q")),
        Target("office: CPU of flows ÷ CPU of softflowd", 1.2, True, "", times_of("office", "flows", "softflowd")),
        Target("scan: CPU of flows ÷ CPU of softflowd", 0.6, True, "", times_of("scan", "flows", "softflowd")),
        Target("scan: peak memory of flows", 450, True, "MB", memory("scan: analyser flows")),
        Target("scan: peak memory of check", 450, True, "MB", memory("scan: analyser check")),
    ]
    for command in ("flows", "check"):
        grown = ratio(memory(pipe(command, TIMES)), memory(pipe(command, 1)))
        found.append(
            Target(f"scan x {TIMES} through a pipe: peak memory of {command} ÷ that of scan x 1", 1.1, True, "", grown)
        )
    found.append(Target("office: steady rate of flows on one core", 2.5, False, "M packets/s", rate))
    faster = ratio(further_days(wall, ALONE), further_days(wall, TOGETHER))
    return [
        *found,
        Target("office: steady rate of flows with two workers ÷ that with one", 1.5, False, "", faster),
        Target("--help", 0.15, True, "s", wall(HELP)),
        Target("a small file, warm", 1.0, True, "s", wall(SMALL_WARM)),
        Target("a small file, first run of all", 6.0, True, "s", wall(FIRST_RUN)),
        Target("all signatures over the 1 M flows of the scan", 0.5, True, "s of CPU", signatures),
        Target("all signatures over 1 M flows with payload both ways", 0.5, True, "s of CPU", dearest),
    ]


def ratio(one: float | None, other: float | None) -> float | None:
    """Return ``one`` by ``other`` where both are known."""
    return None if one is None or not other else one / other
