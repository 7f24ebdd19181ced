"""The plan, the runtime folder, and what systemd is told."""

from __future__ import annotations

import os
import socket
import stat
import tempfile

import attrs
import pytest

from rustfs_node.config import Settings
from rustfs_node.plan import Credentials, decode_plan, encode_plan, endpoint_of
from rustfs_node.settings.storage_class import StorageClassSettings
from rustfs_node.supervisor.commands import ACCEPTORS, DRIVES, SETS, worker_commands, worker_environment
from rustfs_node.supervisor.listening import AddressError, check_address
from rustfs_node.supervisor.notify import Notifier
from rustfs_node.supervisor.planning import RuntimeFolderError, make_plan, open_runtime_folder
from tests.kit.node import free_port
from tests.unit.supervisor.formation_kit import fresh_drives, outcome, unusable


def plan_of(found, **node):
    settings = attrs.evolve(Settings(), node=attrs.evolve(Settings().node, **node))
    return make_plan(outcome(found), settings, "/run/x", Credentials("abc", "12345678"))


def test_plan_names_every_drive_and_its_fault():
    """A drive that is left out stands in the plan with its reason, so that its set knows its slot."""
    plan = plan_of([*fresh_drives(3), unusable("/d3")])
    (one,) = plan.sets
    assert (one.k, one.m, one.endpoint) == (2, 2, "ipc:///run/x/set-0")
    assert [drive.name for drive in one.drives] == ["drive-0-0", "drive-0-1", "drive-0-2", "drive-0-3"]
    assert [bool(drive.fault) for drive in one.drives] == [False, False, False, True]


def test_the_plan_of_a_set_says_which_classes_have_less_parity():
    """Those of which nothing is said have what the set has."""
    classes = StorageClassSettings(glacier="EC:2", snow="EC:1")
    settings = attrs.evolve(Settings(), storage_class=classes)
    plan = make_plan(outcome(fresh_drives(4)), settings, "/run/x", Credentials("abc", "12345678"))
    assert dict(plan.sets[0].class_parities) == {"REDUCED_REDUNDANCY": 1, "SNOW": 1}
    assert plan_of(fresh_drives(1)).sets[0].class_parities == ()
    assert decode_plan(encode_plan(plan)) == plan


def test_one_worker_for_each_role():
    """Every usable drive, every set and every acceptor gets a process; a drive that is left out does not."""
    commands = worker_commands(plan_of([*fresh_drives(3), unusable("/d3")], acceptors=2), "/run/x/plan.json")
    assert list(commands[DRIVES]) == ["drive-0-0", "drive-0-1", "drive-0-2"]
    assert list(commands[SETS]) == ["set-0"]
    assert list(commands[ACCEPTORS]) == ["acceptor-0", "acceptor-1"]
    assert "--slot 2" in " ".join(commands[DRIVES]["drive-0-2"].arguments)


def test_workers_inherit_no_secrets():
    """Keys and systemd's socket stay with the supervisor."""
    environ = {"PATH": "/bin", "RUSTFS_SECRET_KEY": "x", "MINIO_ROOT_PASSWORD": "x", "NOTIFY_SOCKET": "/x"}
    assert worker_environment(environ) == {"PATH": "/bin"}


def test_socket_paths_have_a_limit():
    """A runtime folder that is too deep is refused before anything starts."""
    assert endpoint_of("/" + "x" * 100, "set-0") == f"ipc:///{'x' * 100}/set-0"
    with pytest.raises(ValueError, match="--runtime-dir"):
        endpoint_of("/" + "x" * 101, "set-0")


def test_default_runtime_folder(tmp_path, monkeypatch):
    """Without a name the folder is private, the same for the same drives, and empty after the run."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    nobody = 4_000_000_000
    first = open_runtime_folder("", {}, nobody, ["/d1"])
    assert os.path.dirname(first.path) == str(tmp_path)
    assert stat.S_IMODE(os.stat(first.path).st_mode) == 0o700
    with open(first.plan_file, "w"):
        pass
    second = open_runtime_folder("", {}, nobody, ["/d2"])
    assert second.path != first.path
    second.close()
    first.close()
    assert os.listdir(first.path) == []
    open_runtime_folder("", {}, nobody, ["/d1"]).close()


@pytest.mark.parametrize("by_environment", [False, True])
def test_named_runtime_folder_stays(tmp_path, by_environment):
    """A named folder, or systemd's, is used, locked against a second node, emptied and kept."""
    path = str(tmp_path / "run")
    named = ("", {"RUNTIME_DIRECTORY": path}) if by_environment else (path, {})
    folder = open_runtime_folder(*named, os.geteuid(), ["/d1", "/d2"])
    with pytest.raises(RuntimeFolderError, match=f"served by process {os.getpid()} already"):
        open_runtime_folder(*named, os.geteuid(), ["/d1", "/d2"])
    with pytest.raises(RuntimeFolderError, match=f"by process {os.getpid()}, which serves /d1, /d2"):
        open_runtime_folder(*named, os.geteuid(), ["/e1", "/e2"])
    with open(folder.plan_file, "w"):
        pass
    folder.close()
    assert os.listdir(path) == []


def test_folders_of_others_are_refused(tmp_path):
    """A folder that others may enter, a link and a file are no runtime folders."""
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").write_text("")
    for name, wanted in (("open", "chmod 700"), ("link", "not a folder"), ("file", "not a folder")):
        with pytest.raises(RuntimeFolderError, match=wanted):
            open_runtime_folder(str(tmp_path / name), {}, os.geteuid(), ["/d1", "/d2"])


async def test_address_that_is_free():
    """An address where nobody listens is fine, with and without a host."""
    port = free_port()
    for address in (f":{port}", f"127.0.0.1:{port}"):
        await check_address(address, 0.0)


async def test_address_where_somebody_listens():
    """A listener is seen even where it would share its port, as acceptors do."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for address in (f":{port}", f"127.0.0.1:{port}"):
            with pytest.raises(AddressError, match="in use by another process"):
                await check_address(address, 0.1)


@pytest.mark.parametrize("address", ["9000", "host", ":", ":99999", "192.0.2.1:9000", ":0", ":\u00b2"])
async def test_address_that_is_none(address):
    """What is no address, or not this machine's, is quoted."""
    with pytest.raises(AddressError, match=address):
        await check_address(address, 0.0)


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told(tmp_path, abstract):
    """Each message is one datagram in systemd's words, to a path or to an abstract name."""
    name = f"@rustfs-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + name[1:] if abstract else name)
        environ = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"}
        notifier = Notifier.of_environment(environ, 7)
        assert notifier.watchdog_s == 3.0
        notifier.ready("all well")
        notifier.reloading(1.5)
        notifier.alive()
        notifier.stopping()
        said = [systemd.recv(1000).decode() for _ in range(4)]
    assert said == [
        "READY=1\nSTATUS=all well",
        "RELOADING=1\nMONOTONIC_USEC=1500000",
        "WATCHDOG=1",
        "STOPPING=1\nSTATUS=stopping",
    ]


def test_watchdog_of_another_process():
    """A watchdog that was meant for somebody else is none of ours, and without a socket nothing is sent."""
    notifier = Notifier.of_environment({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"}, 7)
    assert notifier.watchdog_s == 0
    notifier.ready("nobody hears")


def test_manager_that_does_not_read(tmp_path):
    """A manager whose socket is full, or that is gone, costs the node messages and a moment,
    never its life.
    """
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name)
        notifier = Notifier(name)
        for _ in range(2000):
            notifier.status("x" * 1000)
        notifier.ready("dropped too")
    notifier.stopping()
