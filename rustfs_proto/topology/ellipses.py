"""Ellipses in arguments, as MinIO writes them: /data{1...4}, /mnt/disk{01...16}, /shelf{a...d}/bay{0...9}.

Three dots between two numbers. Numbers are decimal; where an end has a letter from a to f both are
hexadecimal, as in MinIO. Where the first or last one begins with a zero, all are padded to the width of the
last. With several ranges in an argument the leftmost runs fastest, so that neighbours in a set sit on
different shelves.

Beyond MinIO: single letters other than hexadecimal digits ({w...z}) stand for themselves.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

RANGE_MAX = 4096
"""Values of one argument's ranges together; more is a slip of the finger."""

DIGITS_MAX = 20
"""Of either end of a range; Python itself refuses to read numbers of thousands of digits."""

_RANGE = re.compile(r"\{([0-9a-z]+)\.\.\.([0-9a-z]+)\}")
_DECIMAL = re.compile(r"[0-9]+")
_HEXADECIMAL = re.compile(r"[0-9a-f]+")


class EllipsesError(ValueError):
    """An argument that names no drives; the text quotes it and says what to write instead."""


def expand(argument: str) -> tuple[str, ...]:
    """The folders that one argument names, in order."""
    texts = _RANGE.split(argument)
    # split gives: text, first, last, text, first, last, ... text
    stray = "".join(texts[::3])
    if "..." in stray or "{" in stray or "}" in stray:
        raise EllipsesError(f"{argument!r}: write a range as {{1...4}}, with three dots between two numbers")
    ranges = [_values(argument, *pair) for pair in zip(texts[1::3], texts[2::3], strict=True)]
    _limit(argument, ranges)
    return tuple(
        texts[0] + "".join(value + text for value, text in zip(reversed(chosen), texts[3::3], strict=True))
        for chosen in itertools.product(*reversed(ranges))
    )


def first_range_length(argument: str) -> int:
    """How many values the leftmost range of an argument has; 0 without any."""
    match = _RANGE.search(argument)
    return len(_values(argument, match[1], match[2])) if match else 0


def check_distinct(paths: Sequence[str]) -> None:
    """No folder is named twice, and none lies inside another. Paths are absolute and normalised."""
    ordered = sorted(paths)
    for before, after in itertools.pairwise(ordered):
        if before == after:
            raise EllipsesError(f"{before} is named twice: each drive is one folder of its own")
    for inner in ordered:
        outer = next(
            (path for path in ordered if path != inner and inner.startswith(path.rstrip("/") + "/")), ""
        )
        if outer:
            raise EllipsesError(f"{inner} lies inside {outer}: each drive is one folder of its own")


def _values(argument: str, first: str, last: str) -> list[str]:
    if _DECIMAL.fullmatch(first) and _DECIMAL.fullmatch(last):
        return _numbers(argument, first, last, 10)
    if _HEXADECIMAL.fullmatch(first) and _HEXADECIMAL.fullmatch(last):
        return _numbers(argument, first, last, 16)
    if len(first) == len(last) == 1 and first.isalpha() and last.isalpha() and first <= last:
        return [chr(code) for code in range(ord(first), ord(last) + 1)]
    raise EllipsesError(
        f"{argument!r}: {{{first}...{last}}} is no range: write numbers, or two single letters in order"
    )


def _numbers(argument: str, first: str, last: str, base: int) -> list[str]:
    if max(len(first), len(last)) > DIGITS_MAX:
        raise EllipsesError(f"{argument[:100]!r}: a number of more than {DIGITS_MAX} digits")
    low, high = int(first, base), int(last, base)
    if low > high:
        raise EllipsesError(f"{argument!r}: {{{first}...{last}}} counts down: write {{{last}...{first}}}")
    if high - low >= RANGE_MAX:
        raise EllipsesError(f"{argument!r}: {high - low + 1} values, at most {RANGE_MAX}")
    padded = (first.startswith("0") and len(first) > 1) or last.startswith("0")
    width = len(last) if padded else 0
    kind = "x" if base == 16 else "d"
    return [f"{number:0{width}{kind}}" for number in range(low, high + 1)]


def _limit(argument: str, ranges: Sequence[Sequence[str]]) -> None:
    count = 1
    for values in ranges:
        count *= len(values)
    if count > RANGE_MAX:
        raise EllipsesError(f"{argument!r} names {count} folders, at most {RANGE_MAX}")
