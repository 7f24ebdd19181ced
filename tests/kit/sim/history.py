"""What clients did and saw: one line per operation, with the moments of its call and its answer.

    ok        it happened, between the two moments
    fail      it certainly did not happen
    unknown   it may happen at any moment after the call, or never

A write is told by the ETag of its unique body, a delete and the lack of an object by ABSENT.
"""

from __future__ import annotations

import math
from enum import Enum

import attrs
import trio

ABSENT = ""


class Kind(Enum):
    """What an operation does to one key."""

    WRITE = "write"  # from then on the key has `value`
    READ = "read"  # the key had `value`
    CREATE = "create"  # a write that succeeds only where there is no object
    REFUSED = "refused"  # a create that was refused: there was an object
    REPLACE = "replace"  # a write that succeeds only over `expected`
    MISMATCH = "mismatch"  # a replace that was refused: the key did not have `expected`


class Outcome(Enum):
    """See the module."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@attrs.define(eq=False)
class Op:
    """One operation on one key."""

    client: str
    kind: Kind
    key: str
    value: str
    called_s: float
    expected: str = ABSENT
    ended_s: float = math.inf
    outcome: Outcome = Outcome.UNKNOWN
    note: str = ""

    def __str__(self) -> str:
        value = self.value[:6] or "absent"
        expected = f" over {self.expected[:6]}" if self.expected else ""
        end = "" if self.ended_s == math.inf else f"{self.ended_s:.4f}"
        return (
            f"[{self.called_s:.4f}..{end}] {self.client} {self.note or self.kind.value} {self.key} {value}"
            f"{expected} {self.outcome.value}"
        )


@attrs.frozen
class Page:
    """One page of a listing: every key from after `after` up to and including `until` ("" for no end) that
    begins with `prefix`, with its ETag.
    """

    client: str
    called_s: float
    ended_s: float
    prefix: str
    after: str
    until: str
    found: dict[str, str]

    def covers(self, key: str) -> bool:
        """Whether the page would show that key."""
        return key.startswith(self.prefix) and key > self.after and (not self.until or key <= self.until)


@attrs.define(eq=False)
class History:
    """All of a run."""

    ops: list[Op] = attrs.field(factory=list)
    pages: list[Page] = attrs.field(factory=list)

    def call(self, client: str, kind: Kind, key: str, value: str = ABSENT, **fields: str) -> Op:
        """An operation begins now; unless it is ended it stays unknown."""
        op = Op(client, kind, key, value, trio.current_time(), **fields)
        self.ops.append(op)
        return op

    def by_key(self) -> dict[str, list[Op]]:
        """Operations of each key in order of their calls; those that certainly did nothing are left out."""
        found: dict[str, list[Op]] = {}
        for op in self.ops:
            if op.outcome is not Outcome.FAIL:
                found.setdefault(op.key, []).append(op)
        return found

    def count(self, outcome: Outcome) -> int:
        """How many ended so."""
        return sum(op.outcome is outcome for op in self.ops)


def end(op: Op, outcome: Outcome, kind: Kind | None = None) -> None:
    """The answer came now. `kind` where it says that the operation was another one than it was called for."""
    op.outcome = outcome
    op.kind = kind or op.kind
    if outcome is not Outcome.UNKNOWN:
        op.ended_s = trio.current_time()
