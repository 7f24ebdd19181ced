"""A whole node in one trio program: acceptor, set workers and drive workers over a bus in memory, drives in a
folder.

And requests signed for it, raw or by boto3 in a thread.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import attrs
import trio
from botocore.exceptions import ClientError

from rustfs_node.acceptor.worker import run_acceptor
from rustfs_node.bus import BusSettings, MemoryNet
from rustfs_node.config import Settings
from rustfs_node.drive.identity_file import DriveAddress
from rustfs_node.drive.worker import run_drive
from rustfs_node.erasureset.worker import run_set
from rustfs_node.plan import Credentials as OwnerKeys
from rustfs_node.plan import DrivePlan, NodePlan, SetPlan, acceptor_name
from rustfs_node.seams.clock import Clock, SystemClock
from rustfs_node.seams.randomness import SystemRandomness
from rustfs_node.seams.real_files import RealFiles
from rustfs_node.seams.threads import ThreadPool
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_proto.disk.identity import DriveIdentity, format_identity
from rustfs_proto.disk.layout import IDENTITY_FILE
from rustfs_proto.s3.sigv4_signer import Credentials, sign_request
from tests.kit.s3 import boto3_client
from tests.unit.acceptor.http_kit import RawClient, until

T = TypeVar("T")

KEYS = Credentials("AKEXAMPLE", "secret-of-the-example")
SETTINGS = AcceptorSettings(address="127.0.0.1:0", set_deadline_s=5.0)


class SetClock(SystemClock):
    """What a set worker takes for the time: some of it has passed, and its wall clock was moved."""

    passed_s = 0.0
    wall_off_ms = 0

    def wall_ms(self) -> int:
        return super().wall_ms() + int(self.passed_s * 1000) + self.wall_off_ms

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.passed_s


def plan_of(
    sets: int,
    *,
    drives_per_set: int = 4,
    parity: int = 2,
    acceptors: int = 1,
    folder: Path = Path("/nowhere"),
) -> NodePlan:
    """A plan whose processes find each other by name."""
    settings = Settings()
    node = attrs.evolve(settings.node, acceptors=acceptors)
    return NodePlan(
        deployment_id=str(uuid.UUID(int=1)),
        node_number=0,
        # Small segments: a test's drives are formatted anew, and reserving their first segment is most of
        # that.
        settings=attrs.evolve(settings, node=node, drive=attrs.evolve(settings.drive, segment_bytes=8 << 20)),
        sets=tuple(
            SetPlan(
                index,
                f"set-{index}",
                "",
                drives_per_set - parity,
                parity,
                tuple(_drive_plan(folder, index, slot) for slot in range(drives_per_set)),
            )
            for index in range(sets)
        ),
        runtime_dir="/run",
        credentials=OwnerKeys(KEYS.access_key, KEYS.secret_key),
    )


def _drive_plan(folder: Path, index: int, slot: int) -> DrivePlan:
    drive_id = str(uuid.UUID(int=1000 + index * 100 + slot))
    return DrivePlan(slot, f"drive-{index}-{slot}", "", str(folder / f"d{index}-{slot}"), drive_id)


@asynccontextmanager
async def accepting(
    net: MemoryNet, plan: NodePlan, settings: AcceptorSettings = SETTINGS, name: str = "acceptor-0"
) -> AsyncIterator[int]:
    """An acceptor of that plan; its port."""
    clock = SystemClock()
    sets = [one.name for one in plan.sets]
    others = [acceptor_name(number) for number in range(plan.settings.node.acceptors)]
    names = [*sets, *(other for other in others if other != name)]
    bus = net.open_bus(name, names, BusSettings(connect_grace_s=0.0), clock)
    serve = partial(
        run_acceptor,
        bus,
        plan,
        settings,
        clock=clock,
        randomness=SystemRandomness(),
        threads=ThreadPool(4),
        stopping=trio.Event(),
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(bus.run)
        await until(lambda: all(bus.is_up(name) for name in sets if name in net.links))
        addresses = await nursery.start(serve)
        yield addresses[0][1]
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def storing(net: MemoryNet, plan: NodePlan, clock: Clock | None = None) -> AsyncIterator[None]:
    """The set and drive workers of that plan, on freshly formatted drives. `clock`: that of the sets."""
    async with trio.open_nursery() as nursery:
        for set_plan in plan.sets:
            for drive in set_plan.drives:
                await nursery.start(_run_drive, net, plan, set_plan, drive)
            await nursery.start(_run_set, net, plan, set_plan, clock or SystemClock())
        yield
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def whole_node(
    folder: Path,
    *,
    sets: int = 1,
    drives_per_set: int = 4,
    parity: int = 2,
    settings: AcceptorSettings = SETTINGS,
    clock: Clock | None = None,
) -> AsyncIterator[int]:
    """Everything; the port of the acceptor. `clock`: that of the set workers."""
    net = MemoryNet()
    plan = plan_of(sets, drives_per_set=drives_per_set, parity=parity, folder=folder)
    async with storing(net, plan, clock), accepting(net, plan, settings) as port:
        yield port


async def _run_drive(
    net: MemoryNet,
    plan: NodePlan,
    set_plan: SetPlan,
    drive: DrivePlan,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    identity = DriveIdentity(
        plan.deployment_id, set_plan.index, drive.slot, len(set_plan.drives), drive.drive_id, created_ms=0
    )
    path = Path(drive.path)
    path.mkdir()
    (path / IDENTITY_FILE).write_bytes(format_identity(identity))
    address = DriveAddress(drive.path, plan.deployment_id, set_plan.index, drive.slot, drive.drive_id)
    clock = SystemClock()
    bus = net.open_bus(drive.name, [], clock=clock)
    async with trio.open_nursery() as nursery:
        run = partial(
            run_drive, bus, address, plan.settings.drive, RealFiles(), clock, ThreadPool(4), meter=bus.meter
        )
        await nursery.start(run)
        await nursery.start(bus.run)
        task_status.started()


async def _run_set(
    net: MemoryNet,
    plan: NodePlan,
    set_plan: SetPlan,
    clock: Clock,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    bus = net.open_bus(set_plan.name, [drive.name for drive in set_plan.drives], clock=clock)
    await run_set(
        bus, set_plan, plan.settings.set, clock, SystemRandomness(), writer=0, task_status=task_status
    )


@asynccontextmanager
async def raw_client(port: int) -> AsyncIterator[RawClient]:
    """A client that sends what it is told."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        yield RawClient(stream)


def signed_request(
    method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"", host: str = "test"
) -> bytes:
    """A whole request, signed now with an unsigned payload."""
    now_s = SystemClock().wall_ms() / 1000
    complete = {"host": host, **(headers or {})}
    signature = sign_request(KEYS, method, target, complete, now_s=now_s, payload_hash="UNSIGNED-PAYLOAD")
    lines = [f"{name}: {value}" for name, value in signature.headers.items()]
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, f"content-length: {len(body)}", "", ""])
    return head.encode() + body


async def in_thread(work: Callable[[Any], T], port: int) -> T:
    """`work(s3)` in a thread, with a boto3 client of the acceptor at that port."""

    def run() -> T:
        with contextlib.closing(s3_client(port)) as s3:
            return work(s3)

    return await trio.to_thread.run_sync(run)


def s3_client(port: int) -> Any:
    """A boto3 client that tries once."""
    return boto3_client(f"http://127.0.0.1:{port}", KEYS.access_key, KEYS.secret_key)


def error_of(work: Callable[..., Any], **arguments: Any) -> tuple[str, int]:
    """Code and status of the error that a boto3 call ends with."""
    try:
        work(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError("no error")
