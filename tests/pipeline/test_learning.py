"""``analyser learn``: what is the same is told, what people said is not, and a draft labels what it was made from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyser.services.learning import Learner
from samples.cast import SERVER, printer, workstation
from samples.story import Story
from samples.talk import tcp
from tests.cli.running import PCAPS, run

MAGIC = b"\xa7\x51\x00\x02"


def capture(folder: Path, *, clients: int = 4, port: int = 5555) -> Path:
    """Write a capture of clients that speak something of their own: a magic, a length, a name; and one that says less."""
    story = Story()
    for number in range(clients):
        name = f"user{number:03}secret".encode() * (1 + number)
        talk = tcp(story, workstation(number + 1), SERVER, port, at=1.0 + number)
        talk.open()
        talk.say(MAGIC + (len(name)).to_bytes(2, "big") + b"HELLOWORLDSOFTHESAME" + name)
        talk.answer(MAGIC[:2] + b"\x01\x00" + bytes([number]))
        talk.close("client")
    other = tcp(story, printer(1), SERVER, 6666, at=90.0)
    other.open()
    other.say(b"\x01\x02\x03\x04 alone")
    path = folder / "own.pcap"
    path.write_bytes(story.render())
    return path


def test_what_is_the_same_is_told_and_names_are_not(tmp_path: Path) -> None:
    """Constant bytes are shown; letters only of the first four bytes; what differs is not, nor what one flow said."""
    result = run("learn", str(capture(tmp_path)))
    assert result.returncode == 0
    page = " ".join(result.stdout.split())
    assert "5 of 5 flows with payload have no label" in page
    assert "TCP 5555 4 flows, 4 initiators, 1 responder; the initiator speaks first" in page
    assert "begins a7 51 00 02 00" in page
    for word in ("secret", "HELLO", "48 45 4c", "01 02 03 04"):
        assert word not in page


def learnt(folder: Path, *said: tuple[int, bytes, bytes]) -> tuple[list[dict[str, Any]], str]:
    """Return the groups of flows to one port, each of (number of the workstation, what it says, the answer), and all output."""
    story = Story()
    for at, (number, asked, answered) in enumerate(said):
        talk = tcp(story, workstation(number), SERVER, 5555, at=1.0 + at)
        talk.open()
        if asked:
            talk.say(asked)
        if answered:
            talk.answer(answered)
        talk.close("client")
    path = folder / "said.pcap"
    path.write_bytes(story.render())
    drafts = folder / "drafts"
    result = run("learn", str(path), "--json", "-o", str(drafts))
    files = "".join(file.read_text(encoding="utf-8") for file in sorted(drafts.glob("*.toml")))
    return json.loads(result.stdout)["groups"], result.stdout + run("learn", str(path)).stdout + files


SECRETS = ("zq9vkx", "xkj-qzv1", "jqxzvk")


@pytest.mark.parametrize(
    "said",
    [
        [(number, b"\x01\x06zq9vkx" + bytes([number]), b"") for number in (1, 2, 3, 4)],  # a password that all share
        [
            (number, b"\x01\x02" + bytes([number]), b"\x02\x08xkj-qzv1") for number in (1, 2, 3, 4)
        ],  # a server's own name
        [
            *[(1, b"\x01\x06jqxzvk", b"\x05\x06\x07") for _ in range(3)],
            (2, b"", b"\x05\x06\x07"),
        ],  # one user, one silent
        [(1, b"jqxzvk", b"") for _ in range(4)],  # a name is all that is said, by one client
        [(number, b"\x00\x01z\x00q\x009\x00v\x00k\x00x", b"") for number in (1, 2, 3)],  # in two bytes a letter
    ],
    ids=["shared password", "server name", "one user beside a silent one", "a bare name", "wide letters"],
)
def test_words_of_people_are_not_told_even_if_all_say_the_same(
    said: list[tuple[int, bytes, bytes]], tmp_path: Path
) -> None:
    """No page, document or draft shows them, as text or in hexadecimal; not three of their letters in a row either."""
    _, output = learnt(tmp_path, *said)
    shown = output.lower()
    for secret in SECRETS:
        for at in range(len(secret) - 2):
            piece = secret[at : at + 3]
            assert piece not in shown
            assert piece.encode().hex(" ") not in shown
            assert " 00 ".join(f"{ord(letter):02x}" for letter in piece) not in shown


@settings(max_examples=30, deadline=None)
@given(
    secret=st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=6, max_size=12),
    before=st.binary(min_size=1, max_size=6).filter(lambda data: not chr(data[-1]).isalnum() and data[-1] < 0x80),
    flows=st.integers(3, 6),
    senders=st.integers(1, 3),
)
def test_a_word_behind_other_bytes_is_never_told(secret: str, before: bytes, flows: int, senders: int) -> None:
    """Whatever stands before it, and however many say it, nothing of it is told."""
    learner = Learner()
    data = before + secret.encode()
    learner.add(
        pl.DataFrame(
            {
                "proto": ["tcp"] * flows, "id.resp_p": [5555] * flows, "id.resp_h": ["192.0.2.10"] * flows,
                "id.orig_h": [f"203.0.113.{number % senders}" for number in range(flows)], "basis": [None] * flows,
                "orig_payload": [data] * flows, "resp_payload": [None] * flows, "orig_bytes": [len(data)] * flows,
                "resp_bytes": [0] * flows, "orig_data_t": [1] * flows, "resp_data_t": [0] * flows,
            },
            schema_overrides={"resp_payload": pl.Binary, "basis": pl.String},
        )
    )  # fmt: skip
    (group,) = learner.groups()
    assert group.orig is not None
    assert all(byte is None for byte in group.orig.shown[len(before) :])


def test_a_mark_at_the_beginning_is_told_where_several_say_it(tmp_path: Path) -> None:
    """Four letters are a mark of a protocol if several clients begin with them, and may be anything if one does."""
    (group,), _ = learnt(tmp_path, *[(number, b"CNXN\x00\x00\x00\x01", b"") for number in (1, 2, 3)])
    assert group["initiator"]["bytes"] == "43 4e 58 4e 00 00 00 01"
    (group,), _ = learnt(tmp_path, *[(1, b"CNXN\x00\x00\x00\x01", b"") for _ in range(3)])
    assert group["initiator"]["bytes"] == ""
    assert group["draft"] is None


def test_a_draft_is_of_all_flows_however_many(tmp_path: Path) -> None:
    """A byte that differs for the first time in the eightieth flow is no part of the draft."""
    said = [
        (number % 3 + 1, b"\x01\x02\x03" + (b"\x04" if number < 80 else b"\x05") + b"\x06", b"")
        for number in range(100)
    ]
    (group,), _ = learnt(tmp_path, *said)
    assert group["flows"] == 100
    assert group["initiator"]["bytes"] == "01 02 03 .. 06"
    assert labelled(tmp_path) == 100


def test_flows_with_and_without_an_answer_are_one_group(tmp_path: Path) -> None:
    """Where some are answered the draft rests on what all of them say, and the linter finds nothing wrong with it."""
    said = [
        (number, b"\x01\x02\x03" + bytes([number]), b"\x0a\x0b\x0c" if number % 2 else b"") for number in range(1, 7)
    ]
    (group,), _ = learnt(tmp_path, *said)
    assert "resp" not in group["draft"]
    assert run("rules", "lint", str(tmp_path / "drafts")).returncode == 0
    assert labelled(tmp_path) == 6


def test_groups_that_cannot_be_told_apart_get_no_draft(tmp_path: Path) -> None:
    """A draft that would take the flows of another group is not made; those of a run never take one another's examples."""
    said = [
        *[(1, b"aa\x00\x01" + bytes([number]), b"") for number in range(3)],  # letters of one client are not told
        *[(1, b"bb\x00\x01" + bytes([number]), b"") for number in range(3)],
        *[(number, b"\x07\x08\x09", b"") for number in (1, 2, 3)],
    ]
    groups, _ = learnt(tmp_path, *said)
    assert sorted(group["draft"] is None for group in groups) == [False, True, True]
    assert run("rules", "lint", str(tmp_path / "drafts")).returncode == 0
    assert labelled(tmp_path) == 3


def labelled(folder: Path) -> int:
    """Return how many flows the drafts in ``folder`` label."""
    table = folder / "flows.parquet"
    assert (
        run(
            "flows", str(folder / "said.pcap"), "--signatures", str(folder / "drafts"), "-o", str(table), "-q"
        ).returncode
        == 0
    )
    return pl.read_parquet(table).filter(pl.col("service").str.starts_with("unknown-").fill_null(value=False)).height


def test_a_draft_that_was_edited_is_not_overwritten(tmp_path: Path) -> None:
    """Written again the same is no matter; one that a person changed stays, and the command says so."""
    path, drafts = capture(tmp_path), tmp_path / "drafts"
    assert run("learn", str(path), "-o", str(drafts)).returncode == 0
    assert run("learn", str(path), "-o", str(drafts)).returncode == 0
    (file,) = drafts.iterdir()
    file.write_text("mine", encoding="utf-8")
    result = run("learn", str(path), "-o", str(drafts))
    assert result.returncode == 2
    assert "lies there already" in result.stderr
    assert file.read_text(encoding="utf-8") == "mine"


def test_a_length_is_found(tmp_path: Path) -> None:
    """A number that is always the length of what follows is told with its place and order."""
    story = Story()
    for number in range(5):
        talk = tcp(story, workstation(number + 1), SERVER, 5556, at=1.0 + number)
        talk.open()
        talk.say(b"\x07" + (10 + number).to_bytes(2, "little") + bytes(range(10 + number)))
        talk.close("client")
    path = tmp_path / "length.pcap"
    path.write_bytes(story.render())
    (group,) = json.loads(run("learn", str(path), "--json").stdout)["groups"]
    assert group["initiator"]["length_field"] == "16 bits, little-endian, at byte 1: length of all but 3 bytes"


def test_a_draft_labels_the_flows_it_was_made_from(tmp_path: Path) -> None:
    """Written, linted, used: the same flows have the draft's name from their bytes, and no other flow has."""
    path, drafts, table = capture(tmp_path), tmp_path / "drafts", tmp_path / "flows.parquet"
    assert run("learn", str(path), "-o", str(drafts), "-q").returncode == 0
    (file,) = drafts.iterdir()
    assert file.name == "unknown-tcp-5555.toml"
    linted = run("rules", "lint", str(drafts))
    assert linted.returncode == 0, linted.stdout
    assert run("flows", str(path), "--signatures", str(drafts), "-o", str(table), "-q").returncode == 0
    flows = pl.read_parquet(table)
    labelled = flows.filter(pl.col("service") == "unknown-tcp-5555")
    assert labelled["id.resp_p"].to_list() == [5555] * 4
    assert set(labelled["basis"].to_list()) == {"payload"}
    assert "4 of 5" not in run("learn", str(path), "--signatures", str(drafts)).stdout
    assert "1 of 5 flows" in run("learn", str(path), "--signatures", str(drafts)).stdout


def test_a_site_may_bring_its_signatures(tmp_path: Path) -> None:
    """A folder named in a site file, or a file by option, proves the product's protocol by its bytes; the report names it."""
    path, drafts = capture(tmp_path), tmp_path / "own"
    assert run("learn", str(path), "-o", str(drafts), "-q").returncode == 0
    text = (drafts / "unknown-tcp-5555.toml").read_text(encoding="utf-8").replace('"unknown-tcp-5555"', '"ymq"')
    (drafts / "unknown-tcp-5555.toml").unlink()
    (drafts / "ymq.toml").write_text(text, encoding="utf-8")
    site = tmp_path / "site.toml"
    words = """name = "Own"
{}
[[host]]
name = "server"
addresses = ["192.0.2.10"]
roles = ["spooler-controller"]
[[network]]
name = "office"
cidr = "203.0.113.0/24"
roles = ["workstation"]
"""

    def judged(line: str, *more: str) -> tuple[set[tuple[str, str]], list[dict[str, str]], str]:
        """Return services of the rule's ports with their basis, the rules that were applied, and the site's digest."""
        site.write_text(words.format(line), encoding="utf-8")
        document = json.loads(run("check", str(path), "--site", str(site), "--json", *more).stdout)
        found = {
            (port["service"], port["basis"])
            for entry in document["verdicts"]
            if entry["verdict"] == "satisfied" and entry["rule"].endswith("/spooler-controller")
            for port in entry["ports"]
        }
        return (
            found,
            [item for item in document["rules"] if item["version"] == "signatures"],
            document["site"]["sha256"],
        )

    without, by_site, by_option = (
        judged(""),
        judged('signatures = ["own"]'),
        judged("", "--signatures", str(drafts / "ymq.toml")),
    )
    assert (without[0], without[1]) == ({("ymq", "port")}, [])
    assert by_site[0] == by_option[0] == {("ymq", "payload")}
    assert [item["id"] for item in by_site[1]] == ["own"]
    assert [item["id"] for item in by_option[1]] == ["ymq.toml"]
    assert by_site[1][0]["sha256"] == by_option[1][0]["sha256"]  # the same file
    assert without[2] == by_option[2]
    (drafts / "ymq.toml").write_text(text + "\n", encoding="utf-8")
    assert judged('signatures = ["own"]')[1][0]["sha256"] != by_site[1][0]["sha256"]


def test_a_site_may_hold_its_signatures_itself(tmp_path: Path) -> None:
    """The draft's tables among those of the site do what the folder did; the linter finds their mistakes in the site file."""
    path, drafts = capture(tmp_path), tmp_path / "own"
    assert run("learn", str(path), "-o", str(drafts), "-q").returncode == 0
    text = (drafts / "unknown-tcp-5555.toml").read_text(encoding="utf-8").replace('"unknown-tcp-5555"', '"ymq"')
    inline = re.sub(r"^\[\[(\w+)\]\]", r"[[signature.\1]]", text, flags=re.MULTILINE)
    site = tmp_path / "site.toml"
    words = """name = "Own"
[[host]]
name = "server"
addresses = ["192.0.2.10"]
roles = ["spooler-controller"]
[[network]]
name = "office"
cidr = "203.0.113.0/24"
roles = ["workstation"]
[[signature]]
"""
    site.write_text(words + inline, encoding="utf-8")
    assert run("rules", "lint", str(site)).returncode == 0
    document = json.loads(run("check", str(path), "--site", str(site), "--json").stdout)
    found = {
        (port["service"], port["basis"])
        for entry in document["verdicts"]
        if entry["verdict"] == "satisfied" and entry["rule"].endswith("/spooler-controller")
        for port in entry["ports"]
    }
    assert found == {("ymq", "payload")}
    assert [item["id"] for item in document["rules"] if item["version"] == "signatures"] == ["site.toml"]
    site.write_text(
        words + inline.replace('service   = "ymq"', 'service   = "ymq"\nrefines = ["gauge"]\nodd = 1'), encoding="utf-8"
    )
    for command in (("rules", "lint", str(site)), ("check", str(path), "--site", str(site))):
        result = run(*command)
        assert result.returncode == 2
        assert "site.toml:10: odd: unknown key" in result.stdout + result.stderr


def test_a_word_of_ones_own_that_nobody_has_cannot_be_refined(tmp_path: Path) -> None:
    """A signature that says it is finer than one that is nowhere would only seem to work."""
    own = tmp_path / "own.toml"
    own.write_text(
        'service = "own"\nsource = "x"\ntransport = "tcp"\nrefines = ["gauge"]\n[[pattern]]\nid = "a"\norig = ["GAUGE"]\n',
        encoding="utf-8",
    )
    result = run("flows", str(PCAPS / "ricoh-install.pcap"), "--signatures", str(own))
    assert (result.returncode, "gauge has no signature" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('service = "x y"', "'x y' is no service"),
        ("service = ", "not a TOML file"),
        ('service = "own"\nodd = 1', "odd"),
    ],
)
def test_mistakes_in_own_signatures_are_told(text: str, said: str, tmp_path: Path) -> None:
    """A signature that cannot be used ends the command with file, line and key; exit code 2."""
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    result = run("flows", str(PCAPS / "ricoh-install.pcap"), "--signatures", str(tmp_path))
    assert result.returncode == 2
    assert "own.toml:1" in result.stderr
    assert said in result.stderr


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A site that names no folder, and an option that does, say so."""
    site = tmp_path / "site.toml"
    site.write_text(
        'name = "x"\nsignatures = ["none"]\n[[host]]\nname="a"\naddresses=["192.0.2.1"]\nroles=["mfd"]\n',
        encoding="utf-8",
    )
    result = run("check", str(PCAPS / "ricoh-install.pcap"), "--site", str(site))
    assert result.returncode == 2
    assert "signatures" in result.stderr
    assert run("flows", str(PCAPS / "ricoh-install.pcap"), "--signatures", str(tmp_path / "none")).returncode == 2


def test_where_everything_has_a_label_nothing_is_learnt() -> None:
    """A capture whose flows all have their names gives no group; one without payload is inconclusive."""
    assert run("learn", str(PCAPS / "no-packets.pcap")).returncode in (2, 3)
    document = json.loads(run("learn", str(PCAPS / "ricoh-install.pcap"), "--json").stdout)
    assert document["schema"] == "analyser/learn/1"
    assert document["unlabelled"] == sum(group["flows"] for group in document["groups"])
