"""From captures to what is not known in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analyser.pipeline.reading import FlowRun, Progress, flows
from analyser.services.learning import Learner


def learnt(
    captures: Sequence[str],
    *,
    signatures: Sequence[str] = (),
    workers: int | None = None,
    progress: Progress | None = None,
    notice: Callable[[str], None] | None = None,
) -> tuple[FlowRun, Learner]:
    """Read captures and collect what has no label; arguments as for :func:`analyser.pipeline.reading.flows`."""
    run = flows(captures, signatures=signatures, workers=workers, digests=False, progress=progress, notice=notice)
    learner = Learner()
    for part in run.parts():
        learner.add(part.frame)
    return run, learner
