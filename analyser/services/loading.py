"""Signature files (``rules/signatures/<service>.toml``) to signatures, all mistakes at once.

Knows TOML and the keys of these files, and that a site file may hold such tables as ``[[signature]]`` among its own; whether
the patterns are good ones is asked in ``lint``.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.resources.abc import Traversable
from typing import Any, Final

from analyser.model.service import Service
from analyser.services.byterows import HEAD, PREFIX
from analyser.services.notation import NotationError, read_bytes, read_hex, read_text
from analyser.services.signature import (
    AnyOf,
    Example,
    Find,
    Pattern,
    Signature,
    SignatureError,
    SignatureIssue,
    Size,
    Structured,
    Template,
    Test,
)
from analyser.services.structures import STRUCTURES

NEUTRAL_PORT: Final = 40000
"""Responder port of examples that do not name one: no pattern asks for it."""

_SERVICES: Final = frozenset(Service)
_TRANSPORTS: Final = ("tcp", "udp")
_OWN_WORD: Final = re.compile("[a-z][a-z0-9-]{1,39}")
"""What a user may call a service of his own."""
_AMONG_OTHERS: Final = "signature"
"""The tables that are signatures in a file that holds something else besides."""
_FILE_KEYS: Final = {"service", "source", "transport", "refines", "pattern", "accept", "refuse"}
_PATTERN_KEYS: Final = {"id", "transport", "ports", "sublabel", "orig", "resp", "either"}
_EXAMPLE_KEYS: Final = {"title", "transport", "port", "orig", "resp", "sublabel"}
_TEST_KEYS: Final = {
    "hex": {"at"},
    "text": {"at", "fold"},
    "find": {"within", "fold"},
    "size": set[str](),
    "structure": {"at"},
}

_FIRST_EXAMPLE: Final = re.compile(r"^\[\[(?:accept|refuse)\]\]", re.MULTILINE)

Table = Mapping[str, Any]


def load_signatures(folder: Traversable, *, own: bool = False, proved: bool = False) -> tuple[Signature, ...]:
    """Read every ``*.toml`` of a folder, in name order, or one file. ``own``: a user's, which may name services of its own.

    ``proved``: no examples are read, which stand behind all else in files that come with the package and were tested there.

    Raises:
        SignatureError: with every mistake of every file.
    """
    signatures, issues = read_folder(folder, own=own, proved=proved)
    if issues:
        raise SignatureError(issues)
    return signatures


def read_folder(
    folder: Traversable, *, own: bool = False, proved: bool = False
) -> tuple[tuple[Signature, ...], tuple[SignatureIssue, ...]]:
    """Read what can be read of a folder, or of one file: signatures of the sound ones, and the mistakes of the others."""
    signatures: list[Signature] = []
    issues: list[SignatureIssue] = []
    try:
        files = _files(folder)
    except OSError as error:
        return (), (SignatureIssue(file=str(folder), line=1, key="", message=f"cannot read the folder: {error}"),)
    for item in files:
        reader = _FileReader(str(item), own=own, proved=proved)
        found = reader.read(item)
        issues.extend(reader.issues)
        if not reader.issues:
            signatures.extend(found)
    return tuple(signatures), tuple(issues)


def digest(folder: Traversable) -> str:
    """Return the SHA-256 over names and contents of the signature files of a folder, or over one file.

    Raises OSError where they cannot be read.
    """
    told = hashlib.sha256()
    for item in _files(folder):
        told.update(item.name.encode("utf-8", "surrogateescape") + b"\0" + hashlib.sha256(item.read_bytes()).digest())
    return told.hexdigest()


def _files(folder: Traversable) -> list[Traversable]:
    if folder.is_file():
        return [folder]
    return sorted((item for item in folder.iterdir() if item.name.endswith(".toml")), key=lambda item: item.name)


class _FileReader:
    """Reads one file and collects its mistakes with their lines."""

    def __init__(self, name: str, *, own: bool, proved: bool) -> None:
        self.name = name
        self.own = own
        self.proved = proved
        self.issues: list[SignatureIssue] = []
        self.keys: dict[str, list[int]] = {}
        self.headers: dict[str, list[int]] = {}
        self.begin = 1
        self.transports: tuple[str, ...] = ()

    def read(self, item: Traversable) -> list[Signature]:
        """Return the signature, or the several that stand among other things; none where the file is no TOML."""
        try:
            text = item.read_bytes().decode("utf-8-sig")
            if self.proved and (example := _FIRST_EXAMPLE.search(text)):
                text = text[: example.start()]  # two thirds of the file, and of the time
            self._find_places(text)
            table = tomllib.loads(text)
        except RecursionError:
            self._wrong(1, "", "not a TOML file that can be read: nested too deeply")
            return []
        except (OSError, ValueError) as error:
            found = re.search(r"line (\d+)", str(error))
            self._wrong(int(found[1]) if found else 1, "", f"not a TOML file: {error}")
            return []
        if not self.own or _AMONG_OTHERS not in table:
            return [self._signature(table)]
        signatures = []
        for number, entry in enumerate(self._tables(table, _AMONG_OTHERS)):
            self.begin = self._header(_AMONG_OTHERS, number)
            signatures.append(replace(self._signature(entry, f"{_AMONG_OTHERS}."), alone=False, line=self.begin))
        return signatures

    # -- parts ---------------------------------------------------------------------------------

    def _signature(self, table: Table, prefix: str = "") -> Signature:
        """Read one signature; ``prefix`` stands before the names of its tables in the file."""
        self._unknown(self.begin, table, _FILE_KEYS)
        service = self._service(table.get("service"))
        self.transports = self._transport(self._line("transport"), table.get("transport"), _TRANSPORTS)
        refines = tuple(self._strings(self._line("refines"), "refines", table.get("refines", [])))
        for word in refines:
            if word not in _SERVICES and not (self.own and _OWN_WORD.fullmatch(word)):
                self._wrong(self._line("refines"), "refines", f"{word!r} is no service of the contract")
        source = table.get("source")
        if not isinstance(source, str) or not source:
            self._wrong(self.begin, "source", "missing: say where the format is described")
        patterns = [
            pattern
            for number, entry in enumerate(self._tables(table, "pattern"))
            for pattern in self._pattern(service, entry, self._header(f"{prefix}pattern", number))
        ]
        examples = [
            self._example(entry, self._header(f"{prefix}{kind}", number), accepted=kind == "accept")
            for kind in ("accept", "refuse")
            for number, entry in enumerate(self._tables(table, kind))
        ]
        return Signature(
            service=service,
            source=str(source),
            refines=refines,
            patterns=tuple(patterns),
            examples=tuple(examples),
            file=self.name,
        )

    def _service(self, value: object) -> str:
        if self.own and isinstance(value, str) and _OWN_WORD.fullmatch(value):
            return value
        if not isinstance(value, str) or value not in _SERVICES:
            self._wrong(self._line("service"), "service", f"{value!r} is no service of the contract")
            return ""
        return value

    def _pattern(self, service: str, entry: Table, line: int) -> list[Pattern]:
        self._unknown(line, entry, _PATTERN_KEYS)
        name = entry.get("id")
        if not isinstance(name, str) or not name:
            self._wrong(line, "id", "missing: a word that names the pattern")
        ports = tuple(self._ports(line, entry.get("ports", [])))
        transports = self._transport(line, entry.get("transport"), self.transports)
        sides = {side: self._tests(line, side, entry.get(side, [])) for side in ("orig", "resp", "either")}
        sublabel = entry.get("sublabel")
        if sublabel is not None and not isinstance(sublabel, str):
            self._wrong(line, "sublabel", "must be a word")
        if bool(sides["either"]) == bool(sides["orig"] or sides["resp"]):
            self._wrong(line, "orig", "a pattern has tests in orig, resp or both, or else in either")
        pairs = [(sides["orig"], sides["resp"])]
        if sides["either"]:
            pairs = [(sides["either"], ()), ((), sides["either"])]
        return [
            Pattern(service, str(name), transports, ports, orig, resp, sublabel=sublabel, line=line)
            for orig, resp in pairs
        ]

    def _tests(self, line: int, key: str, value: object) -> tuple[Test, ...]:
        if not isinstance(value, list):
            self._wrong(line, key, "must be a list of tests")
            return ()
        tests = []
        for item in value:
            entry = {"text": item} if isinstance(item, str) else item
            test = self._test(line, key, entry) if isinstance(entry, dict) else None
            if test is not None:
                tests.append(test)
            elif not isinstance(entry, dict):
                self._wrong(line, key, f"{item!r} is no test: expected text or a table")
        return tuple(tests)

    def _test(self, line: int, key: str, entry: Table) -> Test | None:
        kinds = [kind for kind in _TEST_KEYS if kind in entry]
        if len(kinds) != 1:
            self._wrong(line, key, f"a test has one of {', '.join(_TEST_KEYS)}; this one has {sorted(entry)}")
            return None
        kind = kinds[0]
        self._unknown(line, entry, {kind} | _TEST_KEYS[kind])
        at, within, fold = entry.get("at", 0), entry.get("within", PREFIX), entry.get("fold", False)
        if not isinstance(at, int) or not 0 <= at < PREFIX or not isinstance(within, int) or not 1 <= within <= HEAD:
            self._wrong(line, key, f"at lies inside the first {PREFIX} bytes, within inside {HEAD}")
            return None
        try:
            return _BUILDERS[kind](entry[kind], at, within, bool(fold))
        except (NotationError, TypeError, ValueError) as error:
            self._wrong(line, f"{key}.{kind}", str(error))
            return None

    def _example(self, entry: Table, line: int, *, accepted: bool) -> Example:
        self._unknown(line, entry, _EXAMPLE_KEYS)
        title, port, sublabel = entry.get("title"), entry.get("port", NEUTRAL_PORT), entry.get("sublabel")
        if not isinstance(title, str) or not title:
            self._wrong(line, "title", "missing: one sentence that says what these bytes are")
        transport = (self._transport(line, entry.get("transport"), self.transports) or ("tcp",))[0]
        return Example(
            title=str(title),
            accepted=accepted,
            transport=transport,
            port=next(iter(self._ports(line, [port])), NEUTRAL_PORT),
            orig=self._bytes(line, "orig", entry.get("orig", "")),
            resp=self._bytes(line, "resp", entry.get("resp", "")),
            sublabel=sublabel if isinstance(sublabel, str) else None,
            line=line,
        )

    def _bytes(self, line: int, key: str, value: object) -> bytes:
        if value == "":
            return b""
        if isinstance(value, str):
            try:
                return value.encode("latin-1")
            except UnicodeEncodeError:
                self._wrong(line, key, "text of an example must be one byte a letter")
                return b""
        if isinstance(value, dict) and set(value) == {"hex"} and isinstance(value["hex"], str):
            try:
                return read_bytes(value["hex"])
            except NotationError as error:
                self._wrong(line, f"{key}.hex", str(error))
                return b""
        self._wrong(line, key, "expected text or { hex = … }")
        return b""

    # -- small values --------------------------------------------------------------------------

    def _transport(self, line: int, value: object, default: tuple[str, ...]) -> tuple[str, ...]:
        if value is None:
            return default
        words = tuple(self._strings(line, "transport", [value] if isinstance(value, str) else value))
        if not words or any(word not in _TRANSPORTS for word in words):
            self._wrong(line, "transport", f"expected tcp, udp or both, found {value!r}")
            return default
        return words

    def _ports(self, line: int, value: object) -> list[int]:
        if isinstance(value, list) and all(type(port) is int and 0 <= port <= 65535 for port in value):
            return value
        self._wrong(line, "ports", f"expected numbers up to 65535, found {value!r}")
        return []

    def _strings(self, line: int, key: str, value: object) -> list[str]:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        self._wrong(line, key, f"expected a list of words, found {value!r}")
        return []

    def _tables(self, table: Table, key: str) -> list[Table]:
        value = table.get(key, [])
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return value
        self._wrong(self._line(key), key, f"expected [[{key}]]")
        return []

    def _unknown(self, line: int, entry: Table, known: set[str]) -> None:
        for key in sorted(set(entry) - known):
            self._wrong(line, key, f"unknown key; known are {', '.join(sorted(known))}")

    # -- places --------------------------------------------------------------------------------

    def _wrong(self, line: int, key: str, message: str) -> None:
        self.issues.append(SignatureIssue(file=self.name, line=line, key=key, message=message))

    def _find_places(self, text: str) -> None:
        """Note the lines of all headers, and where each key is first written."""
        for number, line in enumerate(text.splitlines(), 1):
            words = line.strip()
            if words.startswith("[["):
                self.headers.setdefault(words, []).append(number)
            else:
                self.keys.setdefault(words.partition("=")[0].rstrip(), []).append(number)

    def _line(self, key: str) -> int:
        """Line of a key at the top of the signature."""
        return next((line for line in self.keys.get(key, ()) if line >= self.begin), self.begin)

    def _header(self, kind: str, number: int) -> int:
        """Line of the ``number``-th ``[[kind]]`` of the signature, counted from 0."""
        headers = [line for line in self.headers.get(f"[[{kind}]]", []) if line >= self.begin]
        return headers[number] if number < len(headers) else self.begin


def _alternatives(value: object) -> list[str]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise TypeError("expected text or a list of texts")
    return words


def _build_templates(rows: list[Any], at: int) -> Test:
    templates = [Template(at, allowed) for allowed in rows]
    if any(at + len(item.allowed) > PREFIX for item in templates):
        raise ValueError(f"reaches beyond the first {PREFIX} bytes")
    return templates[0] if len(templates) == 1 else AnyOf(tuple(templates))


def _build_hex(value: object, at: int, _within: int, _fold: bool) -> Test:
    return _build_templates([read_hex(word) for word in _alternatives(value)], at)


def _build_text(value: object, at: int, _within: int, fold: bool) -> Test:
    return _build_templates([read_text(word, fold=fold) for word in _alternatives(value)], at)


def _build_find(value: object, _at: int, within: int, fold: bool) -> Test:
    needles = tuple(bytes(read_text(word, fold=False).argmax(axis=1).tolist()) for word in _alternatives(value))
    return Find(needles, within, fold)


def _build_size(value: object, _at: int, _within: int, _fold: bool) -> Test:
    if isinstance(value, list) and len(value) == 2 and all(type(item) is int for item in value):
        least, most = value
        if 0 <= least <= most <= PREFIX:
            return Size(least, most)
    raise ValueError(f"expected [least, most] with both up to {PREFIX}")


def _build_structure(value: object, at: int, _within: int, _fold: bool) -> Test:
    if not isinstance(value, str) or value not in STRUCTURES:
        raise ValueError(f"{value!r} is no known structure; known are {', '.join(sorted(STRUCTURES))}")
    return Structured(value, at)


_BUILDERS: Final[dict[str, Callable[[object, int, int, bool], Test]]] = {
    "hex": _build_hex,
    "text": _build_text,
    "find": _build_find,
    "size": _build_size,
    "structure": _build_structure,
}
