"""Which buckets there are.

A bucket is an object of size 0 in the reserved bucket, so it is stored, replicated and healed like everything
else; set workers do not know it as a bucket. What is known here may be `bucket_cache_s` old.

Writes into a bucket are counted, because deleting one must not lose what is acknowledged meanwhile: see
`bucket_deletion`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import attrgetter

import attrs
import trio

from rustfs_node.acceptor.sets import Gathering, Sets, typed
from rustfs_node.acceptor.siblings import Siblings
from rustfs_node.seams.clock import Clock
from rustfs_proto.locking import DefaultRetention
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.names import SYSTEM_BUCKET, check_bucket_name
from rustfs_proto.stamp import NO_STAMP
from rustfs_proto.versions import Versioning
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import (
    Get,
    Got,
    List,
    Listed,
    ListEntry,
    ObjectInfo,
    PutDone,
    PutSmall,
)

_PREFIX = "buckets/"
_PAGE = 1000
_CHANGES_TRIED = 20
"""How often a change meets another one before it is given up: each time somebody else's has succeeded."""


@attrs.frozen
class BucketRecord:
    """A bucket. `leased_until_ms` > 0: somebody deletes it, and until then it takes no writes. `object_lock`:
    its versions may be locked, from now on for ever; new ones are by `default_retention`.
    """

    name: str
    stamp: int
    created_ms: int
    region: str
    owner: str
    leased_until_ms: int = 0
    versioning: Versioning = Versioning.OFF
    tags: dict[str, str] = attrs.field(factory=dict)
    object_lock: bool = False
    default_retention: DefaultRetention | None = None


@attrs.frozen
class _Cached:
    record: BucketRecord
    until_s: float


class Buckets:
    """The registry as one acceptor sees it. `siblings` have caches of their own; they are told of changes,
    and where one does not hear of it, waiting for `bucket_cache_s` does the same.
    """

    def __init__(self, sets: Sets, clock: Clock, siblings: Siblings) -> None:
        self._sets = sets
        self._clock = clock
        self._siblings = siblings
        self._settings = sets.settings
        self._cache: dict[str, _Cached] = {}
        self._writes: dict[str, set[int]] = {}
        self._last_write = 0
        self._changes = 0
        self._write_ended = trio.lowlevel.ParkingLot()

    def cached(self, name: str) -> BucketRecord | None:
        """The bucket if it is known well enough to go on at once."""
        found = self._cache.get(name)
        if found is None or found.until_s < self._clock.monotonic_s():
            return None
        return found.record

    async def get(self, name: str, trace: str) -> BucketRecord:
        """The bucket; raises NoSuchBucket."""
        found = self.cached(name) or await self.look_up(name, trace)
        if found is None:
            raise S3Error("NoSuchBucket", extra={"BucketName": name})
        return found

    def refuse_if_leased(self, record: BucketRecord) -> None:
        """Before a write: raises OperationAborted while somebody deletes the bucket."""
        if record.leased_until_ms > self._clock.wall_ms():
            raise S3Error("OperationAborted", "The bucket is being deleted; try again in a moment.")

    async def confirm_write(self, name: str, begun_s: float, trace: str) -> None:
        """After a write that was allowed at `begun_s`, before it is acknowledged: raises NoSuchBucket or
        OperationAborted where it took so long that a sibling may have deleted the bucket without seeing it.
        """
        if (
            not self._siblings.are_there
            or self._clock.monotonic_s() - begun_s < self._settings.bucket_cache_s
        ):
            return
        self.forget(name)
        self.refuse_if_leased(await self.get(name, trace))

    def forget(self, name: str) -> None:
        """The bucket is no longer what it was."""
        self._changes += 1
        self._cache.pop(name, None)

    def begin_write(self, name: str) -> int:
        """A write into the bucket is under way; its number. Call it in the same tick as the check that
        allowed the write.
        """
        self._last_write += 1
        self._writes.setdefault(name, set()).add(self._last_write)
        return self._last_write

    def end_write(self, name: str, number: int) -> None:
        """It ended, one way or the other."""
        under_way = self._writes[name]
        under_way.remove(number)
        if not under_way:
            del self._writes[name]
        self._write_ended.unpark_all()

    async def wait_for_writes(self, name: str) -> None:
        """Until no write that was allowed before now can be under way, here or at a sibling."""
        async with trio.open_nursery() as nursery:
            # A sibling's cache expires, then its last short write ends; a long one is confirmed afterwards.
            expires_s = 2 * self._settings.bucket_cache_s
            nursery.start_soon(partial(self._tell_siblings, name, expires_s, ends_writes=True))
            await self.own_writes_ended(name)

    async def own_writes_ended(self, name: str) -> None:
        """The same for those that this acceptor allowed."""
        last = self._last_write
        while min(self._writes.get(name, ()), default=last + 1) <= last:
            await self._write_ended.park()

    async def all(self, trace: str, *, prefix: str = "", after: str = "") -> list[BucketRecord]:
        """Every bucket whose name begins with `prefix` and sorts behind `after`, by name."""
        names: list[str] = []
        for page in await self._list_all_sets(bucket_key(prefix), bucket_key(after), trace):
            names.extend(entry.key.decode().removeprefix(_PREFIX) for entry in page)
        records: list[BucketRecord] = []
        at_once = self._settings.bucket_lookups
        for begin in range(0, len(names), at_once):
            records += await self._look_up_several(names[begin : begin + at_once], trace)
        return sorted(records, key=attrgetter("name"))

    async def create(
        self, name: str, region: str, owner: str, trace: str, *, object_lock: bool = False
    ) -> BucketRecord:
        """A new bucket, with versioning if it has Object Lock; raises InvalidBucketName or
        BucketAlreadyOwnedByYou.
        """
        check_bucket_name(name)
        versioning = Versioning.ENABLED if object_lock else Versioning.OFF
        record = BucketRecord(
            name,
            NO_STAMP,
            self._clock.wall_ms(),
            region,
            owner,
            versioning=versioning,
            object_lock=object_lock,
        )
        try:
            return await self.write(record, expect=NO_STAMP, trace=trace)
        except Fault as fault:
            if fault.code is not FaultCode.CONFLICT:
                raise
            raise S3Error("BucketAlreadyOwnedByYou", extra={"BucketName": name}) from None

    async def _list_all_sets(self, prefix: bytes, begin: bytes, trace: str) -> list[tuple[ListEntry, ...]]:
        """The pages of all sets, of one moment where slots move."""
        until_s = self._clock.monotonic_s() + self._settings.move_patience_s
        while True:
            pages: list[tuple[ListEntry, ...]] = []
            owned: list[bytes] = []
            for peer in self._sets.names:
                of_set = await self._list_set(peer, prefix, begin, trace)
                pages += [page.entries for page in of_set]
                owned += [of_set[0].slots] if len({page.slots for page in of_set}) == 1 else []
            if len(owned) == len(self._sets.names) and self._sets.homes.are_whole(owned):
                return pages
            if self._clock.monotonic_s() > until_s:
                raise Fault(FaultCode.OVERLOADED, "slots move faster than buckets can be listed")
            await trio.sleep(self._settings.move_poll_s)

    async def _list_set(self, peer: str, prefix: bytes, after: bytes, trace: str) -> list[Listed]:
        pages: list[Listed] = []
        while not pages or (pages[-1].more and pages[-1].entries):
            request = List(SYSTEM_BUCKET, prefix=prefix, after=after, limit=_PAGE)
            listed, _ = await self._sets.ask(peer, request, Listed, trace=trace)
            pages.append(listed)
            after = listed.entries[-1].key if listed.entries else after
        return pages

    async def look_up(self, name: str, trace: str) -> BucketRecord | None:
        """The bucket as its set has it now, None where there is none."""
        while True:
            changes, begun_s = self._changes, self._clock.monotonic_s()
            found = await self._ask(name, trace)
            if changes == self._changes:
                break
            # What was found may be from before a change that was made here meanwhile.
        if found is None:
            self._cache.pop(name, None)
        else:
            self._remember(found, begun_s)
        return found

    async def _ask(self, name: str, trace: str) -> BucketRecord | None:
        key = bucket_key(name)
        try:
            request = Get(SYSTEM_BUCKET, key, want_data=False)
            got, _ = await self._sets.ask(self._sets.home(SYSTEM_BUCKET, key), request, Got, trace=trace)
        except Fault as fault:
            if fault.code is not FaultCode.NOT_FOUND:
                raise
            return None
        return _record_of(name, got)

    async def _look_up_several(self, names: list[str], trace: str) -> list[BucketRecord]:
        """Those of `names` that are still there."""
        gathering = Gathering(len(names))
        for index, name in enumerate(names):
            key = bucket_key(name)
            self._sets.bus.ask(
                self._sets.home(SYSTEM_BUCKET, key),
                Get(SYSTEM_BUCKET, key, want_data=False),
                deadline_s=self._settings.set_deadline_s,
                on_reply=gathering.taker(index),
                trace=trace,
            )
        records: list[BucketRecord] = []
        for name, outcome in zip(names, await gathering.outcomes(), strict=True):
            if not isinstance(outcome, Fault):
                records.append(_record_of(name, typed(outcome, Got)))
            elif outcome.code is FaultCode.MOVED:
                found = await self._ask(name, trace)
                records += [] if found is None else [found]
            elif outcome.code is not FaultCode.NOT_FOUND:
                raise outcome
        return records

    async def write(self, record: BucketRecord, *, expect: int, trace: str) -> BucketRecord:
        """Store the record over the one with the stamp `expect`; raises `Fault` CONFLICT where that is not
        the current one.
        """
        user = {"created_ms": str(record.created_ms), "region": record.region, "owner": record.owner}
        if record.leased_until_ms:
            user["leased_until_ms"] = str(record.leased_until_ms)
        if record.versioning is not Versioning.OFF:
            user["versioning"] = record.versioning.name
        user |= _lock_fields(record)
        key = bucket_key(record.name)
        begun_s = self._clock.monotonic_s()
        info = ObjectInfo(user=user, tags=record.tags)
        request = PutSmall(SYSTEM_BUCKET, key, info, expect=expect)
        done, _ = await self._sets.ask(self._sets.lead(SYSTEM_BUCKET, key), request, PutDone, trace=trace)
        written = attrs.evolve(record, stamp=done.stamp)
        self._changes += 1
        self._remember(written, begun_s)
        return written

    async def change(
        self, name: str, trace: str, changed: Callable[[BucketRecord], BucketRecord]
    ) -> BucketRecord:
        """Change what is said of the bucket, as it is at that moment; raises NoSuchBucket, OperationAborted
        while somebody deletes the bucket, or what `changed` raises.
        """
        for _ in range(_CHANGES_TRIED):
            record = await self.look_up(name, trace)
            if record is None:
                raise S3Error("NoSuchBucket", extra={"BucketName": name})
            self.refuse_if_leased(record)
            try:
                return await self.write(changed(record), expect=record.stamp, trace=trace)
            except Fault as fault:
                if fault.code is not FaultCode.CONFLICT:
                    raise
        raise S3Error("OperationAborted", "The bucket is being changed by many requests; try again.")

    async def in_force(self, name: str) -> None:
        """Until no acceptor goes by what it knew of the bucket before a change that was made here."""
        await self._tell_siblings(name, self._settings.bucket_cache_s, ends_writes=False)

    async def _tell_siblings(self, name: str, expires_s: float, *, ends_writes: bool) -> None:
        """Until all of them have heard, or go by nothing that they knew before."""
        if not self._siblings.are_there:
            return
        expires_at_s = self._clock.monotonic_s() + expires_s
        if not await self._siblings.tell(name, ends_writes=ends_writes):
            await trio.sleep(max(0.0, expires_at_s - self._clock.monotonic_s()))

    def _remember(self, record: BucketRecord, asked_at_s: float) -> None:
        self._cache[record.name] = _Cached(record, asked_at_s + self._settings.bucket_cache_s)


def _record_of(name: str, got: Got) -> BucketRecord:
    user = got.meta.user
    return BucketRecord(
        name=name,
        stamp=got.stamp,
        created_ms=int(user["created_ms"]),
        region=user["region"],
        owner=user["owner"],
        leased_until_ms=int(user.get("leased_until_ms", "0")),
        versioning=Versioning[user.get("versioning", Versioning.OFF.name)],
        tags=got.meta.tags,
        object_lock="object_lock" in user,
        default_retention=_default_retention_of(user),
    )


def _lock_fields(record: BucketRecord) -> dict[str, str]:
    """What the record says of Object Lock, as it is stored."""
    if not record.object_lock:
        return {}
    fields = {"object_lock": "Enabled"}
    default = record.default_retention
    if default is not None:
        period = {"lock_days": str(default.days), "lock_years": str(default.years)}
        fields |= {"lock_mode": default.mode, **period}
    return fields


def _default_retention_of(user: dict[str, str]) -> DefaultRetention | None:
    if "lock_mode" not in user:
        return None
    return DefaultRetention(user["lock_mode"], int(user["lock_days"]), int(user["lock_years"]))


def bucket_key(name: str) -> bytes:
    """Where the record of a bucket stands in the reserved bucket."""
    return (_PREFIX + name).encode()
