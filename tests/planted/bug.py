"""What a planted bug is."""

from __future__ import annotations

from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]


class Unplantable(AssertionError):
    """The bug no longer fits the source; the text says why and what to do."""


@attrs.frozen
class PlantedBug:
    """`file` is below the root of the tree, `old` stands in it exactly once and becomes `new`.

    `breaks`: one sentence. `promise`: a heading of docs/guarantees.md. `caught_by`: the id of the test that
    must fail, within `limit_s`; only where `may_hang` is a test that never ends a failed one. One that
    `is_slow` is planted by `make long` alone.
    """

    name: str
    file: str
    old: str
    new: str
    breaks: str
    promise: str
    caught_by: str
    limit_s: int = 120
    may_hang: bool = False
    is_slow: bool = False

    @property
    def module(self) -> str:
        """The name under which the file is imported."""
        return self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def planted(self, source: str | None = None) -> str:
        """The text of the file with the bug in it; raises Unplantable. `source` stands for the file."""
        text = (ROOT / self.file).read_text() if source is None else source
        found = text.count(self.old)
        if found != 1:
            raise Unplantable(
                f"planted bug {self.name!r} no longer applies: {self.file} holds {self.old!r} {found} times,"
                " expected once; give it the text that stands there now"
            )
        planted = text.replace(self.old, self.new)
        try:
            compile(planted, self.file, "exec", dont_inherit=True)
        except SyntaxError as error:
            raise Unplantable(f"planted bug {self.name!r} is no Python: {error}") from error
        return planted
