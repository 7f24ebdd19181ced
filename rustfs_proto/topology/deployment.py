"""layout.json: the whole deployment as every one of its drives knows it.

The identity of a drive (rustfs.json) says who the drive is and never changes; the layout says who belongs to
the deployment, and changes when a drive is replaced. One JSON object beside rustfs.json:

    format         1
    deployment_id  uuid
    version        1 at the first formatting, one more with every change; the highest wins
    complete       false until the first formatting has reached every drive
    sets           per erasure set: parity (shards), slots: drive_id ("" nobody yet), mount (see below)
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
    """The content of layout.json."""

    deployment_id: str
    version: int
    complete: bool
    sets: tuple[SetRecord, ...]

    def sizes(self) -> tuple[int, ...]:
        """Drives of each set."""
        return tuple(len(record.slots) for record in self.sets)

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
class _FormatOnly:
    format: int


def format_deployment(deployment: Deployment) -> bytes:
    """The bytes of layout.json."""
    document = _Document(
        format=FORMAT_VERSION,
        deployment_id=deployment.deployment_id,
        version=deployment.version,
        complete=deployment.complete,
        sets=deployment.sets,
        check=_check_of(deployment),
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def parse_deployment(raw: bytes) -> Deployment:
    """The inverse of `format_deployment`; raises DeploymentError."""
    try:
        found_format = msgspec.json.decode(raw, type=_FormatOnly).format
        if found_format != FORMAT_VERSION:
            text = (
                f"format {found_format}, this release reads {FORMAT_VERSION}: run the release that wrote it"
            )
            raise DeploymentError(f"{LAYOUT_FILE} has {text}")
        document = msgspec.json.decode(raw, type=_Document)
    except UNREADABLE as error:
        raise DeploymentError(
            f"{LAYOUT_FILE} is damaged ({error}): remove it, other drives have it too"
        ) from error
    deployment = Deployment(document.deployment_id, document.version, document.complete, document.sets)
    if document.check != _check_of(deployment):
        raise DeploymentError(f"{LAYOUT_FILE} was altered: remove it, other drives have it too")
    return deployment


def _check_of(deployment: Deployment) -> str:
    return xxhash.xxh3_64_hexdigest(msgspec.json.encode(deployment))
