"""The drives of a node without a cluster, looked at again one by one while the node serves.

In a cluster `Assembly.look_again` does the same, after it has asked the other nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

from rustfs_node.supervisor.formation import Former
from rustfs_proto.topology.findings import Finding
from rustfs_proto.topology.second_look import after, join_one, verdict_of
from rustfs_proto.topology.verdicts import Formation, Verdict


class Keeper(Protocol):
    """Who can look at a drive again, in a node or in a node of a cluster."""

    async def look_again(self, path: str, *, formats: bool, accepts: bool) -> Verdict:
        """Lock the folder, look, decide and write; nobody may be working there. Raises `Refusal` or OSError,
        and then nothing has changed but what a later look takes for an empty folder.
        """
        ...


@attrs.define(eq=False)
class OwnKeeper:
    """Made from what the start found, and what it made of it."""

    former: Former
    found: Sequence[Finding]

    @classmethod
    def of_start(cls, former: Former, found: Sequence[Finding], formation: Formation) -> OwnKeeper:
        """After the start."""
        return cls(former, after(found, formation))

    async def look_again(self, path: str, *, formats: bool, accepts: bool) -> Verdict:
        """See `Keeper`."""
        former, wish = self.former, self.former.wish()
        if accepts:
            wish = attrs.evolve(wish, accepted=wish.accepted | {path})
        try:
            (seen,) = await former.look([path])
            known = [seen if one.path == path else one for one in self.found]
            found = [one if one.path == path else former.as_it_is(one, one.path) for one in known]
            ids = former.new_ids(len(found))
            formation = join_one(found, path, wish, ids, former.clock.wall_ms(), formats=formats)
            formation = former.write_one(formation, path)
        finally:
            former.release()
        # What is wrong with the others now is not kept: it may be mended by the next time.
        self.found = after(known, formation)
        return verdict_of(formation, path)
