"""Changes to bytes, drawn from a seeded generator: the same seed makes the same inputs on every machine.

Knows nothing of formats. What a format is sensitive to comes in as `tokens`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

import attrs

STACKED_MAX = 6
_WRITTEN = re.compile(rb"[^\0](?:[^\0]|\0{1,15}(?=[^\0]))*")
_EDGES = (0, 1, 2, 7, 8, 15, 16, 127, 128, 255, 256, 4095, 4096, 65535, 65536)
INTEGERS = tuple(
    dict.fromkeys(
        (*_EDGES, *(2**bits + step for bits in (15, 16, 31, 32, 43, 62, 63, 64) for step in (-1, 0, 1)))
    )
)
"""Where widths end and tables have their last row."""

NUMBERS = (
    *(str(number).encode() for number in (*INTEGERS, -1, 10**20, 10**40)),
    b"00", b"+5", b"5_0", b"0x10", b"1e3", b"-0", b"\xb2", b"9" * 400,
)  # fmt: skip
"""The same as people write them, and what only looks like a number."""


@attrs.frozen
class Mutator:
    """Makes new inputs out of `pool`, which may grow meanwhile; none becomes longer than `max_bytes`.

    `in_place` is for files in which everything has its place: few changes move what stands behind them.
    """

    random: Random
    pool: Sequence[bytes]
    tokens: Sequence[bytes]
    max_bytes: int
    in_place: bool = False

    def next_input(self) -> bytes:
        """Some input of the pool, changed in one to a few places."""
        data = self.random.choice(self.pool)
        count = 1
        while count < STACKED_MAX and self.random.random() < 0.5:
            count += 1
        for _ in range(count):
            changes = _IN_PLACE if self.in_place and self.random.random() < 0.9 else _CHANGES
            data = self.random.choice(changes)(self, data)[: self.max_bytes]
        return data

    def place(self, data: bytes) -> int:
        """Anywhere in the data, its end included; in a file of mostly zeros,
        more often beside what is none.
        """
        if self.in_place and self.random.random() < 0.9:
            runs = [match.span() for match in _WRITTEN.finditer(data)]
            if runs:
                start, end = self.random.choice(runs)
                return self.random.randint(max(0, start - 8), min(len(data), end + 8))
        return self.random.randint(0, len(data))

    def stretch(self, data: bytes) -> tuple[int, int]:
        """Start and end of a stretch, more often a short one."""
        start = self.place(data)
        size = self.random.choice((1, 2, 4, 8, 16, 64, max(1, len(data) // 2)))
        return start, min(len(data), start + self.random.randint(0, size))


def flip_bit(mutator: Mutator, data: bytes) -> bytes:
    """One bit turns."""
    if not data:
        return data
    at = min(mutator.place(data), len(data) - 1)
    return data[:at] + bytes([data[at] ^ 1 << mutator.random.randrange(8)]) + data[at + 1 :]


def insert_noise(mutator: Mutator, data: bytes) -> bytes:
    """A few bytes that mean nothing."""
    at = mutator.place(data)
    return data[:at] + mutator.random.randbytes(mutator.random.choice((1, 1, 2, 4, 16))) + data[at:]


def delete_stretch(mutator: Mutator, data: bytes) -> bytes:
    """A stretch is gone."""
    start, end = mutator.stretch(data)
    return data[:start] + data[end:]


def blank_stretch(mutator: Mutator, data: bytes) -> bytes:
    """A stretch reads as zeros, as after a lost write."""
    start, end = mutator.stretch(data)
    return data[:start] + bytes(end - start) + data[end:]


def repeat_stretch(mutator: Mutator, data: bytes) -> bytes:
    """A stretch comes twice, or very often."""
    start, end = mutator.stretch(data)
    times = mutator.random.choice((1, 1, 1, 2, 8, 300))
    room = mutator.max_bytes - len(data)
    times = min(times, max(1, room // max(1, end - start)))
    return data[:end] + data[start:end] * times + data[end:]


def move_stretch(mutator: Mutator, data: bytes) -> bytes:
    """A stretch overwrites another place, as a misdirected write does."""
    start, end = mutator.stretch(data)
    at = mutator.place(data)
    return data[:at] + data[start:end] + data[at + end - start :]


def splice(mutator: Mutator, data: bytes) -> bytes:
    """The beginning of one input and the rest of another."""
    other = mutator.random.choice(mutator.pool)
    at = mutator.place(data)
    resume = min(at, len(other)) if mutator.random.random() < 0.5 else mutator.place(other)
    return data[:at] + other[resume:]


def cut(mutator: Mutator, data: bytes) -> bytes:
    """The rest is missing."""
    return data[: mutator.place(data)]


def insert_token(mutator: Mutator, data: bytes) -> bytes:
    """Something that means something here."""
    at = mutator.place(data)
    return data[:at] + mutator.random.choice(mutator.tokens) + data[at:]


def replace_by_token(mutator: Mutator, data: bytes) -> bytes:
    """It stands in the place of a stretch."""
    start, end = mutator.stretch(data)
    return data[:start] + mutator.random.choice(mutator.tokens) + data[end:]


def swap_token(mutator: Mutator, data: bytes) -> bytes:
    """One meaningful word stands where another stood."""
    found = [token for token in mutator.tokens if token in data]
    if not found:
        return insert_token(mutator, data)
    old = mutator.random.choice(found)
    at = data.find(old, mutator.place(data))
    at = data.find(old) if at < 0 else at
    return data[:at] + mutator.random.choice(mutator.tokens) + data[at + len(old) :]


def write_integer(mutator: Mutator, data: bytes) -> bytes:
    """A binary number takes one of the values at which something ends."""
    width = mutator.random.choice((1, 2, 4, 8))
    order = "little" if mutator.random.random() < 0.8 else "big"
    value = mutator.random.choice(INTEGERS) % (1 << 8 * width)
    at = mutator.place(data)
    at -= at % width if mutator.random.random() < 0.7 else 0
    return data[:at] + value.to_bytes(width, order) + data[at + width :]


def write_number(mutator: Mutator, data: bytes) -> bytes:
    """A written number takes another value."""
    at = mutator.place(data)
    while at < len(data) and not 0x30 <= data[at] <= 0x39:
        at += 1
    end = at
    while end < len(data) and 0x30 <= data[end] <= 0x39:
        end += 1
    return data[:at] + mutator.random.choice(NUMBERS) + data[end:]


_CHANGES: tuple[Callable[[Mutator, bytes], bytes], ...] = (
    flip_bit,
    flip_bit,
    insert_noise,
    delete_stretch,
    delete_stretch,
    blank_stretch,
    repeat_stretch,
    move_stretch,
    splice,
    cut,
    insert_token,
    insert_token,
    replace_by_token,
    swap_token,
    write_integer,
    write_number,
)

_IN_PLACE = (flip_bit, flip_bit, blank_stretch, move_stretch, write_integer, write_integer)
