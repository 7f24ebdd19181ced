"""Importing one module of the engine with a bug in it; all others as they are."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

from tests.planted.bug import PlantedBug, Unplantable


class _Loader(SourceFileLoader):
    """Compiles the planted text in place of the file's."""

    def __init__(self, bug: PlantedBug, path: str) -> None:
        super().__init__(bug.module, path)
        self._bug = bug

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._bug.planted(), self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    def __init__(self, bug: PlantedBug) -> None:
        self._bug = bug

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._bug.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None and spec.origin is not None, fullname
        spec.loader = _Loader(self._bug, spec.origin)
        return spec


def plant(bug: PlantedBug) -> None:
    """From now on this process imports the bug. Its module must not have been imported before."""
    if bug.module in sys.modules:
        raise Unplantable(f"{bug.module} was imported before the bug {bug.name!r} could be planted in it")
    sys.meta_path.insert(0, _Finder(bug))
