"""What a refusal to an S3 client must be like, whatever it refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from lxml import etree

from rustfs_proto.s3.errors import S3Error, render_error

T = TypeVar("T")
_VALUES = re.compile(r"""\d+|b?'[^']*'|"[^"]*"|<[^>]*>|[^ -~]+|\S{20,}""")
"""What a message shows of the input."""


def check_refusal(error: S3Error) -> str:
    """The client's fault or something not built,
    told in well-formed XML and headers that can be sent; its code.
    """
    assert 400 <= error.status < 500 or error.status == 501, f"{error.status} {error}"
    document = etree.fromstring(render_error(error, resource="/x", request_id="0", host_id="h"))
    assert document.tag == "Error" and document.findtext("Code") == error.code
    for name, value in error.headers.items():
        assert not set(f"{name}{value}") & set("\r\n\0"), (name, value)
    return error.code


def value_or_code(read: Callable[[], T]) -> tuple[T | None, str]:
    """What a reader gives and "", or None and the code of its refusal with the kind of its message."""
    try:
        return read(), ""
    except S3Error as error:
        return None, f"{check_refusal(error)} {_VALUES.sub('#', error.message)[-60:]}"
