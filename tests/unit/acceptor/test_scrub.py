"""What an operator asks of scrubs, at a whole node."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from rustfs_node.bus import MemoryNet
from rustfs_node.cli.scrub import lines
from tests.unit.acceptor.node_kit import accepting, in_thread, plan_of, storing
from tests.unit.cli.ctl_kit import ctl, owner
from tests.unit.erasureset.test_healing import AT_ONCE

__all__ = ["owner"]

pytestmark = pytest.mark.usefixtures("owner")

LARGE = bytes(range(256)) * 2100
RESTS: dict[str, Any] = {
    "set_index": 0,
    "disk_index": 1,
    "endpoint": "n1:9000/data1",
    "rounds": 0,
    "ended_ms": 0,
    "running": False,
    "ordered": False,
    "flat_out": False,
    "found": 0,
    "repaired": 0,
    "unrepaired": 0,
    "round_rows": 0,
    "rows_there": 100,
    "left_s": None,
}


@asynccontextmanager
async def a_node(folder: Path) -> AsyncIterator[int]:
    """Whose drives scrub nothing before they are told to, and heal soon."""
    plan = plan_of(1, folder=folder)
    drive = attrs.evolve(
        plan.settings.drive, scrub_period_s=0.0, scrub_look_again_s=0.1, scrub_bytes_per_s=1 << 16
    )
    healing = attrs.evolve(plan.settings.set, **AT_ONCE)
    plan = attrs.evolve(plan, settings=attrs.evolve(plan.settings, drive=drive, set=healing))
    net = MemoryNet()
    async with storing(net, plan), accepting(net, plan) as port:
        yield port


async def drives(port: int, *words: str) -> tuple[int, list[dict[str, Any]]]:
    status, said = await ctl(port, "scrub", *words, "--json")
    return status, json.loads(said)["drives"]


async def test_an_operator_scrubs(tmp_path: Path) -> None:
    """What is damaged is found by a scrub that is ordered, and told as not repaired, with status 1, until it
    is; one that was not flat out is stopped; one drive alone can be told.
    """
    async with a_node(tmp_path) as port:

        def fill(s3: Any) -> None:
            s3.create_bucket(Bucket="photos")
            s3.put_object(Bucket="photos", Key="cat", Body=LARGE)

        await in_thread(fill, port)
        status, told = await drives(port, "status")
        assert status == 0
        assert [(one["disk_index"], one["rounds"], one["running"]) for one in told] == [
            (slot, 0, False) for slot in range(4)
        ]
        path = told[2]["path"]
        (damaged,) = Path(path).glob("shards/*/*")
        raw = damaged.read_bytes()
        at = len(raw) // 2
        damaged.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        status, (one,) = await drives(port, "start", "--drive", path, "--flat-out")
        assert (status, one["path"], one["ordered"], one["flat_out"]) == (0, path, True, True)
        with trio.fail_after(60):
            while True:
                status, told = await drives(port, "status")
                assert status == (1 if any(one["unrepaired"] for one in told) else 0)
                if told[2]["repaired"] == 1 and told[2]["rounds"] == 1:
                    break
                await trio.sleep(0.05)
        assert damaged.read_bytes() == raw
        assert [one["rounds"] for one in told] == [0, 0, 1, 0] and told[2]["ended_ms"] > 0
        status, told = await drives(port, "start", "--set", "0")
        assert status == 0 and all(one["ordered"] for one in told)
        status, said = await ctl(port, "scrub", "status")
        assert status == 0 and "% read, ordered" in said
        status, told = await drives(port, "stop")
        assert status == 0 and not any(one["running"] for one in told)
        for words in (("--set", "7"), ("--drive", "/nowhere")):
            assert (await ctl(port, "scrub", "status", *words))[0] == 1


def test_how_a_scrub_is_in_words() -> None:
    """Never begun; going on, with what is left; ended, with what it found; and a drive that does not tell."""
    going = {"running": True, "ordered": True, "flat_out": True, "round_rows": 41, "left_s": 7500}
    ended = {"rounds": 3, "ended_ms": 1_700_000_000_000, "found": 3, "repaired": 2, "unrepaired": 1}
    silent = {name: RESTS[name] for name in ("set_index", "disk_index", "endpoint")}
    said = list(lines([RESTS, RESTS | going, RESTS | ended, silent | {"reason": "it is away"}]))
    assert [line.split(maxsplit=3)[3] for line in said[1:5]] == [
        "never                 rests                        -          0      0",
        "never                 41% read, ordered, flat out  about 2 h  0      0",
        "2023-11-14 22:13 UTC  rests                        -          3      2         1 not yet repaired",
        "-                     -                            -          -      -         it is away",
    ]
    assert "since the drive's worker started" in said[5]
    assert "not known" in next(iter(list(lines([RESTS | {"rounds": 1}]))[1:]))
