"""The lab's own authority: certificates that are sound, out of time, revoked or for another purpose, and a list of the revoked.

Knows OpenSSL's programs that issue certificates; must not know who shows them to whom.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from asn1crypto import keys, pem

_SETTINGS: Final = """
[ca]
default_ca = lab
[lab]
database = issued.txt
serial = serial
new_certs_dir = .
certificate = authority.pem
private_key = authority-key.pem
default_md = sha256
default_days = 2
default_crl_days = 1
unique_subject = no
policy = named
[named]
commonName = supplied
[sound]
basicConstraints = CA:FALSE
[purpose]
basicConstraints = CA:FALSE
extendedKeyUsage = codeSigning
"""
_PAST: Final = ("-startdate", "20200101000000Z", "-enddate", "20210101000000Z")
_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "sound": ("-extensions", "sound"),
    "expired": ("-extensions", "sound", *_PAST),
    "revoked": ("-extensions", "sound"),
    "purpose": ("-extensions", "purpose"),
}


def issue(folder: Path) -> None:
    """Write what the authority issues for the key ``key.pem`` into ``folder``.

    That is a certificate of each kind, the authority's own, its list of the revoked, and ``other-key.pem``: it belongs to the
    certificates by its public half only, so that what it signs is wrong.
    """

    def run(*words: str) -> bytes:
        return subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True).stdout

    (folder / "authority.cnf").write_text(_SETTINGS)
    (folder / "issued.txt").touch()
    (folder / "serial").write_text("1000\n")
    run(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lab authority",
        "-keyout", "authority-key.pem", "-out", "authority.pem",
    )  # fmt: skip
    run("req", "-new", "-key", "key.pem", "-subj", "/CN=lab", "-out", "request.pem")
    authority = ("ca", "-config", "authority.cnf", "-batch", "-notext")
    for name, words in _KINDS.items():
        run(*authority, "-in", "request.pem", "-out", f"{name}.pem", *words)
    run(*authority, "-revoke", "revoked.pem")
    run(*authority, "-gencrl", "-out", "crl.pem")
    key = keys.RSAPrivateKey.load(run("rsa", "-in", "key.pem", "-traditional", "-outform", "DER"))
    for part in ("private_exponent", "exponent1", "exponent2"):
        key[part] = key[part].native ^ 4
    (folder / "other-key.pem").write_bytes(pem.armor("RSA PRIVATE KEY", key.dump(force=True)))
