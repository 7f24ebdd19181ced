"""MinIO's heal API, below `/minio/admin/v3/`:

POST heal/[BUCKET[/PREFIX]]                    begin a heal, by options in JSON; its clientToken
POST heal/[...]?clientToken=T                  how it is, and the versions that it has gone over since
POST heal/[...]?forceStop=true                 stop it
POST background-heal/status                    how the deployment heals by itself

A heal is a sequence whose id is the token. As with MinIO there is one for a path, and none beside it above or
below that path; `forceStart` stops it first. Nothing is ever removed by a heal, so `remove` is not
implemented; buckets are always recreated where they are missing, and no locks are held.
"""

from __future__ import annotations

import msgspec

from rustfs_node.acceptor.admin_healing import scopes_of
from rustfs_node.acceptor.body import BodyReader
from rustfs_node.acceptor.buckets import bucket_key
from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.net.messages import HttpRequest
from rustfs_node.acceptor.s3.documents import read_document
from rustfs_node.acceptor.sequences import Heard, begin, hear, stop
from rustfs_proto.metrics.minio_heal import (
    DEEP_SCAN,
    DriveName,
    HealOptions,
    heal_started,
    heal_status,
)
from rustfs_proto.s3.errors import S3Error, not_implemented
from rustfs_proto.s3.names import SYSTEM_BUCKET, percent_decode
from rustfs_proto.s3.sigv4 import Verified
from rustfs_proto.s3.target import Params
from rustfs_proto.wire.faults import Fault
from rustfs_proto.wire.sequence_ops import ENDED, Scope, SequenceStart, SequenceView

BACKGROUND = "background-heal/status"
_PREFIX = "heal/"
_ORIGIN = "heal "
"""Before the path, in `SequenceStart.asked_for`: so heals are known from an operator's sequences."""

_OPTIONS_BYTES_MAX = 64 * 1024
_ITEMS_MAX = 1000
"""Versions that one answer takes from each set."""


def is_heal(method: str, name: str) -> bool:
    """Whether that is a request of a heal."""
    return method == "POST" and (name == "heal" or name.startswith(_PREFIX))


async def answer_heal(
    request: HttpRequest, verified: Verified, name: str, params: Params, services: Services
) -> dict[str, object]:
    """Begin, tell or stop. Raises `S3Error`."""
    path = _path_of(name)
    token = params.get("clientToken", "")
    is_start, is_stop = (params.get(flag) == "true" for flag in ("forceStart", "forceStop"))
    if (is_start and is_stop) or (token and (is_start or is_stop)):
        raise S3Error("InvalidRequest", "choose one of clientToken, forceStart and forceStop.")
    try:
        if token:
            return await _status(path, token, services)
        if is_stop:
            return await _stop(path, services)
        return await _begin(request, verified, path, services, is_forced=is_start)
    except Fault as fault:
        raise S3Error("ServiceUnavailable", fault.message) from fault


def _path_of(name: str) -> str:
    """The bucket, and the prefix behind it. Raises InvalidURI."""
    path = percent_decode(name.removeprefix("heal"))
    bucket, _, prefix = path.removeprefix("/").partition("/")
    return f"{bucket}/{prefix}" if prefix else bucket


async def _options(request: HttpRequest, verified: Verified, services: Services) -> HealOptions:
    body = BodyReader(request, verified, services.body_tools)
    try:
        raw = await read_document(body, _OPTIONS_BYTES_MAX)
        options = msgspec.json.decode(raw, type=HealOptions)
    except msgspec.MsgspecError as error:
        raise S3Error("InvalidRequest", f"The options of a heal are JSON: {error}.") from error
    finally:
        body.close()
    if options.remove or options.update_parity:
        raise not_implemented("Removing or changing the parity of objects by a heal")
    if options.pool:
        raise S3Error("InvalidArgument", "Sets are numbered over all pools: name the set, and pool 0.")
    if options.set is not None and not 0 <= options.set < len(services.monitor.plan.sets):
        raise S3Error("InvalidArgument", f"There is no erasure set {options.set}.")
    return options


async def _begin(
    request: HttpRequest, verified: Verified, path: str, services: Services, *, is_forced: bool
) -> dict[str, object]:
    options = await _options(request, verified, services)
    scopes = await _scopes(path, options, services, request.facts["request_id"])
    heard = await hear(services)
    for view in _under_way(heard):
        other = view.asked_for.removeprefix(_ORIGIN)
        if other == path and is_forced:
            await stop(services, view.id)
        elif other == path:
            raise S3Error(
                "XMinioHealAlreadyRunning",
                f"A heal of this path is under way, begun by {view.client}: its token is {view.id}.",
            )
        elif _overlap(path, other):
            raise S3Error("XMinioHealOverlappingPaths", f"A heal of {other!r} is under way.")
    count = len(services.monitor.plan.sets)
    order = SequenceStart(
        "",
        scopes,
        dry_run=options.dry_run,
        deep=options.scan_mode == DEEP_SCAN,
        items=True,
        sets=tuple(range(count)) if options.set is None else (options.set,),
        asked_for=_ORIGIN + path,
        client=request.peer,
    )
    return heal_started(await begin(services, order), request.peer, services.clock.wall_ms())


def _overlap(one: str, other: str) -> bool:
    """Whether one of the paths lies below the other."""
    buckets, prefixes = zip(*(path.partition("/")[::2] for path in (one, other)), strict=True)
    is_below = prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0])
    return "" in buckets or (buckets[0] == buckets[1] and is_below)


def _under_way(heard: Heard) -> list[SequenceView]:
    """One view of each heal that goes on."""
    going_on = (
        [view for view in views if view.state not in ENDED and view.asked_for.startswith(_ORIGIN)]
        for views in heard.views.values()
    )
    return [views[0] for views in going_on if views]


async def _scopes(path: str, options: HealOptions, services: Services, trace: str) -> tuple[Scope, ...]:
    """What MinIO goes over: without `recursive` only the buckets themselves, or the one key."""
    bucket, _, prefix = path.partition("/")
    scopes = await scopes_of(bucket, prefix, services, trace, is_exact=not options.recursive)
    if options.recursive or prefix:
        return scopes
    return scopes[:1] if bucket else (Scope(SYSTEM_BUCKET, bucket_key("")),)


def _of_path(heard: Heard, path: str) -> dict[str, list[SequenceView]]:
    return {name: views for name, views in heard.views.items() if views[0].asked_for == _ORIGIN + path}


async def _status(path: str, token: str, services: Services) -> dict[str, object]:
    known = _of_path(await hear(services), path)
    if not known:
        raise S3Error("XMinioHealNoSuchProcess")
    if token not in known:
        raise S3Error("XMinioHealInvalidClientToken")
    heard = await hear(services, token, _ITEMS_MAX)
    views = heard.views.get(token)
    if not views:
        raise S3Error("XMinioHealNoSuchProcess")
    plan, names = services.monitor.plan, services.monitor.names
    drives = {
        one.index: [DriveName(drive.drive_id, f"{names[drive.node]}{drive.path}") for drive in one.drives]
        for one in plan.sets
    }
    untold = set(views[0].sets).difference(view.set_index for view in views)
    return heal_status(views, heard.items, drives, silent=untold & heard.silent, lost=untold - heard.silent)


async def _stop(path: str, services: Services) -> dict[str, object]:
    """As MinIO answers: also where there is nothing to be stopped."""
    heard = await hear(services)
    views = [view for view in _under_way(heard) if view.asked_for == _ORIGIN + path]
    if not views:
        return heal_started("invalid", "", services.clock.wall_ms())
    await stop(services, views[0].id)
    return heal_started(views[0].id, views[0].client, views[0].began_ms)
