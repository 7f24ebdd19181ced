"""Which lines of the program an input reached, for long runs: ten times slower, and it finds its
way deeper.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

_ROOT = Path(__file__).parents[2]
_WATCHED = (f"{_ROOT}/rustfs_proto/", f"{_ROOT}/rustfs_node/")


class Coverage:
    """All steps from line to line that were ever seen."""

    def __init__(self) -> None:
        self._seen: set[tuple[CodeType, int, int]] = set()
        self._is_new = False

    def of(self, work: Callable[..., Any], *arguments: Any) -> tuple[Any, bool]:
        """What the call gives, and whether it made a step that none made before."""
        self._is_new = False
        sys.settrace(self._enter)
        try:
            result = work(*arguments)
        finally:
            sys.settrace(None)
        return result, self._is_new

    def _enter(self, frame: FrameType, event: str, argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(_WATCHED):
            return None
        code, before = frame.f_code, 0

        def step(frame: FrameType, event: str, argument: object) -> Any:
            nonlocal before
            if event == "line":
                arc = (code, before, frame.f_lineno)
                before = frame.f_lineno
                if arc not in self._seen:
                    self._seen.add(arc)
                    self._is_new = True
            return step

        return step
