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
Listen $address:631
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
