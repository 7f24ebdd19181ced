"""The command line of a group of `ctl` that asks a node for the same in several ways, by its verbs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator

from rustfs_node.cli import keys


def add_verbs(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    group: tuple[str, str],
    verbs: Iterable[tuple[str, str]],
    run: Callable[[argparse.Namespace], int],
    dest: str,
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Names with what they are for, of the group and of each verb, whose name goes into `dest`. Each parser
    is given out for arguments of its own; those that say which node is asked come behind them.
    """
    name, purpose = group
    parsers = actions.add_parser(name, help=purpose).add_subparsers(required=True, metavar="VERB", dest=dest)
    for verb, text in verbs:
        parser = parsers.add_parser(verb, help=text, description=text)
        yield verb, parser
        keys.add_endpoint(parser)
        parser.set_defaults(run=run)
