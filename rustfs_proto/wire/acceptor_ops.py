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
