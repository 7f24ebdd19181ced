"""What a client waits for while the scrub runs flat out: two nodes on copies of the same drives, one of which
scrubs round after round, measured in turns; the one that is not measured is stopped (SIGSTOP). Likewise while
a drive counts what is stored.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from bench.cpu import tree
from bench.fill import fill
from bench.node import four_drives, running_node
from bench.report import Claim
from bench.run import ask, measure, prepare
from bench.wire import Requests
from bench.work import Endpoint, Work

SLOWER_MAX = 1.3
KEYS = 2000
_OFF = {
    "RUSTFS_DRIVE_SEGMENT_ZERO_FILL": "false",
    "RUSTFS_DRIVE_SCRUB_PERIOD_S": "0",
    "RUSTFS_DRIVE_USAGE_PERIOD_S": "0",
}
_FLAT_OUT = {
    "the scrub": {"RUSTFS_DRIVE_SCRUB_PERIOD_S": "0.001", "RUSTFS_DRIVE_SCRUB_KEEP_S": "1"},
    "counting": {
        "RUSTFS_DRIVE_USAGE_PERIOD_S": "0.001",
        "RUSTFS_SET_USAGE_ASK_S": "0.01",
    },
}


def measure_scrub(
    folder: Path, count: int, clients: Sequence[int], seconds: float, turns: int, *, usage: bool = False
) -> list[Claim]:
    """Fill four drives below `folder` with `count` objects, copy them, measure the p99 of GET of 4 KiB.
    `usage`: while a drive counts them, not while they are scrubbed.
    """
    what = "counting" if usage else "the scrub"
    drives = four_drives(folder / "scrubbed")
    with tempfile.TemporaryDirectory(prefix="bench-") as runtime:
        with running_node(drives, Path(runtime), "bench-secret", _OFF) as node:
            ask(node, Requests(node, Work("put", 0, 1, 0), "").create_bucket("filled"))
            prepare(node, _work(max(clients), seconds))
        fill([str(drive) for drive in drives], "filled", count)
        quiet = folder / "quiet"
        subprocess.run(["cp", "--archive", "--sparse=always", folder / "scrubbed", quiet], check=True)
        copies = [quiet / drive.name for drive in drives]
        try:
            with (
                tempfile.TemporaryDirectory(prefix="bench-") as other,
                running_node(drives, Path(runtime), "bench-secret", _OFF | _FLAT_OUT[what]) as scrubbed,
                running_node(copies, Path(other), "bench-secret", _OFF) as unscrubbed,
            ):
                return [_claim(unscrubbed, scrubbed, _work(one, seconds), turns, what) for one in clients]
        finally:
            shutil.rmtree(quiet)
            shutil.rmtree(folder / "scrubbed")


def _work(clients: int, seconds: float) -> Work:
    return Work("get", 4096, clients, seconds, processes=1, keys_per_process=KEYS)


def _claim(unscrubbed: Endpoint, scrubbed: Endpoint, work: Work, turns: int, what: str) -> Claim:
    found: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(turns):
        for name, node, other in (("without", unscrubbed, scrubbed), ("with", scrubbed, unscrubbed)):
            with _stopped(other):
                outcome = measure(node, work)
            if outcome.errors or outcome.wrong:
                raise SystemExit(f"{name} {what}: {outcome.errors} GETs failed, {outcome.wrong} were wrong")
            found[name].append(outcome.quantile_ms(0.99))
    times = median(found["with"]) / median(found["without"])
    text = f"p99 of GET by {work.connections} clients while {what} runs flat out: times as long as without"
    return Claim(text, times, at_most=SLOWER_MAX)


@contextlib.contextmanager
def _stopped(node: Endpoint) -> Iterator[None]:
    pids = [pid for root in node.pids for pid in tree(root)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
