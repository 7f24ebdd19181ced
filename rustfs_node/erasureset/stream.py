"""A streamed write under way: fragments to every drive, drives that fail or fall behind left out, memory
given back.

This module knows nothing of requests for handles, nor of how the object is committed in the end.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs
import trio
import xxhash

from rustfs_node.bus import Reply
from rustfs_node.erasureset.answer import Answer
from rustfs_node.erasureset.state import SetState, codec_of
from rustfs_proto.erasure.geometry import quorum_of
from rustfs_proto.erasure.placement import slots_by_shard
from rustfs_proto.objects import Geometry
from rustfs_proto.wire.drive_ops import ShardDrop, ShardIdentity, ShardWrite
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import PartTarget

DATA_ID_BYTES = 16
"""Names of shard files are drawn by chance: long enough that two never meet."""

OnTaken = Callable[[Fault | None], None]


@attrs.define(eq=False)
class _Block:
    """A block under way: how many drives have taken their fragment; `taken` is None once it was answered."""

    size_bytes: int
    sent_s: float
    taken: OnTaken | None
    drives: int = 0


class Stream:
    """One shard file per drive, growing, of which `quorum` must keep up. `held` is a first block that may
    become an inline object; `blocks_waiting` counts those received that wait for memory. `appends`: it
    follows what the key has. `mover` as in `PutOpen`.
    """

    def __init__(
        self,
        state: SetState,
        geometry: Geometry,
        bucket: str,
        key: bytes,
        size: int,
        data_id: bytes,
        part: PartTarget | None = None,
        *,
        appends: bool = False,
        mover: bytes = b"",
    ) -> None:
        self._state = state
        self.geometry = geometry
        self.quorum = quorum_of(geometry)
        self.appends = appends
        self.mover = mover
        self.bucket, self.key, self.size, self.part, self.data_id = bucket, key, size, part, data_id
        self.slots = slots_by_shard(bucket, key, state.n)
        self.held: bytes | None = None
        self.received_bytes = 0
        self.blocks_received = 0
        self.blocks_waiting = 0
        self.is_over = False
        self.last_used_s = state.clock.monotonic_s()
        self._open: dict[int, _Block] = {}
        self._behind = [0] * state.n
        self._slowest_block_s = 0.0
        # Blocks that a write quorum has taken and that are not answered; how long slow drives may still make
        # them wait, and whether they do.
        self._taken: list[int] = []
        self._patience_s = state.settings.straggler_wait_s
        self._is_waiting = False
        self._faults: dict[int, Fault] = {}
        self._idle = trio.Event()

    @property
    def left_out(self) -> list[bool]:
        """By slot: whether this drive lacks fragments and takes no part any more."""
        return [slot in self._faults for slot in range(self._state.n)]

    def send(self, index: int, stripe: bytes, taken: OnTaken) -> None:
        """Encode one stripe and send its fragments; `taken` hears when a write quorum has taken them over, or
        the fault.

        The stripe's memory was taken by the caller and is given back here.
        """
        state = self._state
        block = _Block(len(stripe), state.clock.monotonic_s(), taken)
        self._open[index] = block
        if len(self._faults) > state.n - self.quorum:
            self._answer(index, self._failure())
            return
        for shard, fragment in enumerate(codec_of(self.geometry).encode(stripe)):
            slot = self.slots[shard]
            if slot in self._faults:
                continue
            write = ShardWrite(
                self.data_id,
                index,
                xxhash.xxh3_128_digest(fragment),
                self._identity(shard) if not index else None,
            )
            self._behind[slot] += 1
            state.drives.ask_write(slot, write, (fragment,), partial(self._answered, index))

    async def send_only(self, stripe: bytes) -> None:
        """`send` of the only stripe; given up and raises where a write quorum does not take it."""
        self.received_bytes = len(stripe)
        taken: Answer[Fault | None] = Answer()
        self.send(0, stripe, taken.set)
        fault = await taken.wait()
        if fault is not None:
            self.give_up()
            raise fault

    async def drained(self) -> None:
        """Wait until the drives that take part have all fragments; those that do not get there in time are
        left out.

        Raises `Fault` when fewer than a write quorum have.
        """
        state = self._state
        with trio.move_on_after(state.settings.commit_timeout_s):
            while self._busy() > max(0, self._taking_part() - self.quorum):
                await self._wait()
        if behind := self._behind_now():
            # Where drives are busy, one that is a little behind the others takes as long as they did.
            own_s = min(2 * self._slowest_block_s, state.settings.commit_timeout_s)
            began_s = state.clock.monotonic_s()
            with trio.move_on_after(max(own_s, state.patience.left_s(behind))):
                while self._busy():
                    await self._wait()
            state.patience.spend(behind, state.clock.monotonic_s() - began_s)
        for slot in self._behind_now():
            self._leave_out(slot, Fault(FaultCode.TIMEOUT, "it fell behind"))
        if self._taking_part() < self.quorum:
            raise self._failure()

    def give_up(self) -> None:
        """Give everything back; drives forget the shard file."""
        if self.is_over:
            return
        self.is_over = True
        self._idle.set()
        for index in list(self._open):
            self._answer(index, Fault(FaultCode.NOT_FOUND, "this write was given up"))
        if self.held is not None:
            self._state.memory.give_back(len(self.held))
            self.held = None
        for slot in range(self._state.n):
            self._state.drives.tell(slot, ShardDrop(self.data_id))

    def finished(self) -> None:
        """The commit is made, or was tried: the shard file belongs to it now."""
        self.is_over = True
        self._idle.set()
        if self.held is not None:
            self._state.memory.give_back(len(self.held))
            self.held = None

    def _identity(self, shard: int) -> ShardIdentity:
        geometry = self.geometry
        return ShardIdentity(self.bucket, self.key, shard, geometry.k, geometry.m, geometry.stripe_bytes)

    def _answered(self, index: int, slot: int, answer: Reply | Fault) -> None:
        self._behind[slot] -= 1
        if isinstance(answer, Fault):
            self._leave_out(slot, answer)
        elif slot not in self._faults and (block := self._open.get(index)) is not None:
            block.drives += 1
            if block.drives >= self.quorum:
                took_s = self._state.clock.monotonic_s() - block.sent_s
                self._slowest_block_s = max(self._slowest_block_s, took_s)
                self._taken.append(index)
                self._go_on()
        self._idle.set()

    def _go_on(self) -> None:
        """Answer blocks that a write quorum has taken, unless a drive is so far behind that it is waited
        for.
        """
        if self._is_waiting:
            return
        if self._slow_ones() and self._patience_s > 0:
            self._is_waiting = True
            self._state.nursery.start_soon(self._wait_for_slow_ones)
            return
        for slot in self._slow_ones():
            self._leave_out(slot, Fault(FaultCode.TIMEOUT, f"{self._behind[slot]} blocks behind"))
        taken, self._taken = self._taken, []
        for index in taken:
            if index in self._open:
                self._answer(index, None)

    async def _wait_for_slow_ones(self) -> None:
        """A stall of a moment costs no heal: the sender is slowed down instead, for a bounded time in all."""
        state, slow = self._state, self._slow_ones()
        began_s = state.clock.monotonic_s()
        with trio.move_on_after(min(self._patience_s, state.patience.left_s(slow))):
            while self._slow_ones() and not self.is_over:
                await self._wait()
        waited_s = state.clock.monotonic_s() - began_s
        state.patience.spend(slow, waited_s)
        self._patience_s -= waited_s
        if self._slow_ones():
            self._patience_s = 0.0
        self._is_waiting = False
        self._go_on()

    def _slow_ones(self) -> list[int]:
        limit = self._state.settings.lag_blocks_max
        return [
            slot for slot, behind in enumerate(self._behind) if behind > limit and slot not in self._faults
        ]

    def _leave_out(self, slot: int, fault: Fault) -> None:
        if slot in self._faults:
            return
        self._faults[slot] = fault
        self._state.drives.tell(slot, ShardDrop(self.data_id))
        if len(self._faults) > self._state.n - self.quorum:
            for index in list(self._open):
                self._answer(index, self._failure())

    def _answer(self, index: int, fault: Fault | None) -> None:
        block = self._open.pop(index)
        self._state.memory.give_back(block.size_bytes)
        if block.taken is not None:
            taken, block.taken = block.taken, None
            taken(fault)

    def _failure(self) -> Fault:
        full = sum(fault.code is FaultCode.FULL for fault in self._faults.values())
        left = self._state.n - len(self._faults)
        if full and left + full >= self.quorum:
            return Fault(
                FaultCode.FULL, f"{full} of {self._state.n} drives are full: delete objects or add drives"
            )
        reasons = ", ".join(sorted({fault.code.value for fault in self._faults.values()}))
        text = f"{left} drives left for a write that needs {self.quorum} (others: {reasons})"
        return Fault(FaultCode.NO_QUORUM, text)

    def _taking_part(self) -> int:
        return self._state.n - len(self._faults)

    def _busy(self) -> int:
        return len(self._behind_now())

    def _behind_now(self) -> list[int]:
        return [slot for slot, behind in enumerate(self._behind) if behind and slot not in self._faults]

    async def _wait(self) -> None:
        if self._idle.is_set():
            self._idle = trio.Event()
        await self._idle.wait()
