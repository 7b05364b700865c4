"""What known cases claim, held against examples: each accepts its own, and none takes those of another.

Knows cases as model; files and words were checked when they were read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from analyser.model.case import Case, Example, holds
from analyser.policy.issues import Issue, shown, unknown


def lint_cases(cases: Sequence[Case], examples: Sequence[Example]) -> list[Issue]:
    """Return everything that is wrong with the cases of one pack."""
    by_name: dict[str, Case] = {}
    issues = [
        _issue(case, "id", f"already used in line {by_name[case.name].find_line()}")
        for case in cases
        if by_name.setdefault(case.name, case) is not case
    ]
    for case in by_name.values():
        issues += _shown(case, [example for example in examples if example.case == case.name])
    for example in examples:
        issues += _judged(example, by_name)
    return sorted(issues)


def _shown(case: Case, examples: Sequence[Example]) -> Iterable[Issue]:
    """Every way in which a case can hold is shown by an example, and something that looks alike is refused."""
    accepted = [example for example in examples if example.accept]
    for conditions in case.when:
        if not any(holds(replace(case, when=(conditions,)), example.facts) for example in accepted):
            yield _issue(
                case, "when", f"no example shows the conditions on {', '.join(fact for fact, _ in conditions)}"
            )
    if all(example.accept for example in examples):
        yield _issue(case, "id", "no example says what it must refuse")


def _judged(example: Example, by_name: dict[str, Case]) -> Iterable[Issue]:
    """An example is what it says that it is, and is no case beside."""
    for key, name in (("case", example.case), ("named", example.named)):
        if name is not None and name not in by_name:
            yield _about(example, key, unknown("case", name, list(by_name)))
    wanted = {example.case} if example.accept else {example.named} - {None}
    for name, case in by_name.items():
        taken = holds(case, example.facts)
        if name in wanted and not taken:
            yield _about(example, "facts", f"should be {name} and is not")
        elif name not in wanted and taken:
            yield _about(example, "facts", f"should not be {name} and is")


def _issue(case: Case, key: str, message: str) -> Issue:
    return Issue(file=case.file, line=case.find_line(), key=f"case.{key}", message=f"{case.name}: {message}")


def _about(example: Example, key: str, message: str) -> Issue:
    kind = "accept" if example.accept else "refuse"
    return Issue(
        file=example.file, line=example.find_line(), key=f"{kind}.{key}", message=f"{shown(example.title)} {message}"
    )
