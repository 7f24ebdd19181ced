"""What clients did to one key, and what they were told.

    ok        answered, and it happened between its call and its answer; a refusal that tells something of
              the key (412, 404, 405) is an answer too: `status` says which
    fail      it certainly did not happen, and tells nothing of the key
    unknown   it may happen at any moment after its call, or never

Every write has an ETag that no other has. Version ids are "null" where the bucket was never versioned.
"""

from __future__ import annotations

import json
import math
from enum import Enum

import attrs

NULL = "null"


class Kind(Enum):
    """What is asked of the key."""

    PUT = "put"  # also a copy and a completed upload: `note` says so
    CREATE = "create"  # a write with If-None-Match: *
    REPLACE = "replace"  # a write with If-Match: `expect`
    DELETE = "delete"  # without a version id
    REMOVE = "remove"  # the same with If-Match: `expect`
    ERASE = "erase"  # of the version `asked`
    READ = "read"  # of the latest version
    READ_VERSION = "read version"  # of the version `asked`
    TAG = "tag"  # of the version `asked`, or of the latest one
    READ_TAG = "read tag"  # the same


READS = frozenset({Kind.READ, Kind.READ_VERSION, Kind.READ_TAG})
WRITES = frozenset({Kind.PUT, Kind.CREATE, Kind.REPLACE})
DELETES = frozenset({Kind.DELETE, Kind.REMOVE})


class Outcome(Enum):
    """See the module."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@attrs.define(eq=False)
class Op:
    """One operation. `etag` and `tag` are what it writes, or what it was shown ("" for no tag); of a READ
    `tag` is only whether there is one. `version` is the id that the answer named: of what was made or seen.
    """

    client: int
    kind: Kind
    called: float
    etag: str = ""
    tag: str = ""
    expect: str = ""
    asked: str = ""
    version: str = ""
    status: int = 200
    ended: float = math.inf
    outcome: Outcome = Outcome.UNKNOWN
    note: str = ""

    @property
    def is_look(self) -> bool:
        """Whether it leaves everything as it is: a read, or a refusal."""
        return self.kind in READS or self.status >= 400

    def end(self, outcome: Outcome, at: float) -> None:
        """The answer has come; one that says nothing is no end."""
        self.outcome = outcome
        if outcome is not Outcome.UNKNOWN:
            self.ended = at

    def __str__(self) -> str:
        until = "" if self.ended == math.inf else f"{self.ended:.4f}"
        words = [f"[{self.called:.4f}..{until}]", f"client {self.client}", self.note or self.kind.value]
        words += [
            f"{name}={value[:8]}"
            for name, value in (
                ("etag", self.etag), ("expect", self.expect), ("asked", self.asked),
                ("version", self.version), ("tag", self.tag),
            )
            if value
        ]  # fmt: skip
        return " ".join([*words, self.outcome.value, str(self.status)])


def line_of(op: Op) -> str:
    """All of it, as a line of a file."""
    return json.dumps(attrs.asdict(op, value_serializer=lambda _op, _field, value: _plain(value)))


def op_of(line: str) -> Op:
    """The operation of such a line."""
    fields = json.loads(line)
    return Op(**fields | {"kind": Kind(fields["kind"]), "outcome": Outcome(fields["outcome"])})


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value
