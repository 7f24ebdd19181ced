"""`python -m tests.fuzz TARGET --executions N --seed S [--minimise] [--coverage]`: long runs by hand.

`all` runs every target. An input that fails is written to the corpus, where it fails from then on until it is
mended and named. With `--executions 0` only the corpus is replayed.
"""

from __future__ import annotations

import argparse
import sys
import time

import structlog

from tests.fuzz import corpus
from tests.fuzz.campaign import Failure, Target, campaign, minimise, replay
from tests.fuzz.coverage import Coverage
from tests.fuzz.guards import peak_bytes
from tests.fuzz.targets import TARGETS

LABELS_SHOWN = 12
SHOWN_CHARACTERS = 4000


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("targets", nargs="+", choices=[*TARGETS, "all"], metavar="TARGET", help="or all")
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minimise", action="store_true", help="make a failing input as short as can be")
    parser.add_argument(
        "--coverage", action="store_true", help="mutate what reaches new lines: slower, deeper"
    )
    parser.add_argument(
        "--memory", type=int, metavar="MIB", help="fail where the corpus takes more than that"
    )
    options = parser.parse_args(arguments)
    # What is refused is logged, and here all is refused.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), processors=[_drop])
    begun_bytes = peak_bytes()
    names = TARGETS if "all" in options.targets else options.targets
    targets = [TARGETS[name] for name in names]
    failed = sum(not run(target, options) for target in targets)
    grown_mib = (peak_bytes() - begun_bytes) >> 20
    say(f"{failed} of {len(targets)} targets failed, the process grew by {grown_mib} MiB")
    return 1 if failed or (options.memory is not None and grown_mib > options.memory) else 0


def run(target: Target, options: argparse.Namespace) -> bool:
    """Replay and mutate; whether nothing failed."""
    begun_s = time.process_time()
    broken = replay(target)
    for name, failure in broken:
        say(f"{target.name}: {name} fails\n{failure.error}")
    if broken:
        return False
    found = campaign(target, options.executions, options.seed, Coverage() if options.coverage else None)
    took_s = time.process_time() - begun_s
    if isinstance(found, Failure):
        report(target, found, options)
        return False
    say(f"{target.name}: {options.executions} executions, {len(found.labels)} labels, {took_s:.1f} s")
    for label, count in sorted(found.labels.items(), key=lambda entry: -entry[1])[:LABELS_SHOWN]:
        say(f"  {count:8} {label}")
    return True


def report(target: Target, failure: Failure, options: argparse.Namespace) -> None:
    if options.minimise:
        failure = minimise(target, failure)
    path = corpus.keep(target.name, target.suffix, failure.data)
    say(f"{target.name}: execution {failure.number} of seed {options.seed} fails, kept as {path}")
    shown = corpus.dump(failure.data) if target.suffix == ".dump" else repr(failure.data)
    say(f"{failure.error}\n{shown[:SHOWN_CHARACTERS]}")


def say(text: str) -> None:
    """A line, at once: some runs take an hour."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _drop(*_arguments: object) -> object:
    raise structlog.DropEvent


sys.exit(main(sys.argv[1:]))
