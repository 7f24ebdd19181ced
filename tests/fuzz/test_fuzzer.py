"""The fuzzer itself: it repeats, it finds what is there to be found, and it makes it small."""

from __future__ import annotations

from random import Random

import pytest

from rustfs_proto.s3.ranges import parse_range
from tests.fuzz import corpus, guards
from tests.fuzz.campaign import Failure, Finished, Target, campaign, failure_of, minimise
from tests.fuzz.coverage import Coverage
from tests.fuzz.mutation import Mutator

SEEDS = [b"length=5;body=hello", b"\0" * 300 + b"magic" + b"\0" * 300]


def inputs(seed: int, count: int = 300, *, in_place: bool = False) -> list[bytes]:
    mutator = Mutator(Random(seed), SEEDS, [b"length=", b"\r\n"], 1000, in_place)
    return [mutator.next_input() for _ in range(count)]


def fragile(data: bytes) -> str:
    """A reader with a bug: it believes a length of more than 99."""
    digits = data.partition(b"length=")[2]
    digits = digits.partition(b";")[0]
    if not digits.isdigit():
        return "no length"
    assert len(digits) < 3, f"believes {digits!r}"
    return "a length"


def target_of(check: object, executions: int = 3000) -> Target:
    return Target("self", check, lambda: [SEEDS[0]], executions, tokens=(b"length=",))


def test_a_seed_gives_the_same_inputs() -> None:
    """Two runs of one seed are the same, runs of two are not."""
    assert inputs(1) == inputs(1) != inputs(2)


def test_inputs_stay_within_their_size() -> None:
    """No number of repetitions makes an input longer than a target takes."""
    assert max(map(len, inputs(3, 3000))) <= 1000


def test_in_place_changes_move_little() -> None:
    """In files with places, most changes leave the length as it is."""
    kept = [data for data in inputs(4, 400, in_place=True) if len(data) in map(len, SEEDS)]
    assert len(kept) > 200


def test_a_bug_is_found_and_made_small() -> None:
    """A length that is believed is found, and what is kept of it is little more than the length."""
    found = campaign(target_of(fragile), 3000, seed=1)
    assert isinstance(found, Failure)
    small = minimise(target_of(fragile), found)
    assert small.data.startswith(b"length=") and len(small.data) <= len(b"length=") + 4, small.data
    assert failure_of(fragile, small.data) is not None


def test_a_campaign_repeats() -> None:
    """The failing execution of a seed is always the same one."""
    first, second = (campaign(target_of(fragile), 3000, seed=1) for _ in range(2))
    assert isinstance(first, Failure) and isinstance(second, Failure)
    assert (first.data, first.number) == (second.data, second.number)


def test_a_hanging_reader_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """An input that takes more processor time than any may is reported as such."""
    monkeypatch.setattr(guards, "CPU_MAX_S", 0.05)

    def hangs(_data: bytes) -> str:
        while True:
            pass

    failure = failure_of(hangs, b"")
    assert failure is not None and "TooSlow" in failure.error


def test_a_greedy_reader_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """An input that takes more memory than any may is reported as such."""
    peak = guards.peak_bytes()
    monkeypatch.setattr(guards, "peak_bytes", iter([peak, peak + guards.GROWTH_MAX_BYTES + 1]).__next__)
    failure = failure_of(lambda _data: "", b"")
    assert failure is not None and "TooLarge" in failure.error


def test_coverage_leads_deeper() -> None:
    """An input that reaches new lines of the program is told from one that does not."""
    coverage = Coverage()
    assert coverage.of(parse_range, "bytes=0-1", 5)[1]
    assert not coverage.of(parse_range, "bytes=0-1", 5)[1]
    assert coverage.of(parse_range, "nonsense", 5)[1]


def test_a_dump_is_read_back() -> None:
    """Kept bytes come back as they were, rows of zeros included."""
    for data in (b"", b"\0", SEEDS[1], bytes(range(256)), b"\0" * 5000 + b"x"):
        assert corpus.undump(corpus.dump(data)) == data


def test_nothing_fails_where_nothing_is_wrong() -> None:
    """A reader without a bug comes through with all of its labels counted."""
    found = campaign(target_of(lambda data: len(data) > 5), 200, seed=1)
    assert isinstance(found, Finished) and sum(found.labels.values()) == 200
