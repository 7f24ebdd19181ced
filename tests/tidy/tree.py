"""All rules over all files of a tree, and the two tools that judge it beside them."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.tidy.import_rules import check_import_directions
from tests.tidy.seam_rules import check_seams
from tests.tidy.shape_rules import (
    check_docstrings,
    check_exceptions,
    check_foreign_words,
    check_leftovers,
    check_print,
    check_set_order,
    check_sizes,
)
from tests.tidy.source import Rule, Violation

ROOT = Path(__file__).resolve().parents[2]

RULES: tuple[Rule, ...] = (
    check_import_directions,
    check_seams,
    check_sizes,
    check_docstrings,
    check_exceptions,
    check_print,
    check_set_order,
    check_leftovers,
    check_foreign_words,
)

# Beside what lies in the root itself; a working copy also holds environments, caches and a node's data.
FOLDERS = (".ci", "bench", "docs", "etc", "rustfs_node", "rustfs_proto", "systemd", "tests")
TEXT_SUFFIXES = {".py", ".md", ".toml", ".txt", ".service", ".sh", ".cfg", ".yml", ""}


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """Path from the root and content of every text file of the project, in a fixed order."""
    candidates = [path for path in root.iterdir() if path.is_file()]
    for folder in FOLDERS:
        candidates.extend((root / folder).rglob("*"))
    for path in sorted(candidates):
        if path.suffix in TEXT_SUFFIXES and path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8", errors="replace")


def check_tree(root: Path, rules: Sequence[Rule] = RULES) -> list[Violation]:
    """Everything that those rules find below `root`."""
    return [violation for path, source in texts(root) for rule in rules for violation in rule(source, path)]


def run_ruff(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Ruff with the project's configuration, which also holds for files elsewhere."""
    return run_tool("ruff", *arguments, "--no-cache", "--config", str(ROOT / "pyproject.toml"))


def run_mypy(*targets: str) -> subprocess.CompletedProcess[str]:
    """Mypy as pyproject.toml sets it; the cache stays in the tree, so that a second run takes a second."""
    config = ("--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache"))
    return run_tool("mypy", *config, "--no-color-output", "--no-error-summary", *targets)


def mypy_targets() -> list[str]:
    """What pyproject.toml names, as far as it exists."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [name for name in settings["tool"]["mypy"]["files"] if (ROOT / name).exists()]


def run_tool(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MYPY")}
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
