"""rustfs-node: reads the arguments and hands over to the module of the command.

Exit status: 0 as asked, 1 the node could not serve, 2 the arguments or the configuration are wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rustfs_node import __version__

EXIT_FAILED = 1
EXIT_USAGE = 2


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and leave the process with its status."""
    if not __debug__:
        sys.exit("rustfs-node refuses python -O: its assertions guard what is stored")
    args = make_parser().parse_args(argv)
    sys.exit(args.run(args))


def make_parser() -> argparse.ArgumentParser:
    """All commands and their arguments."""
    parser = argparse.ArgumentParser(
        prog="rustfs-node",
        description="An S3-compatible, erasure-coded object store.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"rustfs-node {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands)
    _add_config(commands)
    _add_ctl(commands)
    completion = commands.add_parser(
        "completion", help="print a script by which a shell completes these commands"
    )
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    completion.set_defaults(run=_run_completion)
    return parser


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser(
        "serve",
        help="start a node on folders, one per drive",
        description="Start a node on folders, one per drive: /data{1...4}. Empty ones are formatted.",
        epilog="Without DIR drives come from RUSTFS_VOLUMES or [node] volumes. `rustfs-node config` prints"
        " every setting.",
        allow_abbrev=False,
    )
    serve.add_argument("volumes", nargs="*", metavar="DIR", help="folder of a drive, ellipses allowed")
    serve.add_argument("--address", metavar="HOST:PORT", help="where to serve S3 (default :9000)")
    serve.add_argument("--config", metavar="FILE", default="", help="configuration file (TOML)")
    serve.add_argument("--domain", metavar="NAME", action="append", help="its subdomains are buckets")
    serve.add_argument("--tls-cert", metavar="FILE", help="certificate chain (PEM): serve HTTPS")
    serve.add_argument("--tls-key", metavar="FILE", help="private key (PEM)")
    serve.add_argument("--region", metavar="REGION", help="the region that clients must sign for")
    serve.add_argument("--credentials-file", metavar="FILE", help="where a generated key pair is kept")
    serve.add_argument("--runtime-dir", metavar="DIR", help="folder for the processes' sockets, mode 0700")
    serve.add_argument(
        "--accept-drive",
        metavar="DIR",
        action="append",
        default=[],
        help="format this empty folder although its disk seems not to be mounted or its set cannot"
        " rebuild it, or take back the replaced drive in it; repeatable",
    )
    serve.set_defaults(run=_run_serve)


def _add_config(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    config = commands.add_parser(
        "config", help="print a configuration file with every setting and its default"
    )
    config.set_defaults(run=_run_config)
    text = "look at a configuration file without starting anything: 0 it can be used, 2 what is wrong with it"
    validate = config.add_subparsers(metavar="VERB").add_parser("validate", help=text, description=text)
    validate.add_argument("file", metavar="FILE")
    validate.add_argument("--json", action="store_true", help="answer in JSON")
    validate.set_defaults(run=_run_validate)


def _add_ctl(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from rustfs_node.cli import (
        bundle,
        drive,
        healing,
        inspection,
        keys,
        locks,
        logs,
        scrub,
        settings,
        trace,
        usage,
    )

    ctl = commands.add_parser("ctl", help="ask a running node")
    actions = ctl.add_subparsers(required=True, metavar="ACTION")
    status = actions.add_parser("status", help="whether a node lives, is ready, and can read and write")
    status.add_argument(
        "--maintenance", action="store_true", help="ask also whether the others can do without this node"
    )
    keys.add_endpoint(status)
    status.set_defaults(run=_run_status)
    _add_layout(actions)
    _add_pool(actions)
    for command in (drive, inspection, healing, scrub, settings, logs, locks, trace, bundle, usage):
        command.add_arguments(actions)
    token = actions.add_parser("metrics-token", help="print a token with which Prometheus may read metrics")
    token.add_argument("--days", type=int, default=3650, help="how long it is good for (default %(default)s)")
    keys.add_arguments(token)
    token.set_defaults(run=_run_metrics_token)


def _add_layout(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    layout = actions.add_parser("layout", help="which set owns how much, and moving that between sets")
    verbs = layout.add_subparsers(required=True, metavar="VERB")
    _add_request(verbs, "show", "which set owns how many slots", "GET", "layout")
    _add_request(verbs, "status", "the same, and how far a change is", "GET", "layout")
    for verb, what, method, path in (
        ("plan", "what `apply` would do", "GET", "layout/plan"),
        ("apply", "begin to move slots, so that sets own them in proportion to their drives",
         "POST", "rebalance/start"),
    ):  # fmt: skip
        parser = _add_request(verbs, verb, what, method, path)
        parser.add_argument(
            "--leaving", metavar="POOLS", help="numbers of pools to leave empty, with commas between; '' none"
        )
    _add_request(verbs, "cancel", "stop moving: what has moved stays where it is", "POST", "rebalance/stop")


def _add_pool(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    pool = actions.add_parser("pool", help="adding pools, and leaving them")
    verbs = pool.add_subparsers(required=True, metavar="VERB")
    adding = verbs.add_parser("add", help="how a pool is added")
    adding.set_defaults(run=_run_pool_add)
    _add_request(verbs, "rebalance", "as `ctl layout apply`", "POST", "rebalance/start")
    what = "move everything away from a pool"
    leaving = _add_request(verbs, "decommission", what, "POST", "pools/decommission")
    leaving.add_argument("pool", type=int, metavar="POOL", help="its number, from 0")


def _add_request(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    verb: str,
    what: str,
    method: str,
    path: str,
) -> argparse.ArgumentParser:
    from rustfs_node.cli import keys

    parser = verbs.add_parser(verb, help=what)
    keys.add_endpoint(parser)
    parser.set_defaults(run=_run_layout, method=method, path=path)
    return parser


def _run_metrics_token(args: argparse.Namespace) -> int:
    from rustfs_node.cli.metrics_token import run

    return run(args)


def _run_serve(args: argparse.Namespace) -> int:
    from rustfs_node.cli.serve import run

    return run(args)


def _run_config(_args: argparse.Namespace) -> int:
    from rustfs_node.cli.config_file import document

    print(document(), end="")
    return 0


def _run_completion(args: argparse.Namespace) -> int:
    from rustfs_node.cli.completion import run

    return run(args)


def _run_validate(args: argparse.Namespace) -> int:
    from rustfs_node.cli.validation import run

    return run(args)


def _run_status(args: argparse.Namespace) -> int:
    from rustfs_node.cli.status import run

    return run(args)


def _run_layout(args: argparse.Namespace) -> int:
    from rustfs_node.cli.layout import run

    return run(args)


def _run_pool_add(args: argparse.Namespace) -> int:
    from rustfs_node.cli.layout import add

    return add(args)


if __name__ == "__main__":
    main()
