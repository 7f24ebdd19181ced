"""The error table and its documents."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from lxml import etree

from rustfs_proto.s3.error_codes import ERRORS
from rustfs_proto.s3.errors import S3Error, invalid_argument, not_implemented, render_error

ROOT = Path(__file__).parents[3]


def test_every_code_raised_has_a_row():
    """Each code that the source raises is in the table."""
    used: dict[str, str] = {}
    for package in ("rustfs_proto", "rustfs_node"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id == "S3Error"
                ):
                    code = node.args[0]
                    if isinstance(code, ast.Constant):
                        used[str(code.value)] = str(path)
    assert len(used) > 20
    assert {code: path for code, path in used.items() if code not in ERRORS} == {}


def test_rows_are_sound():
    """Statuses are errors (or the two redirections), messages are there, and server faults can be retried."""
    for code, row in ERRORS.items():
        assert row.status in (301, 304) or 400 <= row.status < 600, code
        assert row.message, code
        if row.retryable:
            assert row.status >= 409 or code == "RequestTimeout", code


def test_an_unknown_code_is_a_programmer_error():
    """A code without a row cannot be raised."""
    with pytest.raises(AssertionError, match="NoSuchCode"):
        S3Error("NoSuchCode")


def test_the_document():
    """The document has S3's elements in S3's order, escaped, in UTF-8."""
    error = S3Error("NoSuchKey", extra={"Hint": "<a&b>"})
    body = render_error(error, resource="/b/é\x01", request_id="R", host_id="H", bucket="b", key="é\x01")
    root = etree.fromstring(body)
    assert root.tag == "Error"
    assert [(child.tag, child.text) for child in root] == [
        ("Code", "NoSuchKey"),
        ("Message", "The specified key does not exist."),
        ("Hint", "<a&b>"),
        ("BucketName", "b"),
        ("Key", "é\ufffd"),
        ("Resource", "/b/é\ufffd"),
        ("RequestId", "R"),
        ("HostId", "H"),
    ]
    assert (error.status, error.retryable) == (404, False)


def test_helpers():
    """The two common refusals carry what S3's own carry."""
    error = invalid_argument("bad", "max-keys", "x")
    assert (error.code, error.extra) == (
        "InvalidArgument",
        {"ArgumentName": "max-keys", "ArgumentValue": "x"},
    )
    error = not_implemented("Object Lock", header="x-amz-object-lock-mode")
    assert (error.status, error.extra) == (501, {"Header": "x-amz-object-lock-mode"})
    assert not_implemented("X").extra == {}
