"""The lab's real programs: servers and clients as Debian has them, by the service of a rule.

Knows how a server is told its one address, port and folder, when it is ready, what its client is told, and in which of the client's
own words one sees how it fared. Must not know the firewall, nor what the analyser will say. The address that a client asks from
is its machine's routing's to choose (``Lab.reach``), since few clients can be told.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any, Final

from tests.live.settings import ASK_PRINTER, CUPS_FILES, CUPS_FOLDERS, CUPSD, NGINX, QUEUE, SLAPD, SMB, SSHD, VSFTPD

_READY: Final = 60.0
"""Seconds within which every server listens."""
_DONE: Final = 15.0
"""Seconds within which a client is done, or ended: most are told to give up before, some cannot be told."""
_ENDED: Final = "ended, as it took too long"


@dataclass(frozen=True, kw_only=True)
class Service:
    """A server, its client, and what the client's words mean.

    ``files`` are written and ``folders`` made before anything starts, ``first`` is run before ``server``; ``asks`` is what the
    client is told, by manner. In all of them ``$address``, ``$port``, ``$data`` (a port of the case's own), ``$folder`` and
    ``$certificates`` have their values. ``words``: what the client says, its exit code last ("exit 7"), and how it fared; the
    first that is found holds. ``name``: bytes that only this server sends.
    """

    server: str
    asks: Mapping[str, str]
    words: Sequence[tuple[str, str]]
    files: Mapping[str, str] = field(default_factory=dict)
    folders: Sequence[str] = ()
    first: Sequence[str] = ()
    name: bytes | None = None


TALKED: Final = "talked"
REFUSED: Final = "refused"
SILENCE: Final = "no answer"
MISTRUSTED: Final = "mistrusted"

_CURL: Final = 'curl -sS --connect-timeout 9 --max-time 12 -w "status %{response_code}"'
_CURL_SILENCE: Final = ("exit 28", SILENCE)

_LDAP_WORDS: Final = (
    ("result: 0 Success", TALKED),
    ("Invalid credentials (49)", REFUSED),
    ("Can't contact LDAP", SILENCE),
)


def _ldap(scheme: str) -> Service:
    asking = f"env LDAPTLS_REQCERT=never ldapsearch -o nettimeout=9 -l 9 -x -H {scheme}://$address:$port -b '' -s base"
    known = f"{asking} -D cn=admin,dc=example,dc=org -w"
    return Service(
        server=f"slapd -d 0 -f $folder/slapd.conf -h {scheme}://$address:$port",
        asks={"real": f"{known} secret", "real-refused": f"{known} guess"},
        words=_LDAP_WORDS,
        files={"slapd.conf": SLAPD},
    )


SERVICES: Final[dict[str, Service]] = {
    "ftp": Service(
        server="vsftpd $folder/vsftpd.conf",
        asks={
            "real": f"{_CURL} --user anonymous:scan@lab ftp://$address:$port/",
            "real-refused": f"{_CURL} --user anonymous:guess ftp://$address:$port/",
        },
        words=(("status 226", TALKED), ("Access denied: 530", REFUSED), _CURL_SILENCE),
        files={"vsftpd.conf": VSFTPD, "known": "scan@lab\n"},
        folders=("empty",),
        name=b"220 (vsFTPd ",
    ),
    "snmp": Service(
        server="env MIBS= SNMP_PERSISTENT_DIR=$folder snmpd -f -Lo -C -c $folder/snmpd.conf -I -smux udp:$address:$port",
        asks={
            manner: f"env MIBS= SNMP_PERSISTENT_DIR=$folder snmpget -v2c -c {word} -r 2 -t 1 $address:$port 1.3.6.1.2.1.1.5.0"
            for manner, word in (("real", "public"), ("real-refused", "guess"))
        },
        words=(('STRING: "printer of the lab"', TALKED), ("Timeout: No Response", SILENCE)),
        files={"snmpd.conf": "rocommunity public\nsysName printer of the lab\n"},
        name=b"printer of the lab",
    ),
    "ldap": _ldap("ldap"),
    "ldaps": _ldap("ldaps"),
    "smtp": Service(
        server="aiosmtpd -n -c aiosmtpd.handlers.Sink -s 1000 -l $address:$port",
        asks={
            manner: f"{_CURL} --mail-from scan@lab --mail-rcpt box@lab -T $folder/{letter} smtp://$address:$port/lab"
            for manner, letter in (("real", "short"), ("real-refused", "long"))
        },
        words=(("status 250", TALKED), ("MAIL failed: 552", REFUSED), _CURL_SILENCE),
        files={"short": "a scan\n", "long": "a long scan\n" * 200},
        name=b"Python SMTP",
    ),
    "http": Service(
        server="nginx -e stderr -p $folder -c $folder/nginx.conf",
        asks={
            "real": f"{_CURL} http://$address:$port/",
            "real-refused": f"{_CURL} http://$address:$port/locked/",
            "real-forbidden": f"{_CURL} http://$address:$port/closed/",
        },
        words=(("status 200", TALKED), ("status 401", REFUSED), ("status 403", REFUSED), _CURL_SILENCE),
        files={"nginx.conf": NGINX.replace(" TLS", ""), "nobody": ""},
        name=b"Server: nginx/",
    ),
    "https": Service(
        server="nginx -e stderr -p $folder -c $folder/nginx.conf",
        asks={"real": f"{_CURL} -k https://$address:$port/", "real-refused": f"{_CURL} https://$address:$port/"},
        words=(("status 200", TALKED), ("exit 60", MISTRUSTED), _CURL_SILENCE),
        files={"nginx.conf": NGINX.replace("TLS", "ssl"), "nobody": ""},
    ),
    "ipp": Service(
        server="cupsd -f -c $folder/cupsd.conf -s $folder/cups-files.conf",
        asks={
            manner: f"ipptool -t ipp://$address:$port/printers/{queue} $folder/ask.test"
            for manner, queue in (("real", "queue"), ("real-refused", "other"))
        },
        words=(("[PASS]", TALKED), ("client-error-not-found", REFUSED), (_ENDED, SILENCE)),
        files={"cupsd.conf": CUPSD, "cups-files.conf": CUPS_FILES, "printers.conf": QUEUE, "ask.test": ASK_PRINTER},
        folders=CUPS_FOLDERS,
        name=b"Server: CUPS/",
    ),
    "etcd": Service(
        server="etcd --name a --data-dir $folder/data --listen-client-urls http://$address:$port --listen-peer-urls http://$address:1 "
        "--advertise-client-urls http://$address:$port --initial-advertise-peer-urls http://$address:1 "
        "--initial-cluster a=http://$address:1 --logger zap",
        asks={"real": "env ETCDCTL_API=3 etcdctl --endpoints=http://$address:$port --command-timeout=9s put key value"},
        words=(("OK\n", TALKED), ("context deadline exceeded", SILENCE)),
    ),
    "ssh": Service(
        server="unshare --mount sh -c 'mount -t tmpfs lab /run && mkdir /run/sshd && exec $$(command -v sshd) -D -e -f $folder/sshd.conf'",
        asks={
            "real": "ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes -o ConnectTimeout=9 "
            "-o PreferredAuthentications=none -p $port root@$address true",
        },
        # Nobody is let in; to be told so, both have exchanged keys.
        words=(("Permission denied (", TALKED), ("Connection timed out", SILENCE)),
        files={"sshd.conf": SSHD},
        first=("ssh-keygen -q -t ed25519 -N '' -f $folder/key",),
        name=b"SSH-2.0-OpenSSH",
    ),
    "smb": Service(
        server="smbd -F --no-process-group --debug-stdout -s $folder/smb.conf",
        asks={
            manner: f"smbclient -s $folder/smb.conf -t 9 -p $port -U root%{word} //$address/scan -c ls"
            for manner, word in (("real", "secret"), ("real-refused", "guess"))
        },
        words=(("blocks available", TALKED), ("NT_STATUS_LOGON_FAILURE", REFUSED), ("NT_STATUS_IO_TIMEOUT", SILENCE)),
        files={"smb.conf": SMB, "password": "secret\nsecret\n"},
        folders=("scan",),
        first=("sh -c 'smbpasswd -c $folder/smb.conf -L -a -s root <$folder/password'",),
    ),
}  # fmt: skip
"""What speaks for a rule whose traffic is by real programs."""


async def serve(entries: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Start a server for every entry of a plan, and wait until all listen; AssertionError with its last words if one does not."""
    running = []
    for entry in entries:
        service, place = SERVICES[entry["service"]], _settled(entry, folder, "server")
        for command in service.first:
            await _ended(_words(command, entry, place), place)
        with (place / "server.log").open("wb") as log:
            program = await asyncio.create_subprocess_exec(
                *_words(service.server, entry, place), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd=place
            )  # fmt: skip
        running.append((f"{entry['address']}:{entry['port']} ", place / "server.log", program))
    limit = asyncio.get_running_loop().time() + _READY
    while running:
        listening, _ = await _ended(["ss", "-Hlntu"], folder)
        running = [item for item in running if item[0] not in listening]
        for _, log_file, program in running:
            failed = program.returncode is not None or asyncio.get_running_loop().time() > limit
            assert not failed, log_file.read_text(errors="replace")[-2000:]
        await asyncio.sleep(0.1)


async def ask(entry: Mapping[str, Any], folder: Path) -> str:
    """Run the client of an entry to its end; return how it fared, or where its words are not known, the last of them."""
    service, place = SERVICES[entry["service"]], _settled(entry, folder, "client")
    said, code = await _ended(_words(service.asks[entry["manner"]], entry, place), place)
    said += f"\nexit {code}\n"
    return next((fared for words, fared in service.words if words in said), said[-300:])


def _settled(entry: Mapping[str, Any], folder: Path, side: str) -> Path:
    """Make the folder of one program, with what it reads."""
    place = folder / f"{entry['case']}-{side}"
    service = SERVICES[entry["service"]]
    for name in ("", *service.folders):
        (place / name).mkdir(parents=True, exist_ok=True)
    for name, text in service.files.items():
        (place / name).write_text(_filled(text, entry, place))
    return place


def _filled(text: str, entry: Mapping[str, Any], place: Path) -> str:
    values = {name: entry[name] for name in ("address", "port", "data")}
    return Template(text).substitute(values, folder=place, certificates=place.parent)


def _words(command: str, entry: Mapping[str, Any], place: Path) -> list[str]:
    return [_filled(word, entry, place) for word in shlex.split(command)]


async def _ended(command: Sequence[str], place: Path) -> tuple[str, int]:
    """Run a program to its end, or end it; return its words and its exit code."""
    program = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=place
    )  # fmt: skip
    try:
        said, _ = await asyncio.wait_for(program.communicate(), _DONE)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            program.kill()
        return _ENDED, await program.wait()
    return said.decode(errors="replace"), program.returncode or 0
