"""rustfs.json: which drive of which deployment this folder is.

One JSON object, written durably as a whole, so that a person can read it:

    format         1
    deployment_id  uuid of the deployment
    set            index of the erasure set
    slot           place in the set, 0 to set_size-1
    set_size       drives in the set
    drive_id       uuid of this drive, new at every formatting
    state          "ok", or "healing": what the drive lacks proves nothing until it is rebuilt
    reason         why it heals, for people
    laid_out       true once the drive worker has made the folders: from then on a missing one is a loss
    created_ms     when it was formatted, milliseconds since 1970
    check          xxh3-64 (hex) of all other fields: a flipped digit is an error and not another drive

Only state, reason and laid_out ever change.
"""

from __future__ import annotations

import re

import attrs
import msgspec
import xxhash

from rustfs_proto.wire.envelope import UNREADABLE

FORMAT_VERSION = 1

OK = "ok"
HEALING = "healing"

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@attrs.frozen
class DriveIdentity:
    """The content of rustfs.json; the ids are uuids in text form."""

    deployment_id: str
    set_index: int
    slot: int
    set_size: int
    drive_id: str
    created_ms: int
    state: str = OK
    reason: str = ""
    laid_out: bool = False

    def healing(self, reason: str) -> DriveIdentity:
        """The same drive, whose absences no longer count."""
        return attrs.evolve(self, state=HEALING, reason=reason)

    def healed(self) -> DriveIdentity:
        """The same drive, whose absences count."""
        return attrs.evolve(self, state=OK, reason="")


class IdentityError(ValueError):
    """rustfs.json cannot be believed; the text says what was found and what to do."""


@attrs.frozen
class _Document:
    format: int
    deployment_id: str
    set: int
    slot: int
    set_size: int
    drive_id: str
    state: str
    reason: str
    laid_out: bool
    created_ms: int
    check: str


@attrs.frozen
class _FormatOnly:
    format: int


def format_identity(identity: DriveIdentity) -> bytes:
    """The bytes of rustfs.json."""
    document = _document_of(identity)
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def parse_identity(raw: bytes) -> DriveIdentity:
    """The inverse of `format_identity`; raises IdentityError."""
    try:
        found_format = msgspec.json.decode(raw, type=_FormatOnly).format
    except UNREADABLE as error:
        raise IdentityError(
            f"rustfs.json is not the identity of a drive ({error}); restore it, or empty the drive"
        ) from error
    if found_format != FORMAT_VERSION:
        text = (
            f"rustfs.json has format {found_format}, this release reads {FORMAT_VERSION}; run a later release"
        )
        raise IdentityError(text)
    try:
        document = msgspec.json.decode(raw, type=_Document)
    except UNREADABLE as error:
        raise IdentityError(f"rustfs.json is incomplete ({error}); restore it, or empty the drive") from error
    identity = _identity_of(document)
    if document.check != _check_of(identity):
        raise IdentityError(
            f"rustfs.json was altered: its check is {document.check}, its fields give {_check_of(identity)}"
        )
    return identity


def difference(expected: DriveIdentity, found: DriveIdentity) -> str:
    """What makes `found` another drive than `expected`, in words; empty where it is the same."""
    for name in ("deployment_id", "set_index", "slot", "drive_id"):
        wanted, got = getattr(expected, name), getattr(found, name)
        if wanted != got:
            return f"{name} is {got}, expected {wanted}"
    return ""


def _identity_of(document: _Document) -> DriveIdentity:
    for name in ("deployment_id", "drive_id"):
        _require_uuid(name, getattr(document, name))
    if not 0 <= document.slot < document.set_size:
        raise IdentityError(f"rustfs.json says slot {document.slot} in a set of {document.set_size} drives")
    if document.state not in {OK, HEALING}:
        raise IdentityError(f"rustfs.json says state {document.state!r}, expected {OK!r} or {HEALING!r}")
    return DriveIdentity(
        deployment_id=document.deployment_id,
        set_index=document.set,
        slot=document.slot,
        set_size=document.set_size,
        drive_id=document.drive_id,
        created_ms=document.created_ms,
        state=document.state,
        reason=document.reason,
        laid_out=document.laid_out,
    )


def _require_uuid(name: str, text: str) -> None:
    if _UUID.fullmatch(text) is None:
        raise IdentityError(f"rustfs.json says {name} {text!r}, which is no uuid")


def _document_of(identity: DriveIdentity) -> _Document:
    return _Document(
        format=FORMAT_VERSION,
        deployment_id=identity.deployment_id,
        set=identity.set_index,
        slot=identity.slot,
        set_size=identity.set_size,
        drive_id=identity.drive_id,
        state=identity.state,
        reason=identity.reason,
        laid_out=identity.laid_out,
        created_ms=identity.created_ms,
        check=_check_of(identity),
    )


def _check_of(identity: DriveIdentity) -> str:
    fields = msgspec.json.encode([FORMAT_VERSION, *attrs.astuple(identity)])
    return xxhash.xxh3_64_hexdigest(fields)
