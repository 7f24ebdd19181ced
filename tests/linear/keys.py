"""One key after the other: clients work together on the same one until it has had its operations, and then
all go on to a fresh one. So every history is dense, and short enough to be judged. Several teams of clients
do so side by side, each with keys of its own.

Each fourth key is a register: nothing but writes and reads, so that both checkers decide on all of it. Of a
versioned bucket each third of the others takes no version away, so that zones can judge it as well.
"""

from __future__ import annotations

import math
import threading
import time

import attrs

from tests.linear.history import DELETES, Kind, Op, Outcome

UNKNOWN_MAX = 10
"""Writes of unknown outcome after which a key is left: each of them may belong anywhere."""

SEEN_KEPT = 3


@attrs.define(eq=False)
class Key:
    """What happened to one key. `etags` and `versions` are the last ones that anybody was told of."""

    name: str
    is_register: bool
    may_erase: bool
    ops: list[Op] = attrs.field(factory=list)
    begun: int = 0
    unknown: int = 0
    etags: list[str] = attrs.field(factory=list)
    versions: list[str] = attrs.field(factory=list)

    def told(self, op: Op) -> None:
        """An operation is over."""
        if op.outcome is Outcome.UNKNOWN:
            self.unknown += not op.is_look
        elif op.outcome is Outcome.OK and op.status == 200:
            if op.etag:
                self.etags = [*self.etags, op.etag][-SEEN_KEPT:]
            if op.version and op.kind not in (Kind.TAG, Kind.READ_TAG, Kind.ERASE):
                self.versions = [*self.versions, op.version][-SEEN_KEPT:]
            if op.kind in DELETES:
                # Of what was deleted the next conditions are asked as well, but not only.
                self.etags = self.etags[-1:]


class Budget:
    """Operations that are left to all teams of a run, and the moment after which none is begun."""

    def __init__(self, operations: int, until_s: float = math.inf) -> None:
        self._left, self._until_s = operations, until_s
        self._lock = threading.Lock()

    def take(self) -> bool:
        """One more may be begun."""
        with self._lock:
            self._left -= 1
            return self._left >= 0 and time.monotonic() < self._until_s


class Keys:
    """The keys of one team, `each` of so many operations; every client of it asks for the next one."""

    def __init__(self, budget: Budget, each: int, team: int = 0) -> None:
        self.all: list[Key] = []
        self._budget, self._each, self._team = budget, each, team
        self._lock = threading.Lock()

    def begin(self) -> Key | None:
        """The key to do one more operation on; None where all are begun."""
        if not self._budget.take():
            return None
        with self._lock:
            if not self.all or self.all[-1].begun >= self._each or self.all[-1].unknown >= UNKNOWN_MAX:
                number = len(self.all)
                # Teams have few keys each: not all of them begin with the same kind.
                kind = (number + self._team) % 4
                is_register = kind == 3
                name = f"{'register' if is_register else 'key'}-{self._team}-{number}"
                self.all.append(Key(name, is_register, may_erase=kind != 2))
            self.all[-1].begun += 1
            return self.all[-1]

    def end(self, key: Key, op: Op) -> None:
        """The operation is part of the key's history."""
        with self._lock:
            key.ops.append(op)
            key.told(op)
