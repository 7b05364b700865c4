"""A site file to model: who plays which role, what is switched on, and what was waived.

Every mistake is told at once. A file that passes here needs no further doubt: its roles are expanded, its
features final, its packs and the rules of its waivers exist.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path

from analyser.model.finding import UnexpectedReason
from analyser.model.rule import Rule, RulePack
from analyser.model.site import Site, Waiver
from analyser.model.vocabulary import FEATURES
from analyser.policy.document import Document, Fields
from analyser.policy.features import derived_features
from analyser.policy.inventory import Inventory, read_address, read_inventory
from analyser.policy.issues import Issue, PolicyErrors, shown, unknown
from analyser.policy.packs import DEFAULT_PACKS, load_pack, pack_names

_BUILD = re.compile(r"\d{1,9}(\.\d{1,9})*")


def load_site(path: str | Path) -> Site:
    """Return the site written in the file at ``path``.

    Raises:
        PolicyErrors: the file cannot be read, or holds mistakes (all of them at once).
    """
    name = str(path)
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise PolicyErrors([Issue(file=name, line=0, key="", message=f"cannot be read: {reason}")]) from None
    return read_site(data, name)


def read_site(data: bytes, name: str) -> Site:
    """Return the site written in ``data``, the content of the file ``name``.

    Raises:
        PolicyErrors: all mistakes of the file at once.
    """
    document = Document(name, data)
    if document.issues:
        raise PolicyErrors(document.issues)
    root = document.root
    title = root.text("name", required=True)
    build = root.text("build")
    if build is not None and not _BUILD.fullmatch(build):
        root.complain("build", f'expected dotted numbers such as "6.0.97", found {shown(build)}')
    names, packs = _packs(root)
    features = root.texts("features", known=FEATURES, kind="feature")
    settings = _settings(root, packs)
    inventory = read_inventory(root)
    if not inventory.names and not {"host", "network"} & set(root.keys):
        root.complain("host", "missing; expected at least one [[host]] or [[network]]")
    waivers = _waivers(root, packs, inventory)
    signatures = _signatures(root)
    root.finish()
    if document.issues:
        raise PolicyErrors(document.issues)
    return Site(
        name=title or "",
        rules=names,
        build=build,
        features=derived_features(inventory.hosts, inventory.networks) if features is None else features,
        features_given=features is not None,
        settings=settings,
        hosts=inventory.hosts,
        networks=inventory.networks,
        groups=inventory.groups,
        waivers=waivers,
        signatures=signatures,
        path=name,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _packs(root: Fields) -> tuple[tuple[str, ...], list[RulePack] | None]:
    """Return the names (a folder's relative to the site file) and the packs; None if one of them cannot be used."""
    words = root.texts("rules")
    if words == ():
        root.complain("rules", f"expected at least one rule pack: {', '.join(pack_names())}")
    names = tuple(_pack_name(root, word) for word in (DEFAULT_PACKS if words is None else words))
    packs: list[RulePack] | None = []
    for name in names:
        try:
            pack = load_pack(name)
        except PolicyErrors as error:
            packs = None
            if error.issues[0].file == name:
                root.complain("rules", error.issues[0].message)
            else:
                root.document.issues.extend(error.issues)
        else:
            packs = None if packs is None else [*packs, pack]
    return names, packs


def _pack_name(root: Fields, word: str) -> str:
    beside = Path(root.document.file).parent / word
    return word if word in pack_names() or "\0" in word or not beside.is_dir() else str(beside)


def _signatures(root: Fields) -> tuple[str, ...]:
    """Return folders or files of signatures, as they are to be opened: named beside the site file, or itself.

    What ``[[signature]]`` tables hold is known to those who read signatures.
    """
    found = [root.document.file] if root.tables("signature") else []
    for word in root.texts("signatures") or ():
        beside = Path(root.document.file).parent / word
        if "\0" in word or not beside.exists():
            root.complain("signatures", f"{shown(word)} is no folder or file beside the site file")
        found.append(str(beside))
    return tuple(found)


def _settings(root: Fields, packs: Sequence[RulePack] | None) -> dict[str, int | str]:
    table = root.table("settings")
    if table is None or packs is None:
        return {}
    movable: dict[str, Rule] = {rule.setting: rule for pack in packs for rule in pack.rules if rule.setting}
    found: dict[str, int | str] = {}
    for key in table.keys:
        if key not in movable:
            table.complain(key, unknown("setting", key, tuple(movable)))
            table.raw(key)
        elif movable[key].ports.any:
            port = table.integer(key, low=1)
            found[key] = port or 0
        else:
            found[key] = _group_address(table, key)
    return found


def _group_address(table: Fields, key: str) -> str:
    word = table.text(key)
    if word is None:
        return ""
    address, _, port = word.rpartition(":")
    read = read_address(address.removeprefix("[").removesuffix("]"))
    multicast = read is not None and ipaddress.ip_address(read).is_multicast
    if not multicast or not port.isascii() or not port.isdecimal() or not 1 <= int(port[:6]) <= 65535:
        table.complain(key, f'expected a multicast address and port such as "239.192.0.10:7600", found {shown(word)}')
    return word


def _waivers(root: Fields, packs: Sequence[RulePack] | None, inventory: Inventory) -> tuple[Waiver, ...]:
    subjects = None if packs is None else (*(rule.id for pack in packs for rule in pack.rules), *UnexpectedReason)
    waivers: dict[str, Waiver] = {}
    for fields in root.tables("waiver"):
        rule = fields.text("rule", required=True, known=subjects) or ""
        reason = fields.text("reason", required=True) or ""
        initiator, responder = _end(fields, "initiator", inventory), _end(fields, "responder", inventory)
        port = fields.integer("port", low=1)
        name = fields.text("id") or _short_hash(rule, initiator, responder, port)
        if name in waivers:
            fields.complain("id" if "id" in fields.keys else "", f"another waiver already is {shown(name)}")
        waivers[name] = Waiver(
            id=name,
            rule=rule,
            reason=reason,
            initiator=initiator,
            responder=responder,
            port=port,
            owner=fields.text("owner"),
            expires=fields.date("expires"),
        )
        fields.finish()
    return tuple(waivers.values())


def _end(fields: Fields, key: str, inventory: Inventory) -> str | None:
    """Return an end as a waiver names it: a host, a network or group of the site, or any address."""
    word = fields.text(key)
    names = (*inventory.names, *(group.name for group in inventory.groups))
    if word is None or word in names:
        return word
    address = read_address(word)
    if address is None:
        fields.complain(key, f"{unknown('host or network', word, names)} (an address is fine too)")
    return address


def _short_hash(*keys: str | int | None) -> str:
    """Return a waiver's id: eight hexadecimal digits over what it covers, whatever its reason says."""
    return hashlib.sha256("\0".join("" if key is None else str(key) for key in keys).encode()).hexdigest()[:8]
