"""Lines of keys in TOML texts, and documents made of any bytes."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from analyser.policy.document import LARGEST, Document
from analyser.policy.positions import key_lines

TRICKY = '''\
a = 1                    # line 1
b.c = """x
= [not a key]
"""
arr = [ { k = 1, l = [1, 2] },
  { k = "]" } ]
[t."q.r"]
z = 'a = b'
[[h]]
n = "say \\"x\\" # no comment"
[[h.i]]
m = 1
[[h]]
n = \'\'\'it's
\'\'\'
o = { p.q = 1, r = [ "]", "," ] }
u = 2027-03-31
'''


def test_every_kind_of_key_has_its_line() -> None:
    """Dotted keys, inline tables, arrays, texts over several lines, comments and nested tables do not confuse it."""
    assert key_lines(TRICKY) == {
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 2,
        ("arr",): 5,
        ("arr", 0, "k"): 5,
        ("arr", 0, "l"): 5,
        ("arr", 1, "k"): 6,
        ("t",): 7,
        ("t", "q.r"): 7,
        ("t", "q.r", "z"): 8,
        ("h",): 9,
        ("h", 0): 9,
        ("h", 0, "n"): 10,
        ("h", 0, "i"): 11,
        ("h", 0, "i", 0): 11,
        ("h", 0, "i", 0, "m"): 12,
        ("h", 1): 13,
        ("h", 1, "n"): 14,
        ("h", 1, "o"): 16,
        ("h", 1, "o", "p"): 16,
        ("h", 1, "o", "p", "q"): 16,
        ("h", 1, "o", "r"): 16,
        ("h", 1, "u"): 17,
    }


KEYS = st.from_regex(r"[a-z0-9_-]{1,5}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)


@given(
    st.lists(st.tuples(st.sampled_from(["", "# = [", "\n"]), KEYS, TEXTS), unique_by=lambda item: item[1], max_size=8)
)
def test_lines_agree_with_where_keys_were_written(items: list[tuple[str, str, str]]) -> None:
    """Whatever stands in texts and comments around them, simple keys are found in the line that they were put."""
    lines: list[str] = []
    expected: dict[tuple[str | int, ...], int] = {}
    for noise, key, words in items:
        lines += noise.split("\n") if noise else []
        quoted = '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'
        lines.append(f"{key} = [{quoted}, {{ inner = {quoted} }}] # {words}")
        expected[key,] = len(lines)
        expected[key, 1, "inner"] = len(lines)
    text = "\n".join(lines)
    assert len(tomllib.loads(text)) == len(items)
    assert key_lines(text) == expected


@given(st.binary(max_size=200))
def test_any_bytes_make_a_document(data: bytes) -> None:
    """Bytes that are no TOML leave one issue that names the file, and an empty root."""
    document = Document("f", data)
    assert document.usable or (len(document.issues) == 1 and not document.root.keys)


@given(st.lists(st.sampled_from([*"[]{}=.,\"'#\n ab1", '"""', "'''", "\\", "[["]), max_size=40).map("".join))
def test_any_almost_toml_makes_a_document(text: str) -> None:
    """Text made of TOML's own marks neither fails nor hangs; what parses has a line for every key of the root."""
    document = Document("f", text.encode())
    if document.usable:
        assert set(document.root.keys) == {path[0] for path in key_lines(text) if len(path) == 1}


def test_what_cannot_be_parsed_is_told_with_its_line() -> None:
    """Syntax, encoding, depth, size and numbers beyond reason each give a sentence, and the line where there is one."""
    found = {
        "syntax": Document("f", b"a = 1\nb = [\nc").issues[0],
        "encoding": Document("f", b"a = 1\nb = '\xff'").issues[0],
        "depth": Document("f", b"a = " + b"[" * 100_000).issues[0],
        "size": Document("f", b"#" * (LARGEST + 1)).issues[0],
        "number": Document("f", b"a = " + b"9" * 5000).issues[0],
    }
    assert {name: issue.line for name, issue in found.items()} == {
        "syntax": 3, "encoding": 2, "depth": 0, "size": 0, "number": 0,
    }  # fmt: skip
    assert found["encoding"].message == "not UTF-8 text"
    assert "nested too deeply" in found["depth"].message
    assert "larger than 4 MB" in found["size"].message


def test_deep_keys_cost_no_time() -> None:
    """A hostile file of very long dotted keys is read in the time of its length."""
    header = ".".join(["a"] * 300)
    text = f"[{header}]\n" + "".join(f"k{number} = 1\n" for number in range(2_000))
    assert len(Document("f", text.encode()).root.keys) == 1
