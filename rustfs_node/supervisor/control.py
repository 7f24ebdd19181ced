"""What the supervisor answers to its node's acceptors, which pass on what an operator asks for.

One thing is done at a time. What it is about is a drive of this node; how it is done is the node's.
"""

from __future__ import annotations

from typing import Protocol

import structlog
import trio

from rustfs_node.bus import Bus, Request
from rustfs_proto.topology.findings import as_asked
from rustfs_proto.topology.verdicts import Refusal
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.message import Message
from rustfs_proto.wire.supervisor_ops import (
    DriveLetGo,
    DriveLocate,
    DriveLocated,
    DriveLookAgain,
    DriveStands,
)

log = structlog.get_logger("supervisor")


class Drives(Protocol):
    """What a node can do with its drives."""

    async def look_again(self, message: DriveLookAgain) -> DriveStands: ...

    async def let_go(self, message: DriveLetGo) -> DriveStands: ...

    async def locate(self, message: DriveLocate) -> DriveLocated: ...


class Control:
    """Answers on `bus` in tasks of `nursery`. `turns` is held while something is done with a drive."""

    def __init__(self, bus: Bus, drives: Drives, nursery: trio.Nursery) -> None:
        self._drives, self._nursery = drives, nursery
        self.turns = trio.Lock()
        bus.serve(self._handle)

    def _handle(self, requests: list[Request]) -> None:
        for request in requests:
            self._nursery.start_soon(self._answer, request)

    async def _answer(self, request: Request) -> None:
        try:
            if isinstance(request.message, DriveLocate):
                # It changes nothing, so it need not wait for what does.
                request.reply(await self._drives.locate(request.message))
                return
            async with self.turns:
                request.reply(await self._do(request.message))
        except Fault as fault:
            request.fail(fault)
        except Refusal as refusal:
            request.fail(Fault(FaultCode.CONFLICT, as_asked(str(refusal))))
        except OSError as error:
            log.exception("drive_not_written")
            request.fail(Fault(FaultCode.DRIVE_FAULT, f"{error.filename}: {error.strerror}"))

    async def _do(self, message: object) -> Message:
        match message:
            case DriveLookAgain():
                return await self._drives.look_again(message)
            case DriveLetGo():
                return await self._drives.let_go(message)
            case _:
                raise Fault(FaultCode.UNKNOWN_OP, f"a supervisor does not answer {type(message).__name__}")
