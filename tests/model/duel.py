"""One bucket of a server and one of the model: each operation is done to both, and the answers compared.

What was done stands in `done`, as Python that can be evaluated again; `repeat` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import attrs

from tests.model import operations as ops
from tests.model import symbols, values
from tests.model.answers import Answer, Either, Tree
from tests.model.headers import Request
from tests.model.matching import differences
from tests.model.names import Names
from tests.model.requests import request_of
from tests.model.s3.model import MODEL, Model, expected
from tests.model.s3.state import Bucket
from tests.model.symbols import UploadId
from tests.model.wire import Wire


class Difference(AssertionError):
    """The server does not answer what the model does; tells all operations up to there."""


@attrs.define
class Arena:
    """What the duels of a run share. `outcomes` counts answers by operation and status."""

    wire: Wire
    model: Model = attrs.field(default=MODEL)
    steps: int = 0
    outcomes: Counter[tuple[str, int]] = attrs.field(factory=Counter)


@attrs.define
class Duel:
    """`name` is that of the server's bucket. `is_lost` after the first difference."""

    arena: Arena
    name: str
    bucket: Bucket = attrs.field(factory=Bucket)
    names: Names = attrs.field(factory=Names)
    done: list[ops.Operation] = attrs.field(factory=list)
    is_lost: bool = False

    def begin(self) -> None:
        """Make the server's bucket."""
        self._must(Request("PUT", None), 200)

    def do(self, operation: ops.Operation) -> Tree:
        """Do it to both; the document that the model answers, if any. Raises Difference."""
        self.done.append(operation)
        request = request_of(operation, self.names, self.name)
        answer = expected(self.arena.model, self.bucket, operation)
        received = self.arena.wire.send(request, self.name)
        self.arena.outcomes[type(operation).__name__, received.status] += 1
        if found := differences(answer, received, self.names):
            self._lose([*found, f"the server said {received.body[:500]!r}"])
        return _document(answer)

    def look(self, key: str) -> None:
        """Compare what HEAD tells of the current version. This learns its time, which conditions need."""
        self.do(ops.Read(key, is_head=True))

    def check_everything(self) -> None:
        """Every version is listed, has its bytes and its tags, and every upload its parts."""
        self.do(ops.GetVersioning())
        self.do(ops.ListVersions())
        self.do(ops.ListObjects2())
        self.do(ops.ListUploads())
        for key, versions in self.bucket.versions.items():
            for version in versions:
                self.do(ops.Read(key, version.id, shows_checksum=True))
                self.do(ops.GetTags(key, version.id))
            self.do(ops.Read(key))
        for upload in self.bucket.uploads.values():
            self.do(ops.ListParts(upload.key, UploadId(upload.number)))

    def end(self) -> None:
        """Take everything away, which leaves a bucket that can be deleted."""
        for upload in list(self.bucket.uploads.values()):
            self.do(ops.Abort(upload.key, UploadId(upload.number)))
        items = [(key, version.id) for key, versions in self.bucket.versions.items() for version in versions]
        if items:
            self.do(ops.DeleteMany(tuple(items)))
        self.do(ops.ListVersions())
        self._must(Request("DELETE", None), 204)

    def _must(self, request: Request, status: int) -> None:
        received = self.arena.wire.send(request, self.name)
        if received.status != status:
            self._lose([f"{request.method} of the bucket: {received.status} {received.code}"])

    def _lose(self, found: list[str]) -> None:
        self.is_lost = True
        told = [*found, "after", *(f"  {written(operation)}" for operation in self.done)]
        raise Difference("\n".join(told))


def repeat(duel: Duel, lines: Iterable[str]) -> None:
    """Do the operations that a difference has printed, and then check everything."""
    known = {name: value for module in (ops, symbols, values) for name, value in vars(module).items()}
    duel.begin()
    for line in lines:
        if line.strip():
            # The lines are Python that this module has printed, given by whoever runs it.
            duel.do(eval(line.strip(), {"__builtins__": {}}, known))  # noqa: S307
    duel.check_everything()
    duel.end()


def written(value: object) -> str:
    """Python that makes the value again, without what is as by default."""
    if isinstance(value, tuple):
        return f"({', '.join(map(written, value))}{',' if len(value) == 1 else ''})"
    if not attrs.has(type(value)):
        return repr(value)
    fields = {field.name: field.default for field in attrs.fields(type(value))}
    said = {name: getattr(value, name) for name in fields if getattr(value, name) != fields[name]}
    return f"{type(value).__name__}({', '.join(f'{name}={written(one)}' for name, one in said.items())})"


def _document(answer: Answer | Either) -> Tree:
    if isinstance(answer, Either) or not isinstance(answer.body, dict):
        return {}
    return answer.body
