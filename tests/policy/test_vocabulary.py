"""Which host a role of a rule means."""

from __future__ import annotations

import pytest

from analyser.model.rule import When
from analyser.model.vocabulary import FEATURES, ROLES, device_matches, expand_roles, host_matches, is_server

CLIENT = ("workstation-client",)


@pytest.mark.parametrize(
    ("written", "roles", "features", "expected"),
    [
        # plain roles
        ("mfd", "mfd", (), True),
        ("mfd", "terminal-pro-4", (), False),
        ("terminal-professional", "terminal-pro-4", (), False),
        # server: any of four roles, and never a workstation
        ("server", "management", (), True),
        ("server", "spooler-controller", (), True),
        ("server", "terminal-server", (), True),
        ("server", "flexispooler", (), True),
        ("server", "wps", (), False),
        ("server", "flexispooler workstation", (), False),
        ("server", "spooler-controller workstation", (), False),
        ("server", "workstation", CLIENT, False),
        # the two capacities of a FlexiSpooler
        ("flexispooler@server", "flexispooler", (), True),
        ("flexispooler@server", "flexispooler workstation", (), False),
        ("flexispooler@workstation", "flexispooler", (), False),
        ("flexispooler@workstation", "flexispooler workstation", (), True),
        # the workstation client
        ("flexispooler@workstation", "workstation", CLIENT, True),
        ("flexispooler@workstation", "workstation", (), False),
        ("desktop-interface@workstation", "workstation", CLIENT, True),
        ("windows-spooler@workstation", "workstation", CLIENT, True),
        ("flexispooler@server", "workstation", CLIENT, False),
        ("spooler-controller@workstation", "workstation", CLIENT, False),
        # short names in a rule: any of their roles, never on a workstation
        ("site-server", "ims-proxy", (), True),
        ("site-server", "management", (), False),
        ("management-server", "ims", (), True),
        ("site-server", "flexispooler workstation", (), False),
        ("site-server", "workstation", CLIENT, False),
        # beside which other role
        ("etcd@terminal-server", "etcd terminal-server", (), True),
        ("etcd@terminal-server", "etcd management", (), False),
        ("etcd@management", "etcd management", (), True),
        ("etcd@management", "management", (), False),
    ],
)
def test_a_written_role_means_these_hosts(written: str, roles: str, features: tuple[str, ...], expected: bool) -> None:
    """Each form of a role, on servers and on workstations, with and without the client."""
    assert host_matches((written,), tuple(roles.split()), features) is expected


def test_any_of_several_words_is_enough() -> None:
    """An end with several roles is satisfied by each of them, and no role at all by nobody."""
    assert host_matches(("mig", "mfd"), ("mfd",), ())
    assert not host_matches((), tuple(ROLES), FEATURES)


def test_short_names_give_a_host_all_their_roles_once() -> None:
    """A management server that is also a site server has each role once, in order."""
    roles = expand_roles(["management-server", "site-server", "etcd"])
    assert roles == (
        "management", "spooler-controller", "flexispooler", "wps", "ims", "terminal-server", "ims-proxy", "etcd",
    )  # fmt: skip


def test_a_workstation_is_no_server() -> None:
    """The role workstation outweighs every server role."""
    assert is_server(("management",))
    assert not is_server(("management", "workstation"))


@pytest.mark.parametrize(
    ("roles", "vendor", "terminal", "expected"),
    [
        (("mfd",), "ricoh", "embedded", True),
        (("mfd",), None, "embedded", True),
        (("mfd",), "konica-minolta", "embedded", True),
        (("mfd",), "konica-minolta", "native", False),
        (("mfd",), "samsung", "embedded", False),
        (("mfd",), "ricoh", "none", False),
        (("mfd",), "ricoh", None, False),
        (("terminal-pro-4",), None, None, True),
        (("mobile-terminal",), None, None, True),
        (("mfd", "terminal-pro-4"), "samsung", "none", True),
    ],
)
def test_conditions_of_devices_are_asked_of_devices_only(
    roles: tuple[str, ...], vendor: str | None, terminal: str | None, expected: bool
) -> None:
    """The terminal application: embedded terminals but for two exceptions, and separate terminals without question."""
    when = When(
        initiator_terminal=("embedded", "native"),
        initiator_not_vendor=("samsung",),
        initiator_not_native_vendor=("konica-minolta",),
    )
    written = ("mfd", "terminal-pro-4", "mobile-terminal")
    assert device_matches(when, "initiator", written, roles, vendor, terminal) is expected
    assert device_matches(when, "responder", written, roles, vendor, terminal)
