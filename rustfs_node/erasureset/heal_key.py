"""Heals all rows of a key, and each kind of row in its own way.

The order matters: first the versions of the object, then its uploads, then the parts of those that are under
way. The end of an upload takes the rows of its parts along, and on a drive that missed the object, too, those
are all that keeps its shards. So an upload is only touched where the object is as it should be, and parts
only where their upload is not over.

Rows of renames are judged drive by drive (`rename_rows`): while one is open nothing is done, whoever meets it
ends it; where it has ended, its tombstone goes to the drives that have nothing of it.
"""

from __future__ import annotations

from collections.abc import Collection

from rustfs_node.erasureset.charters import healing_for
from rustfs_node.erasureset.heal_row import RowHealed, heal_row
from rustfs_node.erasureset.heal_walk import RowWalk
from rustfs_node.erasureset.rename_rows import row_states
from rustfs_node.erasureset.resolve import resolve
from rustfs_node.erasureset.row_read import open_rename
from rustfs_node.erasureset.state import SetState
from rustfs_proto.erasure.decide import Verdict
from rustfs_proto.erasure.multipart import UPLOAD_ID_BYTES
from rustfs_proto.stamp import NO_STAMP
from rustfs_proto.versions import NULL_VERSION
from rustfs_proto.wire.drive_ops import Commit, Lookup, RowKind, RowName, Space
from rustfs_proto.wire.faults import Fault, FaultCode

_IN_ORDER = (Space.OBJECT, Space.UPLOAD, Space.PART, Space.RENAME)


async def heal_key(state: SetState, bucket: str, key: bytes) -> bool:
    """Heal it on all drives, each shard file read to its end; whether nothing is left to be healed. Raises
    `Fault` where that cannot be told.
    """
    for space in _IN_ORDER:
        if not await _heal_rows(state, space, bucket, key):
            return False
    return True


async def _heal_rows(state: SetState, space: Space, bucket: str, key: bytes) -> bool:
    """The rows of the key in that space that any drive which answers has."""
    everywhere, is_whole = range(state.n), True
    row = RowName(space, bucket, key, NULL_VERSION)
    walk = RowWalk(state, row, page_rows=state.settings.key_scan_rows)
    if space == Space.OBJECT:
        is_whole = not (await heal_any(state, row, everywhere, everywhere)).left
    while (walked := await walk.next()) is not None:
        row = walked.name
        if (row.space, row.bucket, row.key) != (space, bucket, key):
            break
        is_whole &= not (await heal_any(state, row, everywhere, everywhere)).left
    return is_whole


async def heal_any(
    state: SetState,
    row: RowName,
    slots: Collection[int],
    deep: Collection[int],
    lacking: Collection[int] = (),
) -> RowHealed:
    """A row of whatever kind, as `heal_row` does those of objects."""
    if row.space == Space.RENAME:
        return await _heal_rename(state, row, slots)
    if row.space == Space.PART and await is_over(state, row):
        return RowHealed()
    return await heal_row(state, row, slots, deep, lacking)


async def is_over(state: SetState, part: RowName) -> bool:
    """Whether the upload of a part is completed or given up, or was never begun."""
    lookup = Lookup(Space.UPLOAD, part.bucket, part.key, part.sub[:UPLOAD_ID_BYTES], want_inline=False)
    try:
        read = await resolve(state, lookup)
    except Fault as fault:
        if fault.code is not FaultCode.MOVED:
            raise
        # No upload is open in a slot that is another set's: these are parts of a version on its way, if any.
        await healing_for(state, part.bucket, part.key)
        return False
    assert read.decision is not None
    return read.decision.verdict is Verdict.ABSENT


async def _heal_rename(state: SetState, row: RowName, slots: Collection[int]) -> RowHealed:
    """A drive takes the end only where it has nothing of the rename: a mark that comes meanwhile is first."""
    try:
        rows = await row_states(state, row.bucket, row.key, row.sub, "")
    except Fault as fault:
        if fault.code is not FaultCode.MOVED:
            raise
        # What is left of renames in slots that have moved away is nobody's.
        await healing_for(state, row.bucket, row.key)
        return RowHealed()
    if rows.has_open:
        raise open_rename()
    healed = RowHealed(left=set(range(state.n)) - set(rows.found))
    end = max((one.stamp for one in rows.found.values()), default=NO_STAMP)
    if end == NO_STAMP:
        return healed
    commit = Commit(
        Space.RENAME, row.bucket, row.key, end, RowKind.TOMBSTONE, row.sub, expect=NO_STAMP
    )  # fmt: skip
    for slot, one in rows.found.items():
        if one.stamp:
            healed.whole.add(slot)
        elif slot in slots and await _is_taken(state, slot, commit):
            healed.given.add(slot)
        else:
            healed.left.add(slot)
    return healed


async def _is_taken(state: SetState, slot: int, commit: Commit) -> bool:
    try:
        await state.drives.write(slot, commit, ())
    except Fault:
        # It is looked at again, as long as it is not as it should be.
        return False
    return True
