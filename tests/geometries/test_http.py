"""The same through HTTP, as a client sees it: right bytes with m drives away, 503 and nothing else with one
more.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest
import trio
from botocore.exceptions import ClientError

from rustfs_node.plan import NodePlan
from tests.geometries.contents import STRIPE_BYTES, body_of
from tests.geometries.rig import Geometry, folders_of, format_drive, serving
from tests.unit.acceptor.node_kit import accepting, in_thread, plan_of

BUCKET = "geometries"
STORED = {
    key: body_of(size, 3)
    for key, size in (("empty", 0), ("small", 700), ("stripe", STRIPE_BYTES), ("large", 5 * STRIPE_BYTES + 9))
}
SPAN = (4090, 4110)
GEOMETRIES = [Geometry(drives) for drives in (1, 2, 3, 4, 5, 9, 16)]
by_geometry = pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda one: f"{one.k}+{one.m}")


def plan_for(geometry: Geometry) -> NodePlan:
    plan = plan_of(1, drives_per_set=geometry.drives, parity=geometry.m)
    settings = plan.settings
    return attrs.evolve(
        plan,
        settings=attrs.evolve(settings, set=attrs.evolve(settings.set, stripe_bytes=STRIPE_BYTES)),
    )


@asynccontextmanager
async def node(geometry: Geometry, folder: Path):
    """A new set with an acceptor before it, filled; the set and the port."""
    paths = folders_of(folder / "drives", geometry)
    for slot, path in enumerate(paths):
        path.mkdir(parents=True)
        format_drive(path, geometry, slot)
    async with serving(paths, geometry, seed=1) as served, accepting(served.net, plan_for(geometry)) as port:
        await in_thread(fill, port)
        await served.catch_up()
        yield served, port


def fill(s3: Any) -> None:
    s3.create_bucket(Bucket=BUCKET)
    for key in (*STORED, "gone"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=STORED.get(key, b"soon gone"))
    s3.delete_object(Bucket=BUCKET, Key="gone")


def check(s3: Any, maybe: str = "") -> None:
    """Everything is read and listed; nobody knows of the key `maybe`, whose write failed."""
    for key, body in STORED.items():
        assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == body, key
        assert s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] == len(body), key
    span = f"bytes={SPAN[0]}-{SPAN[1]}"
    part = s3.get_object(Bucket=BUCKET, Key="large", Range=span)["Body"].read()
    assert part == STORED["large"][SPAN[0] : SPAN[1] + 1]
    rows = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    sizes = {row["Key"]: row["Size"] for row in rows if row["Key"] != maybe}
    assert sizes == {key: len(body) for key, body in STORED.items()}
    assert status(s3.head_object, Key="gone") == 404


def check_again(s3: Any) -> None:
    """What a client does that was told to try again, and what it then finds."""
    while any(status(s3.get_object, Key=key) == 503 for key in STORED):
        continue
    check(s3, maybe="refused")


def check_writing(s3: Any) -> None:
    """Objects of both kinds are stored, read and removed."""
    for size in (0, 300, 3 * STRIPE_BYTES + 1):
        s3.put_object(Bucket=BUCKET, Key="new", Body=body_of(size, 4))
        assert s3.get_object(Bucket=BUCKET, Key="new")["Body"].read() == body_of(size, 4)
    s3.delete_object(Bucket=BUCKET, Key="new")
    assert status(s3.get_object, Key="new") == 404


def check_refused(s3: Any) -> None:
    """Nothing that is stored can be read, and the answer to everything says: try again later."""
    for key in STORED:
        assert status(s3.get_object, Key=key) == 503, key
        assert status(s3.head_object, Key=key) == 503, key


def check_writes_refused(s3: Any) -> None:
    """Nothing can be stored."""
    for size in (10, 3 * STRIPE_BYTES):
        assert status(s3.put_object, Key="refused", Body=body_of(size, 5)) == 503


def status(call: Any, **arguments: Any) -> int:
    try:
        call(Bucket=BUCKET, **arguments)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    return 200


@by_geometry
async def test_m_drives_away(geometry, folder):
    """With m drives stopped all is read; what is written with as many drives as that needs is read too."""
    chance = Random(geometry.drives)
    with trio.fail_after(120):
        async with node(geometry, folder) as (served, port):
            lost = chance.sample(served.drives, geometry.m)
            for drive in lost:
                await drive.stop()
            await in_thread(check, port)
            if geometry.drives - geometry.m < geometry.write_quorum:
                await in_thread(check_writes_refused, port)
                await lost[0].start()
            await in_thread(check_writing, port)


@by_geometry
async def test_one_drive_more_away(geometry, folder):
    """With m + 1 drives stopped everything that is stored is answered by 503, and so is what needs them all;
    with the drives back it is all there.
    """
    chance = Random(geometry.drives + 100)
    with trio.fail_after(120):
        async with node(geometry, folder) as (served, port):
            lost = chance.sample(served.drives, geometry.m + 1)
            for drive in lost:
                await drive.stop()
            await in_thread(check_refused, port)
            await in_thread(check_writes_refused, port)
            for drive in lost:
                await drive.start()
            await in_thread(check_again, port)
