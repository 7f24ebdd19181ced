"""Formation on real folders: what is written, and that stopping anywhere does no harm."""

from __future__ import annotations

import os
import tempfile

import pytest

from rustfs_node.seams.node_files import lock_folder
from rustfs_node.supervisor.memory import MountMemory
from rustfs_proto.disk.identity import HEALING, OK, parse_identity
from rustfs_proto.topology.deployment import parse_deployment
from rustfs_proto.topology.verdicts import Refusal
from tests.unit.supervisor.formation_kit import FilesThatStop, Stopped, faults, former

DRIVES = 4
NOBODY = 65534
OTHER_FILE_SYSTEM = "/dev/shm"  # noqa: S108 - a mount point that Linux always has


@pytest.fixture
def paths(tmp_path):
    return [str(tmp_path / f"d{number}") for number in range(DRIVES)]


def identity(path):
    with open(f"{path}/rustfs.json", "rb") as file:
        return parse_identity(file.read())


def layout(path):
    with open(f"{path}/layout.json", "rb") as file:
        return parse_deployment(file.read())


def put_data(path):
    os.mkdir(f"{path}/log")


def empty(path):
    for name in os.listdir(path):
        whole = f"{path}/{name}"
        os.rmdir(whole) if os.path.isdir(whole) else os.unlink(whole)


async def test_folders_are_made_and_formatted(paths):
    """Missing folders in an existing one are made; each gets its identity and the whole, complete layout."""
    formation = await former().form(paths)
    assert not faults(formation)
    assert [identity(path).slot for path in paths] == [0, 1, 2, 3]
    assert {identity(path).state for path in paths} == {OK}
    assert all(layout(path) == formation.deployment for path in paths)
    assert formation.deployment.complete


async def test_a_second_start_changes_no_byte(paths):
    """Starting again leaves identity and layout as they are."""
    await former().form(paths)
    before = [(identity(path), layout(path)) for path in paths]
    await former(FilesThatStop(0)).form(paths)
    assert [(identity(path), layout(path)) for path in paths] == before


@pytest.mark.parametrize("writes", range(3 * DRIVES))
async def test_first_formatting_interrupted(paths, writes):
    """Stopped before any of its writes, a first formatting is completed by the next start, with drives that
    are not healing.
    """
    with pytest.raises(Stopped):
        await former(FilesThatStop(writes)).form(paths)
    await former().form(paths)
    assert {identity(path).state for path in paths} == {OK}
    assert len({identity(path).deployment_id for path in paths}) == 1
    assert all(layout(path).complete for path in paths)


@pytest.mark.parametrize("writes", range(DRIVES + 1))
async def test_replacement_interrupted(paths, writes):
    """Stopped before any of its writes, a replacement is completed by the next start; only the new drive
    heals.
    """
    await former().form(paths)
    for path in paths:
        put_data(path)
    empty(paths[2])
    with pytest.raises(Stopped):
        await former(FilesThatStop(writes)).form(paths)
    formation = await former().form(paths)
    assert not faults(formation)
    assert [identity(path).state for path in paths] == [OK, OK, HEALING, OK]
    assert {layout(path).version for path in paths} == {2}


async def replaced_three(paths, aside):
    """Drives 0 to 2 stand aside, replaced; drive 3 knows the replacements."""
    await former().form(paths)
    for path in paths:
        put_data(path)
    for path in paths[:3]:
        os.rename(path, f"{aside}/{os.path.basename(path)}")
    await former(accepted=paths[:3]).form(paths)
    for path in paths[:3]:
        empty(path)
        os.rmdir(path)
        os.rename(f"{aside}/{os.path.basename(path)}", path)


@pytest.mark.parametrize("writes", range(4))
async def test_taking_back_interrupted(paths, tmp_path, writes):
    """Stopped before any of its writes, drives that were replaced are taken back by the next start, with the
    ids and files they had.
    """
    (tmp_path / "aside").mkdir()
    await replaced_three(paths, tmp_path / "aside")
    before = [identity(path).drive_id for path in paths]
    with pytest.raises(Stopped):
        await former(FilesThatStop(writes), accepted=paths[:3]).form(paths)
    formation = await former(accepted=paths[:3]).form(paths)
    assert not faults(formation)
    assert [identity(path).drive_id for path in paths] == before
    assert {identity(path).state for path in paths} == {OK}
    assert all(os.path.isdir(f"{path}/log") for path in paths)
    assert all(layout(path) == formation.deployment for path in paths)


@pytest.mark.parametrize("writes", range(5))
async def test_taking_one_back_interrupted(paths, writes):
    """Stopped before any of its writes, a single drive that is taken back never counts its absences."""
    await former().form(paths)
    for path in paths:
        put_data(path)
    before = identity(paths[0]).drive_id
    os.rename(paths[0], f"{paths[0]}.aside")
    await former().form(paths)
    empty(paths[0])
    os.rmdir(paths[0])
    os.rename(f"{paths[0]}.aside", paths[0])
    with pytest.raises(Stopped):
        await former(FilesThatStop(writes), accepted=paths[:1]).form(paths)
    await former().form(paths)
    formation = await former(accepted=paths[:1]).form(paths)
    assert not faults(formation)
    assert (identity(paths[0]).drive_id, identity(paths[0]).state) == (before, HEALING)


async def test_nothing_is_written_when_too_much_is_missing(paths, tmp_path):
    """Three of four folders emptied: no file is written anywhere, and the drives fit again when they are
    back.
    """
    await former().form(paths)
    before = [layout(path) for path in paths]
    for path in paths[:3]:
        os.rename(path, f"{path}.aside")
    with pytest.raises(Refusal, match="put the others back"):
        await former().form(paths)
    for path in paths[:3]:
        assert os.listdir(path) == []
        os.rmdir(path)
        os.rename(f"{path}.aside", path)
    assert not faults(await former().form(paths))
    assert [layout(path) for path in paths] == before


async def test_a_drive_whose_folder_is_gone_is_made_anew(paths):
    """A removed folder beside others of the same file system becomes a replacement."""
    await former().form(paths)
    for path in paths[:3]:
        put_data(path)
    empty(paths[3])
    os.rmdir(paths[3])
    await former().form(paths)
    assert identity(paths[3]).state == HEALING


async def test_each_mistake_has_its_own_words(tmp_path):
    """A file, a folder with other files, a parent that is absent and a damaged identity are told apart; none
    of them is touched.
    """
    paths = [str(tmp_path / f"d{number}") for number in range(9)]
    await former(parity=4).form(paths)
    for path in paths:
        put_data(path)
    empty(paths[0])
    os.rmdir(paths[0])
    (tmp_path / "d0").write_text("a file")
    empty(paths[1])
    (tmp_path / "d1" / "holiday.jpg").write_text("mine")
    (tmp_path / "d2" / "rustfs.json").write_text("{}")
    paths[3] = str(tmp_path / "away" / "d3")
    texts = faults(await former().form(paths))
    assert "is a file, not a folder" in texts[paths[0]]
    assert "is not empty (holiday.jpg)" in texts[paths[1]]
    assert "rustfs.json" in texts[paths[2]]
    assert "does not exist" in texts[paths[3]]
    assert len(texts) == 4
    assert os.listdir(paths[1]) == ["holiday.jpg"]


async def test_leftovers_of_a_crash_do_not_make_a_folder_foreign(paths):
    """A probe file, a temporary file of ours and lost+found are as good as nothing."""
    os.makedirs(f"{paths[0]}/lost+found")
    for name in (".rustfs-probe", "..rustfs-probe.tmp", ".rustfs.json.tmp", ".layout.json.tmp"):
        with open(f"{paths[0]}/{name}", "w"):
            pass
    assert not faults(await former().form(paths))


async def test_a_drive_in_use_is_left_alone(paths):
    """A folder that another process has locked is waited for, then left out."""
    await former().form(paths)
    lock = lock_folder(paths[1])
    try:
        texts = faults(await former().form(paths))
    finally:
        lock.close()
    assert "is in use by another process" in texts[paths[1]]
    assert not faults(await former().form(paths))


@pytest.fixture
def unprivileged():
    """Folders of a user who is not root, and for root the loss of root's rights while the test runs."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/d{number}" for number in range(DRIVES)]
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        yield paths
        if is_root:
            os.seteuid(0)


async def test_unwritable_drive(unprivileged):
    """A folder that we may not write to is named with the user and the remedy."""
    await former().form(unprivileged)
    os.chmod(unprivileged[1], 0o500)
    assert "chown -R" in faults(await former().form(unprivileged))[unprivileged[1]]


@pytest.mark.parametrize("folder", ["log", "shards"])
async def test_folder_of_somebody_else_in_a_drive(paths, folder):
    """A drive whose log or shard folder cannot be written is left out, with the place, the user and the
    remedy.
    """

    class Denied(FilesThatStop):
        def write_file(self, path, content, *, mode=0o600):
            if path.startswith(f"{paths[1]}/{folder}/"):
                raise PermissionError(13, "Permission denied", path)
            super().write_file(path, content, mode=mode)

    await former().form(paths)
    for path in paths:
        os.mkdir(f"{path}/{folder}")
    text = faults(await former(Denied(99)).form(paths))[paths[1]]
    assert f"by user {os.geteuid()}: Permission denied at {paths[1]}/{folder};" in text
    assert f"chown -R {os.geteuid()} {paths[1]}" in text
    assert os.listdir(f"{paths[0]}/{folder}") == []


async def test_identity_of_somebody_else(paths):
    """A rustfs.json that we may not read is named itself; the disk is not blamed."""

    class Denied(FilesThatStop):
        def read_file(self, path):
            if path == f"{paths[1]}/rustfs.json":
                raise PermissionError(13, "Permission denied", path)
            return super().read_file(path)

    await former().form(paths)
    text = faults(await former(Denied(99)).form(paths))[paths[1]]
    assert f"Permission denied at {paths[1]}/rustfs.json" in text
    assert "dmesg" not in text


async def test_read_only_file_system(paths):
    """A file system that refuses writes shows in the probe, for root as well."""

    class ReadOnly(FilesThatStop):
        def write_file(self, path, content, *, mode=0o600):
            if path.startswith(paths[1] + "/"):
                raise OSError(30, "Read-only file system", path)
            super().write_file(path, content, mode=mode)

    await former().form(paths)
    text = faults(await former(ReadOnly(99)).form(paths))[paths[1]]
    assert "cannot be written by user" in text
    assert "Read-only file system" in text
    assert "chown" not in text


@pytest.mark.skipif(not os.path.ismount(OTHER_FILE_SYSTEM), reason=f"{OTHER_FILE_SYSTEM} is no mount point")
async def test_mount_that_went_away(paths):
    """A drive on a file system of its own whose path is now an empty folder elsewhere is left out and stays
    empty.
    """
    with tempfile.TemporaryDirectory(dir=OTHER_FILE_SYSTEM) as elsewhere:
        os.symlink(elsewhere, paths[2])
        await former().form(paths)
        assert layout(paths[0]).sets[0].slots[2].mount == OTHER_FILE_SYSTEM
        for path in paths:
            put_data(path)
        os.unlink(paths[2])
        os.mkdir(paths[2])
        assert f"mounted at {OTHER_FILE_SYSTEM}" in faults(await former().form(paths))[paths[2]]
        assert os.listdir(paths[2]) == []


@pytest.mark.skipif(not os.path.ismount(OTHER_FILE_SYSTEM), reason=f"{OTHER_FILE_SYSTEM} is no mount point")
async def test_all_mounts_went_away(paths, tmp_path):
    """When all disks are away at once the node remembers that they were there, and founds no new deployment
    on the empty mount points.
    """
    memory = MountMemory(str(tmp_path / "state"), tuple(paths))
    with tempfile.TemporaryDirectory(dir=OTHER_FILE_SYSTEM) as elsewhere:
        for path in paths:
            os.mkdir(f"{elsewhere}/{os.path.basename(path)}")
            os.symlink(f"{elsewhere}/{os.path.basename(path)}", path)
        memory.save(await former(known_mounts=memory.load()).form(paths))
        assert not faults(await former(known_mounts=memory.load()).form(paths))
        for path in paths:
            os.unlink(path)
            os.mkdir(path)
        with pytest.raises(Refusal, match=f"mounted at {OTHER_FILE_SYSTEM}"):
            await former(known_mounts=memory.load()).form(paths)
        assert all(os.listdir(path) == [] for path in paths)


async def test_memory_is_only_a_help(paths, tmp_path):
    """A damaged memory, or a place where none can be kept, changes nothing about the drives."""
    (tmp_path / "file").write_text("")
    nowhere = MountMemory(str(tmp_path / "file"), tuple(paths))
    nowhere.save(await former(known_mounts=nowhere.load()).form(paths))
    memory = MountMemory(str(tmp_path / "state"), tuple(paths))
    memory.save(await former(known_mounts=memory.load()).form(paths))
    (name,) = os.listdir(tmp_path / "state")
    (tmp_path / "state" / name).write_text("{")
    assert memory.load() == {}


async def test_too_few_drives(paths):
    """Where no quorum is left the reasons are listed."""
    await former().form(paths)
    for path in paths[1:]:
        empty(path)
        os.rmdir(path)
        with open(path, "w"):
            pass
    with pytest.raises(Refusal, match="is a file"):
        await former().form(paths)
