"""Rounds take turns, add up, and say what was wrong."""

from __future__ import annotations

import json
from random import Random

from tests.linear import cuts
from tests.linear.cluster_nemesis import ClusterNemesis
from tests.linear.rounds import SCENES, main, plan_of, told


def test_rounds_differ_in_their_clusters_and_have_every_fault():
    """As many after each other as there are scenes have three to six nodes, versions, two pools, and all the
    kinds of faults that there are.
    """
    plans = [plan_of(number, clients=96, work_s=1.0) for number in range(1, len(SCENES) + 1)]
    assert {plan.nodes for plan in plans} == {3, 4, 5, 6}
    assert {plan.pools for plan in plans} == {1, 2} and {plan.versioned for plan in plans} == {False, True}
    kinds = set.union(*({*plan.kinds} for plan in plans))
    known = {kind for kind in kinds if hasattr(ClusterNemesis, f"_{kind.replace('-', '_')}")}
    assert kinds == known | cuts.KINDS.keys()
    assert all("layout" in plan.kinds for plan in plans if plan.pools > 1)


def test_the_tally_adds_up(tmp_path, capsys):
    """What rounds wrote down is told together, whoever wrote it, and one wrong round is a failure."""
    tally = tmp_path / "tally"
    line = {"round": 1, "nodes": 3, "answered": 700, "unknown": 20, "refused": 3, "keys": 5, "worked_s": 9}
    line |= {
        "faults": {"pair": 1, "halves": 1, "halves + pair": 1, "layout taken": 2},
        "zones": {"agreed": 5},
    }
    tally.write_text(f"{json.dumps(line)}\n" * 2)
    assert main(["--tally", str(tally), "--sum"]) == 0
    text = capsys.readouterr().out
    assert "2 rounds of 18 s" in text and "1400 operations answered" in text and "40 of unknown" in text
    assert "4 faults" in text and "2 pairs of 1 kinds {'halves + pair': 2}" in text
    assert "layout accepted: 4" in text and "wrong: 0" in text
    wrong = {**line, "wrong": "Broken: key-1 has no order; lost write: ..."}
    tally.write_text(f"{json.dumps(line)}\n{json.dumps(wrong)}\n")
    assert main(["--tally", str(tally), "--sum"]) == 1
    assert "wrong: 1; lost write: 1, resurrected delete: 0" in told(tally)


def test_who_has_enough_stops(tmp_path, capsys):
    """No round is begun when so many operations were judged already."""
    tally = tmp_path / "tally"
    tally.write_text(json.dumps({"answered": 1000, "worked_s": 1, "nodes": 3}) + "\n")
    assert main(["--tally", str(tally), "--total", "1000"]) == 0
    assert capsys.readouterr().out.startswith("1 rounds")


def test_cuts_leave_what_their_names_say():
    """Of five nodes: who still hears whom."""
    for seed in range(50):
        lost = {kind: set(draw(Random(seed), 5)) for kind, draw in cuts.KINDS.items()}
        assert len(lost["isolate"]) == 8 and len(lost["one-way"]) == 4 and len(lost["pair"]) == 2
        assert len(lost["halves"]) == 12 and len(lost["bridge"]) == 8
        between = {source for source, _ in lost["bridge"]}
        assert len(between) == 4, "one node sees both parts"
        for kind in ("isolate", "pair", "halves", "bridge"):
            assert lost[kind] == {(target, source) for source, target in lost[kind]}, kind
