"""Outcomes as a table with ratios against the last endpoint, and as a plot where matplotlib is installed."""

from __future__ import annotations

from pathlib import Path

from bench.work import Endpoint, Outcome, Work

_HEAD = (
    "| work | endpoint | ops/s | MiB/s | p50 ms | p99 ms | server CPU µs/op | ratio | errors | wrong |",
    "|---|---|---|---|---|---|---|---|---|---|",
)


def table(rows: list[tuple[Work, list[tuple[Endpoint, Outcome]]]]) -> str:
    """A markdown table; `ratio` is the endpoint's rate over that of the last endpoint named."""
    lines = list(_HEAD)
    for work, outcomes in rows:
        base = outcomes[-1][1].rate
        lines += [_row(work, endpoint, outcome, base) for endpoint, outcome in outcomes]
    return "\n".join(lines)


def _row(work: Work, endpoint: Endpoint, o: Outcome, base: float) -> str:
    ratio = f"{o.rate / base:.2f}" if base else "-"
    cpu = f"{o.cpu_us:.0f}" if o.cpu_s else "-"
    name = f"{work.operation} {_size(work.object_bytes)} x{work.connections}"
    cells = (
        name,
        endpoint.name,
        f"{o.rate:.0f}",
        f"{o.mib_rate:.1f}",
        f"{o.quantile_ms(0.5):.2f}",
        f"{o.quantile_ms(0.99):.2f}",
    )
    return "| " + " | ".join((*cells, cpu, ratio, str(o.errors), str(o.wrong))) + " |"


def _size(size_bytes: int) -> str:
    for unit, scale in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size_bytes >= scale and size_bytes % scale == 0:
            return f"{size_bytes // scale} {unit}"
    return f"{size_bytes} B"


def plot(rows: list[tuple[Work, list[tuple[Endpoint, Outcome]]]], path: Path) -> None:
    """Save a bar chart of the rates; raises ImportError where matplotlib is not installed."""
    # Only a chart needs it, and it is not among the project's dependencies.
    from matplotlib import pyplot as plt  # noqa: PLC0415

    names = [endpoint.name for endpoint, _ in rows[0][1]]
    figure, axes = plt.subplots(len(rows), 1, figsize=(8, 1.6 * len(rows)), squeeze=False)
    for axis, (work, outcomes) in zip(axes[:, 0], rows, strict=True):
        axis.barh(names, [outcome.rate for _, outcome in outcomes])
        axis.set_title(f"{work.operation} {_size(work.object_bytes)}: operations a second", fontsize=9)
    figure.tight_layout()
    figure.savefig(path)
