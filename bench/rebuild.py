"""How fast an emptied drive is rebuilt, beside a plain copy of the same bytes between the same drives, and
what clients that read and write without a pause wait for meanwhile.

The drives are folders, or, throttled, file systems on loop devices that read and write no more than so much a
second, which copy and rebuild meet alike (root only). The copy is made file by file and synced.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import attrs

from bench.node import four_drives, running_node
from bench.report import Claim
from bench.run import ask, measure, prepare
from bench.wire import Requests
from bench.work import Endpoint, Outcome, Work, size_text
from tests.node.slow.loop_drives import loop_drives

RATE_MIN = 0.5
SLOWER_MAX = 2.0
_TURN_S = 2.0
_BEFORE_TURNS = 5
_SMALL_BYTES = 4096
_SETTINGS = {"RUSTFS_DRIVE_SEGMENT_ZERO_FILL": "false", "RUSTFS_DRIVE_SCRUB_PERIOD_S": "0"}


@attrs.frozen
class RebuildPlan:
    """`count` objects of `object_bytes`; drives that are throttled to so many bytes a second, or not (0);
    as many clients that read, and as many that write, none: it is not measured what they wait for.
    """

    count: int
    object_bytes: int
    throttle: int = 0
    clients: int = 2

    @property
    def title(self) -> str:
        """What is rebuilt."""
        drives = f", drives of {self.throttle // 1_000_000} MB/s" if self.throttle else ""
        return f"{self.count} x {size_text(self.object_bytes)}{drives}"


def measure_rebuild(folder: Path, plan: RebuildPlan) -> list[Claim]:
    """Fill four drives below `folder`, then empty the second and replace it: with nobody else there, and once
    more while clients call.
    """
    with (
        _drives(folder, plan.throttle) as drives,
        tempfile.TemporaryDirectory(prefix="bench-") as runtime,
        running_node(drives, Path(runtime), "bench-secret", _SETTINGS) as node,
    ):
        ask(node, Requests(node, Work("put", 0, 1, 0), "").create_bucket(node.bucket))
        prepare(node, Work("get", plan.object_bytes, 8, 0, processes=1, keys_per_process=plan.count))
        clients = _Clients(node, plan.clients)
        size_bytes = _size_of(drives[1])
        copy_s = _copy_s(drives[0], drives[1] / "copy")
        took_s = _replace(node, drives[1], _wait)
        rate = copy_s / took_s
        mib = size_bytes / (1 << 20)
        print(
            f"{plan.title}: {mib:.0f} MiB copied in {copy_s:.1f} s ({mib / copy_s:.0f} MiB/s), rebuilt in"
            f" {took_s:.1f} s ({mib / took_s:.0f} MiB/s, {plan.count / took_s:.0f} objects/s)"
        )
        found = [Claim(f"rebuild of {plan.title}: part of the rate of a plain copy", rate, at_least=RATE_MIN)]
        return found + (clients.claims(drives[1], plan) if plan.clients else [])


class _Clients:
    """Those that read and write without a pause."""

    def __init__(self, node: Endpoint, count: int) -> None:
        self._node = node
        self._works = [
            Work(operation, _SMALL_BYTES, count, _TURN_S, processes=1, keys_per_process=500)
            for operation in ("get", "put")
        ]
        if count:
            prepare(node, self._works[0])

    def claims(self, drive: Path, plan: RebuildPlan) -> list[Claim]:
        """The p99 of each kind of request during a rebuild, beside that before it."""
        before = [self._turn_ms() for _ in range(_BEFORE_TURNS)]
        during: list[list[float]] = []
        took_s = _replace(self._node, drive, lambda: during.append(self._turn_ms()))
        print(f"{plan.title}: rebuilt in {took_s:.1f} s while {plan.clients} + {plan.clients} clients call")
        found = []
        for number, work in enumerate(self._works):
            was, now = (median(turn[number] for turn in turns) for turns in (before, during))
            text = f"p99 of {work.operation} during it: times as long as before, {was:.1f} ms"
            found.append(Claim(text, now / was, at_most=SLOWER_MAX))
        return found

    def _turn_ms(self) -> list[float]:
        with ThreadPoolExecutor(len(self._works)) as pool:
            return [_waited_ms(outcome) for outcome in pool.map(self._measure, self._works)]

    def _measure(self, work: Work) -> Outcome:
        return measure(self._node, work)


def _waited_ms(outcome: Outcome) -> float:
    if outcome.errors or outcome.wrong:
        raise SystemExit(f"{outcome.errors} requests failed, {outcome.wrong} were wrong")
    return outcome.quantile_ms(0.99)


@contextlib.contextmanager
def _drives(folder: Path, throttle: int) -> Iterator[Sequence[Path]]:
    with contextlib.ExitStack() as stack:
        if throttle:
            folder.mkdir(exist_ok=True)
            drives = stack.enter_context(loop_drives(folder, 4))
            for drive in drives:
                stack.enter_context(drive.throttled(throttle))
            yield [drive.folder for drive in drives]
        else:
            yield four_drives(folder)
    shutil.rmtree(folder)


def _replace(node: Endpoint, drive: Path, meanwhile: Callable[[], None]) -> float:
    """Empty the drive and replace it: how long it takes until it is whole, `meanwhile` again and again."""
    _ctl(node, "offline", drive)
    for path in drive.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    _forget_cached()
    began_s = time.monotonic()
    _ctl(node, "replace", drive)
    while json.loads((drive / "rustfs.json").read_bytes())["state"] == "healing":
        meanwhile()
    return time.monotonic() - began_s


def _wait() -> None:
    """Nobody tells; this is the interval between two looks."""
    subprocess.run(["sleep", "0.1"], check=True)


def _forget_cached() -> None:
    """What is read comes from the drives, where this user may say so."""
    subprocess.run(["sync"], check=True)
    with contextlib.suppress(PermissionError):
        Path("/proc/sys/vm/drop_caches").write_text("3")


def _size_of(drive: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in drive.rglob("*") if path.is_file())


def _copy_s(source: Path, target: Path) -> float:
    """How long it takes to copy a drive durably, as far as the bytes of its files go."""
    _forget_cached()
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
