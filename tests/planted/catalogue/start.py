"""Which drives take part at a start, and which are written to."""

from __future__ import annotations

from tests.planted.bug import PlantedBug

DRIVES = "Drives"
FILE = "rustfs_proto/topology/rejoin.py"
DECISIONS = "tests/unit/supervisor/test_formation_decisions.py"
GATHERING = "tests/unit/supervisor/test_gathering.py"
ASSEMBLY = "tests/unit/supervisor/test_assembly.py"
UNATTENDED = "tests/unit/supervisor/test_unattended.py"
SECOND_LOOK = "tests/unit/supervisor/test_second_look.py"
REPLACEMENTS = "tests/unit/supervisor/test_replacements.py"

START = (
    PlantedBug(
        "exchanged-drives-accepted",
        FILE,
        "    if (identity.set_index, identity.slot) != (place.set_index, place.slot):\n",
        "    if identity.set_index != place.set_index:\n",
        "Two drives that changed places serve each other's shards.",
        DRIVES,
        f"{DECISIONS}::test_swapped_drives_name_both_places",
    ),
    PlantedBug(
        "foreign-deployment-accepted",
        FILE,
        "    if identity.deployment_id != current.deployment_id:\n",
        "    if not identity.deployment_id:\n",
        "A drive of another deployment is written to.",
        DRIVES,
        f"{DECISIONS}::test_majority_decides_whose_deployment_it_is",
    ),
    PlantedBug(
        "replaced-drive-accepted",
        FILE,
        "    if verdict.path not in wish.accepted:\n",
        "    if not verdict.path:\n",
        "A drive that was replaced comes back with what it had then.",
        DRIVES,
        f"{DECISIONS}::test_replaced_drive_that_comes_back_is_left_out",
    ),
    PlantedBug(
        "new-drive-testifies",
        FILE,
        '            identity = fresh.healing("formatted into a deployment that holds data")\n',
        "            identity = fresh\n",
        "An empty replacement says that acknowledged objects do not exist.",
        "A read",
        f"{DECISIONS}::test_replaced_drive_heals",
    ),
    PlantedBug(
        "formatted-beyond-repair",
        "rustfs_proto/topology/replacements.py",
        "    if sound >= needed:\n",
        "    if sound >= 0:\n",
        "More drives are formatted than the rest of the set could rebuild.",
        DRIVES,
        f"{REPLACEMENTS}::test_more_replacements_than_can_be_rebuilt_are_refused",
    ),
    PlantedBug(
        "unmounted-disk-formatted",
        "rustfs_proto/topology/verdicts.py",
        "        if was != finding.mount and _is_above(finding.mount, was):\n",
        "        if not finding.mount and _is_above(finding.mount, was):\n",
        "The empty folder under a disk that is not mounted becomes a drive on the root disk.",
        DRIVES,
        f"{DECISIONS}::test_mount_that_went_away",
    ),
    PlantedBug(
        "bare-folder-replaces-a-drive",
        "rustfs_proto/topology/unattended.py",
        "    if len(now.folder) < len(watched.deepest):\n",
        "    if not now.folder:\n",
        "Where a disk is not mounted its folder becomes the new drive, on what lies above it.",
        DRIVES,
        f"{UNATTENDED}::test_where_a_disk_was_once_there_must_be_one",
    ),
    PlantedBug(
        "somebodys-disk-replaces-a-drive",
        "rustfs_proto/topology/unattended.py",
        "    if names:\n",
        "    if len(names) > 2:\n",
        "A disk that has files on it becomes a drive without anybody having said so.",
        DRIVES,
        f"{UNATTENDED}::test_doubts",
    ),
    PlantedBug(
        "identity-before-layout",
        "rustfs_node/supervisor/formation.py",
        "        self.write_layouts(fresh, deployment)\n        self._write_identities(fresh)\n",
        "        self._write_identities(fresh)\n        self.write_layouts(fresh, deployment)\n",
        "A replacement that is interrupted leaves a drive whose slot is still its predecessor's.",
        DRIVES,
        "tests/unit/supervisor/test_formation_folders.py::test_replacement_interrupted",
    ),
    PlantedBug(
        "drive-in-use-formed",
        "rustfs_node/supervisor/formation.py",
        "            return unusable(path, say.in_use(path))\n        self._locks.append(lock)\n",
        "            return inspector.look(path, mount_point_of(path))\n        self._locks.append(lock)\n",
        "Two nodes write on one drive.",
        DRIVES,
        "tests/unit/supervisor/test_formation_folders.py::test_a_drive_in_use_is_left_alone",
    ),
    PlantedBug(
        "founded-without-all",
        "rustfs_proto/topology/gathering.py",
        "        return Step.FOUND if is_complete and own == FOUNDER else Step.WAIT\n",
        "        return Step.FOUND if own == FOUNDER else Step.WAIT\n",
        "A node that cannot reach the others founds a deployment of its own.",
        DRIVES,
        f"{GATHERING}::test_only_the_first_founds_and_only_with_all",
    ),
    PlantedBug(
        "founded-twice",
        "rustfs_node/supervisor/assembly.py",
        "        elif self._serves or self.drives.has_deployment:\n",
        "        elif self._serves:\n",
        "A node that took the last step of a founding is formatted for another.",
        DRIVES,
        "tests/unit/supervisor/test_assembly.py::test_a_founded_drive_is_not_formatted_again",
    ),
    PlantedBug(
        "others-drives-named",
        "rustfs_proto/topology/gathering.py",
        "        if finding.node != own and finding.condition is Condition.FRESH\n",
        "        if finding.node == own and finding.condition is Condition.FRESH\n",
        "A node names in the layout a drive that another node will format under another id.",
        DRIVES,
        f"{GATHERING}::test_empty_drives_are_their_own_nodes_business",
    ),
    PlantedBug(
        "empty-drive-formatted-unasked",
        "rustfs_proto/topology/second_look.py",
        "(finding.path == path and formats)",
        "finding.path == path",
        "A drive that is put back as an empty folder loses its place to a new one.",
        DRIVES,
        f"{SECOND_LOOK}::test_an_empty_folder_becomes_the_new_drive_only_on_demand",
    ),
    PlantedBug(
        "others-formatted-along",
        "rustfs_proto/topology/second_look.py",
        "(finding.path == path and formats)",
        "formats",
        "Replacing one drive gives the place of another one away that is only not mounted.",
        DRIVES,
        f"{SECOND_LOOK}::test_nobody_else_is_formatted",
    ),
    PlantedBug(
        "bare-mount-point-written-to",
        "rustfs_node/supervisor/second_look.py",
        "one if one.path == path else former.as_it_is(one, one.path)",
        "one",
        "Replacing a drive writes to the file system under another one that went away.",
        DRIVES,
        f"{SECOND_LOOK}::test_another_drive_that_died_meanwhile_keeps_none_from_being_replaced",
    ),
    PlantedBug(
        "others-layout-passed-over",
        "rustfs_node/supervisor/assembly.py",
        "label = await self.drives.look_again(path)\n            heard = await self._ask_all()\n",
        "label = await self.drives.look_again(path)\n            heard = dict[int, Introduced]()\n",
        "A drive replaced on one node is refused after another node has replaced one.",
        DRIVES,
        f"{ASSEMBLY}::test_drives_are_replaced_on_one_node_after_the_other",
    ),
)
