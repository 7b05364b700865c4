"""Rule packs and site files to model, with every error at once and its place."""

from analyser.policy.issues import Issue, PolicyErrors
from analyser.policy.lint import lint
from analyser.policy.packs import load_pack
from analyser.policy.sites import load_site

__all__ = ["Issue", "PolicyErrors", "lint", "load_pack", "load_site"]
