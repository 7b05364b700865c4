"""Settings of real programs, as texts with ``$`` names, for `tests/live` and for the lab.

Knows the programs' own languages; must not know who asks, nor in which machine they run. ``$folder`` is where a program may write,
``$certificates`` where ``cert.pem`` and ``key.pem`` are, ``$address`` and ``$port`` what it listens on, ``$data`` a port to open when asked.
"""

from __future__ import annotations

from typing import Final

SLAPD: Final = """\
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile $certificates/cert.pem
TLSCertificateKeyFile $certificates/key.pem
database mdb
suffix "dc=example,dc=org"
rootdn "cn=admin,dc=example,dc=org"
rootpw secret
directory $folder
"""
"""A directory with one entry that may log in."""

CUPSD: Final = """\
Listen $address:$port
Listen $folder/socket
ServerName server
ServerAlias *
WebInterface No
Browsing Off
DefaultAuthType None
<Location />
Order allow,deny
Allow all
</Location>
"""
CUPS_FILES: Final = """\
ServerRoot $folder
StateDir $folder/state
RequestRoot $folder/spool
CacheDir $folder/cache
ServerKeychain $folder/ssl
ErrorLog stderr
AccessLog stderr
PageLog stderr
TempDir $folder/spool
"""
CUPS_FOLDERS: Final = ("spool", "state", "cache", "ssl")
"""A print server without printers, and the folders that it wants."""

NGINX: Final = """\
daemon off; master_process off; pid $folder/nginx.pid; error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
  server {
    listen $address:$port TLS;
    ssl_certificate $certificates/cert.pem; ssl_certificate_key $certificates/key.pem;
    location / { return 200 "here"; }
    location /locked { auth_basic lab; auth_basic_user_file $folder/nobody; root $folder; }
    location /closed { deny all; }
    location /scans { root $folder; dav_methods PUT; }
  }
}
"""
SMB: Final = """\
[global]
interfaces = $address/255.255.192.0
bind interfaces only = yes
smb ports = $port
server role = standalone
passdb backend = tdbsam:$folder/passdb
private dir = $folder
lock directory = $folder
state directory = $folder
cache directory = $folder
pid directory = $folder
ncalrpc dir = $folder/rpc
log file = $folder/log
load printers = no
disable spoolss = yes
[scan]
path = $folder/scan
"""
VSFTPD: Final = """\
listen=YES
listen_address=$address
listen_port=$port
background=NO
anonymous_enable=YES
local_enable=NO
secure_email_list_enable=YES
email_password_file=$folder/known
secure_chroot_dir=$folder/empty
pasv_min_port=$data
pasv_max_port=$data
"""
SSHD: Final = """\
ListenAddress $address:$port
HostKey $folder/key
UsePAM no
PidFile none
"""
QUEUE: Final = """\
<Printer queue>
DeviceURI file:///dev/null
State Idle
Accepting Yes
Shared Yes
</Printer>
"""
ASK_PRINTER: Final = """\
{ NAME "printer" OPERATION Get-Printer-Attributes
GROUP operation-attributes-tag ATTR charset attributes-charset utf-8 ATTR naturalLanguage attributes-natural-language en
ATTR uri printer-uri $$uri
STATUS successful-ok }
"""
LPD: Final = {
    "lpd.conf": """\
lpd_listen_port=$address%515
unix_socket_path=
lockfile=$folder/lpd
printcap_path=$folder/printcap
perms_path=$folder/lpd.perms
user=root
group=root
""",
    "lpd.perms": "DEFAULT ACCEPT\n",
    "log": "",  # it ends at once where this is not there
    "printcap": "queue:lp=/dev/null:sd=$folder/spool:mx#0:sh\n",
}
"""A line printer daemon (LPRng) with one queue, by the files of its settings' folder, which it has at a place of its own only."""
LPD_AT: Final = "unshare --mount --pid --fork --kill-child sh -c 'mount --bind $folder /etc/lprng && exec $$(command -v lpd) -F -L $folder/log'"
XINETD: Final = """\
service time
{
 type = INTERNAL UNLISTED
 id = time-datagram
 bind = $address
 port = $port
 socket_type = dgram
 protocol = udp
 user = root
 wait = yes
}
service time
{
 type = INTERNAL UNLISTED
 id = time-stream
 bind = $address
 port = $port
 socket_type = stream
 protocol = tcp
 user = root
 wait = no
}
"""
"""The time service (RFC 868), by datagram and by stream."""
DOVECOT: Final = """\
protocols = pop3
listen = $address
log_path = /dev/stderr
ssl = no
disable_plaintext_auth = no
mail_location = mbox:/run/mail
service pop3-login {
  inet_listener pop3 {
    port = $port
  }
}
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=/run/mail
}
"""
"""A mail server of which anybody with the password is a user."""
JGROUPS: Final = "/usr/share/java/jgroups.jar"
JAVA: Final = f"java -Xmx64m -XX:TieredStopAtLevel=1 -Djava.net.preferIPv4Stack=true -cp {JGROUPS}"
GROUP: Final = """\
public class Group { public static void main(String[] a) throws Exception {
    var channel = new org.jgroups.JChannel(a[0]);
    channel.connect("group");
    if (a.length == 1) Thread.sleep(600_000);
    System.out.println("members " + channel.getView().size());
    channel.send(new org.jgroups.Message(null, null, a[1]));
    Thread.sleep(500);
    channel.close();  // who goes without a word is looked for
    System.exit(0);
} }
"""
"""A member of a group of JGroups: the first stays, one with something to say tells how many there are, says it and goes."""
