"""Running a target: replay what is kept, then a fixed number of mutations; and making a failing
input small.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from random import Random

import attrs

from tests.fuzz import corpus
from tests.fuzz.coverage import Coverage
from tests.fuzz.guards import TooSlow, memory_limit, time_limit
from tests.fuzz.mutation import Mutator

POOL_MAX = 600
"""A target whose labels say too much must not fill the memory."""

Check = Callable[[bytes], Hashable]


@attrs.frozen
class Target:
    """One reader of bytes from outside.

    `check` raises where a promise is broken and else gives a label of what happened. `seeds` are well-formed
    inputs, made by the program's own writers so that they never grow old. `executions` is the budget of a
    run of the suite. `reshape` may put an input in order again, for example its checksums, so that what lies
    behind them is reached; it is used for a part of the inputs.
    """

    name: str
    check: Check
    seeds: Callable[[], Sequence[bytes]]
    executions: int
    tokens: Sequence[bytes] = (b"\0",)
    suffix: str = ".txt"
    max_bytes: int = 4096
    in_place: bool = False
    reshape: Callable[[Random, bytes], bytes] | None = None
    opened: Callable[[], AbstractContextManager[Check]] | None = None

    @contextmanager
    def ready(self) -> Iterator[Check]:
        """The check, with whatever it needs around it."""
        if self.opened is None:
            yield self.check
        else:
            with self.opened() as check:
                yield check


@attrs.frozen
class Failure:
    """An input that broke a promise. `number` counts executions from 0; -1 is a kept or well-formed one.
    `kind` is the error's class, `error` all of it with its traceback.
    """

    data: bytes
    number: int
    kind: str
    error: str

    @classmethod
    def of(cls, data: bytes, number: int, error: BaseException) -> Failure:
        """From what a check raised."""
        text = "".join(traceback.format_exception(error, limit=-12))
        return cls(data, number, type(error).__name__, text)


@attrs.frozen
class Finished:
    """A campaign without a failure: how often each label was seen."""

    labels: dict[Hashable, int]


def run_once(check: Check, data: bytes) -> Hashable:
    """One execution within its limits."""
    with time_limit(), memory_limit():
        return check(data)


def failure_of(check: Check, data: bytes, number: int = -1) -> Failure | None:
    """The failure that this input causes, None for none."""
    try:
        run_once(check, data)
    # Whatever leaves a target is what is looked for here.
    except (Exception, TooSlow, BaseExceptionGroup) as error:
        return Failure.of(data, number, error)
    return None


def replay(target: Target) -> list[tuple[str, Failure]]:
    """Every kept input and every seed; those that fail, by name."""
    inputs = {f"seed {number}": seed for number, seed in enumerate(target.seeds())}
    with target.ready() as check:
        found = [
            (name, failure_of(check, data)) for name, data in (inputs | corpus.load(target.name)).items()
        ]
    return [(name, failure) for name, failure in found if failure is not None]


def campaign(
    target: Target, executions: int, seed: int, coverage: Coverage | None = None
) -> Failure | Finished:
    """Mutate until the budget is used up or something fails. With `coverage`, inputs that reach new lines are
    mutated further, too.
    """
    random = Random(f"{target.name} {seed}")
    pool = [*target.seeds(), *corpus.load(target.name).values()]
    mutator = Mutator(random, pool, target.tokens, target.max_bytes, target.in_place)
    labels: dict[Hashable, int] = {}
    with target.ready() as check:
        for number in range(executions):
            data = mutator.next_input()
            if target.reshape is not None and random.random() < 0.5:
                data = target.reshape(random, data)
            try:
                if coverage is None:
                    label, is_new = run_once(check, data), False
                else:
                    label, is_new = coverage.of(run_once, check, data)
            # Whatever leaves a target is what is looked for here.
            except (Exception, TooSlow, BaseExceptionGroup) as error:
                return Failure.of(data, number, error)
            if (is_new or label not in labels) and len(pool) < POOL_MAX:
                pool.append(data)
            labels[label] = labels.get(label, 0) + 1
    return Finished(labels)


def minimise(target: Target, failure: Failure) -> Failure:
    """The shortest input found that fails with the same error, by leaving out and by blanking stretches."""
    with target.ready() as check:
        best = failure
        size = len(best.data)
        while size:
            at = 0
            while at < len(best.data):
                for shorter in (best.data[:at] + best.data[at + size :], _blanked(best.data, at, size)):
                    found = failure_of(check, shorter, failure.number) if shorter != best.data else None
                    if found is not None and found.kind == failure.kind:
                        best = found
                        break
                at += size
            size //= 2
    return best


def _blanked(data: bytes, at: int, size: int) -> bytes:
    end = min(len(data), at + size)
    return data[:at] + bytes(end - at) + data[end:]
