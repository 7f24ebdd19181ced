"""layout.json: the whole deployment as every one of its drives knows it.

The identity of a drive (rustfs.json) says who the drive is and never changes; the layout says who belongs to
the deployment, and changes when a drive is replaced. One JSON object beside rustfs.json:

    format         1, or 2 where there are added sets
    deployment_id  uuid
    version        1 at the first formatting, one more with every change; the highest wins
    complete       false until the first formatting has reached every drive
    sets           per erasure set: parity (shards), slots: drive_id ("" nobody yet), mount (see below)
    founded_sets   format 2: how many of them, the first ones, the deployment was founded with
    check          xxh3-64 (hex) of all the other fields

`mount` is where the file system of that drive was mounted when it was formatted. An empty folder that takes
the place of a formatted drive must lie on a file system mounted there, else it is the bare mount point of a
disk that went away.
"""

from __future__ import annotations

import attrs
import msgspec
import xxhash

from rustfs_proto.wire.envelope import UNREADABLE

LAYOUT_FILE = "layout.json"
FORMAT_VERSION = 1
FORMAT_VERSION_GROWN = 2


class DeploymentError(ValueError):
    """layout.json cannot be believed; the text says what was found and what to do."""


@attrs.frozen
class SlotRecord:
    """Who is in a slot: the drive's id, empty before any drive was formatted for it, and its mount point
    then.
    """

    drive_id: str = ""
    mount: str = "/"


@attrs.frozen
class SetRecord:
    """An erasure set: parity shards and its slots in order."""

    parity: int
    slots: tuple[SlotRecord, ...]


@attrs.frozen
class Deployment:
    """The content of layout.json. `founded_sets` 0: all of them."""

    deployment_id: str
    version: int
    complete: bool
    sets: tuple[SetRecord, ...]
    founded_sets: int = 0

    def sizes(self) -> tuple[int, ...]:
        """Drives of each set."""
        return tuple(len(record.slots) for record in self.sets)

    def is_added(self, index: int) -> bool:
        """Whether the deployment was founded without that set."""
        return 0 < self.founded_sets <= index

    def parities(self) -> tuple[int, ...]:
        """Parity shards of each set."""
        return tuple(record.parity for record in self.sets)


@attrs.frozen
class _Document:
    format: int
    deployment_id: str
    version: int
    complete: bool
    sets: tuple[SetRecord, ...]
    check: str


@attrs.frozen
class _GrownDocument:
    format: int
    deployment_id: str
    version: int
    complete: bool
    sets: tuple[SetRecord, ...]
    founded_sets: int
    check: str


@attrs.frozen
class _Founded:
    """What the check of format 1 is over."""

    deployment_id: str
    version: int
    complete: bool
    sets: tuple[SetRecord, ...]


@attrs.frozen
class _FormatOnly:
    format: int


def format_deployment(deployment: Deployment) -> bytes:
    """The bytes of layout.json."""
    check = _check_of(deployment)
    shared = (deployment.deployment_id, deployment.version, deployment.complete, deployment.sets)
    document: _Document | _GrownDocument = _Document(FORMAT_VERSION, *shared, check)
    if deployment.founded_sets:
        document = _GrownDocument(FORMAT_VERSION_GROWN, *shared, deployment.founded_sets, check)
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def parse_deployment(raw: bytes) -> Deployment:
    """The inverse of `format_deployment`; raises DeploymentError."""
    try:
        found_format = msgspec.json.decode(raw, type=_FormatOnly).format
        if found_format not in (FORMAT_VERSION, FORMAT_VERSION_GROWN):
            text = (
                f"format {found_format}, this release reads {FORMAT_VERSION} and {FORMAT_VERSION_GROWN}:"
                " run the release that wrote it"
            )
            raise DeploymentError(f"{LAYOUT_FILE} has {text}")
        deployment, check = _read(raw, is_grown=found_format == FORMAT_VERSION_GROWN)
    except UNREADABLE as error:
        raise DeploymentError(
            f"{LAYOUT_FILE} is damaged ({error}): remove it, other drives have it too"
        ) from error
    if check != _check_of(deployment):
        raise DeploymentError(f"{LAYOUT_FILE} was altered: remove it, other drives have it too")
    return deployment


def _read(raw: bytes, *, is_grown: bool) -> tuple[Deployment, str]:
    """What the document says, and its check."""
    if is_grown:
        grown = msgspec.json.decode(raw, type=_GrownDocument)
        shared = (grown.deployment_id, grown.version, grown.complete, grown.sets)
        return Deployment(*shared, grown.founded_sets), grown.check
    document = msgspec.json.decode(raw, type=_Document)
    shared = (document.deployment_id, document.version, document.complete, document.sets)
    return Deployment(*shared), document.check


def _check_of(deployment: Deployment) -> str:
    checked: Deployment | _Founded = deployment
    if not deployment.founded_sets:
        fields = (deployment.deployment_id, deployment.version, deployment.complete, deployment.sets)
        checked = _Founded(*fields)
    return xxhash.xxh3_64_hexdigest(msgspec.json.encode(checked))
