"""Round after round until very many operations are judged, each on a cluster of its own.

    python -m tests.linear.rounds --total 1000000 --tally FILE       go on until so many were answered
    python -m tests.linear.rounds --tally FILE --rounds 1            one more round
    python -m tests.linear.rounds --tally FILE --sum                 what there is by now

Rounds differ in nodes, drives, pools, faults and in whether the bucket is versioned, and take turns
(`SCENES`). The tally has a line for each, so whoever was interrupted goes on with the next. Where a round
finds anything wrong its folder stays, with all histories and logs, and the status is 1.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.kit.growing import QUICK
from tests.linear import cluster_nemesis
from tests.linear.blunders import LOST, RESURRECTED
from tests.linear.cluster_nemesis import FAR_CLOCKS
from tests.linear.run import Plan, Report, run

TALLY = Path("build/linear-rounds.jsonl")
OPERATIONS_MAX = 50_000
"""Of one round: what is judged together has to fit into memory."""

_ALL = {**cluster_nemesis.KINDS, "long-pause": 1, "far-clock": 2}

SCENES: Sequence[dict[str, object]] = (
    {"nodes": 3, "kinds": _ALL},
    {"nodes": 4, "kinds": _ALL},
    {"nodes": 3, "kinds": {**_ALL, "stall-drive": 5}},
    {"nodes": 3, "kinds": {**_ALL, "layout": 8}, "pools": 2, "environment": QUICK},
    {"nodes": 3, "kinds": _ALL, "versioned": True},
    {"nodes": 5, "kinds": _ALL},
    {"nodes": 3, "kinds": {**_ALL, "stall-drive": 5}, "drives": 2},
    {"nodes": 3, "kinds": {**_ALL, "layout": 8}, "pools": 2, "environment": QUICK, "versioned": True},
    {"nodes": 3, "kinds": _ALL},
    {"nodes": 6, "kinds": _ALL},
)


def main(arguments: list[str]) -> int:
    """Rounds, and what they came to."""
    options = _parse(arguments)
    options.tally.parent.mkdir(parents=True, exist_ok=True)
    if options.one is not None:
        return _round(options, options.one)
    done, is_right = 0, True
    while is_right and not options.sum and done < options.rounds:
        if _sum(options.tally)["answered"] >= options.total:
            break
        is_right = _rounds_beside(options)
        done += options.beside
    _say(told(options.tally))
    return 0 if is_right and not _wrong(options.tally) else 1


def _rounds_beside(options: argparse.Namespace) -> bool:
    """Some rounds at once: while one cluster waits for the end of a fault, the others work."""
    first = len(_lines(options.tally)) + 1
    command = [sys.executable, "-m", "tests.linear.rounds", "--tally", str(options.tally)]
    command += ["--work-s", str(options.work_s), "--clients", str(options.clients)]
    numbers = range(first, first + options.beside)
    running = [subprocess.Popen([*command, "--one", str(number)]) for number in numbers]
    statuses = [one.wait() for one in running]
    return not any(statuses)


def plan_of(number: int, clients: int, work_s: float) -> Plan:
    """Of the round with that number, which is its seed too."""
    scene = {"drives": 1, **SCENES[number % len(SCENES)]}
    environment = {**FAR_CLOCKS, **scene.pop("environment", {})}  # type: ignore[dict-item]
    return Plan(
        OPERATIONS_MAX, number, clients=clients, teams=clients // 4, work_s=work_s,
        environment=environment, **scene,  # type: ignore[arg-type]
    )  # fmt: skip


def _round(options: argparse.Namespace, number: int) -> int:
    plan = plan_of(number, options.clients, options.work_s)
    folder = Path(tempfile.mkdtemp(prefix="linear-"))
    line: dict[str, object] = {
        "round": number, "nodes": plan.nodes, "drives": plan.drives, "pools": plan.pools,
        "versioned": plan.versioned, "at": int(time.time()),
    }  # fmt: skip
    try:
        report = run(folder, plan)
    # Whatever it is, it is told with all rounds, and the others go on.
    except Exception as error:
        line |= {"wrong": f"{type(error).__name__} in {folder}: {error}"[:4000]}
    else:
        line |= _figures(report)
        shutil.rmtree(folder)
    with options.tally.open("a") as tally:
        tally.write(json.dumps(line) + "\n")
    _say(json.dumps(line))
    return int("wrong" in line)


def _figures(report: Report) -> dict[str, object]:
    outcomes: Counter[str] = Counter()
    for what, count in report.counts.items():
        outcomes[what.rpartition(" ")[2]] += count
    return {
        "answered": outcomes["ok"],
        "unknown": outcomes["unknown"],
        "refused": outcomes["fail"],
        "keys": len(report.verdicts),
        "zones": Counter(verdict.zones for verdict in report.verdicts.values()),
        "steps_max": max(verdict.steps for verdict in report.verdicts.values()),
        "faults": report.kills,
        "packets": report.packets,
        "back_max_s": round(max(report.back_s, default=0.0), 1),
        "worked_s": round(report.worked_s),
        "judged_s": round(report.judged_s, 1),
    }


def told(tally: Path) -> str:
    """All rounds together, for people."""
    total, lines = _sum(tally), _lines(tally)
    faults, packets, zones, nodes = (
        _counted(lines, what) for what in ("faults", "packets", "zones", "nodes")
    )
    pairs = {kind: count for kind, count in faults.items() if " + " in kind}
    taken = faults.pop("layout taken", 0)
    kinds = {kind: count for kind, count in faults.items() if kind not in pairs}
    wrong = _wrong(tally)
    texts = "\n".join(wrong)
    lines_told = [
        f"{len(lines)} rounds of {total['worked_s']} s in all, on clusters of {dict(nodes)} nodes",
        f"  {total['answered']} operations answered and judged",
        f"  {total['unknown']} of unknown outcome, {total['refused']} that certainly did nothing",
        f"  {total['keys']} keys, zones {dict(zones)}",
        f"  {sum(kinds.values())} faults {kinds}",
        f"  {sum(pairs.values())} pairs of {len(pairs)} kinds {dict(sorted(pairs.items()))}",
        f"  changes of the layout accepted: {taken}; packets {dict(packets)}",
        (
            f"  rounds that are wrong: {len(wrong)}; {LOST}: {texts.count(LOST)},"
            f" {RESURRECTED}: {texts.count(RESURRECTED)}"
        ),
    ]
    return "\n".join([*lines_told, *(f"  WRONG {text}" for text in wrong)])


def _sum(tally: Path) -> Counter[str]:
    total: Counter[str] = Counter()
    for line in _lines(tally):
        for what in ("answered", "unknown", "refused", "keys", "worked_s"):
            total[what] += line.get(what, 0)
    return total


def _counted(lines: Sequence[dict], what: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for line in lines:
        value = line.get(what, {})
        counts.update(value if isinstance(value, dict) else [str(value)])
    return counts


def _wrong(tally: Path) -> list[str]:
    return [line["wrong"] for line in _lines(tally) if "wrong" in line]


def _lines(tally: Path) -> list[dict]:
    return [json.loads(line) for line in tally.read_text().splitlines()] if tally.exists() else []


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.linear.rounds", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--total", type=int, default=1_000_000, help="answers after which it is enough")
    parser.add_argument("--tally", type=Path, default=TALLY, help="where the rounds are written down")
    parser.add_argument("--rounds", type=int, default=sys.maxsize, help="at most so many now")
    parser.add_argument("--beside", type=int, default=2, help="rounds at once")
    parser.add_argument("--clients", type=int, default=96, help="of one round; four work on one key")
    parser.add_argument("--work-s", type=float, default=240.0, help="of one round")
    parser.add_argument("--one", type=int, metavar="NUMBER", help="this round alone")
    parser.add_argument("--sum", action="store_true", help="no round, only what they came to by now")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Whoever ends this ends its nodes as well.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    sys.exit(main(sys.argv[1:]))
