"""`rustfs-node ctl metrics-token`: a token with which Prometheus may read the metrics of every node."""

from __future__ import annotations

import argparse
import sys

from rustfs_node.cli.keys import find_credentials
from rustfs_node.cli.main import EXIT_USAGE
from rustfs_node.config import ConfigError
from rustfs_node.seams.clock import SystemClock
from rustfs_node.supervisor.credentials import CredentialsError
from rustfs_proto.metrics.token import make_token

_DAY_S = 86_400


def run(args: argparse.Namespace) -> int:
    """Print the token and nothing else, so that it can be written to a file."""
    try:
        credentials = find_credentials(args)
    except (ConfigError, CredentialsError) as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    if credentials is None:
        hint = "no key pair: name --credentials-file, or set RUSTFS_ACCESS_KEY and RUSTFS_SECRET_KEY"
        print(hint, file=sys.stderr)
        return EXIT_USAGE
    if args.days < 1:
        print(f"--days {args.days}: a token lives for one day or more", file=sys.stderr)
        return EXIT_USAGE
    expires_s = SystemClock().wall_ms() // 1000 + args.days * _DAY_S
    print(make_token(credentials.access_key, credentials.secret_key, expires_s))
    return 0
