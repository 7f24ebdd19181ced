"""Versions that stand beside each other: which is current, which goes, in which order they are told."""

from __future__ import annotations

from tests.planted.bug import PlantedBug

STAY = "Versions that stay"
CURRENT = "rustfs_node/drive/current.py"
ON_A_DRIVE = "tests/unit/drive/test_current.py"
HISTORIES = "tests/unit/erasureset/test_version_histories.py"
UNDISTURBED = f"{HISTORIES}::test_undisturbed_histories_are_listed_exactly[0]"
COSTS = "tests/unit/drive/test_many_versions.py"

VERSIONS = (
    PlantedBug(
        "removed-version-current",
        CURRENT,
        "    return bool(rows) and rows[0].kind != RowKind.TOMBSTONE\n",
        "    return bool(rows)\n",
        "A version that was removed is taken for current.",
        STAY,
        f"{ON_A_DRIVE}::test_the_drive_knows_what_is_current",
    ),
    PlantedBug(
        "null-version-always-current",
        CURRENT,
        " or _birth(null[0]) > birth_of(version[0].sub)):\n",
        " or _birth(null[0]) > 0):\n",
        "What was there before versioning hides every later version.",
        STAY,
        f"{ON_A_DRIVE}::test_the_drive_knows_what_is_current",
    ),
    PlantedBug(
        "unsettled-removal-believed",
        "rustfs_node/drive/index.py",
        "        return live[0] if live else None, kept != live\n",
        "        return live[0] if live else None, False\n",
        "One drive's removal of a version, that may never be acknowledged, is believed.",
        STAY,
        f"{ON_A_DRIVE}::test_an_unsettled_removal_is_told",
    ),
    PlantedBug(
        "version-born-below-others",
        "rustfs_node/drive/commit.py",
        "        newest = max(newest, changed, floor_of(self.index, commit.bucket, commit.key))\n",
        "        newest = max(newest, changed)\n",
        "By a clock that is behind an acknowledged version is born below others, and is never current.",
        STAY,
        f"{ON_A_DRIVE}::test_a_version_must_be_born_after_all_others",
    ),
    PlantedBug(
        "expectation-of-the-row",
        "rustfs_node/drive/commit.py",
        "            current = current_of(self.index, commit.bucket, commit.key).stamp\n",
        "            current = 0\n",
        "Two writes that expect the same version of a key both succeed.",
        STAY,
        f"{ON_A_DRIVE}::test_expectations_are_of_the_current_version",
    ),
    PlantedBug(
        "key-decided-by-its-null-version",
        "rustfs_proto/erasure/decide.py",
        "    return answer.others or bool(answer.sub)\n",
        "    return False\n",
        "Where drives differ, only the null version of a key is looked at.",
        STAY,
        f"{HISTORIES}::test_versions_come_and_go_as_acknowledged[3-4]",
    ),
    PlantedBug(
        "another-version-removed",
        "rustfs_node/erasureset/removal.py",
        "RowKind.TOMBSTONE, sub), expects)",
        "RowKind.TOMBSTONE), expects)",
        "Removing a version removes the null version in its place.",
        STAY,
        UNDISTURBED,
    ),
    PlantedBug(
        "marked-key-listed",
        "rustfs_node/erasureset/listing.py",
        "        return None if self.current and row.kind == RowKind.MARKER else row\n",
        "        return row\n",
        "A listing shows keys whose current version is a delete marker.",
        STAY,
        UNDISTURBED,
    ),
    PlantedBug(
        "null-version-out-of-place",
        "rustfs_node/erasureset/version_listing.py",
        "or _birth(null) > birth_of(row.sub)):\n",
        "or _birth(null) > 0):\n",
        "The null version is listed before those that are newer.",
        STAY,
        UNDISTURBED,
    ),
    PlantedBug(
        "versions-looked-through-by-listings",
        "rustfs_node/drive/scan.py",
        '                return key + b"\\0", b""\n        return None\n\n    def _row_of_key',
        "                continue\n        return None\n\n    def _row_of_key",
        "A listing of keys reads all versions that they ever had.",
        STAY,
        f"{COSTS}::test_listing_the_key",
    ),
)
