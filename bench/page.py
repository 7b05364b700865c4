"""The page of the benchmark: figures to Markdown, people's remarks kept."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from bench.measuring import Job, Results, Spent
from bench.targets import Target

BEGIN, END = "<!-- remarks: kept when this page is renewed -->", "<!-- end of remarks -->"
_FLOOR: Final = 12.0
"""MB below which a process is not larger than the launcher, whose start counts as its own."""


def remarks_of(page: str) -> str:
    """Return what stands between the markers of a page, or nothing."""
    return page.partition(BEGIN)[2].partition(END)[0].strip("\n") if END in page else ""


def with_remarks(page: str, remarks: str) -> str:
    """Return the page with remarks at its end, between markers."""
    return f"{page.rstrip()}\n\n## Remarks\n\n{BEGIN}\n{remarks}\n{END}\n"


def target_table(targets: Iterable[Target]) -> str:
    """Return what was promised beside what was measured."""
    lines = ["| target | limit | measured | |", "|---|---|---|---|"]
    for item in targets:
        value = "-" if item.value is None else f"{number(item.value)} {item.unit}".rstrip()
        limit = f"{'≤' if item.at_most else '≥'} {item.limit:g} {item.unit}".rstrip()
        lines.append(f"| {item.what} | {limit} | {value} | {item.verdict} |")
    return "\n".join(lines)


def job_table(title: str, jobs: Iterable[Job], spent: Results) -> str:
    """Return a row for each job: CPU and wall seconds, rate, peak memory. Names lose what stands before a colon."""
    lines = [f"| {title} | CPU s | wall s | M packets / CPU s | peak MB |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *(_row(job, spent.get(job.name, ())) for job in jobs)])


def stage_table(columns: Mapping[str, tuple[Mapping[str, tuple[float, float]], Spent]]) -> str:
    """Return where time goes: by workload, CPU and wall seconds of each stage and of the whole process."""
    stages = list(dict.fromkeys(stage for spent, _ in columns.values() for stage in spent))
    lines = [
        "| stage | " + " | ".join(f"{name}: CPU s | wall s" for name in columns) + " |",
        "|---|" + "---|---|" * len(columns),
    ]
    for stage in stages:
        cells = [f"{cpu:.2f} | {wall:.2f}" for cpu, wall in (spent.get(stage, (0, 0)) for spent, _ in columns.values())]
        lines.append(f"| {stage} | " + " | ".join(cells) + " |")
    ends = []
    for spent, whole in columns.values():
        cpu, wall = (sum(item[which] for item in spent.values()) for which in (0, 1))
        ends.append(whole.failure or f"{max(whole.cpu - cpu, 0):.2f} | {max(whole.wall - wall, 0):.2f}")
    wholes = [f"{whole.cpu:.2f} | {whole.wall:.2f}" for _, whole in columns.values()]
    lines += [f"| end of the process | {' | '.join(ends)} |", f"| **whole process** | {' | '.join(wholes)} |"]
    return "\n".join(lines)


def number(value: float) -> str:
    """Return a figure with two or three digits."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:.{digits}f}"


def _row(job: Job, rounds: Sequence[Spent]) -> str:
    name = job.name.partition(": ")[2] or job.name
    wrong = job.missing or next((item.failure for item in rounds if item.failure), None)
    if wrong is not None or not rounds:
        return f"| {name} | {wrong or 'not measured'} | | | |"
    complaint = job.complaint(rounds[0].said) if job.complaint else None
    cpu = statistics.median(item.cpu for item in rounds)
    peak = statistics.median(item.memory for item in rounds)
    rate = number(job.packets / cpu / 1e6) if job.packets else ""
    return (
        f"| {name}{f' ({complaint})' if complaint else ''} | {_told([item.cpu for item in rounds])} "
        f"| {_told([item.wall for item in rounds])} | {rate} | {f'{peak:.0f}' if peak > _FLOOR else f'< {_FLOOR:.0f}'} |"
    )


def _told(values: Sequence[float]) -> str:
    """Return the median, with least and most where there are several."""
    spread = f" ({number(min(values))}-{number(max(values))})" if len(values) > 1 else ""
    return number(statistics.median(values)) + spread
