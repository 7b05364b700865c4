"""The report as one JSON document (``analyser/report/1``) and the JSON Schema of it.

The only module that turns documents into JSON and back out of ``msgspec``'s hands. It knows the dataclasses of
:mod:`analyser.model.finding` and nothing of how they were reached; keys are their field names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from analyser.model.capture import InputError
from analyser.model.finding import ReportDocument
from analyser.report.escape import as_text, in_json

SCHEMA_FILE: Final = Path(__file__).parent / "schema" / "report-1.json"
"""The schema as shipped. ``python -m analyser.report.json`` writes it anew; a test compares."""

_LEFT_OUT_WHEN_NONE: Final = frozenset({"clients", "case", "vantage"})
"""Keys that are absent, not null, where they have no value: only a network has clients, few findings look like a case, and only
several points make a vantage."""

_TIMES: Final = frozenset({"generated_at", "first", "last"})


def encode(document: object) -> bytes:
    """Return any document of the contract as one line of UTF-8 JSON, with a line feed at its end."""
    return in_json(msgspec.json.encode(_presentable(msgspec.to_builtins(document)))) + b"\n"


def report_json(document: ReportDocument) -> bytes:
    """Return the report as indented JSON (two blanks), ready for a file or standard output."""
    return msgspec.json.format(encode(document), indent=2) + b"\n"


def read_report(path: Path) -> ReportDocument:
    """Return the report in a file that ``check --json`` or ``-o`` wrote.

    Raises InputError where the file holds no such report, or cannot be read.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=ReportDocument)
    except OSError as problem:
        raise InputError(str(path), f"cannot be read: {problem.strerror or problem}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as problem:
        raise InputError(str(path), f"no report of analyser check --json: {problem}") from None


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the report, made from the dataclasses.

    Every key is required and no other is allowed, so that a reader can rely on both.
    """
    schema = msgspec.json.schema(ReportDocument)
    definitions = schema["$defs"]
    for definition in definitions.values():
        if definition.get("type") == "object":
            properties: dict[str, Any] = definition["properties"]
            definition["required"] = [name for name in properties if name not in _LEFT_OUT_WHEN_NONE]
            definition["additionalProperties"] = False
            for name, kind in properties.items():
                kind.pop("default", None)
                if name in _LEFT_OUT_WHEN_NONE:
                    kind["anyOf"].remove({"type": "null"})
                if name in _TIMES:
                    kind["description"] = "UTC, ISO 8601"
    definitions["ReportDocument"]["properties"]["schema"] = {"const": "analyser/report/1"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The report of `analyser check --json`",
        **schema,
    }


def _presentable(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _presentable(item) for key, item in value.items() if item is not None or key not in _LEFT_OUT_WHEN_NONE
        }
    if isinstance(value, list | tuple):
        return [_presentable(item) for item in value]
    if isinstance(value, str):
        return as_text(value)
    return value


def write_schema() -> None:
    """Write the shipped schema anew (``make renew``)."""
    SCHEMA_FILE.write_bytes(msgspec.json.format(msgspec.json.encode(report_schema()), indent=2) + b"\n")


if __name__ == "__main__":
    write_schema()
