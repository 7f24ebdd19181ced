"""`rustfs-node config validate`: what is wrong with a configuration file, before a node is started with it.

Looks at the file alone: neither the environment nor arguments, which may overrule it, nor the network. Files
that it names, of keys and certificates, are looked at as a start does.
"""

from __future__ import annotations

import argparse
import json

from rustfs_node.cli.main import EXIT_USAGE
from rustfs_node.cli.serve import complain, read_config, topology_of
from rustfs_node.config import ConfigError, load
from rustfs_node.supervisor.preflight import mistakes
from rustfs_proto.topology.ellipses import EllipsesError
from rustfs_proto.topology.endpoints import PoolShape


def run(args: argparse.Namespace) -> int:
    """Say what is wrong, on stderr; status 0 where nothing is."""
    wrong = find_mistakes(args.file)
    if args.json:
        print(json.dumps({"file": args.file, "valid": not wrong, "errors": wrong}))
    elif wrong:
        complain("\n".join(wrong), EXIT_USAGE)
    else:
        print(f"{args.file} can be used")
    return EXIT_USAGE if wrong else 0


def find_mistakes(path: str) -> list[str]:
    """All that is wrong, each with its place, the value seen and what is allowed."""
    try:
        settings = load(read_config(path), {}, {}, path)
    except ConfigError as error:
        return error.errors
    wrong: list[str] = []
    pools: tuple[PoolShape, ...] = ()
    if settings.node.volumes:
        try:
            pools = topology_of(settings).pools
        except EllipsesError as error:
            wrong.append(f"[node] volumes: {error}")
    return wrong + mistakes(settings, pools)
