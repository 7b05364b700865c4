"""Mistakes in signature files, for the linter of the command line."""

from __future__ import annotations

from importlib.resources.abc import Traversable

from analyser.services.lint import lint_signatures


def signature_mistakes(folder: Traversable) -> list[str]:
    """Return every mistake of the signature files in ``folder`` as a line ``file:line: key: message``."""
    return [f"{issue.file}:{issue.line}: {issue.key}: {issue.message}" for issue in lint_signatures(folder)]
