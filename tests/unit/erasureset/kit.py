"""A whole erasure set in one trio program: model drives, the set worker, and a client that speaks to it over
the bus.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Generic, TypeVar

import attrs
import trio

from rustfs_node.bus import Bus, MemoryNet, Reply, TrioClock
from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.worker import run_set
from rustfs_node.plan import DrivePlan, ProcessPlan, SetPlan, drive_name
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.drive import DriveSettings
from rustfs_node.settings.erasureset import SetSettings
from rustfs_proto.erasure.geometry import default_parity, stripe_end
from rustfs_proto.wire import set_ops
from rustfs_proto.wire.faults import Fault, FaultCode
from tests.unit.erasureset.model_drive import ModelDrive
from tests.unit.erasureset.real_drive import SETTINGS as DRIVE_SETTINGS
from tests.unit.erasureset.real_drive import RealDrive

WINDOW_BLOCKS = 4
WHOLE = set_ops.Span()
RRS = "REDUCED_REDUNDANCY"
Drive = TypeVar("Drive")
Classes = Sequence[tuple[str, int]]


def raise_fault(answer: Reply | Fault) -> None:
    if isinstance(answer, Fault):
        raise answer


class SeededRandomness:
    """Repeatable."""

    def __init__(self, seed: int = 1) -> None:
        self._random = Random(seed)

    def token(self, size_bytes: int) -> bytes:
        return self._random.randbytes(size_bytes)


@attrs.define(eq=False)
class Client:
    """Calls of the set worker as an acceptor makes them."""

    bus: Bus
    stripe_bytes: int
    worker: str = "set-0"

    async def ask(self, message: object, *frames: bytes) -> object:
        return (await self.bus.call(self.worker, message, frames, deadline_s=60)).message

    async def put(
        self, key: bytes, body: bytes, *, expect: int = set_ops.ANY_STAMP, bucket: str = "b", **info: object
    ) -> int:
        """Store an object by one call or by blocks, as its size demands; the stamp."""
        what = set_ops.ObjectInfo(etag=f"etag-{len(body)}", **info)  # type: ignore[arg-type]
        if len(body) <= self.stripe_bytes:
            frames = (body,) if body else ()
            return (await self.ask(set_ops.PutSmall(bucket, key, what, expect=expect), *frames)).stamp
        opening = set_ops.PutOpen(bucket, key, len(body), storage_class=what.storage_class)
        handle = await self.send_blocks(opening, body)
        return (await self.ask(set_ops.PutFinish(handle, what, expect))).stamp

    async def send_blocks(self, opening: set_ops.PutOpen, body: bytes) -> int:
        handle = (await self.ask(opening)).handle
        under_way: deque[Answer[Reply | Fault]] = deque()
        for index in range(-(-len(body) // self.stripe_bytes)):
            block = body[index * self.stripe_bytes : (index + 1) * self.stripe_bytes]
            under_way.append(Answer())
            self.bus.ask(
                self.worker,
                set_ops.PutBlock(handle, index),
                (block,),
                deadline_s=60,
                on_reply=under_way[-1].set,
            )
            if len(under_way) == WINDOW_BLOCKS:
                raise_fault(await under_way.popleft().wait())
        for answer in under_way:
            raise_fault(await answer.wait())
        return handle

    async def get(self, key: bytes, span: set_ops.Span = WHOLE, bucket: str = "b") -> bytes:
        """The bytes of a span, block by block."""
        reply = await self.bus.call(self.worker, set_ops.Get(bucket, key, span), deadline_s=60)
        got = reply.message
        body = b"".join(reply.frames)
        end = got.offset + got.length
        while (at := got.offset + len(body)) < end:
            stop = min(end, stripe_end(got.meta.parts, got.meta.geometry.stripe_bytes, at))
            block = await self.bus.call(
                self.worker, set_ops.ReadBlock(bucket, key, got.stamp, at, stop - at), deadline_s=60
            )
            body += block.frames[0]
        return body

    async def delete(self, *keys: bytes, bucket: str = "b") -> set_ops.Deleted:
        return await self.ask(set_ops.Delete(bucket, keys))

    async def fault_of(self, message: object, *frames: bytes) -> FaultCode:
        try:
            await self.ask(message, *frames)
        except Fault as fault:
            return fault.code
        raise AssertionError("no fault")

    async def get_fault(self, key: bytes) -> FaultCode:
        return await self.fault_of(set_ops.Get("b", key))


@attrs.define(eq=False)
class TestSet(Generic[Drive]):
    """A running set."""

    __test__ = False

    net: MemoryNet
    drives: list[Drive]
    client: Client
    settings: SetSettings


@asynccontextmanager
async def running_set(
    drives: int,
    parity: int | None = None,
    classes: Classes = (),
    seed: int = 1,
    stopping: trio.Event | None = None,
    **settings: object,
) -> AsyncIterator[TestSet[ModelDrive]]:
    """Model drives and a set worker over them; `classes` as in `SetPlan`, `stopping` as in `run_set`,
    `settings` as in `SetSettings`.
    """
    net = MemoryNet()
    async with trio.open_nursery() as nursery:
        models = []
        for slot in range(drives):
            bus = net.open_bus(drive_name(0, slot))
            models.append(ModelDrive(bus))
            await nursery.start(bus.run)
        yield await serve_set(
            nursery, net, models, parity, settings, seed, classes=classes, stopping=stopping
        )
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def running_real_set(
    folder: Path, drives: int, of_drives: DriveSettings = DRIVE_SETTINGS, **settings: object
) -> AsyncIterator[TestSet[RealDrive]]:
    """The same over real drive workers in folders below `folder`."""
    net = MemoryNet()
    async with trio.open_nursery() as nursery:
        reals = [
            RealDrive(
                net, nursery, folder / f"d{slot}", slot, drives, drive_name(0, slot), settings=of_drives
            )
            for slot in range(drives)
        ]
        for real in reals:
            await real.format()
        yield await serve_set(nursery, net, reals, None, settings)
        nursery.cancel_scope.cancel()


async def serve_set(
    nursery: trio.Nursery,
    net: MemoryNet,
    drives: list[Drive],
    parity: int | None,
    settings: dict[str, object],
    seed: int = 1,
    clock: Clock | None = None,
    classes: Classes = (),
    stopping: trio.Event | None = None,
    worker: str = "",
) -> TestSet[Drive]:
    """Start a set worker and a client. Each life of a set, and each of several workers that serve the same
    drives, needs a `seed` of its own: data ids come of it, and stamps.
    """
    m = default_parity(len(drives)) if parity is None else parity
    # A worker that is named is one of several.
    own = worker or "set-0"
    workers = () if worker else (ProcessPlan(0, own, ""),)
    resolved = attrs.evolve(
        SetSettings(stripe_bytes=4096, inline_bytes_max=1024, settle_delay_s=0.0), **settings
    )
    names = [drive_name(0, slot) for slot in range(len(drives))]
    plans = tuple(DrivePlan(slot, name, "", "", "") for slot, name in enumerate(names))
    plan = SetPlan(0, own, "", len(drives) - m, m, plans, tuple(classes), workers)

    async def serve(task_status: trio.TaskStatus[None]) -> None:
        bus = net.open_bus(own, names)
        randomness = SeededRandomness(seed)
        await run_set(
            bus,
            plan,
            resolved,
            clock or TrioClock(),
            randomness,
            writer=seed,
            stopping=stopping,
            task_status=task_status,
        )

    await nursery.start(serve)
    client_bus = net.open_bus(f"client of {own}", [own])
    await nursery.start(client_bus.run)
    return TestSet(net, drives, Client(client_bus, resolved.stripe_bytes, own), resolved)
