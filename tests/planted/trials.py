"""Runs tests over planted bugs, each in a forked process of its own.

    python -m tests.planted.trials

reads one request a line (`Trial` as JSON), and answers each with a line as soon as its process has ended.
What takes long to import and does not belong to the engine is imported once, before the forks. Whoever uses
this talks to `Trials`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Generator, Sequence
from pathlib import Path

import attrs
import hypothesis
import pytest

from tests.planted.bug import ROOT

OPTIONS = (
    *("-x", "-q", "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist"),
    # What was imported before the fork belongs to no test.
    *("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"),
)
_NEVER_STARTED = 99


@attrs.frozen
class Failure:
    """A test that failed: in which phase, by which exceptions (of a group: each of them), in what words."""

    test: str
    phase: str
    exceptions: tuple[str, ...]
    message: str


@attrs.frozen
class Outcome:
    """How the process ended: its `status`, or the `signal` that killed it. `output` is what pytest printed,
    `cpu_s` what it cost.
    """

    status: int
    signal: int
    failures: tuple[Failure, ...]
    output: str
    cpu_s: float = 0.0


@attrs.frozen
class Trial:
    """Tests to run with `bug`, or with none where it is empty; the process is killed after `limit_s`."""

    bug: str
    tests: Sequence[str]
    limit_s: int
    folder: str


class Trials:
    """The process that forks, as others see it."""

    def __init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.planted.trials"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, trial: Trial) -> Outcome:
        """Run one, and wait for it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(attrs.asdict(trial)) + "\n")
        self._process.stdin.flush()
        ended = json.loads(self._process.stdout.readline())
        found = Path(trial.folder, "failures.json")
        raw = json.loads(found.read_text()) if found.exists() else []
        failures = tuple(Failure(**fields) for fields in raw)
        output = Path(trial.folder, "output").read_text()
        return Outcome(ended["status"], ended["signal"], failures, output, ended["cpu_s"])

    def close(self) -> None:
        """No more trials."""
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()


class _Observer:
    """A plugin of pytest that notes down what failed."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []

    def pytest_sessionstart(self) -> None:
        # Whether a property fails is the question here, not on how small an example.
        phases = [phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.shrink]
        settings = hypothesis.settings(phases=phases, report_multiple_bugs=False)
        hypothesis.settings.register_profile("planted", settings)
        hypothesis.settings.load_profile("planted")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed and call.excinfo is not None:
            error = call.excinfo.value
            failure = Failure(item.nodeid, report.when, tuple(names_of(error)), str(error)[:500])
            self.failures.append(failure)
        return report


def names_of(error: BaseException) -> list[str]:
    """The class of an exception, or of all that are in a group."""
    if isinstance(error, BaseExceptionGroup):
        return [name for inner in error.exceptions for name in names_of(inner)]
    return [type(error).__name__]


def _run_here(trial: Trial) -> int:
    """In the forked process: plant, test, write down what failed."""
    from tests.planted.catalogue import BUGS
    from tests.planted.soil import plant

    if trial.bug:
        plant(BUGS[trial.bug])
    observer = _Observer()
    status = pytest.main([*OPTIONS, f"--basetemp={trial.folder}/tests", *trial.tests], [observer])
    Path(trial.folder, "failures.json").write_text(json.dumps([attrs.asdict(f) for f in observer.failures]))
    return int(status)


def _fork(trial: Trial) -> dict[str, float]:
    """Exit status, signal and CPU seconds of the process that ran it."""
    child = os.fork()
    if not child:
        status = _NEVER_STARTED
        try:
            signal.alarm(trial.limit_s)
            output = os.open(f"{trial.folder}/output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            status = _run_here(trial)
        # Nobody above would show it.
        except BaseException:
            traceback.print_exc()
        finally:
            # Nothing of the parent's is to be flushed or ended here.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    _, ended, usage = os.wait4(child, 0)
    was_killed = os.WIFSIGNALED(ended)
    return {
        "status": 0 if was_killed else os.WEXITSTATUS(ended),
        "signal": os.WTERMSIG(ended) if was_killed else 0,
        "cpu_s": usage.ru_utime + usage.ru_stime,
    }


def main() -> None:
    """Serve until the requests end."""
    # These take most of a test's start. What belongs to the engine is never among them.
    import cryptography.x509
    import lxml.etree
    import msgspec
    import structlog
    import trio.testing
    import zmq

    assert not any(name.startswith("rustfs_") for name in sys.modules), "the engine was imported too early"
    del cryptography, lxml, msgspec, structlog, trio, zmq
    for line in sys.stdin:
        print(json.dumps(_fork(Trial(**json.loads(line)))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
