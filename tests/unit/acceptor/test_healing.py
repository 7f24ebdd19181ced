"""What operators and MinIO's clients ask of healing, at a whole node."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from rustfs_node.cli.main import main
from tests.unit.acceptor.http_kit import request
from tests.unit.acceptor.node_kit import KEYS, SETTINGS, in_thread, raw_client, signed_request, whole_node

ADMIN = "/minio/admin/v3/"
LOGGED = re.compile(r"\[(debug|info|warning|error) ")
"""A line of the log, which the node writes to the same place."""

PUBLIC = attrs.evolve(SETTINGS, metrics_auth="public")
LARGE, SMALL = bytes(range(256)) * 2100, b"small"


def fill(s3: Any) -> None:
    """Four objects in shard files, two in the log, in two buckets."""
    for bucket in ("photos", "other"):
        s3.create_bucket(Bucket=bucket)
    for number in range(4):
        s3.put_object(Bucket="photos", Key=f"cats/{number}", Body=LARGE)
    for key in ("cats/small", "dogs/small"):
        s3.put_object(Bucket="photos", Key=key, Body=SMALL)


@asynccontextmanager
async def a_node(folder: Path, sets: int = 1) -> AsyncIterator[int]:
    async with whole_node(folder, sets=sets, settings=PUBLIC) as port:
        await in_thread(fill, port)
        yield port


def lose_files(folder: Path, slot: int) -> int:
    """All shard files of that slot, in all sets."""
    paths = list(folder.glob(f"d*-{slot}/shards/*/*"))
    for path in paths:
        path.unlink()
    return len(paths)


async def metrics(port: int, *names: str) -> dict[str, float]:
    """The node's metrics of those names, those at zero aside."""
    async with raw_client(port) as client:
        await client.send(request("GET", "/metrics"))
        _, _, answer = await client.answer()
    lines = [line.rsplit(" ", 1) for line in answer.decode().splitlines() if line.startswith(names)]
    return {name: float(value) for name, value in lines if float(value)}


async def ask(port: int, method: str, target: str, body: object = None) -> tuple[int, Any]:
    """Status and document of a signed request."""
    raw = b"" if body is None else json.dumps(body).encode()
    async with raw_client(port) as client:
        await client.send(signed_request(method, ADMIN + target, body=raw))
        status, _, answer = await client.answer()
    return status, json.loads(answer)


async def ctl(port: int, monkeypatch: pytest.MonkeyPatch, capsys: Any, *words: str) -> tuple[int, str]:
    """Exit status and output of a command against the node."""
    monkeypatch.setenv("RUSTFS_ACCESS_KEY", KEYS.access_key)
    monkeypatch.setenv("RUSTFS_SECRET_KEY", KEYS.secret_key)
    words = ("ctl", *words, "--endpoint", f"http://127.0.0.1:{port}")

    def run() -> int:
        try:
            main(words)
        except SystemExit as end:
            return int(end.code or 0)
        raise AssertionError("main returned")

    status = await trio.to_thread.run_sync(run)
    lines = capsys.readouterr().out.splitlines()
    return status, "\n".join(line for line in lines if not LOGGED.search(line))


async def test_an_operator_counts_and_heals(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    """A census says by its status whether all is full; a dry run changes nothing, a heal makes it full again,
    and what it did is told afterwards, in words and in JSON.
    """
    async with a_node(tmp_path, sets=2) as port:
        run = partial(ctl, port, monkeypatch, capsys)
        # On a slow machine a drive may have missed something.
        assert (await run("heal", "start", "--wait"))[0] == 0
        status, told = await run("census", "photos", "--json")
        assert (status, json.loads(told)["protections"]) == (0, {"full": 7})
        assert lose_files(tmp_path, 1) == 4
        status, told = await run("census", "photos/cats/")
        assert status == 1
        assert "4 versions are degraded" in told
        status, told = await run("heal", "start", "photos", "--wait", "--json", "--dry-run")
        dry = json.loads(told)["sequences"][0]
        assert (status, dry["found"], dry["repaired"]) == (0, {"missing": 4}, {})
        status, name = await run("heal", "start", "--json")
        assert status == 0
        healed = await until_ended(port, json.loads(name)["id"])
        assert (healed["found"], healed["repaired"]) == ({"missing": 4}, {"missing": 4})
        assert healed["protections"] == {"full": healed["versions"]}
        assert {one["set_index"] for one in healed["sets"]} == {0, 1}
        status, told = await run("heal", "status")
        assert status == 0
        assert f"{healed['id']}: everything: finished" in told
        assert (await run("census"))[0] == 0
        told = await metrics(port, "rustfs_set_versions", "rustfs_set_damage")
        kept = [value for name, value in told.items() if 'protection="full"' in name]
        assert sum(kept) == healed["versions"]
        assert not any("degraded" in name for name in told)
        # The census below a prefix, the dry run and the heal.
        assert sum(value for name, value in told.items() if "found" in name) >= 12
        assert sum(value for name, value in told.items() if "repaired" in name) >= 4
        assert (await run("heal", "stop", "none"))[0] == 1
        assert (await run("heal", "status", "none"))[0] == 1
        assert (await run("census", "nowhere"))[0] == 1
        assert (await run("census", "--set", "7"))[0] == 1


async def until_ended(port: int, name: str) -> Any:
    with trio.fail_after(60):
        while True:
            _, told = await ask(port, "GET", f"healing/status?id={name}")
            if told["sequences"][0]["state"] not in ("waiting", "running"):
                return told["sequences"][0]
            await trio.sleep(0.05)


async def test_minios_clients_heal(tmp_path: Path) -> None:
    """A token for a path, under which versions are told with each drive's state before and after, until it is
    finished; a second heal of the path is refused while one goes on, and stopped by force.
    """
    async with a_node(tmp_path) as port:
        lose_files(tmp_path, 2)
        options = {"recursive": True, "dryRun": False, "remove": False, "recreate": False, "scanMode": 1}
        status, begun = await ask(port, "POST", "heal/photos/cats%2F?forceStart=true", options)
        assert status == 200
        assert set(begun) == {"clientToken", "clientAddress", "startTime"}
        items, summary = [], ""
        with trio.fail_after(60):
            while summary not in ("finished", "stopped"):
                target = f"heal/photos/cats/?clientToken={begun['clientToken']}"
                status, told = await ask(port, "POST", target)
                assert status == 200
                items += told["Items"]
                summary = told["Summary"]
                await trio.sleep(0.05)
        assert summary == "finished"
        by_key = {item["object"]: item for item in items}
        assert set(by_key) == {"", "cats/small", *(f"cats/{number}" for number in range(4))}
        one = by_key["cats/0"]
        assert [drive["state"] for drive in one["before"]["drives"]] == ["ok", "ok", "missing", "ok"]
        assert {drive["state"] for drive in one["after"]["drives"]} == {"ok"}
        assert (one["type"], one["objectSize"], one["dataBlocks"]) == ("object", len(LARGE), 2)
        assert (by_key[""]["type"], by_key[""]["bucket"]) == ("bucket", "photos")
        status, told = await ask(port, "POST", "heal/photos?clientToken=other")
        assert (status, told["Code"]) == (400, "XMinioHealNoSuchProcess")
        status, told = await ask(port, "POST", "heal/photos/cats/?clientToken=other")
        assert (status, told["Code"]) == (400, "XMinioHealInvalidClientToken")


REFUSED: dict[str, tuple[str, object, int]] = {
    "removing": ("heal/photos", {"remove": True}, 501),
    "no json": ("heal/photos", "text", 400),
    "no such set": ("heal/", {"set": 9}, 400),
    "start and stop": ("heal/?forceStart=true&forceStop=true", {}, 400),
    "no such bucket": ("heal/nowhere", {}, 404),
}


async def test_what_minios_clients_are_refused(tmp_path: Path) -> None:
    """And what is answered where there is nothing to be told or stopped."""
    async with a_node(tmp_path) as port:
        for why, (target, options, status) in REFUSED.items():
            assert (await ask(port, "POST", target, options))[0] == status, why
        status, told = await ask(port, "POST", "heal/photos?forceStop=true")
        assert (status, told["clientToken"]) == (200, "invalid")
        _, begun = await ask(port, "POST", "heal/photos", {"recursive": False})
        _, ended = await ask(port, "POST", f"heal/photos?clientToken={begun['clientToken']}")
        assert ended["Settings"]["dryRun"] is False
        status, told = await ask(port, "POST", "background-heal/status")
        assert status == 200
        assert [one["id"] for one in told["sets"]] == ["0"]
        assert (told["HealDisks"], told["scParity"]["STANDARD"]) == ([], 2)
        assert len(told["sets"][0]["disks"]) == 4
