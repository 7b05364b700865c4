"""Labels of captures that show less: they say less, and never something else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from analyser.pipeline.reading import flows
from tests.conformance.partial import VARIANTS, pieces, written
from tests.conformance.services import Ends, _ends, conversations, fits
from tests.conformance.truth import FOLDER, files

FILES_A_SERVICE = 4

KEPT = {"snap length 96": 0.95, "first segment late": 0.99, "one side, who spoke first": 0.9}
"""Share of the labels from bytes that a variant must keep: what it takes away is often not what proves the label."""


@cache
def chosen() -> tuple[str, ...]:
    """Return a few files of each service that bytes proved, of one link type each."""
    files()
    kinds = {entry["file"]: len(entry.get("linktypes", [1])) for entry in files()}
    by_service: dict[str, dict[str, None]] = defaultdict(dict)
    for one in conversations():
        if (
            one.basis == "payload"
            and one.ours
            and kinds[one.file] == 1
            and (FOLDER / one.file).stat().st_size < 2_000_000
        ):
            by_service[one.ours][one.file] = None
    return tuple(dict.fromkeys(file for those in by_service.values() for file in list(those)[:FILES_A_SERVICE]))


def labels(path: Path) -> dict[Ends, set[tuple[str, str]]]:
    """Return service and basis of the flows of a capture, by their ends; several flows may have the same."""
    run = flows([str(path)], digests=False)
    found: dict[Ends, set[tuple[str, str]]] = defaultdict(set)
    for row in run.whole().frame.to_dicts():
        if row["service"] is not None:
            found[_ends(row["proto"], row["id.orig_h"], row["id.orig_p"], row["id.resp_h"], row["id.resp_p"])].add(
                (row["service"], row["basis"])
            )
    run.close()
    return found


@cache
def of_the_whole(file: str) -> dict[Ends, set[tuple[str, str]]]:
    """Return the labels of a whole capture, by ends."""
    return labels(FOLDER / file)


def proved(those: set[tuple[str, str]]) -> set[str]:
    """Return the services that bytes prove."""
    return {service for service, basis in those if basis == "payload"}


def compared(name: str, folder: Path) -> Iterator[tuple[str, Ends, set[tuple[str, str]], set[str]]]:
    """Give for each conversation the labels of the whole, and what bytes prove of the variant."""
    for file in chosen():
        link, those = pieces(FOLDER / file)
        path = folder / "part.pcap"
        path.write_bytes(written(link, VARIANTS[name](those)))
        part = labels(path)
        whole = of_the_whole(file)
        for ends in {*whole, *part}:
            yield file, ends, whole.get(ends, set()), proved(part.get(ends, set()))


@pytest.mark.parametrize("name", VARIANTS)
def test_less_evidence_says_less_and_nothing_else(name: str, tmp_path: Path) -> None:
    """A label from bytes of a part is that of the whole or a coarser one; most stay where the proof is still there.

    Where the whole has none, neither has the part.
    """
    seen = kept = 0
    for file, ends, whole, part in compared(name, tmp_path):
        seen += bool(proved(whole))
        kept += bool(proved(whole) and part)
        guessed = {service for service, basis in whole if basis == "port"}  # a broken first datagram proves nothing
        strange = {
            word for word in part if not any(word == known or fits(known, word) for known in proved(whole) | guessed)
        }
        assert not strange, (file, ends, whole, part)
    assert seen > 200
    assert kept / seen >= KEPT.get(name, 0)
