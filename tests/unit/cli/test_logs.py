"""The last lines of a process are kept as they were written."""

from __future__ import annotations

import io
import json
import sys

import pytest
import structlog

from rustfs_node import logs
from rustfs_node.cli.logs import line_for_people, merged


@pytest.fixture(params=["json", "human"])
def kept(request, monkeypatch):
    """A log that keeps three lines of each kind, and forgets them afterwards."""
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO()))
    logs.configure("test", "info", request.param, kept=0)
    logs.configure("test", "info", request.param, kept=3)
    yield
    logs.configure("test", "info", "human", kept=0)
    structlog.reset_defaults()


def events(lines_max: int = 100, level: str = "debug", size_bytes_max: int = 10_000) -> list[str]:
    return [json.loads(line)["event"] for line in logs.recent(lines_max, level, size_bytes_max)]


@pytest.mark.usefixtures("kept")
def test_the_last_lines_are_kept():
    """Each level keeps its own last lines, requests too, in the order of time; what is filtered is not
    kept.
    """
    log = logs.get_logger()
    log.error("bad", bucket=b"\xff")
    for number in range(5):
        log.debug("unseen")
        log.info("seen", number=number)
    for number in range(5):
        logs.say("info", "request", {"number": number})
    log.warning("last")
    few = events()
    assert few == ["bad", "seen", "seen", "seen", "request", "request", "request", "last"]
    assert [json.loads(line).get("number") for line in logs.recent(9, "debug", 10_000)][1:4] == [2, 3, 4]
    assert events(level="warning") == ["bad", "last"]
    assert events(lines_max=2) == ["request", "last"]
    assert events(size_bytes_max=len(logs.recent(1, "debug", 10_000)[0])) == ["last"]


@pytest.mark.usefixtures("kept")
def test_tracebacks_are_kept_as_text():
    """An exception is kept as what was written of it, and keeps nothing of the program alive."""
    try:
        raise ValueError("as it happens")
    except ValueError:
        logs.get_logger().exception("crashed")
    (line,) = logs.recent(5, "error", 10_000)
    assert "ValueError: as it happens" in json.loads(line)["exception"]


def test_lines_of_several_processes_are_merged():
    """By time, and people see the rest of the fields behind."""
    one = {"timestamp": "2026-01-01T00:00:01", "level": "info", "process": "a", "event": "x", "n": 1}
    two = {"timestamp": "2026-01-01T00:00:00", "level": "info", "process": "b", "event": "y", "t": "a b"}
    assert merged([{"lines": [one]}, {"lines": [two]}]) == [two, one]
    assert line_for_people(two) == "2026-01-01T00:00:00 info b y t='a b'"
