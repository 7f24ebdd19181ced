"""Every kind of damage to every drive of a real node: what is read is right at once, the damage is found and
repaired within a round of the scrub, and then each drive has its whole shard of everything.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rustfs_proto.disk.identity import IdentityError, parse_identity
from tests.kit import census, corrupt
from tests.kit.at_rest import index_path
from tests.kit.node import RunningNode
from tests.kit.scraping import scraped
from tests.node.test_healing import SOON
from tests.node.test_survival import check, fill

pytestmark = pytest.mark.long

SCRUBBING = SOON | {
    "RUSTFS_DRIVE_SCRUB_PERIOD_S": "0.5",
    "RUSTFS_DRIVE_SCRUB_KEEP_S": "0.5",
    "RUSTFS_DRIVE_SCRUB_BYTES_PER_S": str(1 << 33),
    "RUSTFS_DRIVE_SCRUB_YIELD_S": "0",
}
REPAIRED_S = 300.0
HOT: dict[str, Callable[[Path], object]] = {
    "record headers": corrupt.damage_record_headers,
    "record bodies": corrupt.damage_record_bodies,
    "record data": corrupt.damage_record_data,
    "shard headers": corrupt.damage_shard_headers,
    "shard data": corrupt.damage_shard_files,
    "shard tails": corrupt.damage_shard_tails,
    "shards cut": corrupt.cut_shard_files,
    "shards lost": corrupt.lose_shard_files,
    "shards swapped": corrupt.swap_shard_files,
}
IDENTITIES: dict[str, Callable[[Path], object]] = {
    "identity damaged": corrupt.damage_identity,
    "identity lost": corrupt.lose_identity,
}
COLD: dict[str, Callable[[Path], object]] = HOT | {
    "segment headers": corrupt.damage_segment_headers,
    "last record": corrupt.damage_last_record,
    "log cut": corrupt.cut_log,
    "log lost": corrupt.lose_log,
    "index lost": corrupt.drop_index,
    "index pages": corrupt.damage_index,
    "index cells": corrupt.damage_index_cells,
    "index cut": corrupt.cut_index,
}
FLIPS = 10_000
ROUNDS = 20


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with RunningNode(tmp_path_factory.mktemp("damaged"), environment=SCRUBBING) as running:
        fill(running)
        yield running


def of_drives(node: RunningNode, name: str) -> dict[str, float]:
    """Series of that family → value."""
    return {one: value for one, value in scraped(node).items() if one.startswith(name)}


def wait_repaired(node: RunningNode) -> None:
    """Return when two rounds of each drive have found nothing more, and nothing is left to be healed."""
    deadline_s = time.monotonic() + REPAIRED_S
    found, rounds = {"": 1.0}, dict[str, float]()
    while True:
        now = of_drives(node, "rustfs_drive_scrub_found_total")
        told = of_drives(node, "rustfs_drive_scrub_rounds_total")
        is_busy = any(of_drives(node, "rustfs_drive_heal_notes").values()) or any(
            of_drives(node, "rustfs_set_drives_healing").values()
        )
        if is_busy or now != found or len(told) < 4:
            found, rounds = now, told
        elif all(told[one] >= began + 2 for one, began in rounds.items()):
            return
        assert time.monotonic() < deadline_s, (now, told, node.log_tail())


def wait_identity(drive: Path) -> None:
    """Return when the drive says again who it is."""
    deadline_s = time.monotonic() + REPAIRED_S
    while True:
        with contextlib.suppress(FileNotFoundError, IdentityError):
            parse_identity((drive / "rustfs.json").read_bytes())
            return
        assert time.monotonic() < deadline_s


def check_census(node: RunningNode) -> None:
    """Stop the node, count, and start it again."""
    assert node.stop() == 0
    found = census.take(node.drive_paths)
    assert found.away == ()
    lacking = found.lacking(found.current())
    node.start()
    node.wait_all_ready()
    assert lacking == {}


@pytest.mark.parametrize("kind", HOT | IDENTITIES)
def test_what_is_damaged_while_it_is_served(node, kind):
    """On each drive in turn: right bytes, repaired, whole."""
    for path in node.drive_paths:
        (HOT | IDENTITIES)[kind](path)
        check(node)
        if kind in IDENTITIES:
            wait_identity(path)
        wait_repaired(node)
        check_census(node)


@pytest.mark.parametrize("kind", COLD)
def test_what_is_damaged_while_the_node_is_stopped(node, kind):
    """The same, found by the start or later."""
    for path in node.drive_paths:
        assert node.stop() == 0
        COLD[kind](path)
        node.start()
        node.wait_all_ready()
        check(node)
        wait_repaired(node)
        check_census(node)


def test_ten_thousand_bits_are_flipped(tmp_path):
    """On two drives of four, anywhere in their logs, shard files and indexes, a few hundred at a time while
    everything is read: nothing wrong is ever served. Nothing is healed meanwhile, so the damage adds up.
    """
    chance = random.Random(10_000)
    slow = {"RUSTFS_SET_HEAL_PAUSE_S": "3600", "RUSTFS_DRIVE_SCRUB_PERIOD_S": "0"}
    with RunningNode(tmp_path / "node", environment=slow) as node:
        fill(node)
        for number in range(ROUNDS):
            for _ in range(FLIPS // ROUNDS):
                flip_somewhere(node.drive_paths[chance.randrange(2)], chance)
            check(node)
            if number % 5 == 4:
                node.restart()
                check(node)


def flip_somewhere(drive: Path, chance: random.Random) -> None:
    """One bit of a file, each as likely as it is long; the zeros behind the end of a log count little."""
    everything = (*drive.glob("log/*"), *drive.glob("shards/*/*"), Path(index_path(drive)))
    files = [path for path in everything if path.is_file()]
    sizes = [min(path.stat().st_size, 512 * path.stat().st_blocks) for path in files]
    (path,) = chance.choices(files, sizes)
    descriptor = os.open(path, os.O_RDWR)
    at = chance.randrange(sizes[files.index(path)])
    (byte,) = os.pread(descriptor, 1, at)
    os.pwrite(descriptor, bytes([byte ^ 1 << chance.randrange(8)]), at)
    os.close(descriptor)
