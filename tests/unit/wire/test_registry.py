"""Every operation's classes travel, and versions of them that differ by fields understand each other."""

from __future__ import annotations

import contextlib
import inspect

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.objects import Geometry, ObjectHead, ObjectMeta, Part
from rustfs_proto.wire import drive_ops, set_ops
from rustfs_proto.wire.envelope import UNREADABLE
from rustfs_proto.wire.message import Message
from rustfs_proto.wire.registry import OPERATIONS, REQUESTS, decoder_of, encode_message

MESSAGES = sorted({*OPERATIONS, *filter(None, OPERATIONS.values())}, key=lambda message: message.__name__)
VALUES = (
    st.none()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(max_size=5)
    | st.binary(max_size=20)
    | st.booleans()
)


@pytest.mark.parametrize("message_class", MESSAGES)
def test_every_message_class_can_be_decoded(message_class: type) -> None:
    """Its annotations are all that a decoder needs, and an object that is no map is refused."""
    with pytest.raises(msgspec.ValidationError):
        decoder_of(message_class).decode(msgspec.msgpack.encode(5))


@given(st.sampled_from(MESSAGES), st.data())
def test_damaged_messages_are_refused_in_order(message_class: type, data: st.DataObject) -> None:
    """Whatever bytes a message is decoded from, the result is one or one of the expected errors is raised."""
    fields = {field.name: None for field in msgspec.structs.fields(message_class)}
    document = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(fields, VALUES)))
    raw = bytearray(encode_message(document))
    for _ in range(data.draw(st.integers(0, 2))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(*UNREADABLE):
        assert isinstance(decoder_of(message_class).decode(bytes(raw)), message_class)


def test_every_class_is_an_operation_or_part_of_one() -> None:
    """A message class that is not in the table, nor a field of one that is, was forgotten."""
    described = " ".join(str(inspect.get_annotations(message)) for message in MESSAGES)
    for module in (drive_ops, set_ops):
        for name, found in vars(module).items():
            if inspect.isclass(found) and found.__module__ == module.__name__ and issubclass(found, Message):
                assert found in MESSAGES or name in described, name


@pytest.mark.parametrize(
    "message",
    [
        drive_ops.Commit(0, "bucket", b"\xff\x00key", 1 << 62, 1, files=(b"a", b"b"), expect=-1),
        drive_ops.Settle((drive_ops.SettledRow(0, "b", b"k", 5, complete=True),)),
        drive_ops.ShardWrite(b"id", 0, b"check", drive_ops.ShardIdentity("b", b"k", 1, 2, 2, 1 << 20)),
        drive_ops.Scanned((drive_ops.ScanRow(b"k", 1, 2, priors=(3,)),), more=False, evidence=True),
        set_ops.PutSmall("b", b"k", set_ops.ObjectInfo(user={"ü": "x"}), set_ops.PartTarget(b"u", 3)),
        set_ops.Got(1, ObjectHead(5, "e"), ObjectMeta(Geometry(2, 2, 1 << 20), (Part(1, 5, b""),)), 0, 5),
        set_ops.Listed((set_ops.ListEntry(b"k"), set_ops.ListEntry(b"l", 1, ObjectHead(0, ""))), more=True),
    ],
)
def test_messages_come_back_equal(message: object) -> None:
    """Nested values, tuples, stamps of 63 bits and keys of any bytes included."""
    assert decoder_of(type(message)).decode(encode_message(message)) == message


def test_unknown_fields_are_skipped_and_missing_ones_have_defaults() -> None:
    """Two releases next to each other can differ by optional fields."""
    raw = msgspec.msgpack.encode({"bucket": "b", "key": b"k", "of_a_later_release": [1, {}]})
    assert decoder_of(set_ops.Get).decode(raw) == set_ops.Get("b", b"k")


def test_names_on_the_wire_are_the_class_names() -> None:
    """A renamed class would be another operation."""
    assert REQUESTS["Commit"] is drive_ops.Commit
    assert all(REQUESTS[request.__name__] is request for request in OPERATIONS)
