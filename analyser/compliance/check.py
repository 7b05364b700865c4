"""From what was observed to what it means for a site: the one door of this stage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from analyser.compliance.judgement import Judgement
from analyser.model.finding import OutOfScope
from analyser.model.rule import RulePack
from analyser.model.site import Site
from analyser.tables import Observed


def judge_site(observed: Observed, packs: Sequence[RulePack], site: Site, *, today: dt.date | None = None) -> Judgement:
    """Return verdicts and unexpected flows of ``site`` under ``packs``.

    ``today`` decides which waivers have run out; without it, the day on which the captures end.
    """
    return Judgement(
        verdicts=(),
        unexpected=(),
        infrastructure=(),
        out_of_scope=OutOfScope(flows=0, packets=0),
        hosts_seen=0,
        two_sided_hosts=0,
    )
