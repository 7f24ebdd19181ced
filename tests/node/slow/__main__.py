"""How much one slow drive costs.

    python -m tests.node.slow --seconds 60      a node of drives on loop devices, as root

One drive is throttled to 2 MB/s, then one hangs at every write, then the worker of one is stopped. The p99
of each time stands beside that of the time before, in which all were well; 1 where one is three times as
long or a request failed.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.kit.node import RunningNode
from tests.node.slow.loop_drives import loop_drives, why_not
from tests.node.slow.paced import Paced, Seen

THROTTLED_BYTES_PER_S = 2_000_000
WARM_S = 5.0
TIMES_MAX = 3.0


def main(arguments: list[str]) -> int:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.node.slow", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--each-second", type=float, default=40.0)
    parser.add_argument("--large-kib", type=int, default=256)
    parser.add_argument("--drives", type=int, default=4)
    options = parser.parse_args(arguments)
    are_bounded = True
    if reason := why_not():
        _say(reason)
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            loop_drives(folder, options.drives) as drives,
            RunningNode(folder, drives=options.drives) as node,
        ):
            load = Paced(node.url, options.each_second, options.large_kib << 10)
            load.begin()
            load.run(WARM_S)
            for what, fault in (
                (f"throttled to {THROTTLED_BYTES_PER_S} bytes/s", drives[0].throttled(THROTTLED_BYTES_PER_S)),
                ("hangs at writes", drives[0].frozen()),
                ("worker stopped", worker_stopped(node, "drive-0-0")),
            ):
                well = load.run(options.seconds / 2)
                with fault:
                    ill = load.run(options.seconds)
                are_bounded &= _tell(what, well, ill)
    return 0 if are_bounded else 1


@contextlib.contextmanager
def worker_stopped(node: RunningNode, name: str) -> Iterator[None]:
    """SIGSTOP to that worker."""
    pid = node.worker_pids()[name]
    node.signal_one(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        node.signal_one(pid, signal.SIGCONT)


def _tell(what: str, well: Seen, ill: Seen) -> bool:
    """One line for each kind of request; whether nothing failed and no p99 is beyond the bound."""
    _say(f"{what}: {len(ill.failures)} failed {sorted(set(ill.failures))}")
    worst_ratio = 0.0
    for kind in sorted(well.times_ms):
        before, after = well.percentile_ms(kind, 0.99), ill.percentile_ms(kind, 0.99)
        ratio, most = after / before, ill.times_ms[kind][-1]
        worst_ratio = max(worst_ratio, ratio)
        _say(f"  {kind:12} p99 {before:7.1f} -> {after:7.1f} ms ({ratio:.2f} times), most {most:.0f} ms")
    return not ill.failures and worst_ratio <= TIMES_MAX


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
