"""Faults that are staged on running nodes: what `ctl status` and Prometheus have to say of each."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import attrs
import pytest

from rustfs_node.cli.main import main
from tests.kit.node import ACCESS_KEY, SECRET_KEY
from tests.kit.prometheus import Prometheus

SEEN_S = 90.0

Screen = Callable[[], list[str]]
"""What `ctl status` shows of a node now."""


@attrs.frozen
class Case:
    """`staging` brings the fault about on what it is given, and undoes it. `shown` and `remedy` are found in
    two lines that follow each other; `alerts` are those that fire.
    """

    staging: Callable[[Any], AbstractContextManager[None]]
    shown: str
    remedy: str
    alerts: set[str]


def is_named(case: Case, lines: list[str]) -> bool:
    """Whether the fault is there, and right below it what to do."""
    return any(
        re.search(case.shown, line) and re.search(case.remedy, below)
        for line, below in zip(lines, [*lines[1:], ""], strict=True)
    )


def is_quiet(lines: list[str]) -> bool:
    """Whether nothing is said to be wrong."""
    return any(line.startswith("set 0: safe") for line in lines) and not any(
        line.startswith(("drive ", "node ", "  do:")) for line in lines
    )


def until(what: Callable[[], bool], tell: Callable[[], object]) -> None:
    """Look until it is so."""
    deadline_s = time.monotonic() + SEEN_S
    while not what():
        assert time.monotonic() < deadline_s, tell()


def check_case(case: Case, scene: object, screens: list[Screen], watcher: Prometheus) -> None:
    """The fault is named on each screen while it lasts, and the alerts fire; afterwards nothing is said to be
    wrong on the first, and no alert fires.
    """
    fired: set[str] = set()

    def have_fired() -> bool:
        fired.update(watcher.firing())
        return case.alerts <= fired

    def see(screen: Screen, is_so: Callable[[list[str]], bool]) -> None:
        until(lambda: is_so(screen()), lambda: "\n".join(screen()))

    with case.staging(scene):
        for screen in screens:
            see(screen, lambda lines: is_named(case, lines))
        until(have_fired, lambda: fired)
    see(screens[0], is_quiet)
    until(lambda: not watcher.firing(), watcher.firing)


def status_screens(
    urls: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> list[Screen]:
    """Those of the nodes at these places."""
    monkeypatch.setenv("RUSTFS_ACCESS_KEY", ACCESS_KEY)
    monkeypatch.setenv("RUSTFS_SECRET_KEY", SECRET_KEY)

    def look(url: str) -> list[str]:
        with pytest.raises(SystemExit):
            main(["ctl", "status", "--endpoint", url])
        return capsys.readouterr().out.splitlines()

    return [lambda url=url: look(url) for url in urls]
