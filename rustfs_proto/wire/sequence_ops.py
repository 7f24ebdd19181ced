"""What a set worker answers to those who have it go over versions, to count how they are kept or to heal
them: sequences.

A sequence has one id in all sets that it goes over, and in each one worker that does it.
"""

from __future__ import annotations

import msgspec

from rustfs_proto.wire.message import Message

WAITING = "waiting"
RUNNING = "running"
FINISHED = "finished"
STOPPED = "stopped"
FAILED = "failed"

ENDED = frozenset({FINISHED, STOPPED, FAILED})


class Scope(Message, frozen=True):
    """Keys of a bucket that begin with `prefix`, or with `is_exact` just that key; without a bucket all there
    is.
    """

    bucket: str = ""
    prefix: bytes = b""
    is_exact: bool = False


class SequenceStart(Message, frozen=True):
    """Go over what is in `scopes`, one after the other. `dry_run`: nothing is healed. `deep`: shard files are
    read to their end. `items`: each version is told, by `SequencesTell`. `sets` are the indexes of all that
    have been told to, `asked_for` what the operator named and `client` where from.

    Faults: OVERLOADED (so many are under way that none can be forgotten), CONFLICT (there is one of that id).
    """

    id: str
    scopes: tuple[Scope, ...]
    dry_run: bool = False
    deep: bool = False
    items: bool = False
    sets: tuple[int, ...] = ()
    asked_for: str = ""
    client: str = ""


class SequenceStop(Message, frozen=True):
    """Stop it: what is being healed just now is finished. Answered at once. Fault NOT_FOUND."""

    id: str


class SequencesTell(Message, frozen=True):
    """How are the sequences of this worker, or the one of that id? `items`: so many of its versions are told
    and forgotten.
    """

    id: str = ""
    items: int = 0


class KeyReason(Message, frozen=True):
    """A version that could not be healed, or of which it cannot be told how it is."""

    bucket: str
    key: bytes
    sub: bytes
    reason: str


class SequenceItem(Message, frozen=True):
    """A version that was gone over: `before` is each drive's shard by slot, a `Damage` or empty, `after`
    the same when it was left.
    """

    bucket: str
    key: bytes
    sub: bytes
    k: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    object_bytes: int = 0
    reason: str = ""


class SequenceView(Message, frozen=True):
    """How far a sequence is in one set. `state` is one of the words above, `reason` why it FAILED. Times are
    in milliseconds since 1970, 0: not yet.

    `objects` and `versions` were gone over, delete markers among the latter, and `rows` of any kind;
    `rows_expected` is about how many there are, 0 where nobody knows. `size_bytes` of shards were looked at,
    or read where it is deep. `found` and `repaired` count shards by `Damage`. `protections` counts
    versions, by `Protection`, as they were left. `failed` are versions that could not be healed or told,
    `failures` the first of them.
    """

    id: str
    set_index: int
    state: str
    asked_for: str = ""
    client: str = ""
    dry_run: bool = False
    deep: bool = False
    sets: tuple[int, ...] = ()
    reason: str = ""
    began_ms: int = 0
    ended_ms: int = 0
    objects: int = 0
    versions: int = 0
    rows: int = 0
    rows_expected: int = 0
    size_bytes: int = 0
    found: dict[str, int] = msgspec.field(default_factory=dict)
    repaired: dict[str, int] = msgspec.field(default_factory=dict)
    protections: dict[str, int] = msgspec.field(default_factory=dict)
    failed: int = 0
    failures: tuple[KeyReason, ...] = ()


class SequencesTold(Message, frozen=True):
    """Answer to all three."""

    sequences: tuple[SequenceView, ...]
    items: tuple[SequenceItem, ...] = ()
