"""`ctl status`: what is wrong is named, with what to do next."""

from __future__ import annotations

import attrs
import pytest

from rustfs_node.cli.standing import describe
from rustfs_proto.metrics.admin import Deployment, server_info
from rustfs_proto.metrics.standing import AWAY, DriveStanding, NodeStanding, SetStanding, Standing
from rustfs_proto.wire.drive_ops import DriveState

GIB = 1 << 30
NAMES = ("n1:9000", "n2:9000")
NODES = tuple(NodeStanding(name, True, "1.0", 900.0, 1000.0) for name in NAMES)
SET = SetStanding(0, drives=4, parity=2, read_quorum=2, write_quorum=3, online=4, healing=0)
DRIVES = tuple(
    DriveStanding(0, slot, f"/data{slot}", slot % 2, int(DriveState.ONLINE), 100 * GIB, 50 * GIB, GIB)
    for slot in range(4)
)
WELL = Standing(NODES, (SET,), DRIVES)


def shown(standing: Standing, reasons: dict[tuple[int, int], str] | None = None) -> list[str]:
    """The lines behind the summary."""
    return describe(server_info(standing, told_of(reasons)))[1:]


def told_of(reasons: dict[tuple[int, int], str] | None = None) -> Deployment:
    return Deployment(
        deployment_id="id",
        region="",
        names=NAMES,
        own_node=0,
        now_s=1000.0,
        drive_ids={},
        reasons=reasons or {},
        rrs_parity=1,
        buckets=0,
    )


def with_drive(**changes: object) -> Standing:
    return attrs.evolve(WELL, drives=(attrs.evolve(DRIVES[0], **changes), *DRIVES[1:]))


def with_node(**changes: object) -> Standing:
    return attrs.evolve(WELL, nodes=(NODES[0], attrs.evolve(NODES[1], **changes)))


def with_set(**changes: object) -> Standing:
    return attrs.evolve(WELL, sets=(attrs.evolve(SET, **changes),))


def test_what_is_well_is_one_line_for_each_set() -> None:
    """Nothing else is said."""
    assert shown(WELL) == ["set 0: safe: 4 of 4 drives serve, 1 more may fail before writes stop"]


FAULTS = {
    "a drive is away": (
        with_drive(state=AWAY),
        "its worker does not answer",
        "OFFLINE: its worker",
        "is mounted",
    ),
    "a drive is fenced": (
        with_drive(state=3),
        "the mount went away",
        "FAULTY: the mount",
        "ctl drive replace",
    ),
    "a drive is slow": (with_drive(state=1), "a sync took 2.0 s", "slow: a sync took 2.0 s", "smartctl"),
    "a drive is rebuilt": (with_drive(state=2), "", "healing", "leave the other drives of its set alone"),
    "a drive is almost full": (
        with_drive(free_bytes=5 * GIB),
        "",
        "ALMOST FULL: 5.0 GiB",
        "add a pool before",
    ),
    "a drive is full": (with_drive(free_bytes=GIB), "", "FULL: 1.0 GiB of 100.0 GiB free", "remove objects"),
    "a node is away": (with_node(answers=False), "", "node n2:9000: OFFLINE", "see that it runs"),
    "a drive was left out": (
        with_drive(state=AWAY),
        "drive /data0 is given as slot 0; name the folders in their original order",
        "OFFLINE: drive /data0 is given as slot 0",
        "as it says there, then have it served",
    ),
    "an operator let a drive go": (
        attrs.evolve(with_drive(state=AWAY), nodes=(attrs.evolve(NODES[0], silent=("drive-0-0",)), NODES[1])),
        "it was taken offline: ctl drive online takes it back",
        "OFFLINE: it was taken offline",
        "nothing, if it still has to stay away",
    ),
    "a process is silent": (with_node(silent=("set-0.1",)), "", "SILENT: set-0.1", "worker_died"),
    "a clock is ahead": (with_node(clock_s=1100.0), "", "CLOCK OFF: 100 s ahead of", "time servers"),
    "a clock is behind": (with_node(clock_s=400.0), "", "CLOCK OFF: 600 s behind", "time servers"),
    "releases are mixed": (with_node(release="1.1"), "", "MIXED RELEASES: 1.0, 1.1", "the same release"),
    "no more may fail": (with_set(online=3), "", "DEGRADED: 3 of 4 drives serve, NO MORE MAY FAIL", ""),
    "writes have stopped": (with_set(online=2), "", "NOT WRITABLE: 2 of 4", "bring drives back, or replace"),
    "reads have stopped": (with_set(online=1), "", "NOT READABLE: 1 of 4", "format none"),
    "a drive of the set is healing": (with_set(healing=1), "", "DEGRADED: 4 of 4 drives serve", ""),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_is_named_with_what_to_do(name: str) -> None:
    """The line of the fault, and below it the next step where there is one."""
    standing, reason, fault, remedy = FAULTS[name]
    lines = shown(standing, {(0, 0): reason} if reason else None)
    (at,) = [number for number, line in enumerate(lines) if fault in line]
    assert not remedy or remedy in lines[at + 1]


def test_what_was_wanted_is_told_once() -> None:
    """The worker of a drive that somebody took offline is silent, as it should be; another one is not."""
    standing = FAULTS["an operator let a drive go"][0]
    wanted = {(0, 0): "it was taken offline: ctl drive online takes it back"}
    assert not any("SILENT" in line for line in shown(standing, wanted))
    assert any("SILENT: drive-0-0" in line for line in shown(standing))


def test_what_is_away_has_no_room() -> None:
    """Where a disk is not mounted its folder lies on another, whose size says nothing."""
    told = describe(server_info(with_drive(state=AWAY, total_bytes=9000 * GIB), told_of()))
    assert told[0].endswith("150.0 GiB of 300.0 GiB free")
