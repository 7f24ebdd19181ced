"""A drive looked at again while the others serve: only it changes, and a later start finds the same."""

from __future__ import annotations

import contextlib
import shutil

import attrs
import pytest

from rustfs_node.drive.identity_file import mark_well
from rustfs_node.seams.real_files import RealFiles
from rustfs_node.supervisor.second_look import OwnKeeper
from rustfs_proto.disk.identity import HEALING, parse_identity
from rustfs_proto.topology import findings as say
from rustfs_proto.topology.deployment import parse_deployment
from rustfs_proto.topology.findings import as_asked
from rustfs_proto.topology.second_look import after, join_one, verdict_of
from rustfs_proto.topology.verdicts import Refusal, Wish
from tests.unit.supervisor.formation_kit import (
    IDS,
    NOW_MS,
    FilesThatFailIn,
    FilesThatStop,
    Stopped,
    formed,
    former,
    fresh,
    unusable,
)


def look(found, path, *, formats=True, wish=None):
    return join_one(found, path, wish or Wish(), IDS[100 : 101 + len(found)], NOW_MS, formats=formats)


def test_an_empty_folder_becomes_the_new_drive_only_on_demand():
    """With `formats` the slot gets a drive that heals and the layout goes up; without, the text tells how."""
    found = [fresh("/d0"), *formed(4)[1:]]
    formation = look(found, "/d0")
    verdict = verdict_of(formation, "/d0")
    assert verdict.write_identity and verdict.identity.state == HEALING
    assert formation.deployment.version == 2
    assert all(one.write_layout for one in formation.verdicts)
    refused = look(found, "/d0", formats=False)
    assert "ctl drive replace /d0" in verdict_of(refused, "/d0").fault
    assert refused.deployment.version == 1


def test_who_asks_a_running_node_is_told_his_option():
    """Not that of a start."""
    for path in ("/d0", "n1:9000/d0"):
        for text in (say.unmounted(path, "others are mounted", "/"), say.beyond_repair(path, 0, 1, 2)):
            assert as_asked(text) == text.removesuffix(f"-drive {path}")
    assert as_asked(say.alone("/d0", 0)).endswith("and name each with --accept")


def test_nobody_else_is_formatted():
    """Another empty folder waits until it is asked about."""
    found = [fresh("/d0"), fresh("/d1"), *formed(4)[2:]]
    formation = look(found, "/d0")
    assert verdict_of(formation, "/d1").identity is None
    assert not verdict_of(formation, "/d1").write_identity
    assert formation.deployment.sets[0].slots[1] == formed(4)[0].deployment.sets[0].slots[1]


def test_a_drive_that_returns_is_taken_as_it_is():
    """A drive that could not be read at the start takes part with its identity, and nothing is written."""
    original = formed(4)
    formation = look(original, "/d2")
    assert verdict_of(formation, "/d2").identity == original[2].identity
    assert not any(one.write_identity or one.write_layout for one in formation.verdicts)


def test_what_is_known_afterwards_is_what_was_written():
    """The next look takes a drive that was replaced for what it is now."""
    found = [fresh("/d0"), fresh("/d1"), *formed(4)[2:]]
    first = look(found, "/d0")
    second = look(after(found, first), "/d1", wish=Wish(accepted=frozenset({"/d1"})))
    assert second.deployment.version == 3
    assert second.deployment.sets[0].slots[0].drive_id == verdict_of(first, "/d0").identity.drive_id
    assert not verdict_of(second, "/d0").write_identity


def test_a_drive_that_is_broken_stays_out():
    """What is wrong with it is the answer."""
    found = [unusable("/d0"), *formed(4)[1:]]
    assert "mend it" in verdict_of(look(found, "/d0"), "/d0").fault


async def keeper_on(folder, files=None, drives=4):
    paths = [str(folder / f"d{number}") for number in range(drives)]
    start = former(files)
    formation = await start.form(paths)
    return OwnKeeper.of_start(start, start.found, formation), paths


def identity_in(path):
    return parse_identity((path / "rustfs.json").read_bytes())


async def test_replaced_on_real_folders(tmp_path):
    """The emptied folder has an identity that heals, every drive the raised layout, and a later start takes
    all of them.
    """
    keeper, paths = await keeper_on(tmp_path)
    before = identity_in(tmp_path / "d1")
    shutil.rmtree(tmp_path / "d1")
    verdict = await keeper.look_again(paths[1], formats=True, accepts=False)
    assert not verdict.fault
    assert identity_in(tmp_path / "d1").state == HEALING
    assert identity_in(tmp_path / "d1").drive_id != before.drive_id
    layouts = [parse_deployment((tmp_path / f"d{n}" / "layout.json").read_bytes()) for n in range(4)]
    assert {layout.version for layout in layouts} == {2}
    again = await former().form(paths)
    assert [v.identity.drive_id for v in again.verdicts] == [
        identity_in(tmp_path / f"d{n}").drive_id for n in range(4)
    ]


@pytest.mark.parametrize("writes", range(6))
async def test_stopped_at_any_write(tmp_path, writes):
    """A replacement that is cut short anywhere is taken by the next start, which serves all drives."""
    keeper, paths = await keeper_on(tmp_path)
    shutil.rmtree(tmp_path / "d1")
    keeper.former = attrs.evolve(keeper.former, files=FilesThatStop(writes))
    with contextlib.suppress(Stopped):
        await keeper.look_again(paths[1], formats=True, accepts=False)
    again = await former().form(paths)
    assert [v.path for v in again.verdicts if v.fault] == []
    assert [v.identity.state for v in again.verdicts].count(HEALING) == 1


async def test_another_drive_that_died_meanwhile_keeps_none_from_being_replaced(tmp_path):
    """One whose folder takes nothing any more, and one of which only the bare mount point is left: the layout
    goes to those that are well, and nothing is written where no drive is.
    """
    keeper, paths = await keeper_on(tmp_path, drives=8)
    shutil.rmtree(tmp_path / "d1")
    shutil.rmtree(tmp_path / "d2")
    (tmp_path / "d2").mkdir()
    keeper.former = attrs.evolve(keeper.former, files=FilesThatFailIn(paths[3]))
    shutil.rmtree(tmp_path / "d0")
    verdict = await keeper.look_again(paths[0], formats=True, accepts=False)
    assert not verdict.fault
    assert not list((tmp_path / "d2").iterdir())
    layouts = [
        parse_deployment((tmp_path / f"d{n}" / "layout.json").read_bytes()) for n in (0, 3, 4, 5, 6, 7)
    ]
    assert [layout.version for layout in layouts] == [2, 1, 2, 2, 2, 2]
    keeper.former = former()
    await keeper.look_again(paths[0], formats=False, accepts=False)
    assert parse_deployment((tmp_path / "d3" / "layout.json").read_bytes()).version == 2


async def test_a_drive_that_was_rebuilt_meanwhile_is_sound(tmp_path):
    """All drives of a set are replaced one after the other, each once the one before it is whole."""
    keeper, paths = await keeper_on(tmp_path)
    for number, path in enumerate(paths):
        shutil.rmtree(path)
        verdict = await keeper.look_again(path, formats=True, accepts=False)
        assert not verdict.fault
        mark_well(RealFiles(), path, identity_in(tmp_path / f"d{number}"))


async def test_the_only_drive_cannot_be_replaced(tmp_path):
    """Nothing is left that would tell which deployment it belonged to: that is said, and nothing written."""
    keeper, paths = await keeper_on(tmp_path, drives=1)
    shutil.rmtree(paths[0])
    with pytest.raises(Refusal, match="put one of its drives back"):
        await keeper.look_again(paths[0], formats=True, accepts=True)
    assert not list((tmp_path / "d0").iterdir())
