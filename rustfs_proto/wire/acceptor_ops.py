"""What acceptors say to each other."""

from __future__ import annotations

from rustfs_proto.wire.message import Message


class BucketChanged(Message, frozen=True):
    """What is known of the bucket is out of date. `ends_writes`: answer when no write into it is under way
    any more that was allowed before, or those that are will be confirmed. `relays`: tell the other acceptors
    of your node. Fault OVERLOADED: not all of them have heard.
    """

    bucket: str
    ends_writes: bool = False
    relays: bool = False


class BucketNoted(Message, frozen=True):
    """Answer to `BucketChanged`: nobody who was told goes by what was known before."""


class TraceRequests(Message, frozen=True):
    """Tell the requests that have ended since this listener asked last; the first time none, from then on
    they are kept for it. It is forgotten when it does not ask again. Only those of `bucket` and `operation`
    ("": of all), with an error (`only_errors`), that took `slower_ms` or longer, of this share of all
    requests (`rustfs_proto.tracing.is_in_share`).
    """

    listener: str
    bucket: str = ""
    operation: str = ""
    only_errors: bool = False
    slower_ms: float = 0.0
    share: float = 1.0


class TracedRequest(Message, frozen=True):
    """A request as it ended. `code` is that of the error; `ended_ms` is wall time; `traceparent` is the
    header by which the client says to which trace of its own the request belongs.
    """

    ended_ms: int
    acceptor: str
    request_id: str
    client: str
    operation: str
    status: int
    bucket: str = ""
    key: str = ""
    code: str = ""
    sent_bytes: int = 0
    received_bytes: int = 0
    first_byte_ms: float = 0.0
    duration_ms: float = 0.0
    traceparent: str = ""


class RequestsTraced(Message, frozen=True):
    """Answer to `TraceRequests`: the oldest first; `dropped` more did not fit. Fault OVERLOADED: too many
    listen already.
    """

    requests: tuple[TracedRequest, ...]
    dropped: int = 0


class SlotsMoved(Message, frozen=True):
    """Slots have gone to other sets: learn where they are. `relays` as in `BucketChanged`. A notice, as a set
    that is asked in vain says the same.
    """

    relays: bool = False


class AskLoad(Message, frozen=True):
    """How many requests of clients are you answering? `relays`: you and the other acceptors of your node."""

    relays: bool = False


class LoadTold(Message, frozen=True):
    """Answer to `AskLoad`."""

    requests: int
