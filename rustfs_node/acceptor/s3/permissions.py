"""What the sender of a request may do, where that is more than to send it."""

from __future__ import annotations

from rustfs_node.acceptor.call import Call
from rustfs_proto.s3.object_lock import bypasses_governance


def may_bypass_governance(call: Call) -> bool:
    """Whether the request passes over retentions in GOVERNANCE mode: its sender wants to, and has the
    permission s3:BypassGovernanceRetention. There is one owner, who has it.
    """
    return bypasses_governance(call.headers)
