"""Whether a bug was caught: by the test that should, and because of what it does."""

from __future__ import annotations

import signal

import pytest

from tests.planted.bug import PlantedBug
from tests.planted.trials import Outcome

CLUMSY = frozenset(
    {
        "AttributeError",
        "ImportError",
        "IndentationError",
        "ModuleNotFoundError",
        "NameError",
        "SyntaxError",
        "TypeError",
        "UnboundLocalError",
    }
)
"""What a change raises that does not plant a bug but breaks the program."""


def why_not_caught(bug: PlantedBug, outcome: Outcome) -> str:
    """Empty where the bug was caught."""
    if outcome.signal == signal.SIGALRM:
        return (
            "" if bug.may_hang else f"the test did not end within {bug.limit_s} s, and `may_hang` is not set"
        )
    if outcome.signal:
        return f"the process died by signal {outcome.signal}"
    if outcome.status == pytest.ExitCode.OK:
        return "the test passed: nobody would notice this bug"
    if outcome.status != pytest.ExitCode.TESTS_FAILED:
        return f"pytest ended with status {outcome.status}: the test could not be run"
    if not outcome.failures:
        return "a test failed without saying where"
    failure = outcome.failures[0]
    if failure.test != bug.caught_by and not failure.test.startswith(
        (f"{bug.caught_by}[", f"{bug.caught_by}::")
    ):
        return f"another test failed: {failure.test}"
    if failure.phase != "call":
        return f"the test failed in its {failure.phase}, not in what it asserts: {failure.message}"
    clumsy = CLUMSY.intersection(failure.exceptions)
    return f"the change is no bug but a broken program: {failure.message}" if clumsy else ""
