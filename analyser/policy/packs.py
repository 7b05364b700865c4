"""Rule packs: folders of TOML files, one per table of the vendor's page, found by name or by path.

A pack of this name comes with the package; a path names a folder of one's own.
"""

from __future__ import annotations

import hashlib
import importlib.resources
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path

import analyser
from analyser.model.rule import Infrastructure, Rule, RulePack
from analyser.policy.document import Document
from analyser.policy.issues import Issue, PolicyErrors, unknown
from analyser.policy.lint import lint
from analyser.policy.rules import read_rule, read_traffic

MANIFEST = "pack.toml"
CASES = "cases.toml"
EXAMPLES = "case-examples.toml"
"""Known cases of a pack and what proves them; read by ``cases``, for who wants a pack's rules need not wait for them."""

DEFAULT_PACKS = ("ysoft-safeq-6", "infrastructure")
"""The packs of a site that names none."""


def load_pack(name_or_path: str) -> RulePack:
    """Return the pack of that name, or the one in the folder at that path.

    Raises:
        PolicyErrors: no such pack, or mistakes in it (all of them at once).
    """
    return _load_ours(name_or_path) if name_or_path in pack_names() else _load(name_or_path)


@cache
def _load_ours(name: str) -> RulePack:
    return _load(name)


def _load(name_or_path: str) -> RulePack:
    pack, issues = read_pack(name_or_path)
    if pack is not None:
        issues += lint([pack])
    if pack is None or issues:
        raise PolicyErrors(issues)
    return pack


def read_pack(name_or_path: str) -> tuple[RulePack | None, list[Issue]]:
    """Return what can be read of a pack beside the mistakes found; None if there is no pack to speak of."""
    folder = find_pack(name_or_path)
    if folder is None:
        message = unknown("rule pack", name_or_path, pack_names())
        return None, [
            Issue(file=name_or_path, line=0, key="", message=f"{message} (expected a folder with {MANIFEST})")
        ]
    issues: list[Issue] = []
    digest = hashlib.sha256()
    documents: dict[str, Document] = {}
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if not entry.name.endswith(".toml"):
            continue
        try:
            data = entry.read_bytes()
        except OSError as error:
            issues.append(Issue(file=str(entry), line=0, key="", message=f"cannot be read: {error.strerror}"))
            continue
        digest.update(entry.name.encode() + b"\0" + hashlib.sha256(data).digest())
        if entry.name not in (CASES, EXAMPLES):
            documents[entry.name] = Document(str(entry), data)
    manifest = documents.pop(MANIFEST, None)
    if manifest is None:
        return None, issues
    words, sections, steps = _read_manifest(manifest, documents)
    rules: list[Rule] = []
    infrastructure: list[Infrastructure] = []
    for section in sections:
        _read_section(documents[f"{section}.toml"], words["id"], section, rules, infrastructure)
    known = [rule.id.partition("/")[2] for rule in rules]
    for word in steps:
        if word not in known:
            manifest.root.complain("installation", unknown("rule", word, known))
    for document in (manifest, *documents.values()):
        issues += document.issues
    pack = RulePack(
        id=words["id"],
        version=words["version"],
        source=words["source"],
        sha256=digest.hexdigest(),
        rules=tuple(rules),
        infrastructure=tuple(infrastructure),
        installation=tuple(f"{words['id']}/{word}" for word in steps),
    )
    return pack, issues


def pack_names() -> tuple[str, ...]:
    """Return the names of the packs that come with the package."""
    return tuple(sorted(entry.name for entry in _shelf().iterdir() if entry.joinpath(MANIFEST).is_file()))


def signature_folder() -> Traversable:
    """Return the folder of the signatures, which lies beside the packs."""
    return _shelf().joinpath("signatures")


def _shelf() -> Traversable:
    """Where the packs are: package data once installed, the folder ``rules`` beside the package in a checkout."""
    try:
        return importlib.resources.files("analyser.packs")
    except ModuleNotFoundError:
        return Path(analyser.__file__).parent.parent / "rules"


def find_pack(name_or_path: str) -> Traversable | None:
    """Return the folder of a pack, None where there is none."""
    candidates: Iterable[Traversable] = ()
    if name_or_path in pack_names():
        candidates = (_shelf().joinpath(name_or_path),)
    elif "\0" not in name_or_path:
        candidates = (Path(name_or_path),)
    for folder in candidates:
        if folder.joinpath(MANIFEST).is_file():
            return folder
    return None


def _read_manifest(
    manifest: Document, documents: Mapping[str, Document]
) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
    """Return the texts of the manifest, its sections (the files of the pack, in the order of their source), and its steps."""
    root = manifest.root
    words = {key: root.text(key, required=True) or "" for key in ("id", "version", "source")}
    root.text("title")
    present = tuple(name.removesuffix(".toml") for name in documents)
    sections = root.texts("sections", required=True, known=present) or ()
    steps = root.texts("installation") or ()
    root.finish()
    forgotten = [name for name in present if name not in sections]
    if forgotten and sections:
        root.complain("sections", f"does not list {', '.join(forgotten)}")
    return words, tuple(name for name in sections if name in present), steps


def _read_section(
    document: Document, pack: str, section: str, rules: list[Rule], infrastructure: list[Infrastructure]
) -> None:
    if document.issues:
        return
    for fields in document.root.tables("rule"):
        rule = read_rule(fields, pack=pack, section=section)
        if rule is not None:
            rules.append(rule)
    for fields in document.root.tables("traffic"):
        infrastructure += read_traffic(fields, pack=pack)
    document.root.finish()
