"""The [cluster] table: how nodes find and watch each other."""

from __future__ import annotations

import attrs

_POSITIVE = attrs.validators.gt(0.0)


@attrs.frozen
class ClusterSettings:
    """Of no effect where drives are given as folders of one node."""

    own_endpoint: str = attrs.field(default="")
    """host:port as the drives' URLs name this node; empty: the one whose host is an address of this machine
    and whose port is that of acceptor.address. To be given where neither shows, as behind NAT."""

    secret: str = attrs.field(default="", repr=False)
    """What nodes know each other by, at least 16 characters, the same on all of them; empty: made from the
    owner's key pair, which then has to be the same on all nodes at every moment."""

    secret_file: str = attrs.field(default="")
    """File whose first line is the secret."""

    port_offset: int = attrs.field(default=10000, validator=attrs.validators.in_(range(1, 60000)))
    """Added to the port of a node's endpoint: the first of the TCP ports at which the node listens for other
    nodes, one more for each of its drives and each of its erasure sets. The same on all nodes."""

    name_wait_s: float = attrs.field(default=60.0, validator=_POSITIVE)
    """Seconds that a start waits for names of hosts to resolve while it cannot tell which node it is: name
    services start beside this one."""

    join_wait_s: float = attrs.field(default=10.0, validator=_POSITIVE)
    """Seconds that a later start waits for word of nodes that do not answer; then it goes on without them. A
    first start waits for all nodes, for as long as it takes."""

    ask_again_s: float = attrs.field(default=1.0, validator=_POSITIVE)
    """Seconds between questions to a node that has not answered while this one starts."""

    answer_timeout_s: float = attrs.field(default=5.0, validator=_POSITIVE)
    """Seconds that a node has to answer such a question: longer than a machine that starts everything at once
    stalls."""

    step_timeout_s: float = attrs.field(default=60.0, validator=_POSITIVE)
    """Seconds that a node has to write identities and layouts to all of its drives when a deployment is
    founded: spinning disks sync one after the other.
    """

    clock_skew_max_s: float = attrs.field(default=900.0, validator=_POSITIVE)
    """Seconds by which the wall clocks of two nodes may differ: as much as S3 allows a client. What is stored
    does not depend on it, but Last-Modified and the validity of signatures do."""
