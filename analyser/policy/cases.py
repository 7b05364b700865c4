"""The known cases of a rule pack: the ``[[case]]`` tables of its file ``cases.toml`` to model.

Knows the keys of a case and the words that facts may have; whether examples prove what a case claims is the linter's
matter (``case_lint``). Reading a pack's rules does not read its cases: who wants flows only needs none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

from analyser.model.case import FACTS, PLACEHOLDERS, Case, Conditions, Example, placeholders
from analyser.model.finding import Confidence
from analyser.model.rule import RulePack
from analyser.policy.document import Document, Fields
from analyser.policy.issues import Issue, PolicyErrors, shown, unknown
from analyser.policy.packs import CASES, find_pack

_IDENTIFIER: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TEXTS: Final = ("title", "source", "explanation", "shows", "first")


def load_cases(pack: RulePack, name_or_path: str) -> tuple[Case, ...]:
    """Return the known cases of a pack, which was loaded by that name or path; none where it has no such file.

    Raises:
        PolicyErrors: mistakes in the file (all of them at once).
    """
    cases, issues = read_cases(pack, name_or_path)
    if issues:
        raise PolicyErrors(issues)
    return cases


def read_cases(pack: RulePack, name_or_path: str) -> tuple[tuple[Case, ...], list[Issue]]:
    """Return the cases of a pack that can be used, beside the mistakes found."""
    folder = find_pack(name_or_path)
    file = None if folder is None else folder.joinpath(CASES)
    if file is None or not file.is_file():
        return (), []
    try:
        document = Document(str(file), file.read_bytes())
    except OSError as error:
        return (), [Issue(file=str(file), line=0, key="", message=f"cannot be read: {error.strerror}")]
    if document.issues:
        return (), document.issues
    rules = [rule.id.partition("/")[2] for rule in pack.rules]
    cases = [_case(fields, pack.id, rules) for fields in document.root.tables("case")]
    document.root.finish()
    return tuple(case for case in cases if case is not None), document.issues


def _case(fields: Fields, pack: str, rules: Sequence[str]) -> Case | None:
    before = len(fields.document.issues)
    name = fields.text("id", required=True) or ""
    if name and not _IDENTIFIER.fullmatch(name):
        fields.complain("id", f"expected lower-case words joined by hyphens, found {shown(name)}")
    texts = {key: fields.text(key, required=True) or "" for key in _TEXTS}
    alternatives = fields.texts("alternatives") or ()
    for key, text in (*texts.items(), *(("alternatives", text) for text in alternatives)):
        for word in placeholders(text):
            if word not in PLACEHOLDERS:
                fields.complain(key, unknown("placeholder", word, PLACEHOLDERS))
    confidence = fields.text("confidence", required=True, known=tuple(Confidence))
    when = tuple(_conditions(table, rules) for table in fields.tables("when"))
    if not when or not all(when):
        fields.complain("when", "a case without conditions would explain everything")
    unless = fields.table("unless")
    excluded = _conditions(unless, rules) if unless is not None else ()
    accept, refuse = (tuple(_example(table, rules) for table in fields.tables(key)) for key in ("accept", "refuse"))
    overlaps = fields.texts("overlaps") or ()
    fields.finish()
    if len(fields.document.issues) > before:
        return None
    return Case(
        id=f"{pack}/{name}",
        **texts,
        alternatives=alternatives,
        confidence=Confidence(confidence or ""),
        when=when,
        unless=excluded,
        accept=accept,
        refuse=refuse,
        overlaps=overlaps,
        file=fields.document.file,
        find_line=partial(fields.document.line, fields.path),
    )


def _conditions(table: Fields, rules: Sequence[str]) -> Conditions:
    return tuple(_facts(table, rules).items())


def _example(table: Fields, rules: Sequence[str]) -> Example:
    title = table.text("title", required=True) or ""
    named = table.text("named")
    sheet = table.table("facts", required=True)
    facts = _facts(sheet, rules) if sheet is not None else {}
    table.finish()
    return Example(title=title, facts=facts, named=named, find_line=partial(table.document.line, table.path))


def _facts(table: Fields, rules: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return the words of each fact of a table, in the order of FACTS; ports may be written as numbers."""
    found: dict[str, frozenset[str]] = {}
    for fact, known in FACTS.items():
        words: Sequence[str]
        if fact == "port":
            words = [str(number) for number in table.integers(fact, low=1) or ()]
        else:
            words = table.texts(fact, known=rules if fact == "rule" else known, kind=fact) or ()
        if words:
            found[fact] = frozenset(words)
        elif fact in table.keys:
            table.complain(fact, "expected at least one word")
    table.finish()
    return found
