"""Multipart uploads: the parts that the client names are those that become the object."""

from __future__ import annotations

from tests.planted.bug import PlantedBug

ACKED = "An acknowledged write"
UNACKED = "A write that was not acknowledged"
FILE = "rustfs_proto/erasure/multipart.py"
TESTS = "tests/unit/erasure/test_multipart.py"

UPLOADS = (
    PlantedBug(
        "part-etag-not-compared",
        FILE,
        "    if stored.etag != wanted.etag:\n",
        "    if not stored.etag:\n",
        "An upload is completed with other bytes than the client names.",
        ACKED,
        f"{TESTS}::test_refusals",
    ),
    PlantedBug(
        "part-checksum-not-compared",
        FILE,
        "        if stored.checksums.get(name) != value:\n",
        "        if not value:\n",
        "A part with another checksum than the client names becomes part of the object.",
        ACKED,
        f"{TESTS}::test_refusals",
    ),
    PlantedBug(
        "missing-part-left-out",
        FILE,
        "    chosen = tuple(_match(part, stored.get(part.number)) for part in wanted)\n",
        "    chosen = tuple(_match(part, stored[part.number]) for part in wanted if part.number in stored)\n",
        "An object is completed without a part that the client names.",
        ACKED,
        f"{TESTS}::test_refusals",
    ),
    PlantedBug(
        "parts-in-any-order",
        FILE,
        "    if any(later <= earlier for earlier, later in pairwise(numbers)):\n",
        "    if any(later == earlier for earlier, later in pairwise(numbers)):\n",
        "Parts are joined in an order that is not theirs.",
        ACKED,
        f"{TESTS}::test_refusals",
    ),
    PlantedBug(
        "parts-dropped-with-the-object-missing",
        "rustfs_node/erasureset/uploads.py",
        "    spared = set(range(state.n)) - written.committed_slots\n",
        "    spared = set(range(state.n)) - set(range(state.n))\n",
        "A drive that missed the object drops its parts, and with them its shards.",
        ACKED,
        "tests/unit/erasureset/test_completing.py::test_drives_that_missed_the_object_keep_its_shards",
    ),
    PlantedBug(
        "upload-ended-before-its-object",
        "rustfs_node/erasureset/uploads.py",
        "        written = await _commit_object(state, message, head, meta, trace)\n",
        "        await remove_upload(state, bucket, key, upload_id, upload.stamp, (), trace)\n"
        "        written = await _commit_object(state, message, head, meta, trace)\n",
        "A completion that fails takes the parts along.",
        UNACKED,
        "tests/unit/erasureset/test_completing.py::test_a_completion_that_cannot_tidy_up_is_a_completion",
    ),
    PlantedBug(
        "part-after-the-end",
        "rustfs_node/drive/commit.py",
        "        if upload in self._ended_uploads or (newest",
        "        if (newest",
        "A part that comes with the end of its upload stays for ever.",
        "Deletes",
        "tests/unit/drive/test_commit.py::test_a_part_after_the_end_in_the_same_batch",
    ),
    PlantedBug(
        "absent-files-not-recorded",
        "rustfs_node/drive/commit.py",
        "                absent=item.missing,\n",
        "                absent=(),\n",
        "An unfinished object whose parts are on too few drives hides the one before it for ever.",
        UNACKED,
        "tests/unit/drive/test_commit.py::test_a_file_that_was_never_here_is_told_from_one_that_was_lost",
    ),
    PlantedBug(
        "unfinished-object-hides-the-one-before",
        "rustfs_proto/erasure/decide.py",
        "    if census.may_have_had_each_file < k and",
        "    if census.may_have_had_each_file < 0 and",
        "A completion that got nowhere makes the key unreadable.",
        UNACKED,
        "tests/unit/erasureset/test_completing.py::test_a_completion_that_got_nowhere_hides_nothing",
    ),
    PlantedBug(
        "delete-of-nothing-leaves-what-is-away",
        "rustfs_node/erasureset/delete.py",
        "            if is_complete and not is_damaged and",
        "            if not is_damaged and",
        "What an earlier, failed write left on a drive that was away comes up after a delete.",
        "Deletes",
        "tests/unit/erasureset/test_doubts.py::test_what_a_delete_did_not_find_does_not_come_up_after_it",
    ),
)
