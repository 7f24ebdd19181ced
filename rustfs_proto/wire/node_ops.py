"""What the supervisors of a cluster's nodes say to each other."""

from __future__ import annotations

from rustfs_proto.disk.identity import DriveIdentity
from rustfs_proto.topology.deployment import Deployment
from rustfs_proto.topology.findings import Finding
from rustfs_proto.wire.message import Message


class Introduce(Message, frozen=True):
    """Who asks: its release, the topology it was given (`Topology.text`), its wall clock in milliseconds."""

    node: int
    release: str
    topology: str
    wall_ms: int


class Introduced(Message, frozen=True):
    """Who answers, likewise. `findings`: its own drives, by their labels, as they were when it looked, and
    once it serves as it made them. `serves`: nothing is formatted anew any more.
    """

    node: int
    release: str
    topology: str
    wall_ms: int
    findings: tuple[Finding, ...] = ()
    serves: bool = False


class FormatDrives(Message, frozen=True):
    """First step of founding a deployment: write this layout, incomplete, and these identities, by label.
    `adds`: they are of pools that are added to it, the other drives are not touched. Done anew where a
    founding was interrupted. Fault CONFLICT: this node serves, or does not start just now, or a drive is not
    empty.
    """

    deployment: Deployment
    identities: dict[str, DriveIdentity]
    adds: bool = False


class DrivesFormatted(Message, frozen=True):
    """Answer to `FormatDrives`: durable."""


class FinishFounding(Message, frozen=True):
    """Second step, after every node has taken the first: the layout is complete, and the node serves. Fault
    CONFLICT: the first step that this node took last was of another deployment, or of another `deployment`.
    """

    deployment_id: str
    deployment: Deployment | None = None


class FoundingFinished(Message, frozen=True):
    """Answer to `FinishFounding`: durable."""
