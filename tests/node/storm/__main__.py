"""`python -m tests.node.storm --kills 200 --seed 1`: a storm of any length, with its figures."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.node.storm.run import run_storm


def say(text: str) -> None:
    """At once, as a storm takes long."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Run it; the folder of a storm that fails is kept."""
    parser = argparse.ArgumentParser(prog="tests.node.storm", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--drives", type=int, default=4)
    parser.add_argument("--limit-s", type=float, default=3.0, help="most seconds until the node serves again")
    parser.add_argument("--folder", type=Path, default=None, help="where the drives are made")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="storm-", dir=args.folder))
    say(f"drives in {folder}")
    report = run_storm(folder, args.kills, args.seed, say, args.drives)
    say(report.text())
    late = [kill for kill in report.kills if kill.own_s > args.limit_s]
    sys.exit(f"{len(late)} times later than {args.limit_s} s: {late}" if late else 0)


if __name__ == "__main__":
    main()
