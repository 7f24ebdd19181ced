"""Drives that commit and drives that hold the bytes are counted apart."""

from __future__ import annotations

from rustfs_proto.erasure.writes import Tally, WriteState


def test_a_completion_needs_a_quorum_of_records_too() -> None:
    """Where k drives with the bytes are enough, k drives with the record are not."""
    tally = Tally(drives=4, quorum=3, shards_needed=2)
    tally.commit()
    tally.commit()
    assert tally.shards == 2 and tally.state is WriteState.PENDING
    tally.commit((b"a part that it lacks",))
    assert tally.state is WriteState.ACKNOWLEDGED
