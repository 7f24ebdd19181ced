"""Counting commits: acknowledged at the quorum, given up when it is out of reach, and told truthfully."""

from __future__ import annotations

import itertools

import pytest

from rustfs_proto.erasure.writes import Tally, WriteState, failure, newest_seen
from rustfs_proto.wire.faults import NOT_APPLIED, Fault, FaultCode


def fault(code: FaultCode, newest: int = 0) -> Fault:
    return Fault(code, "said so", newest)


@pytest.mark.parametrize(("drives", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4)])
def test_every_sequence_of_answers(drives: int, quorum: int) -> None:
    """Decided as soon as the answers so far leave no doubt, never changed afterwards, right in the end."""
    for answers in itertools.product((True, False), repeat=drives):
        tally = Tally(drives, quorum, quorum)
        states = [tally.state]
        for answer in answers:
            if answer:
                tally.commit()
            else:
                tally.faults.append(fault(FaultCode.TIMEOUT))
            states.append(tally.state)
        good = sum(answers)
        assert states[-1] is (WriteState.ACKNOWLEDGED if good >= quorum else WriteState.FAILED)
        decided = next(i for i, state in enumerate(states) if state is not WriteState.PENDING)
        assert set(states[decided:]) == {states[-1]}
        bad = sum(not answer for answer in answers[:decided])
        assert sum(answers[:decided]) == quorum or bad == drives - quorum + 1
        assert tally.is_finished


def test_a_commit_without_its_shard_file_does_not_count_for_reading() -> None:
    """A write quorum of records is not enough while too few drives hold the shards of some part."""
    tally = Tally(4, 3, 3)
    tally.commit((b"a",))
    tally.commit()
    tally.commit()
    assert tally.state is WriteState.PENDING
    tally.commit()
    assert tally.state is WriteState.ACKNOWLEDGED
    parts = Tally(4, 3, 2)
    for missing in ((b"a",), (b"b",), (b"c",)):
        parts.commit(missing)
    assert parts.state is WriteState.ACKNOWLEDGED
    lost = Tally(4, 3, 3)
    lost.commit((b"a",))
    lost.commit((b"a",))
    assert lost.state is WriteState.FAILED


CODES = [FaultCode.STALE, FaultCode.CONFLICT, FaultCode.FULL, FaultCode.TIMEOUT, FaultCode.PEER_DOWN]


@pytest.mark.parametrize("committed", range(3))
def test_what_is_told_is_true(committed: int) -> None:
    """`Not applied` is claimed only where no drive committed or is in doubt."""
    for codes in itertools.combinations_with_replacement(CODES, 4 - committed):
        tally = Tally(4, 3, 3, committed, [fault(code, 7) for code in codes])
        if tally.state is not WriteState.FAILED:
            continue
        told = failure(tally)
        assert told.code in {*CODES[:3], FaultCode.FULL_UNKNOWN, FaultCode.NO_QUORUM}
        if told.not_applied:
            assert not committed
            assert all(code in NOT_APPLIED for code in codes)
        if told.code in {FaultCode.STALE, FaultCode.CONFLICT}:
            assert told.newest == 7
        if told.code in {FaultCode.FULL, FaultCode.FULL_UNKNOWN}:
            assert FaultCode.FULL in codes


def test_a_retry_goes_above_the_newest_refusal() -> None:
    """Of several stale answers the newest decides; other faults say nothing of versions."""
    faults = [fault(FaultCode.STALE, 5), fault(FaultCode.STALE, 9), fault(FaultCode.CONFLICT, 99)]
    assert newest_seen(faults) == 9
    assert newest_seen([]) == 0


def test_what_a_read_may_have_given_away_is_not_made_again() -> None:
    """A refusal because of something newer does not say that the drive never had the version: as long as a
    read may have found it on another drive and given it to that one, the write is not repeated.
    """
    refused = [fault(FaultCode.STALE, 9), fault(FaultCode.STALE, 9)]
    for committed, shown_by, newest in ((2, 3, 9), (2, 2, 0), (1, 2, 9), (1, 1, 0), (0, 1, 9)):
        faults = [*refused, *[fault(FaultCode.STALE, 5)] * (2 - committed)]
        assert Tally(4, 3, 3, committed, faults, shown_by=shown_by).newest_seen == newest


def test_faults_are_told_in_words() -> None:
    """The text says how many drives were left and what became of the others."""
    tally = Tally(4, 3, 3, 1, [fault(FaultCode.TIMEOUT), fault(FaultCode.PEER_DOWN)])
    assert str(failure(tally)) == (
        "no_quorum: 2 of 4 drives left for a write that needs 3 (others: peer_down, timeout)"
    )
