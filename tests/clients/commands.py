"""Starting a client's command line, and files for it to carry."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import xxhash

COMMAND_TIMEOUT_S = 600


def run(
    command: Sequence[str | Path], environment: Mapping[str, str], *, status: int = 0, cwd: Path | None = None
) -> str:
    """Run to the end, demand the exit status, and give what the program printed."""
    result = subprocess.run(
        [str(part) for part in command],
        env=dict(environment),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )
    seen = f"{command[0]} ended with {result.returncode}\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}"
    assert result.returncode == status, seen
    return result.stdout


def make_tree(root: Path, files: int, *, seed: int = 0) -> None:
    """`files` small files in folders three deep: most below 4 KiB, some empty, one in 500 above 1 MiB."""
    chance = random.Random(seed)
    for number in range(files):
        folder = root / f"shelf {number % 7}" / f"bøx-{number % 53}" / f"{number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        size = chance.choice([0, 1, 17, 300, 300, 1500, 4000])
        if number % 500 == 250:
            size = 1024 * 1024 + chance.randrange(500_000)
        (folder / f"file+{number:05d} &=.bin").write_bytes(chance.randbytes(size))


def digests(root: Path) -> dict[str, str]:
    """Path below `root` -> digest of the bytes, for every file."""
    return {
        os.path.relpath(os.path.join(folder, name), root): xxhash.xxh3_128_hexdigest(
            Path(folder, name).read_bytes()
        )
        for folder, _, names in os.walk(root)
        for name in names
    }
