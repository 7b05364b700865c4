"""The page of known cases is the data: every case as it is now, every fact, every word of a fact."""

from __future__ import annotations

from analyser.model.case import FACTS, PLACEHOLDERS
from analyser.policy.packs import CASES, EXAMPLES
from tests.cases.page import PAGE, renewed
from tests.cli.running import run

_ELSEWHERE = {"verdict", "reason", "state", "cause", "transport", "initiator_vendor", "responder_vendor"}
"""Facts whose words stand in other documents."""


def test_the_page_lists_the_cases_as_they_are() -> None:
    """``make renew`` writes the list anew."""
    text = PAGE.read_text(encoding="utf-8")
    assert renewed(text) == text


def test_the_page_tells_every_fact_and_its_words() -> None:
    """Who writes a case finds what it may ask for."""
    text = PAGE.read_text(encoding="utf-8")
    assert [fact for fact in FACTS if f"`{fact}`" not in text] == []
    words = [word for fact, known in FACTS.items() if known and fact not in _ELSEWHERE for word in known]
    assert [word for word in words if f"`{word}`" not in text] == []
    assert [word for word in PLACEHOLDERS if f"`{{{word}}}`" not in text] == []
    assert [name for name in (CASES, EXAMPLES) if f"`{name}`" not in text] == []


def test_a_case_is_shown_by_its_name() -> None:
    """``rules show`` prints what must be seen for a case to be named, and an unknown word suggests one."""
    result = run("rules", "show", "xerox-https-off")
    assert result.returncode == 0
    assert "ysoft-safeq-6/xerox-https-off" in result.stdout
    assert "open_beside" in result.stdout
    assert "tcp 80" in result.stdout
    assert "did you mean 'xerox-https-off'?" in run("rules", "show", "xerox-http-off").stderr
