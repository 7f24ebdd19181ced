"""Healing: what is given to which drive, and when a drive counts again."""

from __future__ import annotations

from tests.planted.bug import PlantedBug

PROMISE = "Healing"
HEALS = "tests/unit/erasureset/test_healing.py"
REBUILDS = "tests/unit/erasureset/test_rebuilding.py"
DRIVES = "tests/unit/drive/test_healing.py"
ROWS = "tests/unit/erasure/test_healing.py"

HEALING = (
    PlantedBug(
        "upload-ended-without-its-object",
        "rustfs_node/erasureset/heal_key.py",
        "bucket, key):\n            return False\n",
        "bucket, key):\n            continue\n",
        "A drive that could not take the object loses the parts that keep its shards.",
        PROMISE,
        f"{HEALS}::test_an_upload_is_ended_only_where_the_object_is",
    ),
    PlantedBug(
        "torn-file-taken-for-whole",
        "rustfs_node/erasureset/shard_copy.py",
        ".difference(care.torn)\n",
        "\n",
        "A shard file that cannot be read is left on the drive.",
        PROMISE,
        f"{HEALS}::test_what_reads_find_damaged_is_written_again",
    ),
    PlantedBug(
        "copied-whatever-became-of-it",
        "rustfs_node/erasureset/shard_copy.py",
        "            await care.confirm()\n",
        "            pass\n",
        "An object that was removed while its shards were copied is back on a drive.",
        PROMISE,
        f"{HEALS}::test_what_is_removed_while_it_is_copied_stays_away",
    ),
    PlantedBug(
        "tombstone-forgotten-before-all-have-it",
        "rustfs_node/erasureset/heal_row.py",
        "len(self.healed.whole) == self._state.n\n",
        "len(self.healed.whole) >= quorum\n",
        "A tombstone goes while a drive that is away keeps what it hides.",
        PROMISE,
        f"{HEALS}::test_a_tombstone_that_all_drives_have_is_forgotten",
    ),
    PlantedBug(
        "note-taken-back-unhealed",
        "rustfs_node/erasureset/heal_noted.py",
        "        if is_healed:\n",
        "        if note:\n",
        "A key that could not be healed is forgotten.",
        PROMISE,
        f"{HEALS}::test_a_drive_that_is_away_is_waited_for",
    ),
    PlantedBug(
        "drive-counts-with-rows-left-over",
        "rustfs_node/erasureset/rebuild.py",
        "        if self._left:\n            raise",
        "        if self._left and not self._token:\n            raise",
        "A drive counts as rebuilt that does not have everything.",
        PROMISE,
        f"{REBUILDS}::test_a_drive_stays_healing_while_something_is_left_over",
    ),
    PlantedBug(
        "note-of-a-slow-clock-lost",
        "rustfs_node/erasureset/heal_notes.py",
        "            if newest and not above:\n",
        "            if newest and above:\n",
        "What a node notes whose clock is behind goes with a note that was healed before.",
        PROMISE,
        f"{HEALS}::test_a_note_counts_whatever_the_clock_of_an_earlier_one_was",
        is_slow=True,
    ),
    PlantedBug(
        "rebuild-ends-at-what-is-lost",
        "rustfs_node/erasureset/rebuild.py",
        "        else:\n            self._beyond += 1\n",
        "        else:\n            raise Fault(FaultCode.NO_QUORUM, 'too many')\n",
        "A new drive is not given what lies behind a thousand objects that are lost.",
        PROMISE,
        f"{REBUILDS}::test_what_is_lost_keeps_nothing_from_what_is_not",
    ),
    PlantedBug(
        "joining-drive-supports",
        "rustfs_proto/erasure/decide.py",
        " - len(self.joining)\n",
        "\n",
        "A version is shown that is on too few drives as soon as the rebuilt one counts.",
        PROMISE,
        "tests/unit/erasure/test_decide.py::test_a_drive_that_joins_is_given_what_too_few_others_have",
    ),
    PlantedBug(
        "any-token-ends-healing",
        "rustfs_node/drive/worker.py",
        "(not message.token or message.token != fence.joins)",
        "not message.token",
        "A drive counts that was started since it was rebuilt, and may have lost something again.",
        PROMISE,
        f"{DRIVES}::test_healing_ends_in_two_steps_of_one_token",
    ),
    PlantedBug(
        "healed-in-memory-only",
        "rustfs_node/drive/identity_file.py",
        "    write_identity(files, path, well)\n",
        "",
        "A rebuilt drive is healing again after the next start.",
        PROMISE,
        f"{DRIVES}::test_healing_ends_in_two_steps_of_one_token",
    ),
    PlantedBug(
        "records-of-a-rebuilt-drive-unread",
        "rustfs_node/drive/rows.py",
        "    return not is_here or not engine.reader.is_whole(row)\n",
        "    return not is_here\n",
        "A drive with a damaged log is rebuilt without what can no longer be read of it.",
        PROMISE,
        f"{DRIVES}::test_a_row_is_verified_by_its_record_and_its_files",
    ),
    PlantedBug(
        "whole-by-what-few-have",
        "rustfs_proto/erasure/healing.py",
        "alike >= enough and",
        "alike >= 1 and",
        "A drive with a version that nobody acknowledged is not given the one below it.",
        PROMISE,
        f"{ROWS}::test_a_drive_is_surely_whole_with_what_nearly_all_have",
    ),
)
