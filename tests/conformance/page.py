"""``python -m tests.conformance.page``: writes the confusion table in docs/services.md anew, between its marks.

Knows how the table looks; what is in it is counted in ``services``.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from tests.conformance.services import OTHER, confusion, conversations, fits, judged
from tests.conformance.truth import files

PAGE: Final = Path(__file__).parents[2] / "docs" / "services.md"
BEGIN: Final = "<!-- counted: written by python -m tests.conformance.page -->"
END: Final = "<!-- end of what is counted -->"


def counted() -> str:
    """Return the part of the page that is counted: the table, and every disagreement with its reason."""
    table = confusion()
    truths = sorted({truth for truth, _ in table if truth != OTHER})
    known = [one for one in conversations() if one.truth not in (None, OTHER) and one.begun]
    named = [one for one in known if one.basis != "port" and fits(one.ours, one.truth or "")]
    lines = [
        (
            f"{len(files())} public captures, {len(conversations()):,} conversations with payload in them. Of {len(known)} others agree"
            f" what they are, and they begin in the capture: {len(named)} have that name here from their bytes or from an announcement"
            f" ({len(named) / len(known):.1%})."
        ),
        "",
        "| what others agree on | conversations | named so, or finer | by port only | otherwise |",
        "|---|---|---|---|---|",
    ]
    lines += [_row(truth, table) for truth in truths]
    others = Counter({label: count for (truth, label), count in table.items() if truth == OTHER})
    told = ", ".join(f"{label} {count}" for label, count in sorted(others.items()))
    lines += [f"| {OTHER} | {others.total()} | | | {told} |", ""]
    lines += ["Labels from bytes that differ from what others agree on, or that nobody else has:", ""]
    lines += [f"- `{entry['file']}`: `{entry['service']}`: {entry['reason']}." for entry in judged()["doubtful"]]
    lines += ["", "Conversations without the name that others agree on:", ""]
    lines += [
        f"- `{entry['file']}` ({', '.join(entry['service'])}): {entry['reason']}." for entry in judged()["missed"]
    ]
    return "\n".join(lines) + "\n"


def _row(truth: str, table: Counter[tuple[str, str]]) -> str:
    """Return the line of one service; finer names are told with their counts."""
    all_of_them = {label: count for (what, label), count in table.items() if what == truth}
    named = {label: count for label, count in all_of_them.items() if fits(label, truth)}
    by_port = {label: count for label, count in all_of_them.items() if label.endswith("(by port)")}
    rest = {label: count for label, count in all_of_them.items() if label not in named and label not in by_port}
    finer = ", ".join(f"{label} {count}" for label, count in sorted(named.items()) if label != truth)
    cells = (
        truth, str(sum(all_of_them.values())), f"{sum(named.values())}" + (f" ({finer})" if finer else ""),
        str(sum(by_port.values()) or ""), ", ".join(f"{label} {count}" for label, count in sorted(rest.items())),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def renewed(text: str) -> str:
    """Return the page with its counted part as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{counted()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
