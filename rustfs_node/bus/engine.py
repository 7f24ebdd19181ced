"""What makes a bus go: turns, and the three tasks that take them.

A turn is one synchronous pass: take in what arrived, run the callbacks of answers, hand all requests to the
handler at once, send everything that this brought about. One task takes turns when the link has something;
one when somebody outside a turn has put something in an outbox, so that all that is asked in one pass of the
event loop leaves together; one when time is up. Nothing awaits within a turn, so turns never overlap.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterable

import structlog
import trio

from rustfs_node.bus.answering import Answering
from rustfs_node.bus.asking import Asking
from rustfs_node.bus.batch import Outbox, Outboxes
from rustfs_node.bus.calls import Wheel
from rustfs_node.bus.link import Arrival, Link
from rustfs_node.bus.liveness import Peer, Rhythm
from rustfs_node.bus.peers import Peers
from rustfs_node.bus.spans import Spans
from rustfs_node.bus.telling import Telling
from rustfs_node.bus.values import Counts, Handler, Request
from rustfs_node.metering import Meter
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.bus import BusSettings
from rustfs_proto.wire.envelope import HELLO, Malformed, OtherMajor, unpack

log = structlog.get_logger()


class Engine:
    """Both sides of a bus over one link."""

    def __init__(
        self,
        own_name: str,
        incarnation: int,
        peers: Iterable[str],
        link: Link,
        settings: BusSettings,
        clock: Clock,
        remote: Collection[str] = (),
    ) -> None:
        self._link, self._settings, self._clock = link, settings, clock
        self.counts = Counts()
        self._outboxes = Outboxes(own_name, incarnation, link, settings, clock, self.counts, self._wake)
        here = Rhythm(settings.heartbeat_s, settings.silence_s)
        there = Rhythm(settings.remote_heartbeat_s, settings.remote_silence_s)
        named = {
            name: Peer(name, Outbox(name, is_open=False), there if name in remote else here) for name in peers
        }
        self.peers = Peers(self._outboxes, Wheel(settings.timer_s), named)
        self.asking = Asking(self._outboxes, self.peers, self._look_again_at)
        spans = Spans(settings, clock)
        self.answering = Answering(self._outboxes, spans)
        self.meter = Meter(own_name)
        self.telling = Telling(self.meter, self.asking, clock, spans)
        self.answering.tell = self.telling.take
        self.handler: Handler | None = None
        self._is_in_turn = False
        self._wants_turn = False
        self._sleeper: trio.lowlevel.Task | None = None
        self._timer = trio.CancelScope()
        self._timer_due = self._next_beat = self._grace_ends = math.inf

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        """See `Bus.run`."""
        try:
            self._link.open()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._receive)
                nursery.start_soon(self._send)
                nursery.start_soon(self._keep_time)
                nursery.start_soon(self._link.attend)
                task_status.started()
        finally:
            self._close()

    async def _receive(self) -> None:
        while True:
            await self._take_turns()
            await self._link.wait()

    async def _send(self) -> None:
        def abort(_raise_cancel: object) -> trio.lowlevel.Abort:
            self._sleeper = None
            return trio.lowlevel.Abort.SUCCEEDED

        while True:
            if self._wants_turn:
                await self._take_turns()
            else:
                self._sleeper = trio.lowlevel.current_task()
                await trio.lowlevel.wait_task_rescheduled(abort)

    def _wake(self) -> None:
        """Something is to be sent or told. Within a turn, its end does so anyway."""
        if self._is_in_turn or self._wants_turn:
            return
        self._wants_turn = True
        if self._sleeper is not None:
            task, self._sleeper = self._sleeper, None
            trio.lowlevel.reschedule(task)

    async def _keep_time(self) -> None:
        now = self._clock.monotonic_s()
        self._grace_ends = now + self._settings.connect_grace_s
        self._next_beat = min(now + self._settings.heartbeat_s, self.peers.begin_beats(now))
        while True:
            self._timer_due = math.inf
            # First read what came: a process that was stopped for a while has its answers waiting.
            await self._take_turns()
            if self._clock.monotonic_s() >= self._next_due():
                self._tick()
                # Then send what callbacks asked for.
                await self._take_turns()
            self._timer_due = min(self._timer_due, self._next_due())
            wait_s = self._timer_due - self._clock.monotonic_s()
            with trio.CancelScope(deadline=trio.current_time() + max(0.0, wait_s)) as self._timer:
                await trio.sleep_forever()

    def _next_due(self) -> float:
        """When there is something to do beside sending what was held back."""
        return min(self._next_beat, self._grace_ends, self.peers.wheel.next_due())

    def _tick(self) -> None:
        now = self._clock.monotonic_s()
        self._is_in_turn = True
        self.peers.expire(now)
        if now >= self._grace_ends:
            self._grace_ends = math.inf
            self.peers.end_grace()
        if now >= self._next_beat:
            self._next_beat = min(now + self._settings.heartbeat_s, self.peers.beat(now))
            self.answering.forget_silent(now)
        self._is_in_turn = False

    def _look_again_at(self, moment: float) -> None:
        if moment < self._timer_due:
            self._timer_due = moment
            self._timer.deadline = trio.current_time() + moment - self._clock.monotonic_s()

    async def _take_turns(self) -> None:
        """Turns until nothing is left that no wait would report."""
        while self._turn() or self._link.pending():
            await trio.lowlevel.checkpoint()

    def _turn(self) -> bool:
        """One pass; true when the next one must follow without being asked for."""
        assert not self._is_in_turn
        self._is_in_turn, self._wants_turn = True, False
        arrivals, events = self._link.receive(self._settings.drain_messages)
        requests: list[Request] = []
        # Messages first: an answer that came before its connection was lost is an answer.
        for arrival in arrivals:
            self._take(arrival, requests)
        for event in events:
            self.peers.connection(event.peer, event.connected, event.reason)
        if requests:
            self.counts.turns += 1
            self.counts.requests += len(requests)
            assert self.handler is not None
            # Asked once a turn: the question costs as much as a small request.
            if log.is_enabled_for(logging.DEBUG):
                _trace(requests)
            self.handler(requests)
        again = self.asking.deliver_failed()
        again_at = self._outboxes.flush()
        if again_at != math.inf:
            self._look_again_at(again_at)
        self._is_in_turn = False
        return again

    def _take(self, arrival: Arrival, requests: list[Request]) -> None:
        route, frames = arrival
        self.counts.messages_received += 1
        try:
            header = unpack(frames, self._settings.frames_max)
        except Malformed as error:
            self.counts.malformed += 1
            log.warning("message_malformed", route=route, reason=str(error))
        except OtherMajor as error:
            self.counts.malformed += 1
            self._refuse(arrival, error)
        else:
            if isinstance(route, str):
                self.asking.take(route, header, frames)
            else:
                self.answering.take(route, header, frames, requests)

    def _refuse(self, arrival: Arrival, error: OtherMajor) -> None:
        if isinstance(arrival.route, str):
            self.peers.refuse(arrival.route, error)
            return
        log.error("client_refused", reason=str(error))
        # Our greeting tells the client which version is spoken here; it then refuses us.
        self._outboxes.send_now(Outbox(arrival.route, is_open=True), HELLO)

    def _close(self) -> None:
        self._is_in_turn = True
        self.asking.close()
        self._outboxes.flush(at_once=True)
        self.answering.say_bye()
        self._link.close()


def _trace(requests: list[Request]) -> None:
    for request in requests:
        op = type(request.message).__name__
        log.debug("call_arrived", request_id=request.trace, peer=request.peer, op=op)
