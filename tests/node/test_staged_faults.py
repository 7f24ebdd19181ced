"""Faults staged on a real node: `ctl status` names each with the next step, the alerts fire, and all is quiet
again afterwards.
"""

from __future__ import annotations

import pytest

from tests.kit import corrupt
from tests.kit.node import RunningNode
from tests.kit.prometheus import hurried_prometheus
from tests.kit.staging import Case, check_case, status_screens
from tests.node import staged_faults as faults
from tests.node.slow.loop_drives import loop_drives, why_not
from tests.node.staged_faults import Stage
from tests.node.test_healing import SOON

pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(why_not()), reason=why_not())]

DRIVE_AWAY = {"RustfsDriveNotServing", "RustfsSetAtWriteQuorum"}
CASES = {
    "a drive's worker hangs": Case(
        faults.stopped("drive-0-1"),
        "slot 1.: OFFLINE: its worker does not answer",
        "see that its node runs",
        {*DRIVE_AWAY, "RustfsProcessDown"},
    ),
    "the set's worker hangs": Case(
        faults.stopped("set-0"), "SILENT: set-0", "see the node's log", {"RustfsProcessDown"}
    ),
    "an operator let a drive go": Case(
        faults.let_go(1), "slot 0.: OFFLINE: it was taken offline", "nothing, if it still has to", DRIVE_AWAY
    ),
    "writes have stopped": Case(
        faults.let_go(2),
        "set 0: NOT WRITABLE: 2 of 4",
        "replace those that are lost",
        {"RustfsSetNotWritable"},
    ),
    "reads have stopped": Case(
        faults.stopped("drive-0-0", "drive-0-1", "drive-0-2"),
        "set 0: NOT READABLE: 1 of 4",
        "format none",
        {"RustfsSetNotReadable", "RustfsSetNotWritable"},
    ),
    "a disk is gone": Case(
        faults.unmounted, "slot 1.: FAULTY: .*the mount went away", "ctl drive online", DRIVE_AWAY
    ),
    "a disk is read-only": Case(
        faults.read_only, "slot 1.: FAULTY: .*Read-only file system", "look at the disk", DRIVE_AWAY
    ),
    "a disk is almost full": Case(
        faults.filled(200 << 20),
        "slot 1.: ALMOST FULL: ",
        "add a pool before it is full",
        {"RustfsDriveAlmostFull"},
    ),
    "a disk is full": Case(faults.filled(32 << 20), "slot 1.: FULL: ", "remove objects", {"RustfsDriveFull"}),
    "a disk is slow": Case(faults.throttled, "slot 1.: slow: a sync took", "smartctl", {"RustfsSlowSyncs"}),
    "a disk is rotten": Case(faults.rotten, "set 0: slot 1 .* found bad", "", {"RustfsScrubFound"}),
    "a disk was replaced": Case(faults.replaced, "slot 1.: healing", "leave the other drives", set()),
    "the drive of another slot": Case(
        faults.found_at_start(corrupt.wrong_identity),
        "slot 1.: OFFLINE: .*was formatted as",
        "then have it served",
        DRIVE_AWAY,
    ),
    "a damaged identity": Case(
        faults.found_at_start(corrupt.damage_identity),
        "slot 1.: OFFLINE: .*rustfs.json",
        "then have it served",
        DRIVE_AWAY,
    ),
    "somebody's files": Case(
        faults.found_at_start(corrupt.lose_identity),
        "slot 1.: OFFLINE: .*has no rustfs.json but is not empty",
        "then have it served",
        DRIVE_AWAY,
    ),
    "two disks are swapped": Case(
        faults.swapped, "slot 1.: OFFLINE: .*was formatted as", "", {"RustfsSetNotWritable"}
    ),
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("staged")
    with (
        loop_drives(folder, 4) as drives,
        RunningNode(folder, environment=SOON | faults.ENVIRONMENT) as node,
    ):
        node.boto3().create_bucket(Bucket="staged")
        yield Stage(node, drives)


@pytest.fixture(scope="module")
def watcher(stage, tmp_path_factory):
    with hurried_prometheus(tmp_path_factory.mktemp("prometheus"), [stage.node]) as running:
        yield running


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_named_and_alerts_fire(name, stage, watcher, capsys, monkeypatch):
    """While it lasts; afterwards nothing is said to be wrong, and no alert fires."""
    screens = status_screens([stage.node.url], capsys, monkeypatch)
    check_case(CASES[name], stage, screens, watcher)
