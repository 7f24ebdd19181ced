"""Text and times as S3's XML answers write them.

XML 1.0 §2.2 has no way to write most control characters, not even as a character reference, and one of them
makes a whole listing unreadable to a conforming parser. They become U+FFFD here; a client that needs such
keys back exactly asks for encoding-type=url. A carriage return survives only as a reference (XML 1.0 §2.11).
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache

XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

_SPECIAL = re.compile('[&<>"\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]')
_REPLACED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}

_EPOCH = date(1970, 1, 1)
_DATES_KEPT = 4096
"""A listing shows a thousand times of few days; writing a date costs twice the rest of its line."""


def _replace(match: re.Match[str]) -> str:
    return _REPLACED.get(match.group(), "\ufffd")


def escape(text: str) -> str:
    """`text` as XML character data, safe between tags and between double quotes."""
    return _SPECIAL.sub(_replace, text) if _SPECIAL.search(text) else text


def iso_ms(epoch_ms: int) -> str:
    """Milliseconds since the epoch as `2006-02-03T16:45:09.000Z`, the form of every S3 timestamp in XML."""
    seconds, milliseconds = divmod(epoch_ms, 1000)
    days, second = divmod(seconds, 86_400)
    minutes, second = divmod(second, 60)
    return f"{_date(days)}T{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}.{milliseconds:03d}Z"


@lru_cache(maxsize=_DATES_KEPT)
def _date(days: int) -> str:
    return (_EPOCH + timedelta(days)).isoformat()
