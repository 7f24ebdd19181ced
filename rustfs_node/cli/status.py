"""`rustfs-node ctl status`: what a running node says of its health, over HTTP, and to its owner of sets and
drives.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

import msgspec

from rustfs_node.cli.asking import ADMIN, Document, ask, ask_as_owner, is_socket, why_no_url
from rustfs_node.cli.keys import find_credentials
from rustfs_node.cli.main import EXIT_FAILED, EXIT_USAGE
from rustfs_node.cli.standing import describe
from rustfs_node.config import ConfigError
from rustfs_node.plan import Credentials
from rustfs_node.supervisor.credentials import CredentialsError
from rustfs_proto.wire.heal_ops import HealView, ScrubView

CHECKS = (
    ("live", "/minio/health/live", "the node answers", "the node does not live"),
    ("ready", "/minio/health/ready", "the node takes requests", "the node takes no requests"),
    ("write", "/minio/health/cluster", "every erasure set can be written", "some set cannot be written"),
    ("read", "/minio/health/cluster/read", "every erasure set can be read", "some set cannot be read"),
)
"""Name, path, what it means that all is well, and that it is not."""

MAINTENANCE = (
    "maintenance",
    "/minio/health/cluster?maintenance=true",
    "every erasure set can be written without this node",
    "some set cannot be written without this node",
)


class SetHealing(HealView, frozen=True):
    """A `HealView` with the set that it is of."""

    set: int = 0


class HealingTold(msgspec.Struct, frozen=True):
    """The answer of the path that tells of healing."""

    sets: tuple[SetHealing, ...] = ()


def run(args: argparse.Namespace) -> int:
    """Print each check; status 0 when all are well."""
    if problem := why_no_url(args.endpoint):
        print(problem)
        return EXIT_USAGE
    by_socket = is_socket(args.endpoint)
    try:
        credentials = None if by_socket else find_credentials(args)
    except (ConfigError, CredentialsError) as error:
        print(error)
        return EXIT_USAGE
    checks = (*CHECKS, MAINTENANCE) if args.maintenance else CHECKS
    answers = {name: ask(args.endpoint, path)[0] for name, path, *_ in checks}
    if not args.json and not answers["live"].isdecimal():
        print(f"the node at {args.endpoint} does not answer: {answers['live']}")
        print(
            "  do: see that it runs (systemctl status rustfs-node) and what its log says, or name --endpoint"
        )
        return EXIT_FAILED
    told = ask_info(args.endpoint, credentials) if credentials or by_socket else None
    if args.json:
        found = {name: answer == "200" for name, answer in answers.items()}
        print(json.dumps(found | ({} if told is None else {"info": told})))
    else:
        _print_checks(checks, answers)
        _print_standing(told)
        print("".join(f"{line}\n" for line in healing_lines(read_healing(args.endpoint))), end="")
    return 0 if all(answer == "200" for answer in answers.values()) else EXIT_FAILED


def _print_checks(checks: Sequence[tuple[str, str, str, str]], answers: Mapping[str, str]) -> None:
    width = max(len(name) for name in answers) + 1
    for name, _, meaning, contrary in checks:
        is_well = answers[name] == "200"
        words = f"ok  {meaning}" if is_well else f"NO  {contrary} ({answers[name]})"
        print(f"{name:{width}} {words}")


def _print_standing(told: Document | str | None) -> None:
    if told is None:
        hint = "name --credentials-file, or set RUSTFS_ACCESS_KEY and RUSTFS_SECRET_KEY, to see drives"
        print(hint, file=sys.stderr)
    elif isinstance(told, str):
        print(f"sets and drives: the node does not tell ({told})")
    else:
        print("\n".join(describe(told)))


def ask_info(endpoint: str, credentials: Credentials | None) -> Document | str:
    """What the node tells of its deployment, or why it does not."""
    status, body = ask_as_owner(endpoint, f"{ADMIN}info", credentials)
    if status != "200":
        return f"{status} {body.decode(errors='replace')}".strip()
    document: Document = json.loads(body)
    return document


def read_healing(endpoint: str) -> HealingTold:
    """What the node says of its healing; nothing where it does not answer, which the checks tell."""
    status, body = ask(endpoint, "/minio/health/healing")
    return msgspec.json.decode(body, type=HealingTold) if status == "200" else HealingTold()


def healing_lines(told: HealingTold) -> list[str]:
    """What is being healed, in words: a line for each set with notes, for each rebuild, and for each scrub
    that goes on or found something.
    """
    lines = []
    for one in told.sets:
        if one.notes:
            lines.append(f"set {one.set}: about {one.notes} keys wait to be healed, {one.healed} were")
        for rebuild in one.rebuilds:
            mib = rebuild.size_bytes / (1024 * 1024)
            done = f"{rebuild.rows} rows and {mib:.1f} MiB given, about {rebuild.rows_left} rows left"
            lines.append(f"set {one.set}: slot {rebuild.slot} is being rebuilt: {done}")
        texts = ((scrub.slot, _scrub_text(scrub)) for scrub in one.scrubs)
        lines += [f"set {one.set}: slot {slot} {text}" for slot, text in texts if text]
    return lines


def _scrub_text(scrub: ScrubView) -> str:
    """How the scrub of a drive is; empty where it rests and has found nothing."""
    gib = scrub.size_bytes / (1024 * 1024 * 1024)
    found = f"{scrub.found} found bad, {scrub.repaired} repaired"
    read = f"{scrub.rows} rows and {gib:.1f} GiB read, {found}, since its worker started"
    if scrub.is_running:
        return f"is being scrubbed, round {scrub.rounds + 1}: {read}"
    return f"was scrubbed: {read}" if scrub.found else ""
