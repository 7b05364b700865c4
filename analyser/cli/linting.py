"""Which folders ``analyser rules lint`` means, and the mistakes in them: rules, cases and signatures have a linter each."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.resources.abc import Traversable
from pathlib import Path

from analyser.policy.case_lint import lint_cases
from analyser.policy.cases import read_cases, read_examples
from analyser.policy.lint import lint
from analyser.policy.packs import MANIFEST, pack_names, read_pack, signature_folder


def check_folders(paths: Sequence[str]) -> tuple[list[str], int]:
    """Return every mistake as a line ``file:line: key: message``, and how many rules, cases and signatures were looked at.

    ``paths`` are names of packs, folders of a pack, of signatures, or of several such folders, or files that hold
    signatures (a site file may); none: all of ours.
    """
    names: list[str] = [] if paths else list(pack_names())
    folders: list[Traversable] = [] if paths else [signature_folder()]
    for path in paths:
        for place in _inside(Path(path)):
            if _is_signatures(place):
                folders.append(place)
            else:
                names.append(path if path in pack_names() else str(place))
    issues, packs, count = [], [], 0
    for name in names:
        pack, found = read_pack(name)
        issues += found
        if pack is None:
            continue
        packs.append(pack)
        cases, found = read_cases(pack, name)
        examples, mistakes = read_examples(pack, name)
        issues += [*found, *mistakes, *lint_cases(cases, examples)]
        count += len(pack.rules) + len(pack.infrastructure) + len(cases)
    lines = [str(issue) for issue in sorted({*issues, *lint(packs)})]
    for folder in folders:
        from analyser.pipeline.linting import signature_mistakes

        lines += signature_mistakes(
            folder, own=bool(paths) and Path(str(folder)).resolve() != Path(str(signature_folder())).resolve()
        )
        count += 1 if folder.is_file() else sum(entry.name.endswith(".toml") for entry in folder.iterdir())
    return lines, count


def _inside(path: Path) -> list[Path]:
    """Return the folder itself, or the packs and signatures in it where it is a shelf of them."""
    if not path.is_dir() or (path / MANIFEST).is_file() or _is_signatures(path):
        return [path]
    inner = [place for place in sorted(path.iterdir()) if (place / MANIFEST).is_file() or _is_signatures(place)]
    return inner or [path]


def _is_signatures(path: Path) -> bool:
    """Tell a folder of signatures (TOML files that name a service, and no manifest) and a file that holds some."""
    if path.suffix == ".toml" and path.is_file():
        return _names_a_service(path)
    if not path.is_dir() or (path / MANIFEST).is_file():
        return False
    files = sorted(path.glob("*.toml"))
    return bool(files) and (path.name == "signatures" or all(_names_a_service(file) for file in files))


def _names_a_service(file: Path) -> bool:
    try:
        return bool({"service", "signature"} & tomllib.loads(file.read_text(encoding="utf-8-sig")).keys())
    except (OSError, ValueError, RecursionError):
        return False
