"""Labels from bytes against what others agree on, over all public captures."""

from __future__ import annotations

from collections import defaultdict

from analyser.model.service import Service
from tests.conformance import services
from tests.conformance.page import PAGE, renewed
from tests.conformance.services import OTHER, Conversation, conversations, fits, judged
from tests.conformance.truth import files

ENOUGH = 0.97
"""Share of the conversations whose first payload is in the capture that are named by their bytes or by a promise."""


def by_bytes(one: Conversation) -> bool:
    """Say whether a conversation got the label that others agree on, from its bytes or from an announcement."""
    return one.truth is not None and one.basis in ("payload", "negotiated") and fits(one.ours, one.truth)


def test_no_label_from_bytes_is_wrong() -> None:
    """Whoever names a conversation otherwise is wrong himself, which is explained case by case; no explanation is spare."""
    files()
    differ = {
        (one.file, one.ours)
        for one in conversations()
        if one.basis == "payload"
        and (not fits(one.ours, one.truth) if one.truth else not any(fits(one.ours, word) for word in one.said))
    }
    assert differ == {(entry["file"], entry["service"]) for entry in judged()["doubtful"]}
    assert all(entry["reason"] for entry in judged()["doubtful"])


def test_nearly_all_are_named() -> None:
    """Of the conversations that others agree on and that begin in the capture 97 % get their name; the rest is explained."""
    files()
    known = [one for one in conversations() if one.truth not in (None, OTHER) and one.begun]
    missed = {(one.file, one.truth) for one in known if not by_bytes(one)}
    explained = {(entry["file"], service) for entry in judged()["missed"] for service in entry["service"]}
    doubtful = {entry["file"] for entry in judged()["doubtful"]}
    assert {place for place in missed if place[0] not in doubtful} == explained
    assert len(known) > 600
    assert sum(map(by_bytes, known)) / len(known) >= ENOUGH


def test_no_service_falls_below_its_floor() -> None:
    """The many conversations of one protocol do not hide that another one is lost: each by itself is named 97 times of 100.

    Exceptions are told with their share, and fail when nothing needs them any more.
    """
    files()
    ours_is_right = {(entry["file"], entry["service"]) for entry in judged()["doubtful"]}
    named: dict[str, list[bool]] = defaultdict(list)
    for one in conversations():
        if one.truth in (None, OTHER) or not one.begun or (one.file, one.ours) in ours_is_right:
            continue
        named[str(one.truth)].append(by_bytes(one))
    shares = {service: sum(those) / len(those) for service, those in named.items()}
    floors = {entry["service"]: entry["share"] for entry in judged()["floor"]}
    assert len(shares) > 20
    assert {service: share for service, share in shares.items() if share < floors.get(service, ENOUGH)} == {}
    assert {service for service, share in shares.items() if share < ENOUGH} == set(floors)
    assert all(entry["reason"] for entry in judged()["floor"])


def test_another_protocol_gets_no_name_from_its_bytes() -> None:
    """What a person found to be something else is not called by a name of ours, whatever its port."""
    files()
    others = [one for one in conversations() if one.truth == OTHER]
    assert others
    assert all(one.basis == "port" or one.ours is None for one in others)


def test_persons_judged_only_what_is_there() -> None:
    """Each judgement of a person is about a conversation of the captures, and no file that has one beside it is left out."""
    known = {entry["file"] for entry in files()}
    found = {(one.file, port) for one in conversations() for _, port in one.ends[1:]}
    for entry in judged()["truth"]:
        if entry["file"] in known:
            assert (entry["file"], entry["port"]) in found
    told = {entry["file"] for entry in files() if entry.get("content_truth")}
    assert told <= {entry["file"] for entry in judged()["truth"]}


def test_a_finer_word_is_no_contradiction() -> None:
    """IPP is HTTP and SMB is a NetBIOS session; HTTP is no IPP."""
    assert fits("ipp", "http")
    assert fits("smb", "netbios")
    assert not fits("http", "ipp")
    assert not fits(None, "http")
    assert "smb" in services.finer()


def test_the_page_is_counted_anew() -> None:
    """docs/services.md holds what is counted now; ``make renew`` writes it."""
    files()
    text = PAGE.read_text(encoding="utf-8")
    assert text == renewed(text)


def test_every_service_stands_on_the_page() -> None:
    """Each word that a label can be is listed for users."""
    text = PAGE.read_text(encoding="utf-8")
    assert [service.value for service in Service if f"`{service.value}`" not in text] == ["opaque"]
