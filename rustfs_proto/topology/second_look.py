"""One drive looked at again while the others serve: it returns, or an empty folder becomes the slot's new
drive.

It is decided as at a start (`formation.join`), from what was found then and is known of the other drives. But
only the drive that was asked about may change: another one that was left out, and that could be formatted by
now, waits until it is asked about too. The raised layout goes to all drives, as at a start.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from rustfs_proto.topology import findings as say
from rustfs_proto.topology.findings import Condition, Finding
from rustfs_proto.topology.formation import join
from rustfs_proto.topology.verdicts import Formation, Verdict, Wish


def join_one(
    found: Sequence[Finding], path: str, wish: Wish, new_ids: Sequence[str], now_ms: int, *, formats: bool
) -> Formation:
    """The formation after the drive at `path` was looked at again. Without `formats` an empty folder stays
    one. Raises as `join` does.
    """
    asked = [_as_asked(finding, path, formats=formats) for finding in found]
    formation = join(asked, wish, new_ids, now_ms)
    verdicts = tuple(_kept(verdict) if verdict.path != path else verdict for verdict in formation.verdicts)
    return attrs.evolve(formation, verdicts=verdicts)


def _as_asked(finding: Finding, path: str, *, formats: bool) -> Finding:
    if finding.condition is not Condition.FRESH or (finding.path == path and formats):
        return finding
    return attrs.evolve(finding, condition=Condition.UNUSABLE, problem=say.not_asked_for(finding.path))


def _kept(verdict: Verdict) -> Verdict:
    return attrs.evolve(verdict, write_identity=False, returns=False)


def after(found: Sequence[Finding], formation: Formation) -> list[Finding]:
    """What is known of the drives once all that was decided is written."""
    return [
        attrs.evolve(
            finding,
            condition=Condition.FORMATTED,
            problem="",
            identity=verdict.identity,
            deployment=formation.deployment,
            has_data=True,
        )
        if verdict.identity is not None and not verdict.fault
        else finding
        for finding, verdict in zip(found, formation.verdicts, strict=True)
    ]


def verdict_of(formation: Formation, path: str) -> Verdict:
    """What became of the drive at `path`, which is one of them."""
    return next(verdict for verdict in formation.verdicts if verdict.path == path)
