"""What a client of a whole set did, and what must be read back, whatever happened to the machine."""

from __future__ import annotations

from collections.abc import Awaitable, Collection

import attrs
import trio

from rustfs_node.drive.engine import DriveEngine
from rustfs_node.drive.index_file import IN_MEMORY
from rustfs_proto.disk.layout import SHARD_FOLDER, shard_path
from rustfs_proto.disk.record import split_ids
from rustfs_proto.wire.drive_ops import Space
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.set_ops import Amend, Get, ObjectInfo
from rustfs_proto.wire.upload_ops import UploadCreate
from tests.kit.drives import FixedClock
from tests.kit.story_files import files_below
from tests.unit.erasureset.kit import Client, TestSet
from tests.unit.erasureset.test_objects import body_of
from tests.unit.erasureset.test_uploads import complete, put_part
from tests.unit.erasureset.virtual_set import SETTINGS, Drive

CLEAN = frozenset(
    {FaultCode.NO_QUORUM, FaultCode.PEER_DOWN, FaultCode.TIMEOUT, FaultCode.OVERLOADED, FaultCode.DRIVE_FAULT}
    | {FaultCode.FULL, FaultCode.FULL_UNKNOWN}
)
"""What a client may be told when drives are in trouble."""


State = tuple[bytes, dict[str, str]] | None
"""Body and tags of an object, None where there is none."""


@attrs.define
class SetStory:
    """Of each key all states tried, and the place of the newest acknowledged. `other_class`: that of some
    writes.
    """

    tried: dict[bytes, list[State]] = attrs.field(factory=dict)
    acked: dict[bytes, int] = attrs.field(factory=dict)
    faults: list[FaultCode] = attrs.field(factory=list)
    other_class: str = "STANDARD"

    async def tell(self, running: TestSet[Drive]) -> None:
        """Everything that changes a set."""
        client = running.client
        await self.put(client, b"small", body_of(300))
        await self.put(client, b"large", body_of(9000))
        await self.put(client, b"small", body_of(700), self.other_class)
        await self.amend(client, b"small", {"a": "1"})
        await self.put(client, b"large", body_of(17_000), self.other_class)
        await self.amend(client, b"large", {"a": "1"})
        await self.put(client, b"removed", body_of(5000))
        await self.delete(client, b"removed")
        await self.upload(client, b"k", [body_of(9001), body_of(50)])
        await self.amend(client, b"k", {"a": "1"})
        await self.amend(client, b"k", {"a": "2"})
        await self.put(client, b"large", body_of(20))
        await self.delete(client, b"small")

    async def put(self, client: Client, key: bytes, body: bytes, storage_class: str = "STANDARD") -> None:
        await self._try(key, [(body, {})], client.put(key, body, storage_class=storage_class))

    async def amend(self, client: Client, key: bytes, tags: dict[str, str]) -> None:
        """Whatever is there gets these tags; nothing may be there where no write was acknowledged."""
        possible = self._possible(key)
        bodies = dict.fromkeys(state[0] for state in possible if state is not None)
        try:
            await self._try(key, [(body, tags) for body in bodies], client.ask(Amend("b", key, tags)))
        except Fault as fault:
            if fault.code is not FaultCode.NOT_FOUND or None not in possible:
                raise

    async def delete(self, client: Client, key: bytes) -> None:
        async def remove() -> None:
            deleted = await client.delete(key)
            if deleted.faults != ("",):
                raise Fault(FaultCode.NO_QUORUM, deleted.faults[0])

        await self._try(key, [None], remove())

    async def upload(self, client: Client, key: bytes, bodies: list[bytes]) -> None:
        async def send() -> None:
            upload_id = (
                await client.ask(UploadCreate("b", key, ObjectInfo(storage_class=self.other_class)))
            ).upload_id
            parts = [await put_part(client, upload_id, n, body) for n, body in enumerate(bodies, 1)]
            await client.ask(complete(upload_id, *parts))

        await self._try(key, [(b"".join(bodies), {})], send())

    async def _try(self, key: bytes, states: list[State], work: Awaitable[object]) -> None:
        """One of `states` is what comes of `work`."""
        tried = self.tried.setdefault(key, [])
        first = len(tried)
        tried += states
        try:
            await work
        except Fault as fault:
            if fault.code not in CLEAN:
                raise
            self.faults.append(fault.code)
        else:
            self.acked[key] = first

    def _possible(self, key: bytes) -> list[State]:
        floor = self.acked.get(key, -1)
        tried = self.tried.get(key, [])
        return tried[floor:] if floor >= 0 else [None, *tried]

    async def check_without_one(self, running: TestSet[Drive]) -> None:
        """The same with a drive away, which what has a single parity shard may miss if it misses another."""
        for key in self.tried:
            try:
                await self.check(running, [key])
            except Fault as fault:
                if fault.code is not FaultCode.NO_QUORUM or self.other_class == "STANDARD":
                    raise

    async def check(self, running: TestSet[Drive], keys: Collection[bytes] = ()) -> None:
        """Every key has its acknowledged state or one that was tried later, and keeps it."""
        for key in keys or self.tried:
            found = await read(running.client, key)
            assert found in self._possible(key), (
                key,
                self.acked.get(key),
                found and (len(found[0]), found[1]),
            )
            assert await read(running.client, key) == found

    async def go_on(self, running: TestSet[Drive]) -> None:
        """The set still takes everything, and tidies up in the time that passes."""
        await self.check(running)
        client, before = running.client, len(self.faults)
        await self.put(client, b"large", body_of(12_000))
        await self.put(client, b"after", body_of(300))
        await self.delete(client, b"k")
        assert len(self.faults) == before, self.faults
        await trio.sleep(3 * SETTINGS.orphan_grace_s)
        await self.check(running)


async def read(client: Client, key: bytes) -> State:
    """What is there."""
    try:
        body = await client.get(key)
        got = await client.ask(Get("b", key, want_data=False))
        return body, got.meta.tags
    except Fault as fault:
        if fault.code is not FaultCode.NOT_FOUND:
            raise
        return None


def leftovers(drive: Drive) -> list[str]:
    """Shard files that no row of the drive names."""
    engine = DriveEngine.open(drive.files, drive.address, SETTINGS, FixedClock(), IN_MEMORY)
    rows = (row for space in Space for row in engine.index.walk(space, "b", (b"", b""), None))
    named = {
        f"{drive.address.path}/{shard_path(data_id)}" for row in rows for data_id in split_ids(row.files)
    }
    engine.close()
    below = f"{drive.address.path}/{SHARD_FOLDER}"
    return [path for path in files_below(drive.files, below) if path not in named]
