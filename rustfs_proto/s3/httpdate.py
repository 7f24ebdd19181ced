"""HTTP dates (RFC 9110 §5.6.7): all three forms are read, only IMF-fixdate is written.

Formatting does not use strftime's names of days and months, which follow the process's locale.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_IMF_FIXDATE = re.compile(
    rf"[A-Za-z]{{3}}, (?P<day>\d\d) (?P<month>[A-Za-z]{{3}}) (?P<year>\d{{4}}) {_TIME} (?:GMT|UTC)"
)
_RFC_850 = re.compile(rf"[A-Za-z]{{6,9}}, (?P<day>\d\d)-(?P<month>[A-Za-z]{{3}})-(?P<year>\d\d) {_TIME} GMT")
_ASCTIME = re.compile(rf"[A-Za-z]{{3}} (?P<month>[A-Za-z]{{3}}) (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})")
_CENTURY_PIVOT = 70
"""RFC 850 years are two digits; those before 70 are of this century, as `strptime` and every browser read
them."""
_CACHE_ENTRIES = 1024
_DATE_CHARS_MAX = 64
"""More than any form of a date has, blanks around it included: longer texts must not fill the cache."""


def parse_http_date(text: str) -> int | None:
    """Seconds since the epoch, or None when `text` is no HTTP date."""
    return _parse(text) if len(text) <= _DATE_CHARS_MAX else None


@lru_cache(maxsize=_CACHE_ENTRIES)
def _parse(text: str) -> int | None:
    stripped = text.strip()
    match = _IMF_FIXDATE.fullmatch(stripped) or _RFC_850.fullmatch(stripped) or _ASCTIME.fullmatch(stripped)
    if match is None or match["month"].title() not in _MONTHS:
        return None
    year = int(match["year"])
    if year < 100:
        year += 2000 if year < _CENTURY_PIVOT else 1900
    month = _MONTHS.index(match["month"].title()) + 1
    clock = (int(match["hour"]), int(match["minute"]), min(int(match["second"]), 59))  # 60 is a leap second
    try:
        return int(datetime(year, month, int(match["day"]), *clock, tzinfo=UTC).timestamp())
    except ValueError:
        return None


@lru_cache(maxsize=_CACHE_ENTRIES)
def format_http_date(epoch_s: int) -> str:
    """`Sun, 06 Nov 1994 08:49:37 GMT`."""
    moment = datetime.fromtimestamp(epoch_s, UTC)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment.day:02d} {month} {moment.year:04d} {moment:%H:%M:%S} GMT"
