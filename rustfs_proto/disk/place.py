"""Which drive bytes belong to: stands in every segment, record and shard file, so that bytes of another drive
are recognised.
"""

from __future__ import annotations

import attrs

from rustfs_proto.disk.identity import DriveIdentity


@attrs.frozen
class DrivePlace:
    """A drive's identity as it stands in binary formats; ids are 16 bytes."""

    deployment_id: bytes
    drive_id: bytes
    set_index: int
    slot: int


def place_of(identity: DriveIdentity) -> DrivePlace:
    """The binary form of what rustfs.json says."""
    return DrivePlace(
        deployment_id=_id_bytes(identity.deployment_id),
        drive_id=_id_bytes(identity.drive_id),
        set_index=identity.set_index,
        slot=identity.slot,
    )


def _id_bytes(uuid: str) -> bytes:
    return bytes.fromhex(uuid.replace("-", ""))
