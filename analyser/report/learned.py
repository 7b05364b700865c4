"""Flows without a label on a page, and a draft of a signature for each group: to be read by a person before it is used.

Knows groups as they were learnt; the form of signature files is that of docs/signatures.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.text import Text

from analyser.model.learnt import Group, Side
from analyser.report.page import Page
from analyser.report.phrases import DOT, count

MOST_SHOWN: Final = 20


def draft_names(groups: Sequence[Group]) -> list[str | None]:
    """Return a name for the draft of each group, None where too little is the same, or the same as in another group."""
    names: list[str | None] = []
    for group in groups:
        if not group.signed_by or not group.alone:
            names.append(None)
            continue
        base = f"unknown-{group.transport}-{group.port}"
        taken = sum(name is not None and (name == base or name.startswith(f"{base}-")) for name in names)
        names.append(f"{base}-{taken + 1}" if taken else base)
    return names


def draft(group: Group, name: str) -> str:
    """Return the text of a signature file for a group: as it stands it labels all flows that begin as these do."""
    tests, accept, refuse = [], [], []
    for side, shown in group.signed_by.items():
        tests.append(f'{side} = [{{ hex = "{_hex(shown)}" }}]')
        accept.append(f'{side}  = {{ hex = "{_hex(shown, gap="00")}" }}')
        other = tuple(None if byte is None else byte ^ 0xFF for byte in shown)
        refuse.append(f'{side}  = {{ hex = "{_hex(other, gap="00")}" }}')
    seen = f"{count(group.flows, 'flow')} of {count(group.initiators, 'initiator')} to {group.transport} {group.port}"
    return "\n".join(
        [
            "# A draft: what these flows have in common, no more. Give the service its name, in the file's name too, and say",
            "# where the format is described; ymq and the product's other words may be used for what they are.",
            f'service   = "{name}"',
            f'source    = "learnt from {seen}"',
            f'transport = "{group.transport}"',
            "",
            "[[pattern]]",
            'id    = "beginning"',
            f"ports = [{group.port}]",
            *tests,
            "",
            "[[accept]]",
            'title = "what the flows have in common"',
            f"port  = {group.port}",
            *accept,
            "",
            "[[refuse]]",
            'title = "other bytes on the same port"',
            f"port  = {group.port}",
            *refuse,
            "",
        ]
    )


def learned_text(groups: Sequence[Group], *, looked_at: int, unlabelled: int, width: int) -> Text:
    """Return the page: how many flows have no label, and what each group of them has in common."""
    page = Page(width)
    page.line((f"{unlabelled:,} of {count(looked_at, 'flow')} with payload have no label from their bytes", "bold"))
    for group, name in list(zip(groups, draft_names(groups), strict=True))[:MOST_SHOWN]:
        page.blank()
        page.line(
            (f"{group.transport.upper()} {group.port}", "bold"),
            f"  {count(group.flows, 'flow')}, {count(group.initiators, 'initiator')}, {count(group.responders, 'responder')}; the {group.first} speaks first",
        )
        for word, side in (("initiator", group.orig), ("responder", group.resp)):
            page.prose(_said(side), first=f" {DOT} {word}: ")
        page.prose(
            f"draft: {name}.toml"
            if name
            else "no draft: too little can be shown that is the same in all these flows and in no others",
            first="   ",
        )
    if len(groups) > MOST_SHOWN:
        page.blank()
        page.line(f"and {len(groups) - MOST_SHOWN:,} more groups (--json, -o)")
    if groups:
        page.blank()
        page.prose(
            "Shown are bytes that are the same in all flows of a group, from the beginning; .. stands for bytes that differ, or could be"
            " words of people: letters and digits are shown only of the first four bytes, where several senders agree. -o DIR"
            " writes the drafts; read them, name them, and give their folder with --signatures."
        )
    return page.text()


def learned_document(groups: Sequence[Group], *, looked_at: int, unlabelled: int) -> dict[str, Any]:
    """Return the same as one JSON document."""
    return {
        "schema": "analyser/learn/1",
        "flows": looked_at,
        "unlabelled": unlabelled,
        "groups": [
            {
                "transport": group.transport, "port": group.port, "flows": group.flows, "initiators": group.initiators,
                "responders": group.responders, "first": group.first, "initiator": _side(group.orig),
                "responder": _side(group.resp), "draft": draft(group, name) if name else None,
            }
            for group, name in zip(groups, draft_names(groups), strict=True)
        ],
    }  # fmt: skip


def _side(side: Side | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {
        "flows": side.flows, "bytes": _hex(side.shown, gap=".."), "text": side.text, "shortest": side.shortest,
        "longest": side.longest, "length_field": side.length,
    }  # fmt: skip


def _said(side: Side | None) -> str:
    if side is None:
        return "says nothing"
    sizes = f"{side.shortest:,}" if side.shortest == side.longest else f"{side.shortest:,} to {side.longest:,}"
    kind = "text" if side.text else "binary"
    shown = f"begins {_hex(side.shown, gap='..')}" if side.shown else "no byte that can be shown"
    words = "".join(chr(byte) if byte is not None and 0x20 <= byte < 0x7F else "." for byte in side.shown)
    told = f' ("{words}")' if sum(char != "." for char in words) > 1 else ""
    length = f"; {side.length}" if side.length else ""
    return f"{kind}, {sizes} bytes; {shown}{told}{length}"


def _hex(shown: Sequence[int | None], gap: str = "??") -> str:
    return " ".join(gap if byte is None else f"{byte:02x}" for byte in shown)
