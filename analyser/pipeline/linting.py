"""Mistakes in signature files, for the linter of the command line."""

from __future__ import annotations

from importlib.resources.abc import Traversable

from analyser.policy.packs import signature_folder
from analyser.services.lint import lint_signatures
from analyser.services.loading import load_signatures


def signature_mistakes(folder: Traversable, *, own: bool) -> list[str]:
    """Return every mistake of the signature files in ``folder`` as a line ``file:line: key: message``.

    ``own``: a user's folder, judged together with the signatures that come with the package.
    """
    beside = load_signatures(signature_folder()) if own else None
    return [str(issue) for issue in lint_signatures(folder, beside)]
