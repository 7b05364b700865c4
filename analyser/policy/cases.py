"""The known cases of a rule pack, ``cases.toml``, and what proves them, ``case-examples.toml``, to model.

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
from analyser.policy.packs import CASES, EXAMPLES, find_pack

_IDENTIFIER: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ORDER: Final = {fact: place for place, fact in enumerate(FACTS)}
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
    document, issues = _document(name_or_path, CASES)
    if document is None:
        return (), issues
    rules = _rules(pack)
    cases = [_case(fields, pack.id, rules) for fields in document.root.tables("case")]
    document.root.finish()
    return tuple(case for case in cases if case is not None), document.issues


def read_examples(pack: RulePack, name_or_path: str) -> tuple[tuple[Example, ...], list[Issue]]:
    """Return the examples of a pack's cases that can be used, beside the mistakes found."""
    document, issues = _document(name_or_path, EXAMPLES)
    if document is None:
        return (), issues
    rules = _rules(pack)
    examples = [
        _example(fields, rules, accept=key == "accept")
        for key in ("accept", "refuse")
        for fields in document.root.tables(key)
    ]
    document.root.finish()
    return tuple(example for example in examples if example is not None), document.issues


def _rules(pack: RulePack) -> list[str]:
    return [rule.id.partition("/")[2] for rule in pack.rules]


def _document(name_or_path: str, name: str) -> tuple[Document | None, list[Issue]]:
    """Return a file of a pack, or None where it has none, or one that cannot be read."""
    folder = find_pack(name_or_path)
    file = None if folder is None else folder.joinpath(name)
    if file is None or not file.is_file():
        return None, []
    try:
        document = Document(str(file), file.read_bytes())
    except OSError as error:
        return None, [Issue(file=str(file), line=0, key="", message=f"cannot be read: {error.strerror}")]
    return (None, document.issues) if document.issues else (document, [])


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
        file=fields.document.file,
        find_line=partial(fields.document.line, fields.path),
    )


def _conditions(table: Fields, rules: Sequence[str]) -> Conditions:
    return tuple(_facts(table, rules).items())


def _example(fields: Fields, rules: Sequence[str], *, accept: bool) -> Example | None:
    before = len(fields.document.issues)
    case, title = (fields.text(key, required=True) or "" for key in ("case", "title"))
    named = None if accept else fields.text("named")
    sheet = fields.table("facts", required=True)
    facts = _facts(sheet, rules) if sheet is not None else {}
    fields.finish()
    if len(fields.document.issues) > before:
        return None
    line = partial(fields.document.line, fields.path)
    return Example(
        case=case, title=title, accept=accept, facts=facts, named=named, file=fields.document.file, find_line=line
    )


def _facts(table: Fields, rules: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return the words of each fact of a table, in the order of FACTS; ports may be written as numbers."""
    found: dict[str, frozenset[str]] = {}
    for fact in table.keys:
        words: Sequence[str]
        if fact not in FACTS:
            table.complain(fact, unknown("fact", fact, list(FACTS)))
            continue
        if fact == "port":
            words = [str(number) for number in table.integers(fact, low=1) or ()]
        else:
            words = table.texts(fact, known=rules if fact == "rule" else FACTS[fact], kind=fact) or ()
        if words:
            found[fact] = frozenset(words)
        else:
            table.complain(fact, "expected at least one word")
    return dict(sorted(found.items(), key=lambda item: _ORDER[item[0]]))
