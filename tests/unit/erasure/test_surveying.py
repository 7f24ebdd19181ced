"""How versions are kept, as told from rows and answers alone."""

from __future__ import annotations

import pytest

from rustfs_proto.erasure.durability import Damage, Protection, protection_of
from rustfs_proto.erasure.healing import WalkedRow
from rustfs_proto.erasure.surveying import (
    is_behind,
    is_in,
    look_of,
    place_before,
    shard_of,
    shard_of_removed,
)
from rustfs_proto.wire.drive_ops import LookedUp, RowKind, RowName, RowState, Space
from rustfs_proto.wire.heal_ops import HeldRow
from rustfs_proto.wire.sequence_ops import Scope

NAME = RowName(Space.OBJECT, "b", b"k")


def row(*held: tuple[int, int, int, str]) -> WalkedRow:
    """What drives have of a row: slot, stamp, kind, flaw."""
    return WalkedRow(
        NAME,
        {
            slot: HeldRow(0, "b", b"k", b"", stamp, kind, bool(flaw), flaw=flaw, k=3, files=1, size_bytes=9)
            for slot, stamp, kind, flaw in held
        },
    )


@pytest.mark.parametrize(
    ("good", "k", "n", "protection"),
    [
        (4, 2, 4, Protection.FULL),
        (3, 2, 4, Protection.DEGRADED),
        (2, 2, 4, Protection.AT_RISK),
        (1, 2, 4, Protection.UNREADABLE),
        (4, 4, 4, Protection.FULL),
        (3, 4, 4, Protection.UNREADABLE),
        (1, 1, 1, Protection.FULL),
        (13, 12, 16, Protection.DEGRADED),
        (12, 12, 16, Protection.AT_RISK),
    ],
)
def test_protection_is_how_many_shards_may_yet_be_lost(good: int, k: int, n: int, protection: str) -> None:
    """All good is full, whatever the parity; just enough for reads is at risk."""
    assert protection_of(good, k, n) is protection


VALUE, TOMBSTONE = RowKind.VALUE, RowKind.TOMBSTONE


def test_rows_that_are_alike_and_whole_need_no_further_look() -> None:
    """Also where one drive of four is away; but not where two are, as an older version may be what counts."""
    alike = [(slot, 5, VALUE, "") for slot in range(4)]
    look = look_of(row(*alike), range(4), 4, 3, 2)
    assert look is not None
    assert (look.shards, look.k, look.good, look.damaged) == (("",) * 4, 3, 4, {})
    look = look_of(row(*alike[:3]), range(3), 4, 3, 2)
    assert look is not None
    assert look.shards == ("", "", "", Damage.AWAY)
    assert look.damaged == {}
    assert look_of(row(*alike[:2]), range(2), 4, 3, 2) is None


def test_rows_that_differ_are_looked_at() -> None:
    """An older version, none at all, or a flaw on any drive."""
    for other in ((3, 4, VALUE, ""), (3, 5, VALUE, "corrupt")):
        assert look_of(row(*[(slot, 5, VALUE, "") for slot in range(3)], other), range(4), 4, 3, 2) is None
    assert look_of(row(*[(slot, 5, VALUE, "") for slot in range(3)]), range(4), 4, 3, 2) is None
    assert (
        look_of(row(*[(slot, 5, TOMBSTONE, "") for slot in range(3)], (3, 4, VALUE, "")), range(4), 4, 3, 2)
        is None
    )


def test_where_only_tombstones_are_left_nothing_lacks() -> None:
    """Drives forget them one by one."""
    look = look_of(row((0, 5, TOMBSTONE, "")), range(4), 4, 3, 2)
    assert look is not None
    assert not look.is_version
    assert look.damaged == {}


def found(stamp: int, state: int = RowState.FOUND, kind: int = VALUE, **more: object) -> LookedUp:
    return LookedUp(state, True, stamp, kind, **more)  # type: ignore[arg-type]


def test_each_drives_shard_is_told_by_its_answer() -> None:
    """What it said when it was verified counts for that version alone."""
    held = HeldRow(0, "b", b"k", b"", 5, VALUE, has_gaps=True, flaw=Damage.TRUNCATED)
    assert shard_of(found(5), 5, None) == ""
    assert shard_of(found(5), 5, held) == Damage.TRUNCATED
    unnamed = HeldRow(0, "b", b"k", b"", 5, VALUE, has_gaps=True)
    assert shard_of(found(5), 5, unnamed) == Damage.MISSING
    assert shard_of(found(6), 6, held) == ""
    assert shard_of(found(5, no_files=(b"f",)), 5, None) == Damage.MISSING
    assert shard_of(found(5, RowState.DAMAGED), 5, None) == Damage.CORRUPT
    assert shard_of(found(4), 5, held) == Damage.STALE
    assert shard_of(found(0, RowState.ABSENT), 5, None) == Damage.MISSING


def test_of_what_was_removed_only_older_versions_are_stale() -> None:
    """A drive may have forgotten the tombstone, or never have had anything."""
    assert shard_of_removed(found(4), 5) == Damage.STALE
    assert shard_of_removed(found(5, kind=TOMBSTONE), 5) == ""
    assert shard_of_removed(found(0, RowState.ABSENT), 5) == ""
    assert shard_of_removed(found(5, RowState.DAMAGED, TOMBSTONE), 5) == Damage.CORRUPT


@pytest.mark.parametrize("prefix", [b"", b"a", b"ab/", b"a\x00", b"\x00", "ä".encode()])
def test_a_scope_begins_and_ends_where_its_keys_do(prefix: bytes) -> None:
    """No key of it lies before its begin, the null version of the prefix itself included, and none behind
    what is said to be behind it.
    """
    scope = Scope("b", prefix)
    before = place_before(scope, Space.OBJECT)
    keys = sorted(
        {b"0", b"a", b"a\x00", b"ab", b"ab/", b"ab/c", b"b", b"\x00", b"\x00x", "ä".encode(), prefix} - {b""}
    )
    for key in keys:
        name = RowName(Space.OBJECT, "b", key)
        is_after = (name.key, name.sub) > (before.key, before.sub)
        assert is_in(scope, name) == key.startswith(prefix)
        assert is_after or not is_in(scope, name)
        if is_behind(scope, Space.OBJECT, name):
            assert not any(is_in(scope, RowName(Space.OBJECT, "b", other)) for other in keys if other >= key)
    assert is_behind(scope, Space.OBJECT, RowName(Space.OBJECT, "c", b"a"))
    assert is_behind(scope, Space.OBJECT, RowName(Space.UPLOAD, "b", prefix or b"a"))


def test_a_scope_of_one_key_has_no_other() -> None:
    """Not even those that begin with it."""
    scope = Scope("b", b"ab", is_exact=True)
    assert is_in(scope, RowName(Space.OBJECT, "b", b"ab", b"s" * 16))
    assert not is_in(scope, RowName(Space.OBJECT, "b", b"abc"))
    assert is_behind(scope, Space.OBJECT, RowName(Space.OBJECT, "b", b"abc"))
    assert not is_behind(scope, Space.OBJECT, RowName(Space.OBJECT, "b", b"ab", b"s" * 16))
