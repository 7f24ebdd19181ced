"""How fast an emptied drive is rebuilt, beside a plain copy of the same bytes between the same drives, and
what clients wait for meanwhile.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.node import four_drives, running_node
from bench.report import Claim
from bench.run import ask, measure, prepare
from bench.wire import Requests
from bench.work import Endpoint, Outcome, Work

RATE_MIN = 0.5
SLOWER_MAX = 2.0
CLIENTS = 2
_TURN_S = 2.0
_BEFORE_TURNS = 5
_SETTINGS = {"RUSTFS_DRIVE_SEGMENT_ZERO_FILL": "false", "RUSTFS_DRIVE_SCRUB_PERIOD_S": "0"}


def measure_rebuild(folder: Path, count: int, object_bytes: int, *, with_clients: bool) -> list[Claim]:
    """Fill four drives below `folder` with `count` objects of that size, empty the second and replace it."""
    drives = four_drives(folder)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as runtime,
        running_node(drives, Path(runtime), "bench-secret", _SETTINGS) as node,
    ):
        ask(node, Requests(node, Work("put", 0, 1, 0), "").create_bucket(node.bucket))
        prepare(node, Work("get", object_bytes, 8, 0, processes=1, keys_per_process=count))
        reading = Work("get", 4096, CLIENTS, _TURN_S, processes=1, keys_per_process=500)
        prepare(node, reading)
        size_bytes = _size_of(drives[1])
        copy_s = _copy_s(drives[0], drives[1] / "copy")
        before = [_waited_ms(measure(node, reading)) for _ in range(_BEFORE_TURNS)]
        _ctl(node, "offline", drives[1])
        for path in drives[1].iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        began_s = time.monotonic()
        _ctl(node, "replace", drives[1])
        during = _wait(drives[1], node, reading if with_clients else None)
        took_s = time.monotonic() - began_s
    shutil.rmtree(folder)
    mib = size_bytes / (1 << 20)
    print(f"{mib:.0f} MiB: copied at {mib / copy_s:.0f} MiB/s, rebuilt at {mib / took_s:.0f} MiB/s")
    found = [
        Claim("rebuild of a drive: part of the rate of a plain copy", copy_s / took_s, at_least=RATE_MIN)
    ]
    if during:
        text = f"p99 of GET by {CLIENTS} clients during the rebuild: times as long as before"
        found.append(Claim(text, median(during) / median(before), at_most=SLOWER_MAX))
    return found


def _waited_ms(outcome: Outcome) -> float:
    if outcome.errors or outcome.wrong:
        raise SystemExit(f"{outcome.errors} GETs failed, {outcome.wrong} were wrong")
    return outcome.quantile_ms(0.99)


def _wait(drive: Path, node: Endpoint, reading: Work | None) -> list[float]:
    """Return when the drive is rebuilt: the p99 of each turn until then."""
    found: list[float] = []
    while json.loads((drive / "rustfs.json").read_bytes())["state"] == "healing":
        if reading is None:
            # Nobody tells; this is the interval between two looks.
            subprocess.run(["sleep", "0.1"], check=True)
        else:
            found.append(_waited_ms(measure(node, reading)))
    return found


def _size_of(drive: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in drive.rglob("*") if path.is_file())


def _copy_s(source: Path, target: Path) -> float:
    """How long it takes to copy a drive durably, as far as the bytes of its files go."""
    began_s = time.monotonic()
    subprocess.run(["cp", "--recursive", "--sparse=always", source, target], check=True)
    subprocess.run(["sync", "--file-system", target], check=True)
    took_s = time.monotonic() - began_s
    shutil.rmtree(target)
    return took_s


def _ctl(node: Endpoint, verb: str, drive: Path) -> None:
    keys = {"RUSTFS_ACCESS_KEY": node.access_key, "RUSTFS_SECRET_KEY": node.secret_key}
    command = [sys.executable, "-m", "rustfs_node.cli.main", "ctl", "drive", verb, str(drive)]
    command += ["--endpoint", f"http://{node.host}:{node.port}"]
    subprocess.run(command, env=os.environ | keys, stdout=subprocess.DEVNULL, check=True)
