"""Real programs speak on a wire while the test runs, and their protocols get their names from the bytes.

What is spoken is known from how the programs were started, never from the analyser. Programs for which there is no package are
stand-ins of a few lines (``standins.py``), and say so.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from string import Template

import pytest

from tests.live.flows import Seen, seen
from tests.live.settings import CUPS_FILES, CUPS_FOLDERS, CUPSD, GROUP, JAVA, JGROUPS, LPD, LPD_AT, SLAPD, XINETD
from tests.live.wire import CLIENT, PREFIX, SERVER, Wire, missing, wire

STANDINS = (sys.executable, str(Path(__file__).with_name("standins.py")))
PROGRAMS = (
    "etcd",
    "etcdctl",
    "slapd",
    "ldapsearch",
    "cupsd",
    "ipptool",
    "rlpr",
    "java",
    "openssl",
    "curl",
    "ss",
    "ethtool",
    "lpd",
    "xinetd",
    "rdate",
    JGROUPS,
)


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Seen]:
    """What was seen of one wire over which all programs spoke."""
    if why := missing(*PROGRAMS):
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("wire")
    with wire(folder) as those:
        certificate(folder)
        etcd(those)
        directory(those)
        printer(those)
        web_folder(those)
        queue(those)
        java(those)
        lines_and_time(those)
        stand_ins(those)
    return seen(folder / "wire.pcap")


def certificate(folder: Path) -> None:
    """Write a key and a certificate for the server."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=server", "-keyout", "key.pem",
         "-out", "cert.pem", "-addext", f"subjectAltName=IP:{SERVER}"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


def ok(done: subprocess.CompletedProcess[bytes], those: Wire) -> bytes:
    """Return what a program said; a failed one fails the test with everybody's last words."""
    assert done.returncode == 0, (done.args, done.stdout, done.stderr, those.logs())
    return done.stdout


def etcd(those: Wire) -> None:
    """Two members of etcd, one on each machine, and clients of both versions."""
    members = f"a=http://{SERVER}:2380,b=http://{CLIENT}:2380"
    for name, where, address in (("a", "server", SERVER), ("b", "client", CLIENT)):
        those.start(
            where,
            ["etcd", "--name", name, "--data-dir", str(those.folder / f"etcd-{name}"), "--initial-cluster", members,
             "--listen-peer-urls", f"http://{address}:2380", "--initial-advertise-peer-urls", f"http://{address}:2380",
             "--listen-client-urls", f"http://{address}:2379,http://{address}:2377",
             "--advertise-client-urls", f"http://{address}:2379", "--initial-cluster-state", "new", "--enable-v2",
             "--logger", "zap"],
        )  # fmt: skip
    those.listens(2379, 2380)
    endpoint = f"http://{SERVER}:2379"
    until = time.monotonic() + 20
    while those.run("client", ["etcdctl", f"--endpoints={endpoint}", "endpoint", "health"], ETCDCTL_API="3").returncode:
        assert time.monotonic() < until, those.logs()
        time.sleep(0.3)
    ok(those.run("client", ["etcdctl", f"--endpoints={endpoint}", "put", "key", "value"], ETCDCTL_API="3"), those)
    ok(those.run("client", ["etcdctl", f"--endpoints={endpoint}", "get", "key"], ETCDCTL_API="3"), those)
    two = f"http://{SERVER}:2377"
    ok(those.run("client", ["etcdctl", f"--endpoints={two}", "set", "/ts/node", "1"], ETCDCTL_API="2"), those)
    ok(those.run("client", ["curl", "-s", f"{two}/v2/keys/ts/node"]), those)


def directory(those: Wire) -> None:
    """A directory server: in clear, changed over to TLS on the way, and in TLS from the start."""
    folder = those.folder / "ldap"
    folder.mkdir()
    settings = Template(SLAPD).substitute(certificates=those.folder, folder=folder)
    (folder / "slapd.conf").write_text(settings)
    those.start(
        "server",
        ["slapd", "-d", "0", "-f", str(folder / "slapd.conf"), "-h", f"ldap://{SERVER}:389 ldaps://{SERVER}:636"],
    )
    those.listens(389, 636)
    asked = ["-x", "-D", "cn=admin,dc=example,dc=org", "-w", "secret", "-b", "", "-s", "base"]
    for words in (["-H", f"ldap://{SERVER}"], ["-H", f"ldap://{SERVER}", "-ZZ"], ["-H", f"ldaps://{SERVER}"]):
        ok(those.run("client", ["ldapsearch", *words, *asked], LDAPTLS_REQCERT="never"), those)


def printer(those: Wire) -> None:
    """A print server that speaks IPP, in clear and in TLS on the same port."""
    folder = those.folder / "cups"
    for name in CUPS_FOLDERS:
        (folder / name).mkdir(parents=True)
    for name in ("server.key", "server.crt"):
        (folder / "ssl" / name).write_bytes(
            (those.folder / ("key.pem" if name.endswith("key") else "cert.pem")).read_bytes()
        )
    for name, text in (("cupsd.conf", CUPSD), ("cups-files.conf", CUPS_FILES)):
        (folder / name).write_text(Template(text).substitute(folder=folder, address=SERVER, port=631))
    those.start("server", ["cupsd", "-f", "-c", str(folder / "cupsd.conf"), "-s", str(folder / "cups-files.conf")])
    those.listens(631)
    (folder / "ask.test").write_text(
        """{ NAME "printers" OPERATION CUPS-Get-Printers
        GROUP operation-attributes-tag ATTR charset attributes-charset utf-8 ATTR naturalLanguage attributes-natural-language en
        STATUS successful-ok STATUS client-error-not-found }
        """
    )
    for scheme in ("ipp", "ipps"):
        ok(
            those.run("client", ["ipptool", "-T", "10", "-t", f"{scheme}://{SERVER}:631/", str(folder / "ask.test")]),
            those,
        )


def web_folder(those: Wire) -> None:
    """A folder over WebDAV, in clear and in TLS."""
    for port, more in ((5610, []), (5611, ["--ssl-adapter"])):
        settings = {
            "host": SERVER, "port": port, "provider_mapping": {"/": str(those.folder)}, "simple_dc": {"user_mapping": {"*": True}},
        }  # fmt: skip
        if more:
            settings |= {
                "ssl_certificate": str(those.folder / "cert.pem"),
                "ssl_private_key": str(those.folder / "key.pem"),
            }
        those.start("server", [sys.executable, "-c", f"""
from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter
from wsgidav.wsgidav_app import WsgiDAVApp
settings = {settings!r}
server = wsgi.Server((settings["host"], settings["port"]), WsgiDAVApp(settings))
if "ssl_certificate" in settings:
    server.ssl_adapter = BuiltinSSLAdapter(settings["ssl_certificate"], settings["ssl_private_key"])
server.start()
"""])  # fmt: skip
    those.listens(5610, 5611)
    for url in (f"http://{SERVER}:5610/", f"https://{SERVER}:5611/"):
        ok(those.run("client", ["curl", "-sk", "-X", "PROPFIND", "-H", "Depth: 0", url]), those)
        ok(those.run("client", ["curl", "-sk", "-T", "/etc/hostname", f"{url}scan.txt"]), those)


def queue(those: Wire) -> None:
    """A pair of ZeroMQ sockets."""
    those.start("server", [sys.executable, "-c", f"""
import zmq
s = zmq.Context().socket(zmq.REP); s.bind("tcp://{SERVER}:5558")
while True: s.recv(); s.send(b"back")
"""])  # fmt: skip
    those.listens(5558)
    ok(those.run("client", [sys.executable, "-c", f"""
import zmq
s = zmq.Context().socket(zmq.REQ); s.connect("tcp://{SERVER}:5558")
s.send(b"there"); assert s.poll(5000); s.recv()
"""]), those)  # fmt: skip


def java(those: Wire) -> None:
    """A Java machine with remote management, looked into by another; JGroups between both machines, over TCP and over UDP.

    Whether members find each other in time depends on the machine; what they say while they look for each other is enough.
    """
    agent = [
        "-Dcom.sun.management.jmxremote.port=9898", "-Dcom.sun.management.jmxremote.rmi.port=9044",
        "-Dcom.sun.management.jmxremote.authenticate=false", "-Dcom.sun.management.jmxremote.ssl=false",
        f"-Djava.rmi.server.hostname={SERVER}",
    ]  # fmt: skip
    (those.folder / "Wait.java").write_text(
        "public class Wait { public static void main(String[] a) throws Exception { Thread.sleep(120000); } }"
    )
    (those.folder / "Look.java").write_text(
        """
        public class Look { public static void main(String[] a) throws Exception {
            var url = new javax.management.remote.JMXServiceURL("service:jmx:rmi:///jndi/rmi://" + a[0] + "/jmxrmi");
            var there = javax.management.remote.JMXConnectorFactory.connect(url).getMBeanServerConnection();
            System.out.println(there.getMBeanCount());
            System.exit(0);
        } }
        """
    )
    those.start("server", ["java", "-Xmx64m", *agent, "Wait.java"])
    those.listens(9898, 9044)
    ok(those.run("client", ["java", "-Xmx64m", "Look.java", f"{SERVER}:9898"]), those)
    (those.folder / "Group.java").write_text(GROUP)
    tcp = (
        f"TCP(bind_addr=%s;bind_port=7800;port_range=0):TCPPING(initial_hosts={SERVER}[7800],{CLIENT}[7800];"
        "port_range=0;timeout=2000;num_initial_members=2):MERGE2:FD_SOCK:pbcast.NAKACK(use_mcast_xmit=false):UNICAST:"
        "pbcast.STABLE:pbcast.GMS(join_timeout=2000)"
    )
    udp = (
        "UDP(bind_addr=%s;mcast_addr=228.8.8.8;mcast_port=45588;bind_port=7900):PING(timeout=2000):MERGE2:FD_SOCK:"
        "pbcast.NAKACK:UNICAST:pbcast.STABLE:pbcast.GMS(join_timeout=2000)"
    )
    for stack in (tcp, udp):
        command = [*JAVA.split(), "Group.java"]
        those.start("server", [*command, stack % SERVER])
        time.sleep(3)
        ok(those.run("client", [*command, stack % CLIENT, "hello"]), those)


def lines_and_time(those: Wire) -> None:
    """A line printer daemon that gets a job, and the time service, over TCP and UDP."""
    folder = those.folder / "lpd"
    (folder / "spool").mkdir(parents=True)
    for name, text in {**LPD, "xinetd.conf": XINETD}.items():
        (folder / name).write_text(Template(text).substitute(folder=folder, address=SERVER, port=37))
    those.start("server", shlex.split(Template(LPD_AT).substitute(folder=folder)))
    settings = ["-f", str(folder / "xinetd.conf"), "-pidfile", str(folder / "pid"), "-filelog", str(folder / "times")]
    those.start("server", ["xinetd", "-dontfork", *settings])
    those.listens(515, 37)
    those.listens(37, transport="udp")
    (those.folder / "job.ps").write_text("%!PS-Adobe-3.0\nshowpage\n")
    ok(those.run("client", ["rlpr", "-H", SERVER, "-P", "queue", "-N", "--no-bind", "job.ps"]), those)
    for more in ([], ["-u"]):
        ok(those.run("client", ["rdate", "-p", *more, SERVER]), those)


def stand_ins(those: Wire) -> None:
    """What has no package: the SQL Server Browser and its server; and a raw port, in clear and in TLS."""
    those.start("server", [*STANDINS, "serve", SERVER, str(those.folder)])
    those.listens(9100, 9101, 1433)
    those.listens(1434, transport="udp")
    ok(those.run("client", [*STANDINS, "ask", SERVER, str(those.folder)]), those)


@pytest.mark.parametrize(
    ("transport", "port", "service", "basis"),
    [
        ("tcp", 515, "lpr", "payload"), ("tcp", 389, "ldap", "payload"), ("tcp", 636, "tls", "payload"),
        ("tcp", 5611, "tls", "payload"), ("tcp", 5558, "zmtp", "payload"),
        ("tcp", 9898, "rmi", "payload"), ("tcp", 9044, "rmi", "negotiated"), ("tcp", 7800, "jgroups", "payload"),
        ("udp", 1434, "sql-browser", "payload"), ("tcp", 1433, "tds", "payload"),
        ("tcp", 9100, "raw-print", "payload"), ("tcp", 9101, "tls", "payload"), ("tcp", 37, "time", "payload"), ("udp", 37, "time", "payload"),
    ],
)  # fmt: skip
def test_a_program_gets_the_name_of_what_it_speaks(
    captured: dict[tuple[str, int], Seen], transport: str, port: int, service: str, basis: str
) -> None:
    """Every flow to the port has the service that its program speaks, and bytes or an announcement prove it."""
    assert captured[transport, port].services == {(service, basis)}


def test_versions_of_etcd_and_its_peers_are_told_apart(captured: dict[tuple[str, int], Seen]) -> None:
    """GRPC of the third version, HTTP of the second, and the members among themselves."""
    kinds = {port: {label[2] for label in captured["tcp", port].labels} for port in (2377, 2379, 2380)}
    assert {label[:2] for port in kinds for label in captured["tcp", port].labels} == {("etcd", "payload")}
    assert kinds[2377] == {"client v2"}
    assert (
        "client v3" in kinds[2379] <= {"client v2", "client v3"}
    )  # a client of the second version asks for all members
    assert "peer" in kinds[2380] <= {"peer", None}  # who only asks for a version says no more


def test_one_port_speaks_clear_and_tls(captured: dict[tuple[str, int], Seen]) -> None:
    """IPP in clear is IPP, IPP in TLS is TLS, on the same port."""
    assert captured["tcp", 631].services == {("ipp", "payload"), ("tls", "payload")}


def test_a_web_folder_is_named_by_its_own_methods(captured: dict[tuple[str, int], Seen]) -> None:
    """PROPFIND is WebDAV; a file put there is HTTP, as no byte of it says more."""
    assert captured["tcp", 5610].services == {("webdav", "payload"), ("http", "payload")}


def test_groups_over_udp_are_named(captured: dict[tuple[str, int], Seen]) -> None:
    """JGroups packets to a group address get their name from their bytes."""
    assert captured["udp", 45588].services == {("jgroups", "payload")}


def test_the_machines_are_gone(captured: dict[tuple[str, int], Seen]) -> None:
    """No namespace of this run is left."""
    assert shutil.which("ip")
    told = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    assert f"{PREFIX}{os.getpid()}" not in told
