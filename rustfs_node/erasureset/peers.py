"""The drives of the set as this worker sees them: who is up, who is slow, in which order to ask.

A drive is ranked by what it last said of itself, by whether calls to it fail, and by how long its reads take
compared with its peers. Ranks order reads only. Writes go to every drive: a quorum that is reached without a
slow drive does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import partial
from statistics import median

import attrs
import structlog
import trio

from rustfs_node.bus import Bus, Reply
from rustfs_node.erasureset.answer import Answer
from rustfs_node.plan import DrivePlan
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.erasureset import SetSettings
from rustfs_proto.erasure.placement import first_slot
from rustfs_proto.wire.drive_ops import DriveState, DriveStatus, DriveStatusReply
from rustfs_proto.wire.faults import Fault, FaultCode

log = structlog.get_logger()

OnAnswer = Callable[[int, Reply | Fault], None]
"""Takes the slot and what came back."""

_SMOOTHING = 0.1
"""Weight of the newest latency: a drive is judged by its last twenty reads or so."""


class Rank(IntEnum):
    """Where a drive stands in the order of reading."""

    WELL = 0
    SUSPECT = 1
    HEALING = 2
    AWAY = 3


@attrs.define
class Condition:
    """What is known of one drive. `latency_s` is smoothed over lookups and shard reads; `open_reads` are
    those that it has not answered, and `heard_s` is when it last answered, or the first of them was asked.
    `absence` is why it does not answer, where somebody said so.
    """

    rank: Rank
    latency_s: float = 0.0
    is_reachable: bool = True
    open_reads: int = 0
    heard_s: float = 0.0
    is_mute: bool = False
    absence: str = ""
    status: DriveStatusReply | None = None


class Drives:
    """Asks the drives of one set, by slot."""

    def __init__(
        self, bus: Bus, plans: Sequence[DrivePlan], settings: SetSettings, clock: Clock, own_node: int = 0
    ) -> None:
        self._bus = bus
        self._is_far = [plan.node != own_node for plan in plans]
        self.plans = plans
        self._settings = settings
        self._clock = clock
        self._names = [plan.name for plan in plans]
        self.conditions = [
            Condition(
                Rank.AWAY if plan.fault else Rank.HEALING if plan.healing else Rank.WELL,
                is_reachable=not plan.fault,
            )
            for plan in plans
        ]
        self._orders: list[tuple[int, ...]] = []
        # After how long a read asks one more drive; grows with the latency of the set as a whole.
        self.hedge_delay_s = settings.hedge_delay_s
        self._rank_again()

    # Asking

    def ask_read(self, slot: int, message: object, on_answer: OnAnswer, trace: str = "") -> None:
        """Ask something quick; how long it takes tells how the drive is."""
        condition, now_s = self.conditions[slot], self._clock.monotonic_s()
        if not condition.open_reads:
            condition.heard_s = now_s
        condition.open_reads += 1
        self._bus.ask(
            self._names[slot],
            message,
            deadline_s=self._settings.lookup_timeout_s,
            on_reply=partial(self._read_answered, slot, on_answer, trace, now_s),
            trace=trace,
        )

    def ask_write(
        self, slot: int, message: object, frames: Sequence[bytes], on_answer: OnAnswer, trace: str = ""
    ) -> None:
        """Ask for something durable."""
        self._bus.ask(
            self._names[slot],
            message,
            frames,
            deadline_s=self._settings.commit_timeout_s,
            on_reply=partial(self._write_answered, slot, on_answer, trace),
            trace=trace,
        )

    async def read(self, slot: int, message: object, trace: str = "") -> Reply:
        """`ask_read` for a task. Raises `Fault`."""
        try:
            return await self._bus.call(
                self._names[slot], message, deadline_s=self._settings.lookup_timeout_s, trace=trace
            )
        except Fault as fault:
            self._failed(slot, fault, trace)
            raise

    def begin_read(self, slot: int, message: object, trace: str = "") -> Answer[Reply | Fault]:
        """`read`, whose answer is waited for later."""
        answered: Answer[Reply | Fault] = Answer()
        self._bus.ask(
            self._names[slot],
            message,
            deadline_s=self._settings.lookup_timeout_s,
            on_reply=partial(
                self._write_answered, slot, lambda _slot, answer: answered.set(answer), trace
            ),
            trace=trace,
        )  # fmt: skip
        return answered

    async def write(self, slot: int, message: object, frames: Sequence[bytes], trace: str = "") -> Reply:
        """`ask_write` for a task. Raises `Fault`."""
        answer = await self.begin_write(slot, message, frames, trace).wait()
        if isinstance(answer, Fault):
            raise answer
        return answer

    def begin_write(
        self, slot: int, message: object, frames: Sequence[bytes], trace: str = ""
    ) -> Answer[Reply | Fault]:
        """`write`, whose answer is waited for later."""
        answered: Answer[Reply | Fault] = Answer()
        self.ask_write(slot, message, frames, lambda _slot, answer: answered.set(answer), trace)
        return answered

    def tell(self, slot: int, notice: object) -> None:
        """Send a notice; a drive that is away misses it."""
        self._bus.notify(self._names[slot], notice)

    def _read_answered(
        self, slot: int, on_answer: OnAnswer, trace: str, began_s: float, answer: Reply | Fault
    ) -> None:
        condition, now_s = self.conditions[slot], self._clock.monotonic_s()
        condition.latency_s += _SMOOTHING * (now_s - began_s - condition.latency_s)
        condition.open_reads -= 1
        condition.heard_s = now_s
        if condition.is_mute:
            condition.is_mute = False
            self._rank_again()
        self._write_answered(slot, on_answer, trace, answer)

    def _write_answered(self, slot: int, on_answer: OnAnswer, trace: str, answer: Reply | Fault) -> None:
        if type(answer) is Fault:
            self._failed(slot, answer, trace)
        elif not self.conditions[slot].is_reachable:
            self.conditions[slot].is_reachable = True
            self._rank_again()
        on_answer(slot, answer)

    def _failed(self, slot: int, fault: Fault, trace: str = "") -> None:
        is_away = fault.code in {FaultCode.PEER_DOWN, FaultCode.TIMEOUT, FaultCode.DRIVE_FAULT}
        if fault.code is FaultCode.DRIVE_FAULT:
            self.conditions[slot].absence = fault.message
        if is_away and self.conditions[slot].is_reachable:
            self.conditions[slot].is_reachable = False
            log.warning("drive_away", request_id=trace, drive=self._names[slot], reason=str(fault))
            self._rank_again()

    def look_again(self) -> None:
        """Call while reads take long. Drives that owe answers and give none, and those that have become slow,
        are asked last from now on: long before their calls fail, so that not every read waits for the hedge.
        """
        before_s = self._clock.monotonic_s() - self._settings.mute_s
        for condition in self.conditions:
            condition.is_mute = bool(condition.open_reads) and condition.heard_s < before_s
        ranks = [self._rank_of(one, plan) for one, plan in zip(self.conditions, self.plans, strict=True)]
        if any(one.rank is not rank for one, rank in zip(self.conditions, ranks, strict=True)):
            self._rank_again()

    # Ranks

    def order(self, bucket: str, key: bytes) -> tuple[int, ...]:
        """Every slot, in the order to read that key in: well drives first, among them those of this node,
        among them those with data shards. Decoding costs less than fetching from another node.
        """
        return self._orders[first_slot(bucket, key, len(self.plans))]

    @property
    def reachable(self) -> int:
        """Drives that answer."""
        return sum(condition.rank is not Rank.AWAY for condition in self.conditions)

    def well_slots(self) -> list[int]:
        """Slots to write notes to: drives that answer, the best first."""
        slots = [slot for slot, condition in enumerate(self.conditions) if condition.rank is not Rank.AWAY]
        return sorted(slots, key=lambda slot: self.conditions[slot].rank)

    @property
    def newest_stamp(self) -> int:
        """The greatest stamp that any drive said it has committed."""
        return max(
            (condition.status.newest_stamp for condition in self.conditions if condition.status), default=0
        )

    def _rank_again(self) -> None:
        for condition, plan in zip(self.conditions, self.plans, strict=True):
            condition.rank = self._rank_of(condition, plan)
        drives = len(self.plans)
        ranks = [(condition.rank, far) for condition, far in zip(self.conditions, self._is_far, strict=True)]
        rotations = ([*range(start, drives), *range(start)] for start in range(drives))
        self._orders = [tuple(sorted(slots, key=ranks.__getitem__)) for slots in rotations]
        typical = median(condition.latency_s for condition in self.conditions)
        self.hedge_delay_s = max(self._settings.hedge_delay_s, 4 * typical)

    def _rank_of(self, condition: Condition, plan: DrivePlan) -> Rank:
        state = condition.status.state if condition.status else DriveState.ONLINE
        if not condition.is_reachable or state == DriveState.FAULTY:
            return Rank.AWAY
        if state == DriveState.HEALING or (plan.healing and condition.status is None):
            return Rank.HEALING
        typical = median(other.latency_s for other in self.conditions)
        is_slow = condition.latency_s > max(self._settings.suspect_latency_s, 4 * typical)
        is_suspect = is_slow or condition.is_mute or state == DriveState.SUSPECT
        return Rank.SUSPECT if is_suspect else Rank.WELL

    # Watching

    async def watch(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Ask every drive how it is, again and again. Started once each that may be there has answered or
        failed for the first time.
        """
        deadline_s = self._settings.start_wait_s
        while True:
            async with trio.open_nursery() as nursery:
                for slot, plan in enumerate(self.plans):
                    # One that was left out at the start may be put in its place at any time.
                    if not plan.fault or task_status is trio.TASK_STATUS_IGNORED:
                        nursery.start_soon(self._ask_how, slot, deadline_s)
            self._rank_again()
            task_status.started()
            task_status, deadline_s = trio.TASK_STATUS_IGNORED, self._settings.lookup_timeout_s
            await trio.sleep(self._settings.status_period_s)

    def gone(self, slot: int, reason: str) -> None:
        """That drive does not answer any more, as somebody knows who has seen to it."""
        self.conditions[slot].absence, self.conditions[slot].is_reachable = reason, False
        self._rank_again()

    async def look_at(self, slot: int) -> None:
        """Ask a drive now that is known to have changed."""
        await self._ask_how(slot, self._settings.lookup_timeout_s)
        self._rank_again()

    async def _ask_how(self, slot: int, deadline_s: float) -> None:
        try:
            reply = await self._bus.call(self._names[slot], DriveStatus(), deadline_s=deadline_s)
        except Fault as fault:
            self._failed(slot, fault)
            return
        assert isinstance(reply.message, DriveStatusReply)
        condition = self.conditions[slot]
        condition.status, condition.is_reachable, condition.absence = reply.message, True, ""
        # A drive that is asked last shows no latency by which it could recover, so forget slowness step by
        # step.
        condition.latency_s *= 1 - _SMOOTHING
