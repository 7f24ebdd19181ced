"""What every rule works on: one file's text, its path from the root of the repository, and its syntax tree.

A rule is a function `(source, path) -> list[Violation]`. It decides from the path alone whether it has a say,
reads no other file, and never imports the code that it judges.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import lru_cache

import attrs

PACKAGES = ("rustfs_proto/", "rustfs_node/")


@attrs.frozen
class Violation:
    """One broken rule at one line; `text` says what was seen and what to do instead."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


Rule = Callable[[str, str], list[Violation]]


# Enough for all files, which each rule visits.
@lru_cache(maxsize=4096)
def parse(source: str) -> ast.Module:
    """The syntax tree; callers must not change it."""
    return ast.parse(source)


def is_python(path: str) -> bool:
    return path.endswith(".py")


def is_code(path: str) -> bool:
    """Whether the file ships: tests and benchmarks are judged more mildly."""
    return is_python(path) and path.startswith(PACKAGES)


def is_inside(path: str, prefixes: tuple[str, ...]) -> bool:
    """A prefix names a folder (`rustfs_node/bus/`) or how file names begin (`rustfs_node/acceptor/net`)."""
    return path.startswith(prefixes)


def imports_of(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for, in full: `from os import path as p` gives {"p": "os.path"}."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names
