"""Which rows of a rule pack a site has to expect, and what its network has to let through for them."""

from __future__ import annotations

from analyser.compliance.applying import apply_rules, players
from analyser.compliance.parties import Directory
from analyser.compliance.permitted import permits
from analyser.model.rule import RulePack
from analyser.model.site import Site
from analyser.report.firewall import firewall_text


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


def required_policy(pack: RulePack, site: Site, language: str) -> str:
    """Return what the network has to let through for ``site``, in one of the languages of ``report.firewall``.

    Raises InputError where the language needs a library that is not installed.
    """
    needed, left_out = permits([pack], site)
    return firewall_text(
        needed,
        language,
        about=f"what {pack.id} {pack.version} needs at the site {site.name}",
        left_out=[f"{rule.id}: {rule.scope} traffic" for rule in left_out],
    )
