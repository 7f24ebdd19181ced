"""`python -m tests.linear --ops 20000 --seed 1`: a run of any length, and the verdict on each of its keys.

With `--no-kills` nobody dies; `--plant NAME` puts a bug into the node first, which has to be found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.linear.nemesis import KINDS
from tests.linear.planted import BUGS, environment_of
from tests.linear.run import Plan, run


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """The histories of a run that fails are kept."""
    parser = argparse.ArgumentParser(prog="tests.linear", description=__doc__)
    parser.add_argument("--ops", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--drives", type=int, default=5)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--each", type=int, default=200, help="operations on one key before the next")
    parser.add_argument("--versioned", action="store_true", help="in a bucket with versioning")
    parser.add_argument("--no-kills", action="store_true")
    parser.add_argument("--plant", choices=BUGS, help="with this bug")
    parser.add_argument("--folder", type=Path, default=None, help="where the drives are made")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="linear-", dir=args.folder))
    say(f"drives and histories in {folder}")
    environment = environment_of(args.plant, folder / "bug") if args.plant else {}
    plan = Plan(
        args.ops,
        args.seed,
        args.drives,
        args.clients,
        args.each,
        args.versioned,
        {} if args.no_kills else KINDS,
        environment,
    )
    say(run(folder, plan, say).text())


if __name__ == "__main__":
    main()
