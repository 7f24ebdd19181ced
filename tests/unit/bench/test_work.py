"""What is measured: endpoints as they are named, requests as they are built, what is right as an answer."""

import pytest

from bench.cpu import between, role_of
from bench.load import operations_of
from bench.wire import Requests, list_key
from bench.work import PAGE_KEYS, RoleTime, Work, parse_endpoint


def parsed(text: str):
    return parse_endpoint(text, "key", "secret", "bench")


def test_an_endpoint_is_an_address_with_options():
    """The process id and the operations that it can do may follow the address."""
    found = parsed("node=http://127.0.0.1:9000,pid=17+18,only=get+head")
    assert (found.name, found.host, found.port, found.pids) == ("node", "127.0.0.1", 9000, (17, 18))
    assert found.operations == ("get", "head")


def test_folders_are_an_endpoint_that_can_only_put():
    """`k` says how many of the folders hold data."""
    found = parsed("disks=drives:/a,/b,/c?k=2")
    assert (found.folders, found.data_shards, found.operations) == (("/a", "/b", "/c"), 2, ("put",))


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:9000",
        "node=https://127.0.0.1:9000",
        "node=http://127.0.0.1",
        "node=http://127.0.0.1:9000,speed=9",
        "disks=drives:/a,/b",
        "disks=drives:/a?k=2",
        "disks=drives:/a,?k=1",
    ],
)
def test_other_texts_are_refused_with_both_forms(text):
    """The message says what is wanted."""
    with pytest.raises(ValueError, match=r"NAME=http://HOST:PORT.*NAME=drives:"):
        parsed(text)


def test_a_page_begins_anywhere_and_is_right_only_with_all_its_keys():
    """Every load process asks for other pages; one key too few, or other keys, is a wrong answer."""
    work = Work("list", 0, 1, 1.0, bucket_keys=5000)
    requests = Requests(parsed("node=http://127.0.0.1:9000"), work, "process-0/")
    pages = [requests.build("list", number) for number in range(8)]
    assert len({page.expects for page in pages}) > 1
    page = pages[0]
    assert (
        f"/bench-5000?list-type=2&max-keys=1000&start-after={list_key(page.expects)} ".encode() in page.head
    )
    keys = [f"<Key>{list_key(page.expects + number)}</Key>" for number in range(1, PAGE_KEYS + 1)]
    assert requests.is_right("list", page.expects, bytearray("".join(keys).encode()))
    assert not requests.is_right("list", page.expects, bytearray("".join(keys[:-1]).encode()))
    assert not requests.is_right("list", page.expects + 1, bytearray("".join(keys).encode()))


def test_a_body_is_known_again():
    """Two objects differ, and each is compared with itself."""
    requests = Requests(parsed("node=http://127.0.0.1:9000"), Work("get", 1000, 1, 1.0), "")
    assert requests.is_right("get", 7, bytearray(requests.bodies.body(7)))
    assert not requests.is_right("get", 8, bytearray(requests.bodies.body(7)))


def test_the_mix_has_its_shares():
    """45 % get, 30 % put, 15 % head, 10 % list."""
    done = operations_of(Work("mixed", 4096, 1, 1.0, keys_per_process=100))
    assert [done.count(name) for name in ("get", "put", "head", "list")] == [45, 30, 15, 10]


def test_workers_are_known_by_what_they_call_themselves():
    """Everything else counts as the server's."""
    names = ("acceptor-0\n", "set-1\n", "drive-0-3\n", "python\n", "driver\n")
    assert [role_of(name) for name in names] == ["acceptor", "set", "drive", "server", "server"]


def test_processor_time_is_that_between_two_looks():
    """A role that came up in between counts from its start."""
    spent = between({"set": RoleTime(1, 2.0)}, {"set": RoleTime(1, 2.5), "drive": RoleTime(4, 1.0)})
    assert spent == {"set": RoleTime(1, 0.5), "drive": RoleTime(4, 1.0)}
