"""The vendor's rows as the pack has them, against a second reading of the page written down here by hand."""

from __future__ import annotations

from collections import Counter

import pytest

from analyser.model.rule import Rule, Scope
from analyser.policy.packs import load_pack

ROWS_PER_TABLE = {
    "workstation-to-server": 14,
    "server-to-printer": 21,
    "printer-to-server": 16,
    "inter-server": 16,
    "other": 15,
    "cluster": 3,
    "workstation-outbound": 8,
    "workstation-inbound": 2,
}

# One line per row of the page: m(andatory), r(ecommended), o(ptional); transport; ports with "/" for "one of these"
# and "+" for "all of these"; ">" for a range that is announced; "?" for a setting without default.
PAGE = {
    "workstation-to-server": """
        m tcp 80/443 | m tcp 9090/9443 | o tcp 9100 | o tcp 515 | r tcp 19898 | r tcp 9696+9002 | r tcp 9898
        r tcp 9999 | r tcp 9000 | r tcp 19044 | r tcp 4000 | o tcp 5559 | m tcp 5555
        m tcp 137/139/445 & m udp 137/138""",
    "server-to-printer": """
        m tcp 631/80 | m tcp 9100 | o tcp 80/443 | o tcp 515 | o tcp 9100 | o udp 64099 | o tcp 4095
        m tcp 50001/50003 | m tcp 80+443+8080+51443+64098 | m udp 161 | m tcp 49629/49630 | m tcp 80+443
        m tcp 80+50003 | m tcp 80/443 | m tcp 80 | m udp 161 | m tcp 80+21 | m tcp 7627 | m tcp 80+443
        o tcp > | m tcp 22""",
    "printer-to-server": """
        m tcp 4096 | o udp 37 | m tcp 5021/5022 | m tcp 5011/5012 | m tcp 5012
        m tcp 5014+5015+5016+5017+5018+5019 | m tcp 5025 | m tcp 5023/5024 | m tcp 389/390 | o tcp 25
        m tcp 5610 | o tcp 139/445 | m tcp 21 | o tcp > | m tcp 5555 | m tcp 7348""",
    "inter-server": """
        m tcp 4099 | m tcp 6010 | m tcp 5556 | m tcp 6020 | m udp ? | m tcp 7800 | m tcp 5556 | o tcp 2377
        o tcp 2378 | m tcp 81 | m tcp 137/139/445 & m udp 137/138 | m tcp 5559 | m tcp 5555
        m tcp 110/143/995/993 | m tcp 7348 | m tcp 5600""",
    "other": """
        m tcp 636 | o tcp 389 | o tcp 3268 | o tcp 4196 | o tcp 4197 | o tcp 4198 | o tcp 4199 | o tcp 8080
        o tcp 8443 | o tcp 25 | m udp 1434 | m tcp > | m udp 5353 | m tcp 8050 | m tcp 5557""",
    "cluster": "m tcp 4001 | m tcp 2379 | m tcp 2380",
    "workstation-outbound": """
        m tcp 5555 | o tcp 5559 | m tcp 5558 | o tcp 9100 | o tcp 80/443/631 | o tcp 515 | o tcp 443/80 | o tcp 22""",
    "workstation-inbound": "m tcp 5558 | m tcp 515",
}

RULES = {rule.id.removeprefix("ysoft-safeq-6/"): rule for rule in load_pack("ysoft-safeq-6").rules}


def in_short(rule: Rule) -> str:
    """Return a rule as a line of PAGE has it."""
    if rule.ports.range is not None:
        ports = ">"
    elif not rule.ports.listed:
        ports = "?"
    else:
        ports = ("+" if rule.ports.all else "/").join(str(port) for port in rule.ports.listed)
    return f"{rule.requirement[0]} {rule.transport} {ports}"


def test_the_pack_has_the_95_rows_of_the_page_in_its_order() -> None:
    """Every table is there with all its rows, numbered from 1 without a gap, and nothing else but the statement."""
    found = {section: sorted({r.row for r in RULES.values() if r.section == section}) for section in ROWS_PER_TABLE}
    found["workstation-inbound"].remove(0)
    assert list(dict.fromkeys(rule.section for rule in RULES.values())) == list(ROWS_PER_TABLE)
    assert found == {section: list(range(1, count + 1)) for section, count in ROWS_PER_TABLE.items()}
    assert sum(ROWS_PER_TABLE.values()) == 95
    assert len(RULES) == 95 + 2 + 1  # two rows name TCP and UDP; one statement stands outside the tables


@pytest.mark.parametrize("section", PAGE)
def test_each_row_asks_for_what_the_page_asks_for(section: str) -> None:
    """Requirement, transport and ports of every row agree with the hand-written list."""
    lines = [line.strip() for part in PAGE[section].strip().splitlines() for line in part.split("|")]
    expected = [(row, half.strip()) for row, line in enumerate(lines, 1) for half in line.split("&")]
    found = [(rule.row, in_short(rule)) for rule in RULES.values() if rule.section == section and rule.row]
    assert found == expected


def test_a_row_of_both_transports_is_two_rules_of_one_row() -> None:
    """The shared folder rows are told apart by their endings and are alternatives of one another."""
    for section, row in (("workstation-to-server", 14), ("inter-server", 11)):
        halves = [rule for rule in RULES.values() if (rule.section, rule.row) == (section, row)]
        assert [rule.id.rpartition("-")[2] for rule in halves] == ["tcp", "udp"]
        assert len({rule.one_of for rule in halves}) == 1
        assert halves[0].one_of is not None


def test_the_statement_about_workstations_is_a_forbidden_row() -> None:
    """Row 0 forbids every port of every transport into a workstation."""
    rule = RULES["workstation-inbound/nothing-from-outside"]
    assert (rule.row, rule.requirement, rule.transport, rule.ports.any) == (0, "forbidden", "any", ())
    assert rule.responder == ("workstation",)


def test_loopback_rows_are_marked_and_say_what_opens_them() -> None:
    """Exactly the rows that the page keeps inside one machine are local; only JMX and 4000 can be opened."""
    local = {rule.ports.listed: rule.opened_by for rule in RULES.values() if rule.scope is Scope.LOCALHOST}
    opened: dict[tuple[int, ...], str | None] = dict.fromkeys([(19898,), (9696, 9002), (9898,)], "remote-jmx")
    opened |= dict.fromkeys([(9999,), (9000,), (19044,)], "remote-jmx")
    opened |= {(4000,): "remote-wps"}
    opened |= dict.fromkeys([(2377,), (5557,), (5558,), (515,)])
    assert local == opened


def test_datagram_services_that_may_stay_silent_are_marked() -> None:
    """SNMP, time and SQL Browser questions without an answer prove nothing."""
    silent = {rule.id.partition("/")[2] for rule in RULES.values() if rule.silent}
    assert silent == {
        "server-to-printer/snmp-accounting",
        "server-to-printer/snmp-install-check",
        "printer-to-server/terminal-time",
        "other/sql-browser",
    }


def test_one_way_and_many_receiver_rows_are_marked() -> None:
    """What is sent to a whole group or never answered is one-way."""
    one_way = {(rule.ports.listed, rule.scope) for rule in RULES.values() if rule.one_way}
    assert one_way == {((137, 138), "network"), ((64099,), "subnet"), ((), "multicast"), ((5353,), "multicast")}


def test_alternatives_across_rows() -> None:
    """Each group of rows of which one is enough holds the rows that belong together."""
    groups: dict[str, list[int]] = {}
    for rule in RULES.values():
        if rule.one_of is not None and not rule.one_of.endswith("shared-folder"):
            groups.setdefault(rule.one_of, []).append(rule.row)
    assert groups == {
        "delivery": [1, 2, 3, 4],
        "near-roaming": [5, 6],
        "ldap": [1, 2, 3],
        "payment-machine-management": [4, 5],
        "payment-machine-main": [6, 7],
        "payment-services": [8, 9],
        "client-delivery": [4, 5, 6],
    }


def test_configurable_ports_name_their_setting() -> None:
    """A setting stands exactly where the page calls a port configurable or a default."""
    assert {rule.setting: rule.ports.listed for rule in RULES.values() if rule.setting} == {
        "cmlJmxServerPort": (19898,),
        "orsJmxServerPort": (9898,),
        "jmxRmiServerPort": (9000,),
        "webdavPort": (5610,),
        "ftp-port": (21,),
        "nearRoamingMulticast": (),
        "etcdClientPort": (2377,),
        "etcdPeerPort": (2378,),
        "migPort": (8050,),
    }


def test_announced_ports_name_the_rule_that_announces_them() -> None:
    """FTP data in both directions hangs on the FTP control row, the SQL instance on the SQL Browser row."""
    announced = {rule.id.rpartition("/")[2]: rule.ports for rule in RULES.values() if rule.ports.negotiated_by}
    assert {name: (ports.negotiated_by, ports.range) for name, ports in announced.items()} == {
        "ftp-active-data": ("printer-to-server/ftp-scanning", (1024, 65535)),
        "ftp-passive-data": ("printer-to-server/ftp-scanning", (1024, 65535)),
        "sql-instance": ("other/sql-browser", (1024, 65535)),
    }


@pytest.mark.parametrize(
    ("name", "feature"),
    [
        ("server-to-printer/ipp-delivery", "server-spooling"),
        ("server-to-printer/raw-delivery", "server-spooling"),
        ("server-to-printer/snmp-accounting", "online-accounting"),
        ("printer-to-server/appliance-management", "infrastructure-service"),
        ("inter-server/appliance-management", "infrastructure-service"),
        ("cluster/etcd-peers", "management-etcd"),
        ("inter-server/etcd-peers", "etcd"),
    ],
)
def test_conditions_decide_whether_a_row_applies(name: str, feature: str) -> None:
    """Rows that the page ties to a way of using the product have that feature as their condition."""
    assert RULES[name].when.feature == (feature,)


def test_ambiguous_rows_carry_a_note() -> None:
    """Whoever reads the page otherwise finds in the rule how and why it was read this way."""
    noted = {name for name, rule in RULES.items() if rule.note}
    assert {
        "workstation-to-server/jmx-ldap-replicator",
        "workstation-to-server/job-forwarding",
        "server-to-printer/embedded-configuration",
        "server-to-printer/ricoh-install",
        "server-to-printer/lexmark-install",
        "printer-to-server/terminal-application",
        "printer-to-server/vendor-web-services",
        "printer-to-server/toshiba-ldap",
        "printer-to-server/smb-scanning",
        "printer-to-server/spooler-controller",
        "inter-server/near-roaming-multicast",
        "inter-server/etcd-client",
        "inter-server/far-roaming",
        "cluster/internode",
        "workstation-outbound/spooler-controller",
        "workstation-outbound/entra-id",
    } <= noted


def test_every_vendor_of_an_embedded_terminal_has_its_installation_row() -> None:
    """The vendors of the site vocabulary are those of the installation rows, each once."""
    counted = Counter(
        vendor
        for name, rule in RULES.items()
        if name.endswith("-install") and rule.section == "server-to-printer"
        for vendor in rule.when.responder_vendor
    )
    assert counted == dict.fromkeys(
        ["ricoh", "konica-minolta", "xerox", "fuji-xerox", "sharp", "toshiba", "samsung", "lexmark", "hp", "epson"], 1
    )


def test_the_client_end_is_the_subject() -> None:
    """Towards devices the device needs a server, never every server every device."""
    assert {rule.subject for rule in RULES.values() if rule.section == "server-to-printer"} == {"responder"}
    for section in ("printer-to-server", "inter-server", "other", "cluster", "workstation-outbound"):
        assert {rule.subject for rule in RULES.values() if rule.section == section} == {"initiator"}


def test_the_infrastructure_pack_keeps_directory_ports_to_directory_hosts() -> None:
    """LDAP, Kerberos, SMB and RPC are explained only towards the role ldap; names, time and discovery to anyone."""
    traffic = load_pack("infrastructure").infrastructure
    guarded = {item.service for item in traffic if item.responder == ("ldap",)}
    open_to_all = {item.service for item in traffic if not item.responder}
    assert guarded == {"ldap", "kerberos", "smb", "rpc"}
    assert open_to_all == {"dns", "ntp", "dhcp", "icmp", "igmp", "mdns", "ssdp", "ws-discovery", "slp", "netbios"}
