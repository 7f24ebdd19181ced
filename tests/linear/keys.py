"""One key after the other: clients work together on the same one until it has had its operations, and then
all go on to a fresh one. So every history is dense, and short enough to be judged.

Each fourth key is a register: nothing but writes and reads, so that both checkers decide on all of it. Of a
versioned bucket each third of the others takes no version away, so that zones can judge it as well.
"""

from __future__ import annotations

import threading

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


class Keys:
    """All keys of a run of `total` operations, `each` for one key; every client asks for the next one."""

    def __init__(self, total: int, each: int) -> None:
        self.all: list[Key] = []
        self._left, self._each = total, each
        self._lock = threading.Lock()

    def begin(self) -> Key | None:
        """The key to do one more operation on; None where all are begun."""
        with self._lock:
            if self._left <= 0:
                return None
            if not self.all or self.all[-1].begun >= self._each or self.all[-1].unknown >= UNKNOWN_MAX:
                number = len(self.all)
                is_register = number % 4 == 3
                name = f"{'register' if is_register else 'key'}-{number}"
                self.all.append(Key(name, is_register, may_erase=number % 4 != 2))
            self._left -= 1
            self.all[-1].begun += 1
            return self.all[-1]

    def end(self, key: Key, op: Op) -> None:
        """The operation is part of the key's history."""
        with self._lock:
            key.ops.append(op)
            key.told(op)
