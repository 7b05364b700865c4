"""Which rows of a rule pack a site has to expect."""

from __future__ import annotations

from analyser.compliance.applying import apply_rules, players
from analyser.compliance.parties import Directory
from analyser.model.rule import RulePack
from analyser.model.site import Site


def expected_rows(pack: RulePack, site: Site) -> tuple[dict[str, bool], dict[str, tuple[int, ...]]]:
    """Return, by rule id, whether a rule of ``pack`` applies to ``site``, and its ports under the site's settings.

    A prohibition applies wherever somebody is whom it protects, whoever else the site lists.
    """
    directory = Directory(site)
    policy = apply_rules([pack], site, directory)
    expected = {item.rule.id for item in policy.applied}
    for rule in policy.forbidden:
        if players(rule, "responder", directory, site):
            expected.add(rule.id)
    return {rule.id: rule.id in expected for rule in pack.rules}, {rule.id: ports for rule, ports in policy.matrix}
