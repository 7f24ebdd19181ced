"""What ListObjects answers, as a page of Python: the model that a server's listing is compared with.

Keys are compared by their UTF-8 bytes. A page counts keys and common prefixes alike, and its marker is the
last row answered, so that a prefix once given is not given again.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import attrs


@attrs.frozen
class Page:
    """One answer; `last` is the row (key or common prefix) that the next page continues after."""

    keys: tuple[str, ...]
    prefixes: tuple[str, ...]
    truncated: bool
    last: str


def rows_of(keys: Iterable[str], prefix: str, delimiter: str) -> list[tuple[str, bool]]:
    """Every row of the listing in order: a key, or (True) a common prefix."""
    rows: dict[tuple[str, bool], None] = {}
    for key in sorted(keys, key=str.encode):
        if key.startswith(prefix):
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            rows[(key, False) if cut < 0 else (key[: cut + len(delimiter)], True)] = None
    return list(rows)


def list_page(keys: Iterable[str], prefix: str, delimiter: str, after: str, max_keys: int) -> Page:
    """The page that begins after the row or key `after`."""
    rows = [row for row in rows_of(keys, prefix, delimiter) if row[0].encode() > after.encode()]
    shown = rows[:max_keys]
    return Page(
        keys=tuple(name for name, is_prefix in shown if not is_prefix),
        prefixes=tuple(name for name, is_prefix in shown if is_prefix),
        truncated=0 < max_keys < len(rows),
        last=shown[-1][0] if shown else "",
    )


def list_pages(keys: Iterable[str], prefix: str, delimiter: str, max_keys: int) -> Iterator[Page]:
    """Every page to the end."""
    keys, after = list(keys), ""
    while True:
        page = list_page(keys, prefix, delimiter, after, max_keys)
        yield page
        if not page.truncated:
            return
        after = page.last


def some_keys() -> list[str]:
    """About 3,000 keys: flat ones, deep ones, siblings of folders, shared beginnings, and many alphabets."""
    chance = random.Random(3000)
    keys = {f"flat/{number:05d}" for number in range(1100)}
    keys |= {f"year={2000 + number % 20}/month={number % 12:02d}/{number:04d}.bin" for number in range(900)}
    keys |= {
        "/".join(chance.choices(["a", "b", "a b", "a+b", "ä", "日本", "", "%2F"], k=depth))
        for depth in range(2, 6)
        for _ in range(150)
    }
    keys |= {
        f"{word}{tail}"
        for word in ("folder", "folder.d", "foldër")
        for tail in ("", "/", "/x", "/x/", "//", "-", ".", "0")
    }
    keys |= {f"one|two|{number}|three" for number in range(60)} | {
        f"{chr(code)}" for code in range(0x21, 0x7F)
    }
    keys |= {f"unicode/{chr(code)}" for code in range(0xA1, 0x300)} | {
        f"unicode/{chr(0x1F600 + code)}" for code in range(40)
    }
    keys |= {f"long/{'x' * length}" for length in range(0, 1000, 50)} | {"\U0010ffff", "\uffee", "zzz"}
    return sorted(key for key in keys if key.strip("/.") and not {".", ".."} & set(key.split("/")))


PREFIXES = [
    "",
    "f",
    "flat/",
    "flat/00",
    "flat/00099",
    "folder",
    "folder/",
    "year=2003/",
    "year=2003/month=",
    "a",
    "a/",
    "a//",
    "日",
    "unicode/",
    "one|",
    "none",
    "long/xxxxx",
]
DELIMITERS = ["", "/", "|", "0", "month=", "//", "ä"]
