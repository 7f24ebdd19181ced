"""Outcomes as a table with ratios between endpoints, and as a plot where matplotlib is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs

from bench.run import Row
from bench.work import Endpoint, Outcome, Work

_FIXED = ("work", "endpoint", "ops/s", "MiB/s", "p50 ms", "p99 ms")
_CPU = ("CPU µs/op", "acceptor", "set", "each drive")
_LAST = ("errors", "wrong")


@attrs.frozen
class Claim:
    """A bound that the rows are held against: `measured` is what they say, which should be `at_least` or
    `at_most` the limit.
    """

    text: str
    measured: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return (self.at_least is None or self.measured >= self.at_least) and (
            self.at_most is None or self.measured <= self.at_most
        )


def table(rows: Sequence[Row]) -> str:
    """A markdown table. A column "of NAME" is the rate divided by that of NAME; the columns of processes are
    their CPU µs/op.
    """
    others = _references(rows)
    columns = (*_FIXED, *(f"of {name}" for name in others), *_CPU, *_LAST)
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for work, outcomes in rows:
        rates = {endpoint.name: outcome.rate for endpoint, outcome in outcomes}
        lines += [_row(work, endpoint, outcome, rates, others) for endpoint, outcome in outcomes]
    return "\n".join(lines)


def claims_table(claims: Sequence[Claim]) -> str:
    """A markdown table of bounds and whether they hold."""
    lines = ["| bound | measured | limit | |", "|---|---|---|---|"]
    for claim in claims:
        limit = f"≥ {claim.at_least:g}" if claim.at_least is not None else f"≤ {claim.at_most:g}"
        verdict = "holds" if claim.holds else "MISSED"
        lines.append(f"| {claim.text} | {claim.measured:.2f} | {limit} | {verdict} |")
    return "\n".join(lines)


def ratio(rows: Sequence[Row], title: str, over: str) -> float:
    """The rate of the first endpoint divided by that of endpoint `over`, in the row of that title."""
    outcomes = dict(rows)[_work_of(rows, title)]
    rates = {endpoint.name: outcome.rate for endpoint, outcome in outcomes}
    return outcomes[0][1].rate / rates[over] if rates[over] else 0.0


def first_outcome(rows: Sequence[Row], title: str) -> Outcome:
    """What came of the first endpoint in the row of that title."""
    return dict(rows)[_work_of(rows, title)][0][1]


def _work_of(rows: Sequence[Row], title: str) -> Work:
    return next(work for work, _ in rows if work.title == title)


def _references(rows: Sequence[Row]) -> list[str]:
    """Every endpoint but the first, in the order in which they come up."""
    names = dict.fromkeys(endpoint.name for _, outcomes in rows for endpoint, _ in outcomes)
    return list(names)[1:]


def _row(work: Work, endpoint: Endpoint, o: Outcome, rates: dict[str, float], others: list[str]) -> str:
    ratios = [
        f"{o.rate / rates[name]:.2f}" if rates.get(name) and name != endpoint.name else "" for name in others
    ]
    cpu = [
        f"{o.cpu_us(role):.0f}" if role in o.roles or (o.roles and not role) else ""
        for role in ("", "acceptor", "set", "drive")
    ]
    figures = (
        f"{o.rate:.0f}" if o.rate >= 100 else f"{o.rate:.1f}",
        f"{o.mib_rate:.0f}" if o.object_bytes else "",
    )
    times = (f"{o.quantile_ms(0.5):.2f}", f"{o.quantile_ms(0.99):.2f}")
    cells = (work.title, endpoint.name, *figures, *times, *ratios, *cpu, str(o.errors), str(o.wrong))
    return "| " + " | ".join(cells) + " |"


def plot(rows: Sequence[Row], path: Path) -> None:
    """Save a bar chart of the rates; raises ImportError where matplotlib is not installed."""
    # Only a chart needs it, and it is not among the project's dependencies.
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(len(rows), 1, figsize=(8, 1.6 * len(rows)), squeeze=False)
    for axis, (work, outcomes) in zip(axes[:, 0], rows, strict=True):
        names = [endpoint.name for endpoint, _ in outcomes]
        axis.barh(names, [outcome.rate for _, outcome in outcomes])
        axis.set_title(f"{work.title}: operations a second", fontsize=9)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
