"""What the processes of one run share without knowing it: time, chance, the trace, and the log that is
watched.

The log is part of the proof: a line at level error that no fault of the run explains fails the seed.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import attrs
import structlog
import trio

from tests.kit.sim.chance import Chance
from tests.kit.sim.trace import Trace

EPOCH_MS = 1_700_000_000_000


@attrs.define(eq=False)
class World:
    """One run. `failures` are sentences; a run without any is a good one. `shift_ms` is how wrong the node's
    wall clock is at the moment; `told` counts the log's lines by event.
    """

    seed: int
    trace: Trace = attrs.field(factory=Trace)
    failures: list[str] = attrs.field(factory=list)
    shift_ms: int = 0
    expected_errors: frozenset[str] = frozenset()
    told: Counter[str] = attrs.field(factory=Counter)

    @property
    def chance(self) -> Chance:
        """The generators of this run."""
        return Chance(self.seed)

    def fail(self, why: str) -> None:
        """This must not have happened."""
        self.trace.note("FAILURE", why)
        self.failures.append(why)

    def wall_ms(self) -> int:
        """The node's wall clock."""
        return EPOCH_MS + int(trio.current_time() * 1000) + self.shift_ms


@attrs.frozen
class ProcessClock:
    """See `rustfs_node.seams.clock`. Each process' monotonic clock begins somewhere else, as on a machine."""

    world: World
    began_s: float

    def wall_ms(self) -> int:
        return self.world.wall_ms()

    def monotonic_s(self) -> float:
        return self.began_s + trio.current_time()


class _Dropped:
    """Where lines go that the world has seen."""

    def msg(self, *_: object, **__: object) -> None:
        """Nobody reads it."""

    debug = info = warning = error = critical = exception = log = msg


def told(group: BaseException) -> str:
    """The first error of a group and where it came from."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    places = traceback.extract_tb(group.__traceback__)[-4:]
    return f"{group!r} " + " < ".join(f"{place.name}:{place.lineno}" for place in reversed(places))


@contextmanager
def watched_log(world: World) -> Iterator[None]:
    """Lines of every process go into the trace; unexpected errors fail the run."""

    def take(_logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        error = sys.exception() if event.pop("exc_info", None) else None
        life = event.pop("life", None)
        if life is None or not life.is_over:
            world.told[event["event"]] += 1
            fields = " ".join(f"{name}={event[name]}" for name in event if name != "event")
            world.trace.note("log", method, event["event"], fields)
            if method in ("error", "exception") and event["event"] not in world.expected_errors:
                world.fail(f"the log says {event['event']}: {fields} {told(error) if error else ''}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, take],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: _Dropped(),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)
