"""Requests of the operator, at paths like those at which MinIO has them, signed by the owner as all requests
are; answers are JSON.

    GET  /minio/admin/v3/layout                         where slots are, and the change under way
    GET  /minio/admin/v3/layout/plan?leaving=1,2        what a change would do
    POST /minio/admin/v3/rebalance/start?leaving=1,2    order it; without `leaving` what was left stays so
    POST /minio/admin/v3/rebalance/stop                 cancel it
    POST /minio/admin/v3/pools/decommission?pool=1      order that a pool is left, beside those that are
"""

from __future__ import annotations

import json

from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.moves.layout import Layouts
from rustfs_node.acceptor.net.messages import HttpRequest, Response
from rustfs_proto.erasure.rebalancing import RebalanceError
from rustfs_proto.s3.errors import S3Error, not_implemented
from rustfs_proto.s3.operations import Op
from rustfs_proto.s3.target import parse_target

_PREFIX = b"/minio/admin/v3/"
ADMIN = "Admin"
"""What the log calls these requests."""

_JSON = [(b"content-type", b"application/json")]


def is_admin(request: HttpRequest) -> bool:
    """Whether this is a request of the operator."""
    return request.target.startswith(_PREFIX)


async def answer_admin(request: HttpRequest, services: Services, request_id: str) -> Response:
    """Do what is asked; raises S3Error, `Fault`."""
    request.facts["operation"] = ADMIN
    target = parse_target(request.target)
    services.authenticator.authenticate(request, target, Op.ListBuckets)
    layouts = services.layouts
    if layouts is None:
        raise not_implemented("Moving slots between the erasure sets of a cluster")
    asked = (request.method, target.path.removeprefix(_PREFIX.decode()))
    try:
        told = await _told(layouts, asked, target.params, request_id)
    except RebalanceError as error:
        raise S3Error("InvalidRequest", f"{error}.") from error
    return Response(200, list(_JSON), json.dumps(told).encode())


async def _told(
    layouts: Layouts, asked: tuple[str, str], params: dict[str, str], trace: str
) -> dict[str, object]:
    match asked:
        case ("GET", "layout"):
            return layouts.told(await layouts.standing(trace))
        case ("GET", "layout/plan"):
            change = layouts.planned(await layouts.standing(trace), _leaving(layouts, params))
        case ("POST", "rebalance/start"):
            change = await layouts.begin(_leaving(layouts, params), trace)
        case ("POST", "pools/decommission"):
            kept = (await layouts.standing(trace)).kept.change
            already = frozenset() if kept is None else kept.leaving
            leaving = layouts.sets_of(_numbers(params.get("pool", "")))
            change = await layouts.begin(already | leaving, trace)
        case ("POST", "rebalance/stop"):
            change = await layouts.cancel(trace)
        case _:
            raise S3Error("InvalidURI", "No operator's request is made with that method and path.")
    return layouts.told_change(change, change.slots_begun)


def _leaving(layouts: Layouts, params: dict[str, str]) -> frozenset[int] | None:
    return layouts.sets_of(_numbers(params["leaving"])) if "leaving" in params else None


def _numbers(text: str) -> list[int]:
    """Numbers between commas."""
    try:
        return [int(number) for number in text.split(",") if number]
    except ValueError as error:
        raise RebalanceError(f"{text!r} names no pools: write their numbers, with commas between") from error
