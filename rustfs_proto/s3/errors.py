"""An S3 error: raised anywhere below the acceptor, rendered once by it.

`S3Error` carries a code of `error_codes.ERRORS` and nothing about the connection; which request it belongs to
(resource, request id) is known only where the answer is written, and passed to `render_error` there.
"""

from __future__ import annotations

from collections.abc import Mapping

from rustfs_proto.s3.error_codes import ERRORS, ErrorRow
from rustfs_proto.s3.xmltext import XML_DECLARATION, escape


class S3Error(Exception):
    """A refusal or failure as S3 names it.

    `code` is a key of `ERRORS`; `message` replaces the row's; `extra` becomes XML elements after the message,
    in order; `headers` are response headers that belong to the error (for example Content-Range on
    InvalidRange).
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        extra: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        assert code in ERRORS, f"no row for S3 error code {code!r} in error_codes.ERRORS"
        self.code = code
        self.row: ErrorRow = ERRORS[code]
        self.message = self.row.message if message is None else message
        self.extra: dict[str, str] = dict(extra or {})
        self.headers: dict[str, str] = dict(headers or {})
        super().__init__(f"{code}: {self.message}")

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return self.row.status

    @property
    def retryable(self) -> bool:
        """True when the same request may succeed later."""
        return self.row.retryable


def render_error(
    error: S3Error,
    *,
    resource: str,
    request_id: str,
    host_id: str,
    bucket: str | None = None,
    key: str | None = None,
) -> bytes:
    """The XML body of `error`. An answer to HEAD and a 304 carry no body: their caller sends none."""
    elements = {"Code": error.code, "Message": error.message, **error.extra}
    if bucket is not None:
        elements.setdefault("BucketName", bucket)
    if key is not None:
        elements.setdefault("Key", key)
    elements |= {"Resource": resource, "RequestId": request_id, "HostId": host_id}
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in elements.items())
    return f"{XML_DECLARATION}<Error>{inner}</Error>".encode()


def invalid_argument(message: str, name: str, value: str) -> S3Error:
    """InvalidArgument naming the argument and the value seen, as S3 answers it."""
    return S3Error("InvalidArgument", message, extra={"ArgumentName": name, "ArgumentValue": value})


def not_implemented(what: str, *, header: str | None = None) -> S3Error:
    """NotImplemented for the operation or feature `what`; `header` names the header that asked for it."""
    extra = {} if header is None else {"Header": header}
    return S3Error("NotImplemented", f"{what} is not implemented by this server.", extra=extra)
