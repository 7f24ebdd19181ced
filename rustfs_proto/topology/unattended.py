"""When a node may replace a drive without being told to (`node.auto_replace`): a new file system was mounted
at the folder of a drive, and nothing is on it.

What this decides is only whether the folder is looked at as for `ctl drive replace`; that has rules of its
own, and they all hold. It is stricter than they are where an operator would have seen for himself what he
does: nothing of a drive's own file system, of the root's, or of one that several drives share is ever
formatted by itself, and neither is what changes while it is looked at.

The kernel's table of mounts tells, so a disk that hangs is not touched.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs

from rustfs_proto.topology.hardware import Mounted


@attrs.frozen
class Watched:
    """The folder of a drive: the file system that was there when it was last known to be the drive's, or at
    the start, the deepest place where one was mounted, and what was there at the last look.
    """

    path: str
    known: Mounted | None
    deepest: str
    before: Mounted | None

    @classmethod
    def of(cls, path: str, now: Mounted | None) -> Watched:
        """As it is at the start, or after a replacement."""
        return cls(path, now, now.folder if now else "/", now)

    def seen(self, now: Mounted | None) -> Watched:
        """After a look."""
        deepest = max(self.deepest, now.folder if now else "", key=len)
        return attrs.evolve(self, deepest=deepest, before=now)

    def is_new(self, now: Mounted | None) -> bool:
        """Whether another file system is mounted there since, and was at the last look already: one that
        comes and goes is being worked at.
        """
        return now is not None and now != self.known and now == self.before


def why_not(watched: Watched, now: Mounted, others: Sequence[Mounted | None], names: Collection[str]) -> str:
    """Why an operator has to see to it; empty where the folder may become the slot's new drive. `others` are
    the file systems of the node's other drives, `names` what is in the folder, harmless things aside.
    """
    if now.folder == "/":
        return f"{watched.path} lies on the root file system"
    if len(now.folder) < len(watched.deepest):
        return f"{watched.path} lies on what is mounted at {now.folder}, and not on a disk of its own"
    if any(one is not None and _is_same(one, now) for one in others):
        return f"{watched.path} shares its file system, {now.source}, with another drive"
    if names:
        first = ", ".join(sorted(names)[:3])
        return f"{watched.path} has files on it ({first})"
    return ""


def _is_same(one: Mounted, other: Mounted) -> bool:
    return one.device == other.device or one.source == other.source
