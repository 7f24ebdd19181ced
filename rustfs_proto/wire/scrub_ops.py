"""What an operator asks of the scrubs of a set: how they are, to begin one now, to end it."""

from __future__ import annotations

from rustfs_proto.wire.heal_ops import ScrubView
from rustfs_proto.wire.message import Message

SCRUB_TELL, SCRUB_START, SCRUB_STOP = "", "start", "stop"


class DriveScrub(Message, frozen=True):
    """To a drive. Empty: only tell. `start`: begin a round now, or go on with the one that goes on, within
    the budget or `flat_out`. `stop`: end a round that was ordered, as if it had not been; one that had its
    time goes on within its budget. Answered by a `ScrubProgress`. Faults: CONFLICT (the drive is being
    rebuilt), INVALID (no such action).
    """

    action: str = ""
    flat_out: bool = False


class SetScrub(Message, frozen=True):
    """The same to the drives in these slots of a set, or to all where none is named."""

    action: str = ""
    flat_out: bool = False
    slots: tuple[int, ...] = ()


class ScrubRefusal(Message, frozen=True):
    """The drive in that slot did not do it, or does not tell."""

    slot: int
    reason: str


class SetScrubTold(Message, frozen=True):
    """Answer to `SetScrub`: how the scrubs are now."""

    scrubs: tuple[ScrubView, ...] = ()
    refusals: tuple[ScrubRefusal, ...] = ()
