"""Looks after the drives of this node that are HEALING: formatted into a set that has something, or of a log
that was cut. Each is rebuilt (`drive_rebuild`), one after the other.

A drive is noticed as soon as it answers in another life. One that cannot be rebuilt now is tried again after
a pause that grows while nothing comes of it, and at once when a drive has come, or gone.
"""

from __future__ import annotations

import structlog
import trio

from rustfs_node.bus import Bus
from rustfs_node.erasureset.drive_rebuild import DriveRebuild
from rustfs_node.erasureset.heal_counts import Rebuild
from rustfs_node.erasureset.peers import Rank
from rustfs_node.erasureset.state import SetState
from rustfs_proto.wire.drive_ops import DriveState
from rustfs_proto.wire.faults import Fault

log = structlog.get_logger()


class Rebuilder:
    """`run` looks after the drives of this node."""

    def __init__(self, bus: Bus, state: SetState) -> None:
        self._bus, self._state = bus, state
        own = next((one.node for one in state.plan.workers if one.name == state.plan.name), 0)
        self._slots = [plan.slot for plan in state.plan.drives if plan.node == own]
        self._lives: dict[int, int] = {}
        self._states: tuple[object, ...] = ()

    async def run(self) -> None:
        """Rebuild whatever is HEALING, for ever."""
        settings = self._state.settings
        retry_s = settings.heal_retry_s
        while True:
            is_left = has_come = False
            for slot in filter(self._is_healing, self._slots):
                is_whole, is_further = await self._rebuild(slot)
                is_left |= not is_whole
                has_come |= is_further
            grows = is_left and not has_come
            retry_s = min(2 * retry_s, settings.heal_retry_max_s) if grows else settings.heal_retry_s
            await self._pause(retry_s if is_left else settings.heal_pause_s)

    async def _pause(self, seconds: float) -> None:
        """So long, or until drives have changed."""
        until_s = trio.current_time() + seconds
        while trio.current_time() < until_s and not await self._have_changed():  # noqa: ASYNC110 - a glance
            await trio.sleep(min(seconds, self._state.settings.heal_look_s))

    async def _have_changed(self) -> bool:
        """Whether a drive has begun another life, went or came, or is HEALING that was not, since this was
        last asked. One in another life is asked how it is.
        """
        peers, drives = self._bus.statistics().peers, self._state.drives
        lives = {plan.slot: peers[plan.name].incarnation for plan in drives.plans}
        for slot in self._slots:
            if lives[slot] and lives[slot] != self._lives.get(slot):
                await drives.look_at(slot)
        away = [one.rank is Rank.AWAY for one in drives.conditions]
        states = (*away, *map(self._is_healing, self._slots))
        has_changed = (self._lives, self._states) != (lives, states)
        self._lives, self._states = lives, states
        return has_changed

    def _is_healing(self, slot: int) -> bool:
        condition = self._state.drives.conditions[slot]
        return (
            condition.rank is not Rank.AWAY
            and condition.status is not None
            and condition.status.state == DriveState.HEALING
        )

    async def _rebuild(self, slot: int) -> tuple[bool, bool]:
        """Whether the drive is whole now, and whether it has come any further. What it has got stays,
        whatever the end.
        """
        state, plan = self._state, self._state.plan.drives[slot]
        rebuild = state.healing.rebuilds.setdefault(slot, Rebuild())
        given, place = rebuild.given, rebuild.place
        if not rebuild.walks:
            log.info("rebuild_begun", set=state.plan.name, slot=slot, path=plan.path)
        try:
            await DriveRebuild(state, slot, rebuild).run()
        except Fault as fault:
            log.warning("rebuild_waits", set=state.plan.name, slot=slot, left=rebuild.left, reason=str(fault))
            return False, (rebuild.given, rebuild.place) != (given, place)
        log.info(
            "rebuild_done", set=state.plan.name, slot=slot, path=plan.path,
            rows=rebuild.given, size_bytes=rebuild.size_bytes,
        )  # fmt: skip
        del state.healing.rebuilds[slot]
        await state.drives.look_at(slot)
        return True, True
