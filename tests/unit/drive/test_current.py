"""Which version of a key is current on a drive: against a model, and what a commit for the key is compared
with.
"""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_node.drive.current import current_of, floor_of
from rustfs_node.drive.scan import scan_page
from rustfs_proto.objects import ObjectHead, encode_head
from rustfs_proto.versions import NULL_VERSION, birth_of, sub_of
from rustfs_proto.wire.drive_ops import (
    Commit,
    Committed,
    LookedUp,
    Lookup,
    RowKind,
    RowState,
    Scan,
    SettledRow,
)
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.kit.drives import FIRST_STAMP, TestDrive, memory_drive, tombstone, value
from tests.unit.drive.test_commit import code_of

KEYS = (b"a", b"a/b", b"b")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(KEYS),
        st.sampled_from(["put", "null", "marker", "null marker", "amend", "remove", "remove", "settle"]),
        st.integers(0, 5),
    ),
    max_size=40,
)


@attrs.define
class Model:
    """The versions of one key: births and newest records by sub."""

    births: dict[bytes, int] = attrs.field(factory=dict)
    newest: dict[bytes, tuple[int, int]] = attrs.field(factory=dict)

    @property
    def current(self) -> bytes | None:
        live = [sub for sub, (_, kind) in self.newest.items() if kind != RowKind.TOMBSTONE]
        return max(live, key=self.births.__getitem__) if live else None


def apply(drive: TestDrive, model: Model, key: bytes, step: str, pick: int, stamp: int) -> None:
    """One step, on the drive and in the model."""
    subs = sorted(model.newest)
    chosen = subs[pick % len(subs)] if subs else NULL_VERSION
    kind = RowKind.VALUE
    if step in {"put", "marker"}:
        chosen = sub_of(FIRST_STAMP + stamp, bytes(8))
    elif step in {"null", "null marker"}:
        chosen = NULL_VERSION
    elif not subs:
        return
    if step.endswith("marker"):
        kind = RowKind.MARKER
    if step == "remove":
        kind = RowKind.TOMBSTONE
    if step == "settle":
        drive.engine.run((), [SettledRow(0, "bucket", key, model.newest[chosen][0], chosen)])
        return
    written = 0
    if step == "amend":
        if model.newest[chosen][1] != RowKind.VALUE:
            return
        written = model.births[chosen]
    elif kind != RowKind.TOMBSTONE:
        model.births[chosen] = FIRST_STAMP + stamp
    head = b"" if kind == RowKind.TOMBSTONE else encode_head(ObjectHead(0, "", written=written))
    commit = Commit(0, "bucket", key, FIRST_STAMP + stamp, kind, chosen, head=head)
    assert [type(one) for one in drive.commit(commit)] == [Committed]
    model.newest[chosen] = (FIRST_STAMP + stamp, kind)


@given(STEPS, st.integers(1, 3))
def test_the_drive_knows_what_is_current(steps: list[tuple[bytes, str, int]], page: int) -> None:
    """After any history the current version is the one born last of those that are not removed, in lookups
    and in listings; and the floor is below no birth.
    """
    drive = memory_drive().format()
    models = {key: Model() for key in KEYS}
    for number, (key, step, pick) in enumerate(steps):
        apply(drive, models[key], key, step, pick, number + 1)
    index = drive.engine.index
    for key, model in models.items():
        found = current_of(index, "bucket", key)
        if model.current is None:
            assert not found.rows or found.rows[0].kind == RowKind.TOMBSTONE
        else:
            assert (found.rows[0].sub, found.stamp) == (model.current, model.newest[model.current][0])
            assert found.others == (len(model.newest) > 1 or bool(model.current))
        births = [model.births[sub] for sub in model.newest]
        null = model.newest.get(NULL_VERSION, (0, 0))[0]
        assert floor_of(index, "bucket", key) == max([null, *births], default=0) or null == 0
    shown = pages(drive, page)
    expected = [(key, model.current) for key, model in models.items() if model.current is not None]
    assert [(key, sub) for key, sub, kind in shown if kind != RowKind.TOMBSTONE] == sorted(expected)
    drive.close()


def pages(drive: TestDrive, limit: int, **fields: object) -> list[tuple[bytes, bytes, int]]:
    """Key, version and kind of each row of a scan of current versions, page by page."""
    found: list[tuple[bytes, bytes, int]] = []
    start = b""
    while True:
        scan = Scan(0, "bucket", start=start, limit=limit, current=True, **fields)
        page = scan_page(drive.engine.index, scan, limit, evidence=True)
        found += [(row.group or row.key, row.version, row.kind) for row in page.rows]
        if not page.more:
            return found
        last = page.rows[-1]
        start = last.group[:-1] + bytes([last.group[-1] + 1]) if last.group else last.key + b"\0"


@pytest.fixture
def drive():
    """A drive in memory."""
    with_key = memory_drive().format()
    yield with_key
    with_key.close()


def version(stamp: int, **fields: object) -> Commit:
    return value(
        "a",
        stamp,
        sub=sub_of(FIRST_STAMP + stamp, bytes(8)),
        of_key=True,
        head=encode_head(ObjectHead(0, "")),
        **fields,
    )


def test_a_version_must_be_born_after_all_others(drive: TestDrive) -> None:
    """A version older than one that is here is stale, and is told above what it must be."""
    drive.commit(version(5))
    (refused,) = drive.commit(version(4))
    assert isinstance(refused, Fault)
    assert (refused.code, refused.newest) == (FaultCode.STALE, FIRST_STAMP + 5)
    null = value("a", 3, of_key=True)
    assert [code_of(one) for one in drive.commit(null)] == [FaultCode.STALE]


def test_versions_of_one_batch_are_born_in_order(drive: TestDrive) -> None:
    """What a batch has accepted counts for what comes behind it in the batch."""
    taken, refused, later = drive.commit(version(5), version(4), version(6))
    assert isinstance(taken, Committed) and isinstance(later, Committed)
    assert code_of(refused) == FaultCode.STALE


def test_expectations_are_of_the_current_version(drive: TestDrive) -> None:
    """A commit for the key expects the stamp of its current version: of an amended or revealed one, too."""
    drive.commit(version(1))
    drive.commit(version(2))
    first, second = (sub_of(FIRST_STAMP + number, bytes(8)) for number in (1, 2))
    amended = value("a", 3, sub=first, head=encode_head(ObjectHead(0, "", written=FIRST_STAMP + 1)))
    drive.commit(amended)
    assert code_of(drive.commit(version(4, expect=FIRST_STAMP + 3))[0]) == FaultCode.CONFLICT
    drive.commit(tombstone("a", 5, sub=second))
    assert code_of(drive.commit(version(6, expect=FIRST_STAMP + 2))[0]) == FaultCode.CONFLICT
    assert isinstance(drive.commit(version(7, expect=FIRST_STAMP + 3))[0], Committed)


def test_nobody_expects_what_a_batch_has_just_accepted(drive: TestDrive) -> None:
    """Two commits of one batch that expect the same version: the first is taken, the second refused."""
    drive.commit(version(1))
    expected = FIRST_STAMP + 1
    first, second = drive.commit(version(2, expect=expected), version(3, expect=expected))
    assert isinstance(first, Committed)
    assert code_of(second) == FaultCode.CONFLICT


def test_an_unsettled_removal_is_told(drive: TestDrive) -> None:
    """A version below one that was removed is unsure until the removal is settled."""
    drive.commit(version(1), version(2))
    second = sub_of(FIRST_STAMP + 2, bytes(8))
    drive.commit(tombstone("a", 3, sub=second))
    lookup = Lookup(0, "bucket", b"a", current=True)
    found: LookedUp = drive.engine.reader.look_up(lookup, evidence=True)[0]
    assert (found.state, birth_of(found.sub)) == (RowState.FOUND, FIRST_STAMP + 1)
    assert (found.others, found.unsure) == (True, True)
    drive.engine.run((), [SettledRow(0, "bucket", b"a", FIRST_STAMP + 3, second)])
    assert not drive.engine.reader.look_up(lookup, evidence=True)[0].unsure


def test_a_group_of_deleted_keys_is_passed_by_a_few_keys_a_page(drive: TestDrive) -> None:
    """A group in which all is behind markers costs a page of keys at a time, and is not shown; what follows
    is.
    """
    for number in range(1, 30):
        key = f"d/{number:02}" if number < 28 else "e/1"
        kind = RowKind.VALUE if number == 29 else RowKind.MARKER
        head = encode_head(ObjectHead(0, ""))
        drive.commit(value(key, 2 * number, sub=sub_of(FIRST_STAMP + 2 * number, bytes(8)), head=head))
        drive.commit(
            value(
                key, 2 * number + 1, sub=sub_of(FIRST_STAMP + 2 * number + 1, bytes(8)), kind=kind, head=head
            )
        )
    shown = pages(drive, 4, delimiter=b"/")
    assert [(name, kind) for name, _, kind in shown if kind == RowKind.VALUE] == [(b"e/", RowKind.VALUE)]
    assert len(shown) < 12
