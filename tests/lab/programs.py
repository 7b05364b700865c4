"""The lab's real programs: servers and clients as Debian has them, by the service of a rule.

Knows how a server is told its one address, port and folder, what its client is told, and in which of the client's own words one sees
how it fared. Must not know the firewall, nor what the analyser will say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.live.settings import (
    ASK_PRINTER,
    CUPS_FILES,
    CUPS_FOLDERS,
    CUPSD,
    DOVECOT,
    GROUP,
    JAVA,
    LPD,
    LPD_AT,
    NGINX,
    QUEUE,
    SLAPD,
    SMB,
    SSHD,
    VSFTPD,
    XINETD,
)

ENDED: Final = "ended, as it took too long"
"""Said in place of a client that had to be stopped."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """A server, its client, and what the client's words mean.

    ``files`` are written and ``folders`` made before anything starts, ``first`` is run before ``server``; ``asks`` is what the
    client is told, by manner. In all of them ``$address``, ``$source`` (of the client), ``$port``, ``$data`` (a port of the case's own),
    ``$folder`` and ``$certificates`` have their values. ``words``: what the client says, its exit code last ("exit 7"), and how it fared; the
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

_OWN: Final = "unshare --mount --pid --fork --kill-child sh -c 'mount -t tmpfs lab /run && "
"""Before a server that keeps its state in a folder of the machine: it gets one of its own, and all that it starts ends with it."""

_LDAP_WORDS: Final = (
    ("result: 0 Success", TALKED),
    ("Invalid credentials (49)", REFUSED),
    ("Can't contact LDAP", SILENCE),
)


def _member(address: str, port: str, patience: int, *words: str) -> str:
    """Return what starts a member of a group, which looks for others so long (ms) at the server's; it wants its address on a device."""
    stack = (
        f"TCP(bind_addr={address};bind_port={port};port_range=0):"
        f"TCPPING(initial_hosts=$address[$port];port_range=0;timeout={patience};num_initial_members=2):"
        f"pbcast.NAKACK(use_mcast_xmit=false):UNICAST:pbcast.STABLE:pbcast.GMS(join_timeout={patience})"
    )
    return f"sh -c 'ip address add {address}/32 dev lo && exec {JAVA} Group.java \"{stack}\" {' '.join(words)}'"


def _cups(scheme: str, name: bytes | None = None) -> Service:
    return Service(
        server="cupsd -f -c $folder/cupsd.conf -s $folder/cups-files.conf",
        asks={
            manner: f"ipptool -t {scheme}://$address:$port/printers/{queue} $folder/ask.test"
            for manner, queue in (("real", "queue"), ("real-refused", "other"))
        },
        words=(("[PASS]", TALKED), ("client-error-not-found", REFUSED), (ENDED, SILENCE)),
        files={"cupsd.conf": CUPSD, "cups-files.conf": CUPS_FILES, "printers.conf": QUEUE, "ask.test": ASK_PRINTER},
        folders=CUPS_FOLDERS,
        name=name,
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
        asks={
            "real": f"{_CURL} -k https://$address:$port/",
            "real-refused": f"{_CURL} https://$address:$port/",
            # WebDAV (RFC 4918): a scan is put into a folder, and into one that is closed.
            "real-put": f"{_CURL} -k -T $folder/scan https://$address:$port/scans/1.pdf",
            "real-put-refused": f"{_CURL} -k -T $folder/scan https://$address:$port/closed/1.pdf",
        },
        words=(("status 20", TALKED), ("status 403", REFUSED), ("exit 60", MISTRUSTED), _CURL_SILENCE),
        files={"nginx.conf": NGINX.replace("TLS", "ssl"), "nobody": "", "scan": "%PDF-1.4 a scan\n"},
        folders=("scans",),
    ),
    "pop3": Service(
        server=f"{_OWN}mkdir -m 777 /run/mail && exec $$(command -v dovecot) -F -c $folder/dovecot.conf'",
        asks={
            manner: f"{_CURL} --user scan:{word} pop3://$address:$port/"
            for manner, word in (("real", "secret"), ("real-refused", "guess"))
        },
        words=(("exit 0", TALKED), ("Login denied", REFUSED), _CURL_SILENCE),
        files={"dovecot.conf": DOVECOT},
        name=b"Dovecot",
    ),
    "lpr": Service(
        server=LPD_AT,
        asks={
            manner: f"rlpr -N --timeout=9 -H $address -P {queue} $folder/job"
            for manner, queue in (("real", "queue"), ("real-refused", "other"))
        },
        words=(("1 file spooled", TALKED), ("refused our job", REFUSED), ("timed out", SILENCE), (ENDED, SILENCE)),
        files={**LPD, "job": "a job\n"},
        folders=("spool",),
    ),
    "raw-print": Service(
        server=f"{_OWN}mkdir -p /run/lock/p910nd && exec $$(command -v p910nd) -d -f /dev/null -i $address 0'",
        # It hangs up once the job is read.
        asks={"real": "sh -c 'nc -v -N -w 9 $address $port <$folder/job'"},
        words=(("exit 0", TALKED), ("timed out", SILENCE)),
        files={"job": "\x1b%-12345X@PJL ENTER LANGUAGE=PCL\r\n\x1bE some words\f\x1bE\x1b%-12345X"},
    ),
    "time": Service(
        server="xinetd -dontfork -f $folder/xinetd.conf -pidfile $folder/pid -filelog $folder/log",
        asks={"real": "rdate -u -p -t 9000 $address"},
        words=(("exit 0", TALKED), (ENDED, SILENCE)),
        files={"xinetd.conf": XINETD},
    ),
    "jgroups": Service(
        server=_member("$address", "$port", 100),
        asks={"real": _member("$source", "$data", 4000, "hello")},
        words=(("members 2", TALKED), ("members 1", SILENCE)),
        files={"Group.java": GROUP},
    ),
    "ipp": _cups("ipp", b"Server: CUPS/"),
    "ipps": _cups("ipps"),
    "etcd": Service(
        server="etcd --name a --data-dir $folder/data --listen-client-urls http://$address:$port --listen-peer-urls http://$address:1 "
        "--advertise-client-urls http://$address:$port --initial-advertise-peer-urls http://$address:1 "
        "--initial-cluster a=http://$address:1 --logger zap",
        asks={"real": "env ETCDCTL_API=3 etcdctl --endpoints=http://$address:$port --command-timeout=9s put key value"},
        words=(("OK\n", TALKED), ("context deadline exceeded", SILENCE)),
    ),
    "ssh": Service(
        server=f"{_OWN}mkdir /run/sshd && exec $$(command -v sshd) -D -e -f $folder/sshd.conf'",
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
