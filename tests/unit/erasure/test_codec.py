"""Fragments: any k give the stripe back, and their bytes never change between releases."""

from __future__ import annotations

import itertools
from random import Random

import pytest
import xxhash

from rustfs_proto.erasure.codec import Codec
from rustfs_proto.erasure.geometry import fragment_bytes

GOLDEN = {
    (2, 1): "7a361d2fd55915fb63847c317edfa237",
    (2, 2): "e70cb017708be8c56cd75976068d0e54",
    (3, 2): "a417d86b631a1bf98f061171fd1fcb38",
    (4, 4): "16bcc9c019d7cedf4fe4f9c4050ab4e0",
    (8, 4): "6538ea0fa73685093f42ec2dc6ffd0f2",
    (12, 4): "5204e3cea91279943e33b6a8e317e5b4",
}
"""xxh3-128 over all fragments of `SAMPLE`: objects written today must be readable for ever."""
SAMPLE = bytes(index * index % 251 for index in range(1000))


@pytest.mark.parametrize(("k", "m"), [(1, 0), (3, 0), (1, 1), (2, 1), (2, 2), (3, 2), (4, 3), (4, 4), (5, 3)])
def test_any_k_fragments_are_enough(k: int, m: int) -> None:
    """Every choice of k fragments decodes, and rebuilds every other fragment."""
    codec = Codec(k, m)
    for size in (1, k, k + 1, 100, 1001):
        stripe = Random(size).randbytes(size)
        fragments = codec.encode(stripe)
        assert [len(fragment) for fragment in fragments] == [fragment_bytes(size, k)] * (k + m)
        for chosen in itertools.combinations(range(k + m), k):
            some = {shard: fragments[shard] for shard in chosen}
            assert codec.decode(some, size) == stripe
            for wanted in range(k + m):
                assert codec.rebuild(some, wanted, size) == fragments[wanted]


@pytest.mark.parametrize("n", range(2, 17))
def test_m_losses_at_default_parity(n: int) -> None:
    """For each set size the last k and the first k fragments decode."""
    m = 4 if n >= 8 else n // 2
    codec = Codec(n - m, m)
    stripe = Random(n).randbytes(5000)
    fragments = dict(enumerate(codec.encode(stripe)))
    for lost in (range(m), range(n - m, n), range(0, 2 * m, 2)):
        assert codec.decode({s: f for s, f in fragments.items() if s not in lost}, 5000) == stripe


def test_data_fragments_are_the_stripe() -> None:
    """The code is systematic: healthy reads are concatenation."""
    fragments = Codec(4, 2).encode(SAMPLE)
    assert b"".join(fragments[:4]) == SAMPLE


@pytest.mark.parametrize(("k", "m"), GOLDEN)
def test_parity_bytes_are_stable(k: int, m: int) -> None:
    """Golden digests of the fragments, parity included."""
    assert xxhash.xxh3_128_hexdigest(b"".join(Codec(k, m).encode(SAMPLE))) == GOLDEN[k, m]


def test_only_bytes_reach_the_library() -> None:
    """A memoryview would abort the process in C, so it is refused here."""
    codec = Codec(2, 2)
    with pytest.raises(AssertionError):
        codec.encode(memoryview(b"abcd"))  # type: ignore[arg-type]
    fragments = codec.encode(b"abcd")
    with pytest.raises(AssertionError):
        codec.decode({1: fragments[1], 2: memoryview(fragments[2])}, 4)  # type: ignore[dict-item]


def test_too_few_fragments_are_a_mistake_of_the_caller() -> None:
    """Counting is the caller's business, and a wrong count is not decoded."""
    with pytest.raises(AssertionError, match="2 needed"):
        Codec(2, 2).decode({3: b"ab"}, 4)
