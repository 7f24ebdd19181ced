"""The catalogue as a whole, and the judgement over a trial."""

from __future__ import annotations

import re
import signal
from operator import attrgetter

import attrs
import pytest

from tests.planted import test_drive_contents, test_drives, test_edges, test_sets
from tests.planted.bug import ROOT, PlantedBug, Unplantable
from tests.planted.catalogue import ALL, BUGS
from tests.planted.judge import why_not_caught
from tests.planted.trials import Failure, Outcome

HEADINGS = re.findall(r"^## (.+)$", (ROOT / "docs" / "guarantees.md").read_text(), re.MULTILINE)
PROMISES = [heading for heading in HEADINGS if heading != "Not promised"]

SAMPLE = PlantedBug(
    "sample", "rustfs_proto/stamp.py", "NO_STAMP = 0", "NO_STAMP = 1", "x", "x", "tests/t.py::test_x"
)
FAILED = Outcome(1, 0, (Failure("tests/t.py::test_x", "call", ("AssertionError",), "1 == 2"),), "")


def test_every_promise_is_attacked() -> None:
    """Each heading of the guarantees has bugs that break it, and no bug breaks what nobody promised."""
    assert {bug.promise for bug in ALL} == set(PROMISES)


def test_names_are_unique() -> None:
    """A bug is found by its name, and no text is planted twice in the same place."""
    assert len(BUGS) == len(ALL) == len({(bug.file, bug.old, bug.new) for bug in ALL})


def test_every_bug_is_planted() -> None:
    """None stands in the catalogue alone."""
    planted = [
        bug for module in (test_sets, test_drives, test_drive_contents, test_edges) for bug in module.BUGS
    ]
    assert sorted(bug.name for bug in planted) == sorted(BUGS)


@pytest.mark.parametrize("bug", ALL, ids=attrgetter("name"))
def test_every_bug_applies(bug: PlantedBug) -> None:
    """Its text stands in its file exactly once, and what it becomes is Python."""
    assert bug.planted() and bug.breaks.endswith(".") and "::" in bug.caught_by


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "0 times"),
        ("NO_STAMP = 0\nNO_STAMP = 0\n", "2 times"),
        ("(NO_STAMP = 0", "no Python"),
    ],
)
def test_what_no_longer_applies_says_so(source: str, words: str) -> None:
    """A text that is gone, stands there twice, or no longer compiles is a failure with the bug's name."""
    with pytest.raises(Unplantable, match=words) as caught:
        SAMPLE.planted(source)
    assert "sample" in str(caught.value)


def failing(**changes: object) -> Outcome:
    """The failure of the right test, but for that."""
    return attrs.evolve(FAILED, failures=(attrs.evolve(FAILED.failures[0], **changes),))


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (FAILED, ""),
        (failing(test="tests/t.py::test_x[1]"), ""),
        (failing(exceptions=("Fault",)), ""),
        (Outcome(0, 0, (), ""), "nobody would notice"),
        (Outcome(4, 0, (), ""), "could not be run"),
        (Outcome(2, 0, (), ""), "could not be run"),
        (Outcome(0, signal.SIGALRM, (), ""), "did not end"),
        (Outcome(0, signal.SIGSEGV, (), ""), "died by signal"),
        (failing(test="tests/t.py::test_xy"), "another test"),
        (failing(phase="setup"), "in its setup"),
        (failing(exceptions=("AssertionError", "NameError")), "broken program"),
    ],
)
def test_what_counts_as_caught(outcome: Outcome, reason: str) -> None:
    """Only a failure of the very test, in what it asserts: no typing error, no other test, no crash."""
    found = why_not_caught(SAMPLE, outcome)
    assert reason in found and bool(found) == bool(reason)


def test_a_hang_counts_where_it_is_expected() -> None:
    """A test that waits for ever for what a bug took away has caught it, if the bug says so."""
    assert not why_not_caught(attrs.evolve(SAMPLE, may_hang=True), Outcome(0, signal.SIGALRM, (), ""))
