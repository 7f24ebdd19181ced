"""Kept inputs: one file each below `corpus/<target>/`, its name says what it shows.

Text stands as it is. Bytes stand as a hex dump (`.dump`, as `hexdump -C` prints it) in which rows of zeros
are left out and the last line gives the length, so that a log segment of 64 KiB is a page to read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"
_ROW_BYTES = 16


def load(target: str) -> dict[str, bytes]:
    """Name and content of every kept input of a target, in order of name."""
    paths = sorted(path for path in (FOLDER / target).glob("*") if path.is_file())
    return {path.name: _content(path) for path in paths}


def keep(target: str, suffix: str, data: bytes) -> Path:
    """Write an input that failed, under a name that a person is to replace by what it shows."""
    folder = FOLDER / target
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"failing-{hashlib.sha256(data).hexdigest()[:12]}{suffix}"
    path.write_bytes(dump(data).encode() if suffix == ".dump" else data)
    return path


def dump(data: bytes) -> str:
    """The bytes as a hex dump without rows of zeros."""
    lines = []
    for at in range(0, len(data), _ROW_BYTES):
        row = data[at : at + _ROW_BYTES]
        if any(row):
            shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
            lines.append(f"{at:08x}  {row.hex(' '):<47}  |{shown}|")
    return "\n".join([*lines, f"{len(data):08x}", ""])


def undump(text: str) -> bytes:
    """The inverse of `dump`."""
    *rows, last = text.splitlines()
    data = bytearray(int(last, 16))
    for line in rows:
        row = bytes.fromhex(line[10:57])
        at = int(line[:8], 16)
        data[at : at + len(row)] = row
    return bytes(data)


def _content(path: Path) -> bytes:
    return undump(path.read_text()) if path.suffix == ".dump" else path.read_bytes()
