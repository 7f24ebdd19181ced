"""What clients know of what they stored: per key the last acknowledged state, and what was tried since.

Every key has one writer, so there is one order of its writes. A write without an answer of success is in
doubt: it may have taken effect, may still do so, or never will. What can still bring it about is the set
worker that has it: once that one is dead for certain (`Deaths`), a write that is acknowledged later replaces
it for good. Until then nobody writes to that key, so that no order has to be guessed.
"""

from __future__ import annotations

import attrs

from tests.clients.content import content


@attrs.frozen
class State:
    """One content of a key: the number of the operation that made it, kept as metadata with the object, and
    the pieces of its body as (seed, size).
    """

    op: int
    pieces: tuple[tuple[int, int], ...]

    @property
    def size(self) -> int:
        return sum(size for _, size in self.pieces)

    @property
    def body(self) -> bytes:
        """No two operations send the same bytes, except that a copy has those of its source."""
        return b"".join(content(size, seed) for seed, size in self.pieces)


ABSENT = None
"""The state of a key that was deleted, or never written."""

Known = State | None


@attrs.define
class Deaths:
    """How often every process that may hold an unfinished write was killed; counted before the kill."""

    of_the_set: int = 0


@attrs.define(eq=False)
class Key:
    """`tried` are the states written since the acknowledged one, oldest first, whose outcome is unknown.
    `is_reserved`: an upload is about to become this object, or may have.
    """

    name: str
    acknowledged: Known = ABSENT
    tried: list[Known] = attrs.field(factory=list)
    doubted_at: int = -1
    is_reserved: bool = False

    def acknowledge(self, state: Known) -> None:
        """The write of that state succeeded."""
        self.acknowledged = state
        self.tried.clear()

    def doubt(self, state: Known, deaths: Deaths) -> None:
        """The write of that state was begun, and nobody knows what became of it."""
        self.tried.append(state)
        self.doubted_at = deaths.of_the_set

    def may_be_written(self, deaths: Deaths) -> bool:
        """Whether nothing but a new write can change the key."""
        return not self.is_reserved and (not self.tried or deaths.of_the_set > self.doubted_at)

    def candidates(self) -> list[Known]:
        """What a read may find."""
        return [self.acknowledged, *self.tried]

    def saw(self, state: Known, *, is_lasting: bool) -> None:
        """A read found this. Where what was found stays, whatever was tried before it will not come back."""
        if is_lasting and state != self.acknowledged:
            place = self.tried.index(state)
            self.acknowledged, self.tried = state, self.tried[place + 1 :]


@attrs.frozen
class StoredPart:
    """An acknowledged part."""

    etag: str
    piece: tuple[int, int]


@attrs.define(eq=False)
class Upload:
    """`parts` by number. `ending` is what was tried to end it: "complete", "abort", or nothing yet."""

    key: Key
    upload_id: str
    op: int
    parts: dict[int, StoredPart] = attrs.field(factory=dict)
    ending: str = ""
    doubted_at: int = -1

    @property
    def state(self) -> State:
        """The object that its parts make."""
        return State(self.op, tuple(self.parts[number].piece for number in sorted(self.parts)))

    def may_go_on(self, deaths: Deaths) -> bool:
        """Whether nothing that was asked of it before can still take effect."""
        return deaths.of_the_set > self.doubted_at
