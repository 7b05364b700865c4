"""Site files: what a good one becomes, and how every mistake of a bad one is told."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyser.model.site import Group, Host, Network, Site, Waiver
from analyser.policy.issues import PolicyErrors
from analyser.policy.sites import load_site, read_site

FULL = """\
name  = "Brno"
rules = ["ysoft-safeq-6", "infrastructure"]
build = "6.0.97"
features = ["server-spooling", "ftp-scanning", "online-accounting"]
[settings]
webdavPort = 5611
nearRoamingMulticast = "239.192.0.10:7600"
[[host]]
name = "site-server-1"
addresses = ["192.0.2.10", "2001:DB8::0010"]
roles = ["spooler-controller", "terminal-server", "flexispooler"]
[[host]]
name = "site-server-2"
addresses = "192.0.2.11"
roles = "site-server"
[[host]]
name = "mfd-3rd-floor"
addresses = ["198.51.100.21"]
roles = ["mfd"]
vendor = "ricoh"
terminal = "embedded"
[[network]]
name = "office"
cidr = "203.0.113.0/24"
roles = ["workstation"]
nat = ["192.0.2.1"]
[[group]]
name = "spoc-group-1"
members = ["site-server-1", "site-server-2"]
virtual = ["192.0.2.100"]
probes = ["192.0.2.101"]
[[waiver]]
rule = "ysoft-safeq-6/workstation-to-server/jmx-management"
initiator = "192.0.2.200"
reason = "monitoring server, ticket 4711"
owner = "it-ops"
expires = 2027-03-31
[[waiver]]
id = "old-scanner"
rule = "outside-site"
responder = "office"
port = 9100
reason = "to be replaced"
"""

HEAD = 'name = "x"\n'
HOST = '[[host]]\nname = "a"\naddresses = ["192.0.2.1"]\nroles = ["mfd"]\n'


def site(text: str) -> Site:
    """Return the site that a text makes."""
    return read_site(text.encode(), "site.toml")


def mistakes(text: str) -> list[str]:
    """Return everything wrong with a site file, as told."""
    with pytest.raises(PolicyErrors) as caught:
        site(text)
    assert str(caught.value).splitlines() == [str(issue) for issue in caught.value.issues]
    return [str(issue) for issue in caught.value.issues]


def attempt(data: bytes) -> Site | PolicyErrors:
    """Return the site that a file's bytes make, or the errors in them; anything else that is raised fails the test."""
    try:
        return read_site(data, "f")
    except PolicyErrors as errors:
        return errors


def test_a_full_site_becomes_the_model() -> None:
    """Short names are expanded, groups reach their hosts, addresses are written as the flow table writes them."""
    made = site(FULL)
    assert (made.name, made.rules, made.build) == ("Brno", ("ysoft-safeq-6", "infrastructure"), "6.0.97")
    assert made.features == ("server-spooling", "ftp-scanning", "online-accounting")
    assert made.features_given
    assert made.settings == {"webdavPort": 5611, "nearRoamingMulticast": "239.192.0.10:7600"}
    assert made.hosts == (
        Host(
            name="site-server-1",
            addresses=("192.0.2.10", "2001:db8::10"),
            roles=("spooler-controller", "terminal-server", "flexispooler"),
            group="spoc-group-1",
        ),
        Host(
            name="site-server-2",
            addresses=("192.0.2.11",),
            roles=("spooler-controller", "terminal-server", "flexispooler", "wps", "ims-proxy"),
            group="spoc-group-1",
        ),
        Host(name="mfd-3rd-floor", addresses=("198.51.100.21",), roles=("mfd",), vendor="ricoh", terminal="embedded"),
    )
    assert made.networks == (Network(name="office", cidr="203.0.113.0/24", roles=("workstation",), nat=("192.0.2.1",)),)
    assert made.groups == (
        Group(
            name="spoc-group-1",
            members=("site-server-1", "site-server-2"),
            virtual=("192.0.2.100",),
            probes=("192.0.2.101",),
        ),
    )
    first, second = made.waivers
    assert second == Waiver(
        id="old-scanner", rule="outside-site", responder="office", port=9100, reason="to be replaced"
    )
    assert (first.rule, first.initiator) == ("ysoft-safeq-6/workstation-to-server/jmx-management", "192.0.2.200")
    assert first.expires == dt.date(2027, 3, 31)
    assert len(first.id) == 8
    assert (made.path, len(made.sha256)) == ("site.toml", 64)


def test_a_waiver_without_id_keeps_its_id_when_its_reason_is_reworded() -> None:
    """The short hash is over what is waived, not over why."""
    reworded = FULL.replace("ticket 4711", "ticket 4712").replace("2027", "2028")
    elsewhere = FULL.replace("192.0.2.200", "192.0.2.201")
    ids = [site(text).waivers[0].id for text in (FULL, reworded, elsewhere)]
    assert ids[0] == ids[1] != ids[2]


def test_the_packs_of_a_site_that_names_none_are_ours() -> None:
    """Without the key the vendor's matrix and the infrastructure apply."""
    assert site(HEAD + HOST).rules == ("ysoft-safeq-6", "infrastructure")


def test_a_pack_of_ones_own_lies_relative_to_the_site_file(tmp_path: Path) -> None:
    """A folder named in `rules` is looked for beside the site file."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "pack.toml").write_text('id="own"\nversion="1"\nsource="me"\nsections=["a"]')
    (tmp_path / "own" / "a.toml").write_text("")
    (tmp_path / "site.toml").write_text(HEAD + 'rules = ["ysoft-safeq-6", "own"]\n' + HOST)
    assert load_site(tmp_path / "site.toml").rules == ("ysoft-safeq-6", str(tmp_path / "own"))


def test_a_host_joins_a_group_by_its_own_key() -> None:
    """The key of a host and the list of a group say the same thing."""
    made = site(
        HEAD
        + HOST
        + 'group = "g"\n'
        + HOST.replace('"a"', '"b"').replace(".1", ".2")
        + '[[group]]\nname = "g"\nmembers = ["b"]'
    )
    assert [host.group for host in made.hosts] == ["g", "g"]
    assert made.groups[0].members == ("b", "a")


def host(number: int, roles: str) -> str:
    """Return a host with some roles as TOML."""
    words = ", ".join(f'"{role}"' for role in roles.split())
    return f'[[host]]\nname = "h{number}"\naddresses = ["192.0.2.{number}"]\nroles = [{words}]\n'


@pytest.mark.parametrize(
    ("hosts", "features"),
    [
        (["administrator"], ""),
        (["workstation"], "workstation-client"),
        (["mfd"], "online-accounting"),
        (["mfd", "spooler-controller"], "online-accounting"),
        (["mfd", "flexispooler"], "server-spooling online-accounting"),
        (["mfd", "workstation flexispooler"], "workstation-client online-accounting"),
        (["flexispooler"], ""),
        (["payment"], "payment"),
        (["mig"], "mobile-integration-gateway"),
        (["mobile-print"], "mobile-print"),
        (["ldap"], "ldap-sync"),
        (["mail"], "email"),
        (["entra-id"], "entra-id"),
        (["etcd"], ""),
        (["etcd terminal-server"], "etcd"),
        (["etcd management"], "management-etcd"),
        (["etcd", "terminal-server", "management"], ""),
        (["management"], ""),
        (["management", "management"], "management-cluster"),
        (["terminal-pro-4"], "infrastructure-service"),
        (["hardware-appliance"], "infrastructure-service"),
        (["terminal-professional"], ""),
        (["wps terminal-server"], ""),
        (["wps", "terminal-server"], "remote-wps"),
        (["mssql"], ""),
    ],
)
def test_features_follow_from_roles(hosts: list[str], features: str) -> None:
    """Each derivation, with the neighbouring case that must not lead to it."""
    made = site(HEAD + "".join(host(number, roles) for number, roles in enumerate(hosts, 1)))
    assert set(made.features) == set(features.split())
    assert not made.features_given


def test_given_features_are_final() -> None:
    """An empty list switches everything off that roles would have switched on."""
    made = site(HEAD + "features = []\n" + HOST)
    assert (made.features, made.features_given) == ((), True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HOST, "site.toml:1: name: missing"),
        (HEAD, "site.toml:1: host: missing; expected at least one [[host]] or [[network]]"),
        (HEAD + "colour = 1\n" + HOST, "site.toml:2: colour: unknown key 'colour'"),
        (HEAD + "hosts = 1\n" + HOST, "site.toml:2: hosts: unknown key 'hosts'; did you mean 'host'?"),
        (HEAD + "build = 6.0\n" + HOST, "site.toml:2: build: expected text, found 6.0"),
        (HEAD + 'build = "six"\n' + HOST, "site.toml:2: build: expected dotted numbers such as \"6.0.97\", found 'six'"),
        (HEAD + 'rules = ["ysoft-safeq-5"]\n' + HOST, "unknown rule pack 'ysoft-safeq-5'; did you mean 'ysoft-safeq-6'?"),
        (HEAD + "rules = []\n" + HOST, "site.toml:2: rules: expected at least one rule pack: infrastructure, ysoft-safeq-6"),
        (HEAD + 'features = ["ftp-scaning"]\n' + HOST, "features: unknown feature 'ftp-scaning'; did you mean 'ftp-scanning'?"),
        (HEAD + "[settings]\nwebdavport = 1\n" + HOST, "site.toml:3: settings.webdavport: unknown setting 'webdavport'; did you mean 'webdavPort'?"),
        (HEAD + '[settings]\nwebdavPort = "5610"\n' + HOST, "settings.webdavPort: expected a number from 1 to 65535, found '5610'"),
        (HEAD + "[settings]\nwebdavPort = 65536\n" + HOST, "expected a number from 1 to 65535, found 65536"),
        (HEAD + '[settings]\nnearRoamingMulticast = "192.0.2.1:7600"\n' + HOST, "expected a multicast address and port"),
        (HEAD + "[settings]\nnearRoamingMulticast = 7600\n" + HOST, "settings.nearRoamingMulticast: expected text, found 7600"),
        (HEAD + HOST.replace('name = "a"\n', ""), "site.toml:2: host.name: missing"),
        (HEAD + HOST.replace('"mfd"', '"mdf"'), "site.toml:5: host.roles: unknown role 'mdf'; did you mean 'mfd'?"),
        (HEAD + HOST.replace('"mfd"', '"server"'), "unknown role 'server'; did you mean 'site-server'?"),
        (HEAD + HOST.replace('["mfd"]', "[]"), "host.roles: expected at least one role"),
        (HEAD + HOST + 'vendor = "rico"\n', "site.toml:6: host.vendor: unknown vendor 'rico'; did you mean 'ricoh'?"),
        (HEAD + HOST + 'terminal = "imbedded"\n', "host.terminal: unknown terminal 'imbedded'; did you mean 'embedded'?"),
        (HEAD + HOST.replace("mfd", "mail") + 'vendor = "hp"\n', "host.vendor: belongs to a device with the role mfd; here are mail"),
        (HEAD + HOST.replace(".2.1", ".2.999"), "site.toml:4: host.addresses: expected an IPv4 or IPv6 address, found '192.0.2.999'"),
        (HEAD + HOST.replace(".2.1", ".2.0/24"), "a range of addresses is a [[network]]"),
        (HEAD + HOST.replace("192.0.2.1", "fe80::1%eth0"), "expected an IPv4 or IPv6 address, found 'fe80::1%eth0'"),
        (HEAD + HOST.replace('["192.0.2.1"]', "[]"), "host.addresses: expected at least one address"),
        (HEAD + HOST.replace('["192.0.2.1"]', '["2001:db8::1", "2001:db8:0::1"]'), "address 2001:db8::1 stands here twice"),
        (HEAD + HOST + HOST.replace("2.1", "2.2"), "site.toml:7: host.name: name 'a' is already used in line 2"),
        (HEAD + HOST + HOST.replace('"a"', '"b"'), "site.toml:8: host.addresses: address '192.0.2.1' already belongs to 'a' in line 2"),
        (HEAD + 'host = [{name="a", addresses="192.0.2.1", roles="mfd"}, {name="b", addresses="192.0.2.1", roles="mfd"}]', "already belongs to 'a' in line 2"),
        (HEAD + '[[network]]\nname = "n"\ncidr = "203.0.113.1/24"\nroles = "mfd"\n', "network.cidr: '203.0.113.1/24' has bits beyond its prefix; did you mean '203.0.113.0/24'?"),
        (HEAD + '[[network]]\nname = "n"\ncidr = "203.0.113/24"\nroles = "mfd"\n', "expected a prefix such as 203.0.113.0/24"),
        (HEAD + ('[[network]]\nname = "n"\ncidr = "203.0.113.0/24"\nroles = "mfd"\n' * 2).replace('"n"', '"m"', 1), "site.toml:8: network.cidr: prefix '203.0.113.0/24' already belongs to 'm' in line 2"),
        (HEAD + HOST + '[[group]]\nname = "g"\nmembers = ["b"]\n', "site.toml:8: group.members: unknown host 'b'; expected one of a"),
        (HEAD + HOST + '[[group]]\nname = "g"\nmembers = ["a"]\nvirtual = ["192.0.2.1"]\n', "group.virtual: address '192.0.2.1' already belongs to 'a'"),
        (HEAD + HOST + ('[[group]]\nname = "g"\nmembers = ["a"]\n' * 2).replace('"g"', '"f"', 1), "group.members: member 'a' already belongs to 'f'"),
        (HEAD + HOST + 'group = "f"\n[[group]]\nname = "g"\nmembers = ["a"]\n', "'a' says itself that its group is 'f'"),
        (HEAD + HOST + 'group = "easst"\n[[group]]\nname = "east"\nmembers = []\n', "host.group: unknown group 'easst'; did you mean 'east'?"),
        (HEAD + HOST + '[[waiver]]\nrule = "not-in-matrx"\nreason = "r"\n', "waiver.rule: unknown rule 'not-in-matrx'; did you mean 'not-in-matrix'?"),
        (HEAD + HOST + '[[waiver]]\nrule = "ysoft-safeq-6/other/bonjur"\nreason = "r"\n', "did you mean 'ysoft-safeq-6/other/bonjour'?"),
        (HEAD + HOST + '[[waiver]]\nrule = "not-in-matrix"\n', "site.toml:6: waiver.reason: missing"),
        (HEAD + HOST + '[[waiver]]\nrule = "not-in-matrix"\nreason = "r"\ninitiator = "aa"\n', "waiver.initiator: unknown host or network 'aa'; did you mean 'a'? (an address is fine too)"),
        (HEAD + HOST + '[[waiver]]\nrule = "not-in-matrix"\nreason = "r"\nexpires = "2027-03-31"\n', "waiver.expires: expected a date such as 2027-03-31 without quotes"),
        (HEAD + HOST + '[[waiver]]\nrule = "not-in-matrix"\nreason = "r"\n' * 2, "site.toml:9: waiver: another waiver already is"),
        (HEAD + "host = 7", "site.toml:2: host: expected tables written as [[host]], found 7"),
        (HEAD + 'settings = "x"\n' + HOST, "settings: expected a table, found 'x'"),
        ("name = 'x", "site.toml:1: not readable as TOML"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_with_line_key_and_what_was_expected(text: str, told: str) -> None:
    """One mistake, one message that names it."""
    found = mistakes(text)
    assert any(told in line for line in found), found
    assert len(found) == 1, found


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    """Nothing hides behind the first mistake."""
    text = 'nam = "x"\nfeatures = ["x-x"]\n' + HOST.replace("mfd", "mdf") + 'colour = 1\n[[network]]\nname = "n"\n'
    lines = [line.split(": ")[:2] for line in mistakes(text)]
    assert lines == [
        ["site.toml:1", "nam"],
        ["site.toml:1", "name"],
        ["site.toml:2", "features"],
        ["site.toml:6", "host.roles"],
        ["site.toml:7", "host.colour"],
        ["site.toml:8", "network.cidr"],
        ["site.toml:8", "network.roles"],
    ]


def test_an_unusable_pack_does_not_blame_what_depends_on_it() -> None:
    """With an unknown pack, its settings and rules are not called unknown as well."""
    text = HEAD + 'rules = ["nothing"]\n[settings]\nown = 1\n' + HOST + '[[waiver]]\nrule = "own/a/b"\nreason = "r"\n'
    assert len(mistakes(text)) == 1


@pytest.mark.parametrize("path", ["/nowhere/site.toml", "/", "a\0b"])
def test_a_file_that_cannot_be_opened_is_told_like_any_mistake(path: str) -> None:
    """A missing file, a folder and an impossible name give one error with the path."""
    with pytest.raises(PolicyErrors, match="cannot be read"):
        load_site(path)


def test_words_of_a_file_cannot_steer_the_terminal() -> None:
    """Control characters and direction marks of a site file are shown escaped."""
    lines = mistakes(HEAD + HOST.replace('"mfd"', '"\\u001b[2J\\u202e"') + '"\\u001b]0;\\u0007" = 1\n')
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


@given(st.binary(max_size=120))
def test_any_bytes_give_a_site_or_errors(data: bytes) -> None:
    """No content of a file ends in anything but a site or the list of what is wrong."""
    outcome = attempt(data)
    assert isinstance(outcome, Site) or outcome.issues


VALUES = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["mfd", "192.0.2.1", "a", "ricoh"]),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)


def as_toml(value: object) -> str:
    """Return a generated value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(as_toml(item) for item in value)}]"
    if isinstance(value, int):
        return str(value)
    return (
        '"' + "".join(f"\\U{ord(char):08x}" if not 0xD800 <= ord(char) < 0xE000 else "?" for char in str(value)) + '"'
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["host", "network", "group", "waiver"]),
            st.dictionaries(
                st.sampled_from(
                    ["name", "addresses", "roles", "vendor", "terminal", "group", "cidr", "nat", "members", "rule"]
                ),
                VALUES,
                max_size=5,
            ),
        ),
        max_size=3,
    )
)
def test_any_values_under_the_right_keys_give_a_site_or_errors(tables: list[tuple[str, dict[str, object]]]) -> None:
    """Wrong kinds of values everywhere are told, never tripped over."""
    text = HEAD + "".join(
        f"[[{name}]]\n" + "".join(f"{key} = {as_toml(value)}\n" for key, value in keys.items()) for name, keys in tables
    )
    outcome = attempt(text.encode())
    assert isinstance(outcome, Site) or all(issue.line for issue in outcome.issues)
