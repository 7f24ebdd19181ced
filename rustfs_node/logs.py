"""The log: one line per event on stderr, human-readable on a terminal, JSON otherwise.

An event is a short name in snake_case with fields. Every line carries the process that wrote it and, where
there is one, the request id, which callers bind with `structlog.contextvars` or pass as `request_id`. Secrets
are never fields.

The last lines of a process are kept in its memory, for an operator who asks a node instead of its journal:
the text that was written anyway, so that keeping it costs an append. What the level filters is not kept
either.
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import MutableMapping
from typing import Any, NamedTuple

import msgspec
import structlog


def configure(process: str, level: str, style: str, kept: int = 0) -> None:
    """Make every logger of this process write as told, and keep so many of the last lines. May be called
    again: loggers already handed out follow, and what was kept stays.
    """
    for name in (_REQUEST, *_LEVELS):
        _last[name] = deque(_last.get(name, ()), maxlen=kept)
    human = style == "human" or (style == "auto" and sys.stderr.isatty())
    _quick.clear()
    if not human:
        _quick.append(_Quick(process, getattr(logging, level.upper())))
    tail: list[structlog.typing.Processor] = (
        [
            _keep_for_people,
            _for_people,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=24, sort_keys=False),
        ]
        if human
        else [structlog.processors.format_exc_info, _keep]
    )

    def name_process(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        # Keys and bucket names are bytes; people read them as text.
        texts = {k: v.decode("utf-8", "backslashreplace") for k, v in event.items() if isinstance(v, bytes)}
        event.update(texts)
        return event

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            name_process,
            *tail,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        # A cached logger would keep the level it first saw; SIGHUP may change it.
        cache_logger_on_first_use=False,
    )


_REQUEST = "request"
_LEVELS = ("debug", "info", "warning", "error", "critical")
_last: dict[str, deque[tuple[str, str, str | bytes]]] = {}
"""Time, level and line, of requests and of each level by itself: many of one do not push out the few of
another.
"""


def recent(lines_max: int, level: str, size_bytes_max: int) -> tuple[str, ...]:
    """The newest lines of at least that level, the oldest of them first, as JSON whatever the style is; so
    many at most, and no more than those that fit in `size_bytes_max`.
    """
    wanted = _LEVELS[_LEVELS.index(level) :]
    found = [one for ring in _last.values() for one in ring if one[1] in wanted]
    found.sort(key=lambda one: one[0])
    lines: list[str] = []
    for _, _, line in reversed(found[-lines_max:]):
        size_bytes_max -= len(line)
        if size_bytes_max < 0:
            break
        lines.append(line if isinstance(line, str) else line.decode())
    return tuple(reversed(lines))


def _keep(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    """The line of JSON, which is written and kept."""
    line = _json(logger, method, event)
    ring = _REQUEST if event["event"] == _REQUEST else event["level"]
    _last[ring].append((event["timestamp"], event["level"], line))
    return line


def _keep_for_people(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The same line is kept, and another one written."""
    _keep(logger, method, structlog.processors.format_exc_info(logger, method, dict(event)))
    return event


class _Quick(NamedTuple):
    """What a line of JSON needs to know of this process."""

    process: str
    level: int


_quick: list[_Quick] = []
"""One where lines are JSON, none where they are for people."""

_log = structlog.get_logger()
_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


def say(level: str, event: str, fields: dict[str, Any]) -> None:
    """The line that `log.<level>(event, **fields)` writes, at a third of its cost: for what is said of every
    request. Fields are text, numbers and booleans.
    """
    if not _quick:
        getattr(_log, level)(event, **fields)
    elif getattr(logging, level.upper()) >= _quick[0].level:
        first = {"timestamp": "", "level": level, "process": _quick[0].process, "event": event}
        stamped = _stamp(None, level, first | fields)
        line = msgspec.json.encode(stamped)
        _last[_REQUEST].append((stamped["timestamp"], level, line))
        sys.stderr.buffer.write(line + b"\n")
        sys.stderr.buffer.flush()


def get_logger(room: str = "") -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines name the room, where there is one."""
    names = {"room": room} if room else {}
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(**names)
    return logger


def _for_people(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A sentence belongs to the event and wants no quotes; then who, for which request, and the rest."""
    ordered = {name: event[name] for name in ("timestamp", "level", "request_id", "process") if name in event}
    ordered |= event
    sentences = [str(ordered.pop(name)) for name in ("text", "reason") if name in ordered]
    ordered["event"] = ": ".join([str(event["event"]), *sentences])
    return ordered


def _json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """Time, level, process and event first: that is what eyes look for in a raw line too."""
    first = ("timestamp", "level", "process", "event", "request_id")
    ordered = {name: event[name] for name in first if name in event}
    return msgspec.json.encode(ordered | dict(event), enc_hook=repr).decode()
