"""The tree as it is keeps every rule."""

from __future__ import annotations

import pytest

from tests.tidy.source import Rule
from tests.tidy.tree import ROOT, RULES, check_tree, mypy_targets, run_mypy, run_ruff


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__.removeprefix("check_"))
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    """No file of the project breaks it."""
    violations = check_tree(ROOT, [rule])
    assert not violations, "\n".join(["", *map(str, violations)])


def test_ruff_finds_nothing() -> None:
    """Every rule of ruff that pyproject.toml leaves on holds everywhere."""
    result = run_ruff("check", "--output-format", "concise", ".")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_tree_is_formatted() -> None:
    """`ruff format` would change nothing."""
    result = run_ruff("format", "--check", "--output-format", "concise", ".")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
def test_mypy_strict_finds_nothing() -> None:
    """Both packages, the benchmarks and these rules are fully and consistently typed."""
    result = run_mypy(*mypy_targets())
    assert result.returncode == 0, result.stdout + result.stderr
