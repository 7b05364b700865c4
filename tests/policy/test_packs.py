"""Rule packs read from files: what is accepted, and how every mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyser.policy.document import Document
from analyser.policy.issues import PolicyErrors
from analyser.policy.lint import lint
from analyser.policy.packs import load_pack, pack_names, read_pack
from analyser.policy.rules import read_rule

GOOD = {
    "id": '"one"',
    "row": "1",
    "title": '"A title"',
    "requirement": '"mandatory"',
    "initiator": '"mfd"',
    "responder": '["server"]',
    "subject": '"initiator"',
    "transport": '"tcp"',
    "ports": "{ any = [80] }",
    "service": '"http"',
}


def rule(**changes: str | None) -> str:
    """Return a rule as TOML, with some keys changed or (None) left out."""
    keys = {**GOOD, **changes}
    return "[[rule]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value is not None)


def write_pack(folder: Path, **sections: str) -> str:
    """Write a pack with these files and return its path."""
    names = ", ".join(f'"{name}"' for name in sections)
    folder.mkdir(exist_ok=True)
    (folder / "pack.toml").write_text(f'id = "mine"\nversion = "1"\nsource = "me"\nsections = [{names}]\n')
    for name, text in sections.items():
        (folder / f"{name}.toml").write_text(text)
    return str(folder)


def mistakes(path: str) -> list[tuple[str, int, str, str]]:
    """Return file name, line, key and message of everything wrong with a pack."""
    with pytest.raises(PolicyErrors) as caught:
        load_pack(path)
    return [(Path(issue.file).name, issue.line, issue.key, issue.message) for issue in caught.value.issues]


def test_the_packs_of_the_package_are_without_fault() -> None:
    """Everything that we ship passes our own linter."""
    assert set(pack_names()) == {"infrastructure", "ysoft-safeq-6"}
    packs = [load_pack(name) for name in pack_names()]
    assert lint(packs) == []


def test_a_pack_of_ones_own_is_read_from_its_folder(tmp_path: Path) -> None:
    """Ids carry pack and section; file and line say where a rule is written; the hash changes with the content."""
    path = write_pack(
        tmp_path / "p", doors=rule(), traffic='[[traffic]]\nid="x"\nservice="dns"\ntransport="udp"\nports=[53]'
    )
    pack = load_pack(path)
    assert [(r.id, Path(r.file).name, r.line) for r in pack.rules] == [("mine/doors/one", "doors.toml", 1)]
    assert [item.id for item in pack.infrastructure] == ["mine/x"]
    write_pack(tmp_path / "p", doors=rule(row="1", title='"Another"'), traffic="")
    assert load_pack(path).sha256 != pack.sha256


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"title": None}, "rule.title", "missing"),
        ({"subject": None}, "rule.subject", "missing"),
        ({"ports": None}, "rule.ports", "missing"),
        ({"requirement": '"mandatry"'}, "rule.requirement", "did you mean 'mandatory'"),
        ({"transport": '"sctp"'}, "rule.transport", "expected one of tcp, udp, any"),
        ({"initiator": '"mdf"'}, "rule.initiator", "unknown role 'mdf'; did you mean 'mfd'"),
        ({"initiator": "[]"}, "rule.initiator", "at least one role"),
        ({"responder": '"flexispooler@servr"'}, "rule.responder", "unknown capacity 'servr'; did you mean 'server'"),
        ({"service": '"htp"'}, "rule.service", "did you mean 'http'"),
        ({"service": "7"}, "rule.service", "expected a text or a list of texts, found 7"),
        ({"when": '{ site.feature = "ftp-scaning" }'}, "rule.when.site.feature", "did you mean 'ftp-scanning'"),
        ({"when": '{ responder.vendor = "rico" }'}, "rule.when.responder.vendor", "did you mean 'ricoh'"),
        ({"when": '{ site.build_from = "six" }'}, "rule.when.site.build_from", "dotted numbers"),
        ({"when": '{ host.vendor = "hp" }'}, "rule.when.host", "unknown key 'host'"),
        ({"row": '"1"'}, "rule.row", "expected a number from 0 to 999"),
        ({"id": '"One two"'}, "rule.id", "lower-case words joined by hyphens"),
        ({"port": "80"}, "rule.port", "unknown key 'port'; did you mean 'ports'"),
        ({"silent": '"yes"'}, "rule.silent", "expected true or false"),
        ({"ports": "{ any = [80], all = [80, 443] }"}, "rule.ports", "exactly one of any, all, negotiated_by, found any and all"),
        ({"ports": "{ all = [80] }"}, "rule.ports.all", "two ports or more"),
        ({"ports": "{ any = [0] }"}, "rule.ports.any", "numbers from 1 to 65535"),
        ({"ports": "{ any = [80, 80] }"}, "rule.ports.any", "twice"),
        ({"ports": "{ any = [] }"}, "rule.ports", "no port at all"),
        ({"ports": '{ range = "1024-65535" }'}, "rule.ports.range", "would swallow every unexpected flow"),
        ({"ports": f"{{ any = {list(range(1000, 1100))} }}"}, "rule.ports", "100 ports would swallow"),
        ({"ports": '{ negotiated_by = "doors/one" }'}, "rule.ports.range", "missing"),
        ({"ports": '{ negotiated_by = "doors/one", range = "9-1" }'}, "rule.ports.range", "FIRST-LAST"),
        ({"ports": '{ negotiated_by = "doors/two", range = "1-9" }'}, "rule.ports.negotiated_by", "no rule is called 'doors/two'"),
        ({"one_of": '"lonely"'}, "rule.one_of", "no other rule"),
        ({"opened_by": '"remote-jmx"'}, "rule.opened_by", "localhost"),
        ({"ports": "{ any = [80, 81] }", "setting": '"p"'}, "rule.setting", "single port"),
        ({"row": "2"}, "rule.row", "a row is missing"),
    ],
)  # fmt: skip
def test_each_mistake_of_a_rule_is_named(tmp_path: Path, changes: dict[str, str | None], key: str, words: str) -> None:
    """A single wrong key gives a single message, with the key and what was expected."""
    found = mistakes(write_pack(tmp_path / "p", doors=rule(**changes)))
    assert [(name, where) for name, _, where, _ in found] == [("doors.toml", key)]
    assert words in found[0][3]


def test_all_mistakes_of_all_files_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    """Two files with three mistakes and a file that is no TOML give four messages, each at its line."""
    path = write_pack(
        tmp_path / "p",
        doors=rule(title=None) + "\n" + rule(id='"two"', row="2", transport='"udq"', service='"htp"'),
        windows="[[rule]\n",
        walls=rule() + "colour = 1\n",
    )
    assert [(name, line, key) for name, line, key, _ in mistakes(path)] == [
        ("doors.toml", 1, "rule.title"),
        ("doors.toml", 20, "rule.transport"),
        ("doors.toml", 22, "rule.service"),
        ("walls.toml", 12, "rule.colour"),
        ("windows.toml", 1, ""),
    ]


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({}, "already used in line 1"),
        ({"id": '"two"'}, "row 1 is used 2 times"),
        ({"id": '"two"', "row": "0"}, "row 0 stands after row 1"),
        ({"id": '"one-udp"', "transport": '"udp"'}, "expected to end in -tcp"),
    ],
)
def test_rules_that_do_not_go_together_are_named(tmp_path: Path, second: dict[str, str], words: str) -> None:
    """Duplicate ids, shared rows, rows out of order and unnamed twins are found between rules."""
    found = mistakes(write_pack(tmp_path / "p", doors=rule() + rule(**second)))
    assert any(words in message for *_, message in found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('id="x"\nservice="dns"\ntransport="udp"', "missing"),
        ('id="x"\nservice="dns"\ntransport="tcp"\nports=[]', "would explain every flow"),
        ('id="x"\nservice="dns"\ntransport="quic"\nports=[1]', "unknown transport"),
        (f'id="x"\nservice="rpc"\ntransport="tcp"\nports={list(range(2000, 2100))}', "would swallow"),
    ],
)
def test_infrastructure_may_not_explain_everything(tmp_path: Path, text: str, words: str) -> None:
    """An entry without ports, or with very many, is a mistake."""
    assert any(words in message for *_, message in mistakes(write_pack(tmp_path / "p", net=f"[[traffic]]\n{text}")))


def test_a_pack_lists_its_files(tmp_path: Path) -> None:
    """A forgotten file and a file that does not exist are both named."""
    path = write_pack(tmp_path / "p", doors=rule(), forgotten=rule())
    (tmp_path / "p" / "pack.toml").write_text(
        'id = "mine"\nversion = "1"\nsource = "me"\nsections = ["doors", "gates"]'
    )
    assert [message for *_, message in mistakes(path)] == [
        "does not list forgotten",
        "unknown sections 'gates'; expected one of doors, forgotten",
    ]


def test_an_unknown_pack_is_told_with_the_nearest_name() -> None:
    """A slip in a pack's name, a folder without manifest and impossible paths give one clear error."""
    assert "did you mean 'ysoft-safeq-6'" in mistakes("ysoft-safeq")[0][3]
    for path in ("/", "a\0b", ""):
        assert "unknown rule pack" in mistakes(path)[0][3]


def test_reading_gives_the_good_rules_beside_the_mistakes(tmp_path: Path) -> None:
    """The linter goes on with what could be read."""
    pack, issues = read_pack(write_pack(tmp_path / "p", doors=rule() + rule(id='"two"', row="2", title=None)))
    assert pack is not None
    assert ([r.id for r in pack.rules], len(issues)) == (["mine/doors/one"], 1)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["tcp", "mfd", "any"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["any", "all", "site", "range"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*GOOD, "when", "one_of", "setting", "scope", "x"]), VALUES))
def test_any_values_give_a_rule_or_a_reason(values: dict[str, object]) -> None:
    """No kind of value under any key makes the reader fail in another way than by saying why."""
    document = Document("any.toml", b"")
    fields = type(document.root)(document, (), values)
    made = read_rule(fields, pack="p", section="s")
    assert (made is None) == bool(document.issues)
