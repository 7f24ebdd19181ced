"""More seeds than a suite has time for.

    python -m tests.simulation --seeds 1-1000            every failing seed is a bug python -m
    tests.simulation --seeds 17 --trace out    one again, with all that happened in a file python -m
    tests.simulation --seeds 1-50 --twice      each twice: the same hash, or chance came in from outside
    python -m tests.simulation --seeds 1-50 --plant drive_answers_before_sync
                                                         with a bug on purpose, to see it found

The status is 1 where a seed failed.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from pathlib import Path

from tests.kit.sim.planted import PLANTED
from tests.kit.sim.run import Result, run_seed


def main(arguments: list[str]) -> int:
    """Run the seeds and tell of those that failed."""
    options = _parse(arguments)
    first, _, last = options.seeds.partition("-")
    failed = 0
    plant = PLANTED[options.plant]() if options.plant else contextlib.nullcontext()
    with plant:
        for seed in range(int(first), int(last or first) + 1):
            began_s = time.monotonic()
            result = run_seed(seed, keep=None if options.trace else 2000)
            took_s = time.monotonic() - began_s
            failures = result.failures
            if options.twice and run_seed(seed).digest != result.digest:
                failures = [*failures, "a second run took another course"]
            _say(f"{'FAILED' if failures else 'good'} {result} in {took_s:.1f} s")
            _tell(result, failures, options.plant)
            failed += bool(failures)
            if options.trace:
                Path(options.trace).write_text("\n".join(result.trace.lines) + "\n", encoding="utf-8")
    _say(f"{failed} failed")
    return 1 if failed else 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seeds", required=True, metavar="A-B")
    parser.add_argument("--twice", action="store_true", help="run each seed twice and compare")
    parser.add_argument("--plant", choices=PLANTED, help="with this bug")
    parser.add_argument("--trace", metavar="FILE", help="write down all that happened")
    return parser.parse_args(arguments)


def _tell(result: Result, failures: list[str], plant: str | None) -> None:
    if not failures:
        return
    for failure in failures:
        _say(f"  {failure}")
    planted = f" --plant {plant}" if plant else ""
    _say(f"  again: python -m tests.simulation --seeds {result.seed}{planted} --trace trace.txt")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
