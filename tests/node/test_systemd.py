"""The unit file: systemd understands it, and it fits the program's own settings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rustfs_node.settings.node import NodeSettings

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "systemd" / "rustfs-node.service"
DROP_IN = ROOT / "etc" / "cluster" / "drop-in.conf"


def value_of(name: str) -> str:
    return re.findall(rf"(?m)^{name}=(.*)$", UNIT.read_text())[-1]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_the_unit():
    """systemd-analyze has nothing to say about the unit."""
    command = ["systemd-analyze", "verify", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_the_drop_in_of_a_cluster(tmp_path):
    """Nor about the unit together with etc/cluster's drop-in at its place."""
    unit = tmp_path / UNIT.name
    shutil.copy(UNIT, unit)
    (tmp_path / f"{UNIT.name}.d").mkdir()
    shutil.copy(DROP_IN, tmp_path / f"{UNIT.name}.d" / "cluster.conf")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)],
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_timeouts_leave_the_program_its_own():
    """Systemd waits longer than the program does, so that it never kills what stops in order."""
    node = NodeSettings()
    assert int(value_of("TimeoutStopSec")) > 3 * node.stop_deadline_s
    assert int(value_of("TimeoutStartSec")) > node.start_deadline_s + 16 * node.lock_wait_s


def test_folders_are_private():
    """The runtime folder has the mode that the program demands, the state folder holds a secret."""
    assert value_of("RuntimeDirectoryMode") == "0700"
    assert value_of("StateDirectoryMode") == "0700"
