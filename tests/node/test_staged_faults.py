"""Faults staged on a real node: `ctl status` names each with the next step, the alerts fire, and all is quiet
again afterwards.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import attrs
import pytest

from rustfs_node.cli.main import main
from tests.kit import corrupt
from tests.kit.node import ACCESS_KEY, SECRET_KEY, RunningNode
from tests.kit.prometheus import RULES, Prometheus, hurried, prometheus
from tests.node import staged_faults as faults
from tests.node.slow.loop_drives import loop_drives, why_not
from tests.node.staged_faults import Stage, Staging
from tests.node.test_healing import SOON

pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(why_not()), reason=why_not())]

SEEN_S = 90.0


@attrs.frozen
class Case:
    """`shown` and `remedy` are found in two lines that follow each other; `alerts` are those that fire."""

    staging: Staging
    shown: str
    remedy: str
    alerts: set[str]


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
        faults.let_go(1), "slot 0.: OFFLINE: it was taken offline", "see that its node runs", DRIVE_AWAY
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
    "a disk is rotten": Case(faults.rotten, "set 0: drive 1 .* found bad", "", {"RustfsScrubFound"}),
    "a disk was replaced": Case(faults.replaced, "slot 1.: healing", "leave the other drives", set()),
    "the drive of another slot": Case(
        faults.found_at_start(corrupt.wrong_identity),
        "slot 1.: OFFLINE: .*was formatted as",
        "see that its node runs",
        DRIVE_AWAY,
    ),
    "a damaged identity": Case(
        faults.found_at_start(corrupt.damage_identity),
        "slot 1.: OFFLINE: .*rustfs.json",
        "see that its node runs",
        DRIVE_AWAY,
    ),
    "somebody's files": Case(
        faults.found_at_start(corrupt.lose_identity),
        "slot 1.: OFFLINE: .*has no rustfs.json but is not empty",
        "see that its node runs",
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
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "rules.yml").write_text(hurried(RULES.read_text()))
    with prometheus(folder, [stage.node], folder / "rules.yml") as running:
        yield running


@pytest.fixture
def screen(stage, capsys, monkeypatch) -> Callable[[], list[str]]:
    """What `ctl status` shows now."""
    monkeypatch.setenv("RUSTFS_ACCESS_KEY", ACCESS_KEY)
    monkeypatch.setenv("RUSTFS_SECRET_KEY", SECRET_KEY)

    def look() -> list[str]:
        with pytest.raises(SystemExit):
            main(["ctl", "status", "--endpoint", stage.node.url])
        shown: list[str] = capsys.readouterr().out.splitlines()
        return shown

    return look


def is_named(case: Case, lines: list[str]) -> bool:
    """Whether the fault is there, and right below it what to do."""
    return any(
        re.search(case.shown, line) and re.search(case.remedy, below)
        for line, below in zip(lines, [*lines[1:], ""], strict=True)
    )


def is_quiet(lines: list[str]) -> bool:
    """Whether nothing is said to be wrong."""
    return any(line.startswith("set 0: safe") for line in lines) and not any(
        line.startswith(("drive ", "node ", "  do:")) for line in lines
    )


def until(what: Callable[[], bool], tell: Callable[[], object]) -> None:
    """Look until it is so."""
    deadline_s = time.monotonic() + SEEN_S
    while not what():
        assert time.monotonic() < deadline_s, tell()


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_named_and_alerts_fire(name: str, stage: Stage, watcher: Prometheus, screen) -> None:
    """While it lasts; afterwards nothing is said to be wrong, and no alert fires."""
    case, fired = CASES[name], set[str]()

    def have_fired() -> bool:
        fired.update(watcher.firing())
        return case.alerts <= fired

    with case.staging(stage):
        until(lambda: is_named(case, screen()), lambda: "\n".join(screen()))
        until(have_fired, lambda: fired)
    until(lambda: is_quiet(screen()), lambda: "\n".join(screen()))
    until(lambda: not watcher.firing(), watcher.firing)
