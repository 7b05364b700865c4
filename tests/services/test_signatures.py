"""The signature files themselves: each proves itself by its examples and leaves those of the others alone."""

from __future__ import annotations

import itertools

import pytest

from analyser.model.service import Service
from analyser.services.lint import judge, lint_signatures
from analyser.services.matcher import Matcher
from analyser.services.signature import Example
from tests.services.made import FOLDER, SIGNATURES

EXAMPLES = [(signature.service, example) for signature in SIGNATURES for example in signature.examples]
MATCHER = Matcher(SIGNATURES)

BY_ANNOUNCEMENT_OR_ROLE = {Service.FTP_DATA, Service.YMQ}
"""Services that no bytes can prove."""


def _name(value: object) -> str:
    return value.title if isinstance(value, Example) else str(value)


def test_every_service_of_the_contract_has_a_signature_unless_bytes_cannot_prove_it() -> None:
    assert {signature.service for signature in SIGNATURES} == set(Service) - BY_ANNOUNCEMENT_OR_ROLE


def test_the_linter_has_nothing_to_say() -> None:
    assert lint_signatures(FOLDER) == []


@pytest.mark.parametrize(("service", "example"), [pair for pair in EXAMPLES if pair[1].accepted], ids=_name)
def test_all_signatures_together_name_the_service_of_an_example(service: str, example: Example) -> None:
    [(found, sublabel)] = judge(MATCHER, [example])
    assert found == service
    assert example.sublabel in (None, sublabel)


@pytest.mark.parametrize(("service", "example"), [pair for pair in EXAMPLES if not pair[1].accepted], ids=_name)
def test_a_signature_alone_refuses_what_only_looks_like_it(service: str, example: Example) -> None:
    alone = Matcher([signature for signature in SIGNATURES if signature.service == service])
    assert judge(alone, [example]) == [(None, None)]


def test_a_signature_takes_the_examples_of_another_only_where_the_other_refines_it() -> None:
    taken = set()
    for judging, owner in itertools.permutations(SIGNATURES, 2):
        accepted = [example for example in owner.examples if example.accepted]
        if any(service for service, _ in judge(Matcher([judging]), accepted)):
            taken.add((owner.service, judging.service))
    assert taken == {(item.service, coarser) for item in SIGNATURES for coarser in item.refines}


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55])
def test_fewer_bytes_never_prove_another_service(cut: int) -> None:
    """A cut example keeps its label, loses it, or falls back to what it refines; it never becomes something else."""
    coarser = {item.service: {item.service, *item.refines, None} for item in SIGNATURES}
    shorter = [
        Example(
            title=example.title,
            accepted=True,
            transport=example.transport,
            port=example.port,
            orig=example.orig[:cut],
            resp=example.resp[:cut],
        )
        for _, example in EXAMPLES
        if example.accepted
    ]
    services = [service for service, example in EXAMPLES if example.accepted]
    wrong = [
        (service, found, example.title)
        for service, example, (found, _) in zip(services, shorter, judge(MATCHER, shorter), strict=True)
        if found not in coarser[service]
    ]
    assert wrong == []
