"""Which drives form the deployment: decided from findings alone."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.disk.identity import HEALING, OK
from rustfs_proto.topology.deployment import DeploymentError, format_deployment, parse_deployment
from rustfs_proto.topology.verdicts import Refusal, Wish
from tests.unit.supervisor.formation_kit import (
    afterwards,
    faults,
    formed,
    fresh,
    fresh_drives,
    outcome,
    unusable,
)


@pytest.mark.parametrize(
    ("drives", "shape"),
    [(1, [(1, 0)]), (3, [(3, 1)]), (4, [(4, 2)]), (16, [(16, 4)]), (20, [(10, 4), (10, 4)])],
)
def test_first_start(drives, shape):
    """Empty drives become one deployment with the default shape, and their absences count."""
    formation = outcome(fresh_drives(drives))
    assert formation.first
    assert [(len(one.slots), one.parity) for one in formation.deployment.sets] == shape
    assert all(v.identity.state == OK and v.write_identity and v.write_layout for v in formation.verdicts)
    assert len({v.identity.drive_id for v in formation.verdicts}) == drives


def test_second_start_writes_nothing():
    """Drives that fit are taken as they are."""
    formation = outcome(formed(4), first_id=100)
    assert not any(v.write_identity or v.write_layout or v.fault for v in formation.verdicts)
    assert formation.warnings == ()


def test_first_start_without_a_drive():
    """A broken drive leaves its slot empty; repaired later it comes in healing, because the others have
    served meanwhile.
    """
    found = [*fresh_drives(3), unusable("/d3")]
    formation = outcome(found)
    assert faults(formation) == {"/d3": found[3].problem}
    later = [*afterwards(found, formation)[:3], fresh("/d3")]
    verdict = outcome(later, first_id=100).verdicts[3]
    assert verdict.identity.state == HEALING


def test_first_start_needs_a_write_quorum():
    """With fewer drives than a write needs no deployment is founded."""
    with pytest.raises(Refusal, match=r"has 2 usable drives of 4 and needs 3") as caught:
        outcome([*fresh_drives(2), unusable("/d2"), unusable("/d3")])
    assert "drive /d3 is broken; mend it" in str(caught.value)


def test_replaced_drive_heals():
    """An empty folder in a deployment is formatted healing with a new id, and everybody learns the raised
    layout.
    """
    found = formed(4)
    old_id = found[2].identity.drive_id
    found[2] = fresh("/d2")
    formation = outcome(found, first_id=100)
    verdict = formation.verdicts[2]
    assert verdict.identity.state == HEALING
    assert verdict.identity.drive_id != old_id
    assert formation.deployment.version == 2
    assert all(v.write_layout for v in formation.verdicts)
    assert [v.write_identity for v in formation.verdicts] == [False, False, True, False]
    assert any("being healed: /d2" in warning for warning in formation.warnings)


def test_replaced_drive_that_comes_back_is_left_out():
    """A drive whose slot went to another is old news, whatever its state says."""
    found = formed(4)
    old = found[2]
    replaced = [*found[:2], fresh("/d2"), found[3]]
    later = afterwards(replaced, outcome(replaced, first_id=100))
    later[2] = old
    formation = outcome(later, first_id=200)
    text = faults(formation)["/d2"]
    assert "was replaced in its slot" in text
    assert "--accept-drive /d2" in text
    assert "empty" not in text


def test_majority_decides_whose_deployment_it_is():
    """The odd drive out is named with both deployments; it is not written to."""
    found, foreign = formed(4), formed(4)[1]
    other = attrs.evolve(foreign.identity, deployment_id="11111111-1111-4111-8111-111111111111")
    found[1] = attrs.evolve(foreign, identity=other)
    formation = outcome(found, first_id=100)
    fault = faults(formation)["/d1"]
    assert "11111111" in fault
    assert formation.deployment.deployment_id in fault
    assert not formation.verdicts[1].write_identity and not formation.verdicts[1].write_layout


def test_tie_between_deployments_is_refused():
    """Nobody guesses which half is the right one."""
    found = formed(4)
    for index in (0, 1):
        other = attrs.evolve(found[index].identity, deployment_id="11111111-1111-4111-8111-111111111111")
        found[index] = attrs.evolve(found[index], identity=other)
    with pytest.raises(Refusal, match="none has the majority"):
        outcome(found)


def test_swapped_drives_name_both_places():
    """Two swapped drives are left out, each with the slot it belongs to and the folder that stands there."""
    found = formed(5)
    found[1], found[2] = attrs.evolve(found[2], path="/d1"), attrs.evolve(found[1], path="/d2")
    texts = faults(outcome(found, first_id=100))
    assert set(texts) == {"/d1", "/d2"}
    assert "given as slot 1 of set 0 but was formatted as slot 2 of set 0" in texts["/d1"]
    assert "where /d2 stands now" in texts["/d1"]


def test_copy_of_a_drive():
    """A folder copied from another is called that."""
    found = formed(4)
    found[3] = attrs.evolve(found[0], path="/d3")
    assert "is a copy of /d0" in faults(outcome(found, first_id=100))["/d3"]


def test_below_the_read_quorum_is_refused():
    """With too few drives to read anything the node does not start, and says why drive by drive."""
    found = [formed(4)[0], unusable("/d1"), unusable("/d2"), unusable("/d3")]
    with pytest.raises(Refusal, match="has 1 usable drive of 4 and needs 2"):
        outcome(found)


def test_read_quorum_only_is_said():
    """Enough drives to read but not to write: it starts and warns."""
    found = [*formed(4)[:2], unusable("/d2"), unusable("/d3")]
    assert any("can be read but not written" in warning for warning in outcome(found).warnings)


def test_mount_that_went_away():
    """An empty folder where a mounted drive was is the bare mount point, not a new drive, unless the operator
    says so.
    """
    found = formed(4)
    found[2] = fresh("/d2", mount="/")
    assert "mounted at /d2" in faults(outcome(found, first_id=100))["/d2"]
    accepted = Wish(accepted=frozenset({"/d2"}))
    assert not faults(outcome(found, accepted, first_id=100))


def test_first_start_with_one_disk_not_mounted():
    """A folder on the root file system among drives of their own is a disk that was not mounted."""
    found = [*fresh_drives(3), fresh("/d3", mount="/")]
    assert "other drives have their own" in faults(outcome(found))["/d3"]


def test_first_start_with_one_disk_among_folders():
    """Where most folders lie on the root file system nothing was forgotten."""
    found = [attrs.evolve(finding, mount="/") for finding in fresh_drives(3)] + [fresh("/d3")]
    assert not faults(outcome(found))


def test_all_on_one_file_system_is_a_warning():
    """Folders of one disk are fine for a trial; the warning says that they fail together."""
    found = [attrs.evolve(finding, mount="/") for finding in fresh_drives(4)]
    formation = outcome(found)
    assert not faults(formation)
    assert ["fail together" in warning for warning in formation.warnings] == [True]


def test_nearly_full_drives():
    """A full folder is not formatted; a formatted drive is only left out when hardly anything is free."""
    wish = Wish(format_free_bytes_min=1000, start_free_bytes_min=10)
    found = formed(5)
    found[0] = attrs.evolve(found[0], free_bytes=500)
    found[1] = attrs.evolve(found[1], free_bytes=5)
    found[2] = fresh("/d2", free_bytes=500)
    texts = faults(outcome(found, wish, first_id=100))
    assert set(texts) == {"/d1", "/d2"}
    assert "5 bytes are free, 10 are needed" in texts["/d1"]


@pytest.mark.parametrize(
    ("drives", "wish", "wanted"),
    [
        (5, Wish(), r"has 4 drives, given are 5 \(/d0 is slot 0 of set 0; "),
        (4, Wish(parity=1), "remove the setting node.parity"),
        (4, Wish(set_drives=2), "remove the setting node.set_drives"),
    ],
)
def test_shape_is_fixed(drives, wish, wanted):
    """Drive count, parity and set size are those of the first formatting."""
    found = [*formed(4), *(fresh(f"/e{number}") for number in range(drives - 4))]
    with pytest.raises(Refusal, match=wanted):
        outcome(found, wish)


def test_impossible_parity():
    """More parity than half the drives is refused with what is possible."""
    with pytest.raises(Refusal, match="choose from 0 to 2"):
        outcome(fresh_drives(4), Wish(parity=3))


def test_parity_of_the_standard_class_is_that_of_the_sets():
    """It forms the sets, and afterwards nothing else may be said."""
    found = fresh_drives(4)
    wish = Wish(parity=1, parity_setting="storage_class.standard", classes={"STANDARD": "EC:1"})
    formation = outcome(found, wish)
    assert formation.deployment.parities() == (1,)
    outcome(afterwards(found, formation), wish, first_id=10)
    with pytest.raises(Refusal, match=r"parity 1 is configured.*remove the setting storage_class\.standard"):
        outcome(formed(4), wish)
    with pytest.raises(Refusal, match=r"storage_class\.standard: parity 3 for 4 drives: choose from 0 to 2"):
        outcome(found, attrs.evolve(wish, parity=3))


@pytest.mark.parametrize(
    ("drives", "text", "wanted"),
    [
        (4, "EC:3", r"set 0: storage_class\.glacier is EC:3: for a set with 2 parity .* EC:1 to EC:2"),
        (4, "EC:0", "choose from EC:1 to EC:2"),
        (1, "EC:1", "choose EC:0"),
        (34, "EC:5", "choose from EC:1 to EC:4"),
    ],
)
def test_a_class_that_the_sets_cannot_give(drives, text, wanted):
    """Refused before anything is written, at the first start and at a later one."""
    wish = Wish(classes={"GLACIER": text})
    for found in (fresh_drives(drives), formed(drives)):
        with pytest.raises(Refusal, match=wanted):
            outcome(found, wish, first_id=100)


def test_interrupted_first_formatting_begins_anew():
    """A layout that is nowhere in use and incomplete somewhere proves that nothing was stored."""
    found = fresh_drives(4)
    formation = outcome(found)
    later = afterwards(found, formation, has_data=False)
    later[3] = found[3]
    later[1] = attrs.evolve(later[1], deployment=attrs.evolve(formation.deployment, complete=False))
    again = outcome(later, first_id=100)
    assert again.first
    assert again.deployment.deployment_id != formation.deployment.deployment_id
    assert all(v.identity.state == OK for v in again.verdicts)


def test_interrupted_formatting_never_wins_over_data():
    """A drive that says "incomplete" beside drives in use is no reason to format them; it was away since if
    it is the drive that the layout names, and is left out if it is another, or holds data.
    """
    found = formed(4)
    half = attrs.evolve(found[1].deployment, complete=False)
    found[1] = attrs.evolve(found[1], deployment=half, has_data=False)
    formation = outcome(found, first_id=100)
    assert not faults(formation)
    assert formation.verdicts[1].identity == found[1].identity
    assert [verdict.write_layout for verdict in formation.verdicts] == [False, True, False, False]
    other = attrs.evolve(found[1].identity, drive_id="00000000-0000-4000-8000-00000000ffff")
    for strange in (attrs.evolve(found[1], identity=other), attrs.evolve(found[1], has_data=True)):
        left_out = faults(outcome([found[0], strange, *found[2:]], first_id=100))
        assert "never completely formatted" in left_out["/d1"]


def test_lost_layout_is_taken_from_the_others():
    """A drive without layout.json gets it again; with none left the node refuses."""
    found = formed(4)
    found[0] = attrs.evolve(found[0], deployment=None)
    assert [v.write_layout for v in outcome(found).verdicts] == [True, False, False, False]
    with pytest.raises(Refusal, match=r"readable layout\.json"):
        outcome([attrs.evolve(finding, deployment=None) for finding in found])


@given(st.lists(st.sampled_from(["well", "fresh", "broken"]), min_size=1, max_size=16))
def test_no_drive_is_both_taken_and_faulty(states):
    """Whatever is found, a verdict either gives an identity or a reason, and only empty folders get a new
    identity.
    """
    well = formed(len(states))
    kinds = {
        "well": lambda i: well[i],
        "fresh": lambda i: fresh(f"/d{i}"),
        "broken": lambda i: unusable(f"/d{i}"),
    }
    found = [kinds[state](index) for index, state in enumerate(states)]
    try:
        formation = outcome(found, first_id=100)
    except Refusal:
        return
    for state, verdict in zip(states, formation.verdicts, strict=True):
        assert (verdict.identity is None) == bool(verdict.fault)
        assert verdict.write_identity == (state == "fresh" and not verdict.fault)


def test_layout_file():
    """A layout read back is the same; a damaged, altered or newer one is refused with what to do."""
    deployment = formed(4)[0].deployment
    raw = format_deployment(deployment)
    assert parse_deployment(raw) == deployment
    with pytest.raises(DeploymentError, match="altered"):
        parse_deployment(raw.replace(b'"parity": 2', b'"parity": 1'))
    with pytest.raises(DeploymentError, match="format 3"):
        parse_deployment(raw.replace(b'"format": 1', b'"format": 3'))
    with pytest.raises(DeploymentError, match="damaged"):
        parse_deployment(raw[:50])
