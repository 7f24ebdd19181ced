"""The words in which a formation is asked for and decided, and what both ways of deciding share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from rustfs_proto.disk.identity import OK, DriveIdentity
from rustfs_proto.topology import findings as say
from rustfs_proto.topology.deployment import Deployment, SlotRecord
from rustfs_proto.topology.endpoints import PoolShape
from rustfs_proto.topology.findings import Condition, Finding


class Refusal(Exception):
    """The node must not start; the text says why and what to do."""


@attrs.frozen
class Wish:
    """What the configuration asks for: parity -1 and set_drives 0 mean "as the rules say"; `parity_setting`
    is where the parity stands, `classes` what is said of storage classes, as in `class_parities`. `accepted`
    are folders for which the operator takes what is otherwise refused: an empty one is formatted although its
    disk seems not to be mounted or its set could not rebuild it, and a drive that was replaced is taken back.
    `known_mounts`: where the node remembers drives to have been mounted, for when none of them is left to
    tell. `pools`: none means one, of all drives. `own_node` asks; `others_come`: drives of nodes that have
    not answered may come at any time. `may_grow`: pools that nobody knows yet are added.
    """

    parity: int = -1
    parity_setting: str = "node.parity"
    classes: Mapping[str, str] = attrs.field(factory=dict)
    set_drives: int = 0
    format_free_bytes_min: int = 0
    start_free_bytes_min: int = 0
    accepted: frozenset[str] = frozenset()
    known_mounts: Mapping[str, str] = attrs.field(factory=dict)
    pools: tuple[PoolShape, ...] = ()
    others_come: bool = False
    own_node: int = 0
    may_grow: bool = False


@attrs.frozen
class Verdict:
    """What becomes of one drive. `identity` is what its rustfs.json must say, None where the drive is left
    out (`fault`). `returns`: it was replaced and is taken back.
    """

    path: str
    set_index: int
    slot: int
    identity: DriveIdentity | None = None
    fault: str = ""
    write_identity: bool = False
    write_layout: bool = False
    returns: bool = False

    def is_sound(self) -> bool:
        """Whether what the drive lacks counts: it takes part, and neither is new nor heals."""
        return self.identity is not None and self.identity.state == OK and not self.write_identity


@attrs.frozen
class Formation:
    """The outcome. `deployment` is the layout that all drives shall have; `first`: write it incomplete, then
    complete. `added_from`: so it is on the drives of the sets from this one on, which are added.
    """

    deployment: Deployment
    verdicts: tuple[Verdict, ...]
    first: bool
    added_from: int | None = None
    warnings: tuple[str, ...] = ()


@attrs.frozen
class Place:
    """Where a finding was given, and what is needed to judge it."""

    finding: Finding
    set_index: int
    slot: int

    def words(self) -> str:
        return slot_words(self.set_index, self.slot)


def slot_words(set_index: int, slot: int) -> str:
    """How people read of a slot."""
    return f"slot {slot} of set {set_index}"


def places_of(found: Sequence[Finding], sizes: Sequence[int]) -> list[Place]:
    """Drives fill the sets in the order in which they are given."""
    slots = [(index, slot) for index, size in enumerate(sizes) for slot in range(size)]
    return [Place(finding, *slot) for finding, slot in zip(found, slots, strict=True)]


def new_identity(
    deployment_id: str, place: Place, sizes: Sequence[int], drive_id: str, now_ms: int
) -> DriveIdentity:
    """The identity of a drive that is formatted for that place; its absences count until it is
    made healing.
    """
    return DriveIdentity(
        deployment_id=deployment_id,
        set_index=place.set_index,
        slot=place.slot,
        set_size=sizes[place.set_index],
        drive_id=drive_id,
        created_ms=now_ms,
    )


def why_unformattable(
    finding: Finding, before: SlotRecord | None, found: Sequence[Finding], wish: Wish
) -> str:
    """Why an empty folder must not be formatted; empty where it may. `before` is who was in the slot, if
    anybody.
    """
    if finding.free_bytes < wish.format_free_bytes_min:
        return say.nearly_full(finding.path, finding.free_bytes, wish.format_free_bytes_min)
    if finding.path in wish.accepted:
        return ""
    was = before.mount if before is not None and before.drive_id else wish.known_mounts.get(finding.path)
    if was is not None:
        if was != finding.mount and _is_above(finding.mount, was):
            return say.unmounted(
                finding.path, f"the drive formatted there was mounted at {was}", finding.mount
            )
        return ""
    mounts = [
        other.mount
        for other in found
        if other.condition is not Condition.UNUSABLE and other.node == finding.node
    ]
    others = set(mounts) - {"/"}
    # Where most drives are mounted somewhere, one on the root file system is a disk that was forgotten.
    if finding.mount == "/" and mounts.count("/") * 2 < len(mounts):
        return say.unmounted(
            finding.path, f"other drives have their own ({', '.join(sorted(others)[:2])})", "/"
        )
    return ""


def _is_above(mount: str, place: str) -> bool:
    """Whether the file system mounted at `mount` is what shows where nothing is mounted at `place`."""
    return mount == "/" or place.startswith(mount.rstrip("/") + "/")
