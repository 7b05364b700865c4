"""Rebuild the samples: ``python -m samples.renew [CASE...]`` writes captures and golden digests again.

Knows where the parts of a case lie. A golden file holds what must not change unnoticed (who, what, why, how bad),
not how it is worded or when it was found.
"""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from analyser.model.finding import PortFinding, ReportDocument, UnexpectedEntry, Verdict, VerdictEntry
from samples.expect import Expect, end_name
from samples.story import Story

HERE: Final = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Case:
    """One sample by name, and where its parts lie."""

    name: str

    @property
    def script(self) -> Path:
        """The script that tells the story."""
        return HERE / "pcaps" / f"{self.name}.py"

    @property
    def site(self) -> Path:
        """The inventory that the case is judged against."""
        return HERE / "sites" / f"{self.name}.toml"

    @property
    def golden(self) -> Path:
        """The digest of its report."""
        return HERE / "golden" / f"{self.name}.json"

    def told(self) -> tuple[Story, Expect]:
        """Run the script; return its story and the truth it declares."""
        names = runpy.run_path(str(self.script), run_name=f"samples.pcaps.{self.name}")
        story, expect = names["story"], names["EXPECT"]
        assert isinstance(story, Story)
        assert isinstance(expect, Expect)
        return story, expect

    def captures(self, story: Story) -> list[Path]:
        """Return where the captures of its story lie."""
        return list(story.captures(self.script).values())


def cases() -> list[Case]:
    """Return every case, in the order of names."""
    return [Case(path.stem) for path in sorted((HERE / "pcaps").glob("*.py"))]


def digest(document: ReportDocument) -> dict[str, Any]:
    """Return what a golden file keeps of a report."""
    return {
        "exit": document.summary.exit_code,
        "compliant": document.summary.compliant,
        "captures": [
            {"format": note.format, "link_types": list(note.link_types), "packets": note.packets,
             "complete": note.complete, "problems": [problem.code for problem in note.problems]}
            for note in document.captures
        ],
        "verdicts": sorted((_verdict(entry) for entry in document.verdicts if _applies(entry)), key=json.dumps),
        "unexpected": sorted((_unexpected(entry) for entry in document.unexpected), key=json.dumps),
        "infrastructure": {note.service: note.flows for note in document.infrastructure},
        "out_of_scope": document.coverage.out_of_scope.flows,
    }  # fmt: skip


def canonical(value: dict[str, Any]) -> str:
    """Return a digest as the text of its golden file: one finding a line, so that a change is one line."""
    parts = []
    for key, item in value.items():
        if isinstance(item, list) and item:
            lines = ",\n".join("    " + json.dumps(element, ensure_ascii=False) for element in item)
            parts.append(f"  {json.dumps(key)}: [\n{lines}\n  ]")
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(item, ensure_ascii=False)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _applies(entry: VerdictEntry) -> bool:
    """Leave out rules that do not apply: four in five of a small site, and a rule that begins to apply shows up."""
    return entry.verdict is not Verdict.NOT_APPLICABLE


def _verdict(entry: VerdictEntry) -> dict[str, Any]:
    return {
        "rule": entry.rule,
        "initiator": end_name(entry.initiator),
        "responder": end_name(entry.responder),
        "verdict": entry.verdict.value,
        "severity": entry.severity.value,
        "ports": {str(port.port): _port(port) for port in entry.ports},
        **({"waiver": entry.waiver.reason} if entry.waiver else {}),
        **({"case": entry.case.id} if entry.case else {}),
    }


def _unexpected(entry: UnexpectedEntry) -> dict[str, Any]:
    return {
        "reason": entry.reason.value,
        "initiator": end_name(entry.initiator),
        "responder": end_name(entry.responder),
        "transport": entry.transport,
        "port": entry.port,
        "state": entry.state.value + (f"/{entry.cause.value}" if entry.cause else ""),
        "severity": entry.severity.value,
        "flows": entry.flows,
        **({"waiver": entry.waiver.reason} if entry.waiver else {}),
        **({"case": entry.case.id} if entry.case else {}),
    }


def _port(port: PortFinding) -> str:
    """Return state, cause, who did it, and the label of a port in one line."""
    words = port.state.value + (f"/{port.cause.value}" if port.cause else "")
    words += f" by {port.by}" if port.by else ""
    return words + (f" {port.service} ({port.basis})" if port.service else "")


def renew(case: Case) -> list[str]:
    """Write the capture and the golden digest of a case; return where its report differs from the declared truth."""
    from analyser.pipeline import judging

    story, expect = case.told()
    story.save(str(case.script))
    run = judging.check(
        [str(path) for path in case.captures(story)], site=case.site, at=expect.at, vantage=expect.vantage
    )
    case.golden.write_text(canonical(digest(run.document)), encoding="utf-8")
    return expect.disagreements(run.document)


def main(names: Sequence[str]) -> int:
    """Renew the named cases, or all; return 1 if a report contradicts the truth its case declares."""
    failed = 0
    for case in [Case(name) for name in names] or cases():
        wrong = renew(case)
        failed |= bool(wrong)
        print(f"{case.name}: {'as declared' if not wrong else 'DIFFERS'}")
        for line in wrong:
            print(f"  {line}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
