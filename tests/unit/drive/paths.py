"""The paths of a drive that sweeps cut: each way to change something, with what comes before and after."""

from __future__ import annotations

import attrs

from rustfs_node.drive.commit import Waiting
from rustfs_node.drive.index_file import IN_MEMORY
from rustfs_node.seams.memory_files import PAGE_BYTES
from rustfs_proto.disk.identity import HEALING
from rustfs_proto.wire.drive_ops import Space
from tests.kit import corrupt
from tests.kit.drives import SMALL, Answer, value
from tests.kit.stories import UPLOAD_ID, Story, data_of
from tests.kit.sweeps import EVERYTHING, Ending, Path, cut, go_on

FILES = tuple(bytes([0, number]) * 8 for number in range(8))
"""Data ids that share a subfolder."""

ELSEWHERE = tuple(bytes([9, number]) * 8 for number in range(4))
LONG = attrs.evolve(SMALL, shard_sync_bytes=4096)
TIDY = attrs.evolve(SMALL, orphan_grace_s=3600.0, sweep_grace_s=60.0)
BIG = 14_000
FILL = 4


def begin(story: Story) -> None:
    """A drive in use."""
    story.put("a", 1)
    story.put("b", 1)
    story.write_file(FILES[0], "big")
    story.put_files("big", 1, FILES[0])


def put_inline(story: Story) -> None:
    story.put("a", 1)
    story.put("b", 1, 9000)
    story.put_many(["c", "d", "e"], 2)


def put_files(story: Story) -> None:
    """Two files for one commit, one of them in a folder of its own."""
    story.write_file(ELSEWHERE[0], "new")
    story.write_file(FILES[1], "new")
    story.put_files("new", 1, ELSEWHERE[0], FILES[1])


def overwrite(story: Story) -> None:
    """Inline by inline, file by file, file by inline; settled as the set does."""
    story.put("a", 2)
    story.settle("a", 2)
    story.write_file(FILES[2], "big")
    story.put_files("big", 2, FILES[2])
    story.put("big", 3)
    story.settle("big", 3)
    story.put("b", 2)


def delete(story: Story) -> None:
    story.delete("a", 2)
    story.delete("big", 2)
    story.settle("a", 2, complete=True)
    story.settle("big", 2)
    story.put("a", 3)


def begin_upload(story: Story) -> None:
    begin(story)
    story.put("up", 1, space=Space.UPLOAD, sub=UPLOAD_ID)


def upload(story: Story) -> None:
    """Parts of two files and an inline one, completed, the upload removed, what was replaced settled."""
    for number, data_id in enumerate(FILES[3:5]):
        story.write_file(data_id, "up")
        story.put_files("up", 2, data_id, space=Space.PART, sub=UPLOAD_ID + bytes([0, number]))
    story.put("up", 2, space=Space.PART, sub=UPLOAD_ID + b"\0\x09")
    story.put_files("up", 3, *FILES[3:5])
    story.end_upload("up", 4)
    story.settle("up", 3)


def complete_later(story: Story) -> None:
    """The set worker completes with the parts that other drives acknowledged."""
    story.put_files("up", 5, *FILES[3:5])
    go_on(story)


def fill(story: Story) -> None:
    """From one segment to the next ones."""
    for number in range(2 * FILL + 1):
        story.put("filling", 10 + number, BIG)


def begin_churn(story: Story) -> None:
    """Segments full of dead records around live ones."""
    begin(story)
    story.put("keep", 1, 3000)
    story.put("gone", 1)
    story.delete("gone", 2)
    story.settle("gone", 2, complete=True)
    for number in range(2 * FILL):
        story.put("churn", 10 + number, BIG)
        story.settle("churn", 10 + number)


def compact(story: Story) -> None:
    story.settle_again()
    story.compact()


def begin_garbage(story: Story) -> None:
    """Files that lost their row, files that never had one, and what nobody knows."""
    begin(story)
    story.write_file(FILES[1], "big")
    story.put_files("big", 2, FILES[1])
    story.settle("big", 2)
    story.write_file(FILES[5], "orphan")
    writers = story.drive.engine.shard_writers
    writers.finish(writers.finishing([FILES[5]]))
    story.write_file(FILES[6], "unfinished")
    story.files.write_file("/drive/shards/00/strange", b"whose is it?")
    story.strange["/drive/shards/00/strange"] = b"whose is it?"


def sweep(story: Story) -> None:
    story.settle_again()
    story.sweep()


def begin_torn(story: Story) -> None:
    """The power went while a batch of three was written: its first sector is lost, the others are there."""
    begin(story)
    log = story.drive.engine.log
    # A record that ends with a page, so that what follows is whole without it.
    size = PAGE_BYTES - log.offset % PAGE_BYTES + PAGE_BYTES
    probe = value("torn", 5, data_of("torn", 5, 8))
    size -= Waiting(probe, b"", Answer()).size_bytes
    assert cut(story, lambda story: story.put_many(["torn", "too", "last"], 5, size), 2)
    segment, offset = log.path_of(log.segment), log.offset
    Ending("everything", kept=EVERYTHING).end(story)
    story.files.content(segment).now[offset : offset + 8] = bytes(8)
    story.files.content(segment).stable[offset : offset + 8] = bytes(8)


def recover(story: Story) -> None:
    """A recovery that cuts a torn tail, and a record of the same size in its place."""
    size = len(story.tried[Space.OBJECT, "torn", b""][5].data)
    story.drive.reopen()
    story.believe()
    story.put("torn", 6, size)


def start(story: Story) -> None:
    story.drive.reopen()
    story.believe()
    story.put("a", 5)


def begin_killed(story: Story) -> None:
    """A process that was killed between writing a batch and syncing it."""
    begin(story)
    assert cut(story, lambda story: story.put_many(["late", "later"], 5), 2)
    Ending("kill", is_kill=True).end(story)


def begin_damaged(story: Story) -> None:
    """Three segments; in the first one a record was flipped."""
    begin(story)
    story.put("hurt", 1, 3000)
    story.put("keep", 1, 3000)
    for number in range(2 * FILL + 1):
        story.put("filling", 10 + number, BIG)
    story.drive.close()
    corrupt.flip_record_data(story.drive, "hurt")
    if story.files.index_at != IN_MEMORY:
        # Damage before the index's position is found when it is read, or when the index is made anew.
        story.files.remove(story.files.index_at)
    story.lost[0, "hurt", b""] = None
    story.state = HEALING


def heal_mark(story: Story) -> None:
    """A recovery that finds damage, says so, and takes the segment apart."""
    story.drive.reopen()
    story.put("a", 5)


PATHS = (
    Path("first start and inline put", put_inline, cuts_min=20),
    Path("put of shard files", put_files, begin, cuts_min=10, settings=LONG),
    Path("overwrite", overwrite, begin, cuts_min=10),
    Path("delete", delete, begin, cuts_min=8),
    Path("multipart", upload, begin_upload, complete_later, cuts_min=15),
    Path("segment change", fill, begin, cuts_min=20),
    Path("compaction", compact, begin_churn, cuts_min=8),
    Path("sweep", sweep, begin_garbage, cuts_min=5, settings=TIDY),
    Path("recovery of a torn tail", recover, begin_torn, cuts_min=5),
    Path("recovery after a kill", start, begin_killed, cuts_min=5),
    Path("recovery of damage", heal_mark, begin_damaged, cuts_min=10),
)
