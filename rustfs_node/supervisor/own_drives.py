"""The drives of this node of a cluster, as the other nodes speak of them: by label, `host:port/folder`.

From `look` to `release` they are locked, so that nobody else works there meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from rustfs_node.supervisor.formation import Former
from rustfs_node.supervisor.membership import Membership
from rustfs_proto.disk.identity import DriveIdentity
from rustfs_proto.topology.cluster_growing import drives_before
from rustfs_proto.topology.deployment import Deployment
from rustfs_proto.topology.findings import Condition, Finding
from rustfs_proto.topology.gathering import with_own_verdicts
from rustfs_proto.topology.verdicts import Formation, Verdict


@attrs.define(eq=False)
class OwnDrives:
    """Looked at, formatted and joined through the node's `Former`, which knows accepted drives and mounts by
    label.
    """

    member: Membership
    former: Former
    findings: tuple[Finding, ...] = ()
    are_looked_at: bool = False

    @property
    def has_deployment(self) -> bool:
        """Whether one of them belongs to a deployment that was founded to the end."""
        return any(one.deployment is not None and one.deployment.complete for one in self.findings)

    async def look(self) -> None:
        """Lock them and look."""
        endpoints = [one for one in self.member.topology.drives if one.node == self.member.own]
        found = await self.former.look([endpoint.path for endpoint in endpoints])
        labelled = [
            attrs.evolve(finding, path=self.member.topology.label(endpoint), node=self.member.own)
            for finding, endpoint in zip(found, endpoints, strict=True)
        ]
        wish = self.former.wish()
        known = drives_before(labelled, wish)
        added = () if known is None else self.member.topology.labels()[known:]
        self.findings = tuple(with_own_verdicts(labelled, wish, added))
        self.are_looked_at = True

    async def look_again(self, path: str) -> str:
        """Lock the drive of this node in that folder and look; its label. The others stay as they were."""
        endpoints = [one for one in self.member.topology.drives if one.node == self.member.own]
        label = next(self.member.topology.label(one) for one in endpoints if one.path == path)
        (seen,) = await self.former.look([path])
        seen = attrs.evolve(seen, path=label, node=self.member.own)
        self.findings = tuple(seen if one.path == label else one for one in self.findings)
        return label

    def by_label(self) -> dict[str, Finding]:
        """What was found."""
        return {finding.path: finding for finding in self.findings}

    def as_they_are(self) -> dict[str, Finding]:
        """The same with what their identities say now."""
        paths = self._paths()
        return {one.path: self.former.as_it_is(one, paths[one.path]) for one in self.findings}

    def begin_founding(self, deployment: Deployment, identities: Mapping[str, DriveIdentity]) -> None:
        """Write the layout, incomplete, and these identities."""
        verdicts = [
            Verdict(label, identity.set_index, identity.slot, identity, "", True, True)
            for label, identity in identities.items()
        ]
        self.former.begin_founding(self._here(verdicts), deployment)
        self._note_formatted(identities, attrs.evolve(deployment, complete=False), has_data=False)

    def finish_founding(self, deployment: Deployment) -> None:
        """Make the layout complete on those that it names where they are. From here on these drives are never
        formatted anew by a founding.
        """
        records = [record for one in deployment.sets for record in one.slots]
        named = dict(zip(self.member.topology.labels(), records, strict=True))
        identities = {
            finding.path: finding.identity
            for finding in self.findings
            if finding.identity is not None and finding.identity.drive_id == named[finding.path].drive_id
        }
        verdicts = [Verdict(label, 0, 0, one, write_layout=True) for label, one in identities.items()]
        self.former.write_layouts(self._here(verdicts), deployment)
        self._note_formatted(identities, deployment)

    def join(self, formation: Formation, asked: str = "") -> Formation:
        """Write what was decided about them; that part of the formation, under their labels. While they serve
        only the one of the label `asked` was decided about.
        """
        own = tuple(verdict for verdict in formation.verdicts if verdict.path in self.by_label())
        here = attrs.evolve(formation, verdicts=tuple(self._here(own)))
        if asked:
            done = self.former.write_one(here, self._paths()[asked]).verdicts
            own = tuple(attrs.evolve(v, fault=one.fault) for v, one in zip(own, done, strict=True))
        else:
            self.former.write(here)
        identities = {v.path: v.identity for v in own if v.identity is not None and not v.fault}
        # Workers run there from now on.
        self._note_formatted(identities, formation.deployment, has_data=True)
        return attrs.evolve(formation, verdicts=own)

    def _here(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """The same under the paths that the drives have on this machine."""
        paths = self._paths()
        return [attrs.evolve(verdict, path=paths[verdict.path]) for verdict in verdicts]

    def _paths(self) -> dict[str, str]:
        """Where they are on this machine, by label."""
        member = self.member
        return {
            member.topology.label(one): one.path for one in member.topology.drives if one.node == member.own
        }

    def _note_formatted(
        self, identities: Mapping[str, DriveIdentity], deployment: Deployment, *, has_data: bool | None = None
    ) -> None:
        self.findings = tuple(
            attrs.evolve(
                finding,
                condition=Condition.FORMATTED,
                problem="",
                identity=identities[finding.path],
                deployment=deployment,
                has_data=finding.has_data if has_data is None else has_data,
            )
            if finding.path in identities
            else finding
            for finding in self.findings
        )
