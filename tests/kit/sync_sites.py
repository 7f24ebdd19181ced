"""Every place from which a drive syncs a file or a folder, and which sweep notices that it does not.

A site is the kind of call, the function that makes it, and which paths are meant. `path` and `ending` are the
sweep that must find a loss when the calls of this site lie. Sites without are not for durability: `why_kept`
says what for, and the sweeps must bear that they lie.
"""

from __future__ import annotations

import re

import attrs

from tests.kit.faulty_files import EVER, Lies
from tests.kit.stories import Story
from tests.kit.sweeps import INDEX_ONLY, KILL, KILL_AND_GO_ON, KILL_AND_RETRY, LOSES_ALL, Ending

CHANCE = Ending("chance", seed=1)
IN_ORDER = Ending("first four", kept=4)


@attrs.frozen
class SyncSite:
    """`name` says what would be lost. `on_disk`: the sweep takes an index that survives."""

    name: str
    call: str
    site: str
    where: str = ""
    path: str = ""
    ending: Ending = LOSES_ALL
    on_disk: bool = False
    why_kept: str = ""

    def __str__(self) -> str:
        return self.name

    def lie(self, story: Story) -> None:
        """From now on calls of this site say yes and do nothing."""
        story.files.inject(self.call, Lies(self.site), self.where, times=EVER)

    def is_of(self, call: str, site: str, path: str) -> bool:
        """Whether that call comes from here."""
        return (call, site) == (self.call, self.site) and re.search(self.where, path) is not None


FIRST, FILES, DAMAGE = "first start and inline put", "put of shard files", "recovery of damage"
FINISH, RECOVERY = "shards.ShardWriters._finish", "recovery._Recovery"
SYNC_CONTENTS = "shards.ShardWriters._sync_contents"
LAY_OUT, WRITE_IDENTITY = "identity_file.lay_out", "identity_file.write_identity"
TORN, COMPACTION = "recovery of a torn tail", "compaction"
QUARANTINE, SYNC_FOLDERS = "quarantine.quarantine", f"{RECOVERY}._sync_folders"

SITES = (
    SyncSite("records of a batch", "sync", "log.Log.append", "", FIRST),
    SyncSite("name of a segment", "sync_folder", "log.Log.prepare", "", FIRST),
    SyncSite("content of a shard file", "sync", SYNC_CONTENTS, "", "multipart"),
    SyncSite("name of a shard file", "sync_folder", FINISH, "shards/", FILES),
    SyncSite("folder of shard files", "sync_folder", FINISH, "shards$", FILES),
    SyncSite("content of the identity", "sync", WRITE_IDENTITY, "", FIRST),
    SyncSite("name of the identity that says healing", "sync_folder", WRITE_IDENTITY, "", DAMAGE),
    SyncSite("folders of a new drive before laid_out", "sync_folder", LAY_OUT, "", FIRST, CHANCE),
    SyncSite("removal of a compacted segment", "sync_folder", "compaction.Compaction.remove", "", COMPACTION),
    SyncSite("removal of a swept file", "sync_folder", "sweep.Sweep.remove", "", "sweep"),
    SyncSite("what was set aside", "sync_folder", QUARANTINE, "quarantine$", "sweep"),
    SyncSite("removal of a segment set aside", "sync_folder", QUARANTINE, "log$", DAMAGE),
    SyncSite("zeros over a torn tail", "sync", f"{RECOVERY}._cut_tail", "", TORN, IN_ORDER),
    SyncSite(
        "records that a killed life left in the cache, before the index says so",
        "sync", f"{RECOVERY}._sync_unapplied", "", "recovery after a kill", INDEX_ONLY, on_disk=True,
    ),
    SyncSite("identity of a killed life", "sync_folder", SYNC_FOLDERS, "drive$", DAMAGE, KILL),
    SyncSite("what a killed life set aside", "sync_folder", SYNC_FOLDERS, "quarantine$", "sweep", KILL),
    SyncSite("shard folder of a killed life", "sync_folder", SYNC_FOLDERS, "shards$", FILES, KILL_AND_GO_ON),
    SyncSite("shard file of a killed life", "sync_folder", SYNC_FOLDERS, "shards/", FILES, KILL_AND_RETRY),
    SyncSite("segment removed by a killed life", "sync_folder", SYNC_FOLDERS, "log$", "compaction", KILL),
)  # fmt: skip

NOT_FOR_DURABILITY = (
    SyncSite(
        "content of an unused segment", "sync", "log.Log.prepare", path="segment change",
        why_kept="its blocks are written ahead, so that the sync of the first batch does not wait for them",
    ),
    SyncSite(
        "a shard file that grows", "sync", "shards.ShardWriters.write", path=FILES,
        why_kept="the sync at the end, which a client waits for, has less to do",
    ),
    SyncSite(
        "removal of a strange file from its folder", "sync_folder", QUARANTINE, "shards", path="sweep",
        why_kept="the line is the one that matters for segments; a file that comes back is set aside again",
    ),
)  # fmt: skip
