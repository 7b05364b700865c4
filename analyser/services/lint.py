"""The style guide of signature files, as code: what a good signature has, and whether its examples prove it.

Knows signatures and the matcher; printing and exit codes belong to the command line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.resources.abc import Traversable
from pathlib import PurePath
from typing import Final

import numpy as np
import polars as pl

from analyser.services.byterows import byte_rows
from analyser.services.loading import read_folder
from analyser.services.matcher import NO_SERVICE, FirstBytes, Matcher
from analyser.services.signature import Example, Pattern, Signature, SignatureIssue

LEAST_BITS: Final = 24.0
"""A pattern for any port must be this unlikely to match by chance (one in 2^24 random flows)."""

LEAST_BITS_AT_PORT: Final = 10.0
"""A pattern that names its ports may be weaker."""


def lint_signatures(folder: Traversable, beside: Sequence[Signature] | None = None) -> list[SignatureIssue]:
    """Return every mistake of the signature files of a folder, ordered by file and line; an empty list is praise.

    ``beside``: signatures that a user's folder is added to; the examples of both are judged by all.
    """
    signatures, issues = read_folder(folder, own=beside is not None)
    every = [*(beside or ()), *signatures]
    found = [*issues, *_check_folder(signatures, {signature.service for signature in beside or ()})]
    for signature in signatures:
        found.extend(_check_file(signature))
        found.extend(_check_proofs(signature))
    found.extend(_check_examples(every))
    found.extend(_check_confusion(every))
    return sorted(found, key=lambda issue: (issue.file, issue.line, issue.key))


def judge(matcher: Matcher, examples: Sequence[Example]) -> list[tuple[str | None, str | None]]:
    """Return the service and sub-label that the matcher gives to each example."""
    flows = FirstBytes(
        np.array([("tcp", "udp").index(item.transport) for item in examples], dtype=np.uint8),
        np.array([item.port for item in examples], dtype=np.uint16),
        byte_rows(pl.Series([item.orig for item in examples], dtype=pl.Binary)),
        byte_rows(pl.Series([item.resp for item in examples], dtype=pl.Binary)),
    )
    found = matcher.match(flows)
    return [
        (
            None if service == NO_SERVICE else matcher.services[service],
            None if sublabel == NO_SERVICE else matcher.sublabels[sublabel],
        )
        for service, sublabel in zip(found.service, found.sublabel, strict=True)
    ]


def _issue(signature: Signature, line: int, key: str, message: str) -> SignatureIssue:
    return SignatureIssue(file=signature.file, line=line, key=key, message=message)


def _check_folder(signatures: Sequence[Signature], others: set[str]) -> Iterator[SignatureIssue]:
    seen: dict[str, str] = {}
    for signature in signatures:
        if signature.service in seen:
            message = f"{signature.service} has a file already: {seen[signature.service]}"
            yield _issue(signature, signature.line, "service", message)
        seen[signature.service] = signature.file
        if signature.alone and PurePath(signature.file).stem != signature.service:
            yield _issue(signature, 1, "service", f"the file of {signature.service} is named {signature.service}.toml")
    for signature in signatures:
        for word in signature.refines:
            if word not in seen and word not in others:
                yield _issue(signature, signature.line, "refines", f"{word} has no signature that could be refined")


def _check_file(signature: Signature) -> Iterator[SignatureIssue]:
    if not signature.patterns:
        yield _issue(signature, signature.line, "pattern", "missing: a signature has at least one pattern")
    for accepted, word in ((True, "accept"), (False, "refuse")):
        if not any(item.accepted == accepted for item in signature.examples):
            yield _issue(
                signature, signature.line, word, f"missing: a signature has at least one example it must {word}"
            )
    lines: dict[str, int] = {}
    for pattern in signature.patterns:
        if lines.setdefault(pattern.id, pattern.line) != pattern.line:
            yield _issue(signature, pattern.line, "id", f"{pattern.id!r} is used twice in this file")
        least = LEAST_BITS_AT_PORT if pattern.ports else LEAST_BITS
        if pattern.bits < least:
            yield _issue(
                signature,
                pattern.line,
                "pattern",
                f"{pattern.id!r} fixes {pattern.bits:.0f} bits, at least {least:.0f} are needed"
                + ("" if pattern.ports else "; name the ports or test more bytes"),
            )
        if not pattern.ports and all(test.first is None for test in (*pattern.orig, *pattern.resp)):
            yield _issue(
                signature,
                pattern.line,
                "pattern",
                f"{pattern.id!r} would search every flow: fix a first byte or a port",
            )


def _check_proofs(signature: Signature) -> Iterator[SignatureIssue]:
    """Every pattern must decide at least one example by itself."""
    accepted = [item for item in signature.examples if item.accepted]
    by_id: dict[str, list[Pattern]] = {}
    for pattern in signature.patterns:
        by_id.setdefault(pattern.id, []).append(pattern)
    for name, patterns in by_id.items():
        alone = Matcher([replace(signature, patterns=tuple(patterns), refines=())])
        if accepted and not any(service for service, _ in judge(alone, accepted)):
            yield _issue(signature, patterns[0].line, "pattern", f"{name!r} is proved by no example")


def _check_examples(signatures: Sequence[Signature]) -> Iterator[SignatureIssue]:
    """Every signature judges every other's examples."""
    matcher = Matcher(signatures)
    pairs = [(signature, example) for signature in signatures for example in signature.examples]
    results = judge(matcher, [example for _, example in pairs])
    for (signature, example), (service, sublabel) in zip(pairs, results, strict=True):
        if example.accepted and service != signature.service:
            yield _issue(signature, example.line, "accept", f"{example.title!r} is taken for {service or 'nothing'}")
        elif example.accepted and example.sublabel is not None and sublabel != example.sublabel:
            yield _issue(signature, example.line, "sublabel", f"{example.title!r} gets {sublabel}")
        elif not example.accepted and service == signature.service:
            yield _issue(signature, example.line, "refuse", f"{example.title!r} is accepted")


def _check_confusion(signatures: Sequence[Signature]) -> Iterator[SignatureIssue]:
    """A signature alone takes another's example only if the other says that it refines it."""
    for signature in signatures:
        alone = Matcher([signature])
        for other in signatures:
            if other.service == signature.service or signature.service in other.refines:
                continue
            accepted = [item for item in other.examples if item.accepted]
            for example, (service, _) in zip(accepted, judge(alone, accepted), strict=True):
                if service is not None:
                    message = f"also takes {example.title!r} of {other.service}, which does not refine it"
                    yield _issue(signature, signature.line, "pattern", message)
