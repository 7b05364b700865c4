"""A known case as it stands in a rule pack, for a person who wants to know when it is named.

Knows cases as model; must not know how facts are found.
"""

from __future__ import annotations

from analyser.model.case import FACTS, Case, Conditions
from analyser.report.page import Page
from analyser.report.phrases import DOT


def case_page(case: Case, width: int) -> str:
    """Return the page of a case: why, what must be seen, what to try in which order."""
    page = Page(width)
    page.line(f"{case.id}  {case.title}")
    page.prose(case.explanation)
    page.blank()
    for conditions in case.when:
        page.line("named where")
        _facts(page, conditions)
    if case.unless:
        page.line("and none of")
        _facts(page, case.unless)
    page.prose(f"{case.shows} ({case.confidence.value} confidence)", first="shows      ")
    page.prose(case.first, first="try first  ")
    for words in case.alternatives:
        page.prose(words, first=f"         {DOT} ")
    page.prose(case.source, first="source     ")
    return page.text().plain


def _facts(page: Page, conditions: Conditions) -> None:
    for fact, words in conditions:
        page.prose(" or ".join(sorted(words)), first=f"  {fact:<{max(map(len, FACTS))}}  ")
