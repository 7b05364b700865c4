"""``python -m tests.cases.page``: writes the list of known cases in docs/cases.md anew, between its marks.

Knows how the list looks; what is in it stands in the rule packs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from analyser.model.case import FACTS, PLACEHOLDERS, Case, filled
from analyser.policy.cases import load_cases
from analyser.policy.packs import load_pack, pack_names

PAGE: Final = Path(__file__).parents[2] / "docs" / "cases.md"
BEGIN: Final = "<!-- listed: written by python -m tests.cases.page -->"
END: Final = "<!-- end of what is listed -->"


def listed() -> str:
    """Return every case of every pack that comes with the package: why, what must be seen, what to try."""
    lines: list[str] = []
    for name in pack_names():
        for case in load_cases(load_pack(name), name):
            lines += _told(case)
    return "\n".join(lines)


def _told(case: Case) -> list[str]:
    asked = ", ".join(f"`{fact}`" for fact in FACTS if fact in case.asks)
    told = {
        "Named where": f"{case.shows}; confidence {case.confidence.value}.",
        "Asked for": f"{asked}.",
        "Try first": f"{case.first}.",
        "Then": "; ".join(case.alternatives) + "." if case.alternatives else "",
        "Source": f"{case.source}.",
    }
    lines = [f"### `{case.name}`: {case.title}", "", case.explanation, ""]
    lines += [f"- {key}: {words}" for key, words in told.items() if words]
    return [filled(line, {word: f"*the {word}*" for word in PLACEHOLDERS}) for line in (*lines, "")]


def renewed(text: str) -> str:
    """Return the page with its list as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{listed()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
