"""What known cases claim, held against their examples: each accepts its own, and none takes those of another.

Knows cases as model; files and words were checked when they were read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from analyser.model.case import Case, Example, holds
from analyser.policy.issues import Issue, shown, unknown


def lint_cases(cases: Sequence[Case]) -> list[Issue]:
    """Return everything that is wrong with the cases of one pack, in the order of the file."""
    by_name: dict[str, Case] = {}
    issues = [
        _issue(case, "id", f"already used in line {by_name[case.name].find_line()}")
        for case in cases
        if by_name.setdefault(case.name, case) is not case
    ]
    for case in cases:
        issues += _examples(case)
        issues += [
            _issue(case, "overlaps", unknown("case", name, list(by_name)))
            for name in case.overlaps
            if name not in by_name or name == case.name
        ]
        issues += _named(case, by_name)
        issues += [issue for other in cases if other is not case for issue in _taken(case, other)]
    return sorted(issues)


def _examples(case: Case) -> Iterable[Issue]:
    for key, examples in (("accept", case.accept), ("refuse", case.refuse)):
        if not examples:
            yield _issue(case, key, "missing: a case proves itself by what it accepts and by what it must refuse")
    for example in case.accept:
        if not holds(case, example.facts):
            yield _about(case, example, "accept", "should be this case and is not")
    for example in case.refuse:
        if holds(case, example.facts):
            yield _about(case, example, "refuse", "should not be this case and is")
    for conditions in case.when:
        if case.accept and not any(holds(replace(case, when=(conditions,)), example.facts) for example in case.accept):
            facts = ", ".join(fact for fact, _ in conditions)
            yield _issue(case, "when", f"no example shows the conditions on {facts}")


def _named(case: Case, by_name: dict[str, Case]) -> Iterable[Issue]:
    """An example that says which other case it is must be that one."""
    for example in case.refuse:
        if example.named is None:
            continue
        other = by_name.get(example.named)
        if other is None:
            yield _about(case, example, "refuse", unknown("case", example.named, list(by_name)))
        elif not holds(other, example.facts):
            yield _about(case, example, "refuse", f"is said to be {example.named} and is not")


def _taken(case: Case, other: Case) -> Iterable[Issue]:
    """No case accepts an example of another one, unless one of the two says so."""
    if other.name in case.overlaps:
        return
    for key, examples in (("accept", other.accept), ("refuse", other.refuse)):
        for example in examples:
            if example.named != case.name and holds(case, example.facts):
                yield _about(case, example, key, f"an example of {other.name}, is taken by this case as well")


def _issue(case: Case, key: str, message: str) -> Issue:
    return Issue(file=case.file, line=case.find_line(), key=f"case.{key}", message=f"{case.name}: {message}")


def _about(case: Case, example: Example, key: str, message: str) -> Issue:
    return Issue(
        file=case.file,
        line=example.find_line(),
        key=f"case.{key}",
        message=f"{case.name}: {shown(example.title)} {message}",
    )
