"""A site and a story for one case: who is there, what is said, and which case a finding is told to look like.

Knows stories and site files; what a case is stands in the rule pack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from analyser.model.finding import KnownCase, ReportDocument, UnexpectedEntry, VerdictEntry
from analyser.pipeline import judging
from samples import plays, speech
from samples.cast import SECOND, SERVER, printer
from samples.story import Host, Story
from samples.talk import tcp, udp
from tests.services import wire

MFD = printer(1)
OTHER = printer(2)

__all__ = ["MFD", "OTHER", "SECOND", "SERVER", "Host", "Stage", "Story", "plays", "speech", "tcp", "udp", "wire"]


@dataclass
class Stage:
    """A site in the making. ``features`` and ``extra`` lines go into its file as they are."""

    features: Sequence[str] = ()
    extra: str = ""
    story: Story = field(default_factory=Story)
    _hosts: list[str] = field(default_factory=list)

    def host(self, host: Host, *roles: str, vendor: str | None = None, terminal: str = "embedded", **more: str) -> Host:
        """Let a host play roles; return it."""
        lines = [
            f'name = "{host.name}"',
            f'addresses = ["{host.address}"]',
            f"roles = {list(roles)!r}".replace("'", '"'),
        ]
        if vendor is not None:
            lines += [f'vendor = "{vendor}"', f'terminal = "{terminal}"']
        lines += [f'{key} = "{value}"' for key, value in more.items()]
        self._hosts.append("\n".join(["[[host]]", *lines]))
        return host

    def report(self) -> ReportDocument:
        """Judge what was told."""
        features = ", ".join(f'"{word}"' for word in self.features)
        text = '\n\n'.join([f'name = "Stage"\nrules = ["ysoft-safeq-6", "infrastructure"]\nfeatures = [{features}]',
                            *self._hosts, self.extra])  # fmt: skip
        with TemporaryDirectory() as folder:
            capture, site = Path(folder, "story.pcap"), Path(folder, "site.toml")
            capture.write_bytes(self.story.render())
            site.write_text(text, encoding="utf-8")
            run = judging.check([str(capture)], site=site)
            run.flows.close()
        return run.document


def entries(document: ReportDocument, rule: str) -> list[VerdictEntry]:
    """Return the verdicts of a rule, by the last words of its id."""
    return [entry for entry in document.verdicts if entry.rule.endswith(f"/{rule}")]


def case_of(document: ReportDocument, rule: str) -> KnownCase:
    """Return the one case that is named beside verdicts of a rule."""
    (case,) = {entry.case for entry in entries(document, rule) if entry.case is not None}
    return case


def cases_of(document: ReportDocument) -> list[KnownCase]:
    """Return the cases in a report, in its order."""
    every: list[VerdictEntry | UnexpectedEntry] = [*document.verdicts, *document.unexpected]
    return [entry.case for entry in every if entry.case is not None]


def names(document: ReportDocument) -> set[str]:
    """Return the names of all cases in a report."""
    return {case.id.rpartition("/")[2] for case in cases_of(document)}


def frames(case: KnownCase) -> set[int]:
    """Return the frames that a case rests on."""
    return {number for piece in case.evidence for number in piece.frames}
