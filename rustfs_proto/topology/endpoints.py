"""Arguments of `serve` as a topology: pools of drives, and the nodes that they are on.

    /data{1...4}                              the drives of one node, which needs no name
    http://node{1...4}:9000/data{1...4}       16 drives on 4 nodes
    URL URL ...                               without ellipses: all of them are one pool
    PATTERN PATTERN ...                       with ellipses: each argument is a pool of its own

MinIO's rules (`cmd/endpoint.go`, `cmd/endpoint-ellipses.go`). A node is a host with a port; nodes are
numbered in the order in which they first appear, so every node that is given the same arguments numbers them
alike. Which of them the reader itself is, nothing here knows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from rustfs_proto.topology.ellipses import EllipsesError, check_distinct, expand, first_range_length

DEFAULT_PORT = 9000

_URL = re.compile(
    r"(?P<scheme>[a-z]+)://(?P<host>\[[0-9a-fA-F:.]+\]|[^/:\[\]]+)(?::(?P<port>[0-9]+))?(?P<path>/.*)?"
)


@attrs.frozen
class NodeName:
    """Where a node answers its clients; both empty for the only node of a deployment without names."""

    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.host else ""


ONLY_NODE = NodeName()


@attrs.frozen
class Endpoint:
    """A drive: the number of its node and the folder there, absolute where it was given as a URL."""

    node: int
    path: str


@attrs.frozen
class PoolShape:
    """How many drives a pool has, and how many values its leftmost range of hosts has (0: no such range)."""

    drives: int
    hosts: int = 0


@attrs.frozen
class Topology:
    """All drives in the order of their slots, pool after pool."""

    nodes: tuple[NodeName, ...]
    drives: tuple[Endpoint, ...]
    pools: tuple[PoolShape, ...]
    is_secure: bool = False

    @property
    def is_cluster(self) -> bool:
        """Whether nodes have names, be there one or several."""
        return self.nodes != (ONLY_NODE,)

    def label(self, endpoint: Endpoint) -> str:
        """What people, and drives of other nodes, call this drive."""
        return f"{self.nodes[endpoint.node]}{endpoint.path}"

    def labels(self) -> tuple[str, ...]:
        """Of all drives, in their order."""
        return tuple(self.label(endpoint) for endpoint in self.drives)

    def text(self) -> str:
        """The same on all nodes that were given the same: what they compare."""
        pools = " ".join(f"{pool.drives}/{pool.hosts}" for pool in self.pools)
        return "\n".join([pools, *self.labels()])


@attrs.frozen
class _Place:
    scheme: str
    node: NodeName
    path: str


def parse_topology(arguments: Sequence[str], default_port: int = DEFAULT_PORT) -> Topology:
    """The topology that all arguments name. Raises `EllipsesError` with the argument and the remedy."""
    if not arguments:
        raise EllipsesError("no drives given: name folders, as in `rustfs-node serve /data{1...4}`")
    expanded = [expand(argument) for argument in arguments]
    pools = _pools(arguments, expanded)
    places = [_place(text, default_port) for texts in expanded for text in texts]
    _check_alike(places)
    nodes = list(dict.fromkeys(place.node for place in places))
    drives = tuple(Endpoint(nodes.index(place.node), place.path) for place in places)
    return Topology(tuple(nodes), drives, pools, is_secure=places[0].scheme == "https")


def check_folders(topology: Topology) -> None:
    """No folder of a node is named twice, none lies inside another. Paths are absolute and normalised."""
    for number, name in enumerate(topology.nodes):
        try:
            check_distinct([endpoint.path for endpoint in topology.drives if endpoint.node == number])
        except EllipsesError as error:
            raise EllipsesError(f"{name}: {error}" if topology.is_cluster else str(error)) from error


def _pools(arguments: Sequence[str], expanded: Sequence[Sequence[str]]) -> tuple[PoolShape, ...]:
    patterns = ["..." in argument for argument in arguments]
    if not any(patterns):
        return (PoolShape(len(arguments)),)
    if not all(patterns):
        plain = arguments[patterns.index(False)]
        raise EllipsesError(
            f"{plain!r} has no range while other arguments have: with several pools each is written as a"
            " pattern, as in http://node{1...4}:9000/data{1...4}"
        )
    return tuple(
        PoolShape(len(texts), _hosts_of(argument))
        for argument, texts in zip(arguments, expanded, strict=True)
    )


def _hosts_of(argument: str) -> int:
    """Values of the leftmost range of a URL: the one whose symmetry the size of sets keeps."""
    return first_range_length(argument) if "://" in argument else 0


def _place(text: str, default_port: int) -> _Place:
    if "://" not in text:
        if not text.strip():
            raise EllipsesError("an argument is empty: name a folder")
        return _Place("", ONLY_NODE, text)
    match = _URL.fullmatch(text)
    if match is None or match["scheme"] not in {"http", "https"}:
        raise EllipsesError(f"{text!r}: write a drive of a node as http://host:port/folder")
    path = (match["path"] or "").rstrip("/")
    if not path or "?" in path or "#" in path or "/../" in f"{path}/" or "//" in path:
        raise EllipsesError(f"{text!r} names no folder of that node: write http://host:port/folder")
    port = int(match["port"] or default_port)
    if not 0 < port < 65536:
        raise EllipsesError(f"{text!r}: port {port} is not one of 1 to 65535")
    return _Place(match["scheme"], NodeName(match["host"], port), path)


def _check_alike(places: Sequence[_Place]) -> None:
    schemes = {place.scheme for place in places}
    if len(schemes) > 1:
        kinds = ", ".join(f"{scheme}://" if scheme else "folders" for scheme in sorted(schemes))
        raise EllipsesError(f"arguments of different kinds ({kinds}): name all drives in the same way")
