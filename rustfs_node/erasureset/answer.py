"""Where a task waits for a callback."""

from __future__ import annotations

from typing import Generic, TypeVar

import trio

T = TypeVar("T")


class Answer(Generic[T]):
    """Set once, by a callback; waited for by one task, before or after."""

    __slots__ = ("_event", "_value")

    def __init__(self) -> None:
        self._event = trio.Event()
        self._value: list[T] = []

    def set(self, value: T) -> None:
        """The answer is there."""
        assert not self._value, "answered twice"
        self._value.append(value)
        self._event.set()

    async def wait(self) -> T:
        """The answer."""
        await self._event.wait()
        return self._value[0]
