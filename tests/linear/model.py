"""What one key of S3 is, and what each operation does to it. Pure: states are tuples, nothing is changed.

A state is the versions of the key, newest first; a delete marker is a version without an ETag. Where the
bucket was never versioned there is one version at most, and a delete leaves none. Where it is versioned,
every write and every plain delete puts a version on top, and only a delete that names a version takes one
away. A tag belongs to its version: a new one has none.

`steps` gives the states that an operation with its answer may lead to: none where the answer cannot be that
of this state. There are several only for an operation of unknown outcome, of whose version nobody was told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.linear.history import NULL, Kind, Op

MARKER = ""


class Version(NamedTuple):
    """One version: its id, its ETag or MARKER, its tag or "" for none."""

    id: str
    etag: str
    tag: str = ""


State = tuple[Version, ...]
EMPTY: State = ()
NOWHERE: tuple[State, ...] = ()


class Model:
    """One key of a bucket that was never versioned, or of one that is. `markers` are ids of markers that were
    seen and that no answered delete has named: whoever made them got no answer. `nameless` are the same of
    versions that no answered write has named, and that were not seen with their ETags.
    """

    def __init__(
        self, *, versioned: bool, markers: tuple[str, ...] = (), nameless: tuple[str, ...] = ()
    ) -> None:
        self.versioned, self._markers, self._nameless = versioned, markers, nameless

    def steps(self, state: State, op: Op) -> tuple[State, ...]:
        """See the module."""
        if op.is_look:
            return (state,) if self._fits(state, op) else NOWHERE
        return _CHANGES[op.kind](self, state, op)

    # What leaves the state as it is

    def _fits(self, state: State, op: Op) -> bool:
        if op.status >= 400 and not op.asked:
            return _is_refused(latest(state), op) and self._names_marker(state, op)
        found = _find(state, op.asked) if op.asked else latest(state)
        if op.status >= 400:
            return op.status == (404 if found is None else 405 if found.etag == MARKER else 0)
        if found is None or found.etag == MARKER or (op.version and op.version != found.id):
            return False
        if op.kind is Kind.READ_TAG:
            return found.tag == op.tag
        return found.etag == op.etag and bool(found.tag) == bool(op.tag)

    def _names_marker(self, state: State, op: Op) -> bool:
        """A read that finds no object names the marker that lies on top, if one does."""
        return op.kind is not Kind.READ or op.version == (state[0].id if state else "")

    # What changes it

    def _put(self, state: State, op: Op) -> tuple[State, ...]:
        if op.version:
            return (self._with(state, op.version, op.etag),)
        return tuple(self._with(state, name, op.etag) for name in self._names(state, op, self._nameless))

    def _create(self, state: State, op: Op) -> tuple[State, ...]:
        return NOWHERE if latest(state) else self._put(state, op)

    def _replace(self, state: State, op: Op) -> tuple[State, ...]:
        current = latest(state)
        return self._put(state, op) if current and current.etag == op.expect else NOWHERE

    def _delete(self, state: State, op: Op) -> tuple[State, ...]:
        if not self.versioned:
            return (EMPTY,)
        if op.version:
            return (self._with(state, op.version, MARKER),)
        return tuple(self._with(state, name, MARKER) for name in self._names(state, op, self._markers))

    def _remove(self, state: State, op: Op) -> tuple[State, ...]:
        current = latest(state)
        return self._delete(state, op) if current and current.etag == op.expect else NOWHERE

    def _erase(self, state: State, op: Op) -> tuple[State, ...]:
        return (tuple(version for version in state if version.id != op.asked),)

    def _tag(self, state: State, op: Op) -> tuple[State, ...]:
        found = _find(state, op.asked) if op.asked else latest(state)
        if found is None or found.etag == MARKER or (op.version and op.version != found.id):
            return NOWHERE
        return (tuple(_tagged(one, op.tag) if one.id == found.id else one for one in state),)

    def _with(self, state: State, name: str, etag: str) -> State:
        return (Version(name, etag), *state) if self.versioned else (Version(name, etag),)

    def _names(self, state: State, op: Op, seen: tuple[str, ...]) -> list[str]:
        """What its version may be called."""
        taken = {version.id for version in state}
        return [self.name_of(op), *(name for name in seen if name not in taken)]

    def name_of(self, op: Op) -> str:
        """The id of what an operation made that was told of none."""
        return f"?{id(op)}" if self.versioned else NULL


_CHANGES: dict[Kind, Callable[[Model, State, Op], tuple[State, ...]]] = {
    Kind.PUT: Model._put,  # noqa: SLF001
    Kind.CREATE: Model._create,  # noqa: SLF001
    Kind.REPLACE: Model._replace,
    Kind.DELETE: Model._delete,  # noqa: SLF001
    Kind.REMOVE: Model._remove,  # noqa: SLF001
    Kind.ERASE: Model._erase,  # noqa: SLF001
    Kind.TAG: Model._tag,  # noqa: SLF001
}


def latest(state: State) -> Version | None:
    """What a read finds; None where there is nothing, or a marker on top."""
    return state[0] if state and state[0].etag != MARKER else None


def _find(state: State, name: str) -> Version | None:
    return next((version for version in state if version.id == name), None)


def _tagged(version: Version, tag: str) -> Version:
    return version._replace(tag=tag)


def _is_refused(current: Version | None, op: Op) -> bool:
    """Whether an operation on the latest version is answered so. 405 is S3's word for a marker."""
    if op.status == 412:
        return current is not None and (op.kind is Kind.CREATE or current.etag != op.expect)
    return current is None
