"""One S3 request on its way through the acceptor, and what every request may use."""

from __future__ import annotations

import attrs
import trio

from rustfs_node.acceptor.auth import Authenticator
from rustfs_node.acceptor.body import BodyReader, BodyTools
from rustfs_node.acceptor.buckets import BucketRecord, Buckets
from rustfs_node.acceptor.counts import AcceptorCounts
from rustfs_node.acceptor.monitor import Monitor
from rustfs_node.acceptor.moves.layout import Layouts
from rustfs_node.acceptor.net.messages import HttpRequest
from rustfs_node.acceptor.sets import Sets
from rustfs_node.acceptor.tracing import Tracer
from rustfs_node.plan import Credentials
from rustfs_node.seams.clock import Clock
from rustfs_node.seams.randomness import Randomness
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_proto.s3.checksums import ChecksumAlgorithm
from rustfs_proto.s3.operations import Op
from rustfs_proto.s3.sigv4 import DEFAULT_REGION, Verified
from rustfs_proto.s3.target import Target
from rustfs_proto.s3.xml_out import Owner
from rustfs_proto.versions import Versioning

XML_HEADERS = [(b"content-type", b"application/xml")]


@attrs.define
class Load:
    """`requests` are being answered now."""

    requests: int = 0


@attrs.frozen
class Services:
    """What the handlers share. `host_id` is this acceptor's name in answers (x-amz-id-2). `extractions` and
    `zip_reads` are held by requests that work on archives. `leaving` is set when this acceptor is
    being stopped.
    """

    settings: AcceptorSettings
    clock: Clock
    randomness: Randomness
    sets: Sets
    buckets: Buckets
    authenticator: Authenticator
    body_tools: BodyTools
    owner: Owner
    host_id: str
    counts: AcceptorCounts
    monitor: Monitor
    credentials: Credentials
    tracer: Tracer
    layouts: Layouts
    leaving: trio.Event = attrs.field(factory=trio.Event)
    load: Load = attrs.field(factory=Load)
    extractions: trio.Semaphore = attrs.field(init=False)
    zip_reads: trio.Semaphore = attrs.field(init=False)

    @extractions.default
    def _extractions(self) -> trio.Semaphore:
        return trio.Semaphore(self.settings.extract_at_once)

    @zip_reads.default
    def _zip_reads(self) -> trio.Semaphore:
        return trio.Semaphore(self.settings.zip_reads_at_once)

    @property
    def region(self) -> str:
        """The region this endpoint says it is in."""
        return self.settings.region or DEFAULT_REGION


@attrs.define
class Call:
    """A request whose meaning is known. `bucket` and `key` are "" where the operation has none; `key_bytes`
    is the key as stored.
    """

    services: Services
    http: HttpRequest
    request_id: str
    target: Target
    operation: Op
    bucket: str
    key: str
    key_bytes: bytes
    verified: Verified
    _record: BucketRecord | None = attrs.field(default=None, init=False)
    _reader: BodyReader | None = attrs.field(default=None, init=False)

    @property
    def headers(self) -> dict[str, str]:
        """Request headers, names in lower case."""
        return self.http.headers

    @property
    def params(self) -> dict[str, str]:
        """Query parameters."""
        return self.target.params

    @property
    def sets(self) -> Sets:
        """The way to the set workers."""
        return self.services.sets

    @property
    def home(self) -> str:
        """The set worker of this request's key."""
        return self.services.sets.home(self.bucket, self.key_bytes)

    @property
    def lead(self) -> str:
        """The one where writes of this key take turns."""
        return self.services.sets.lead(self.bucket, self.key_bytes)

    @property
    def record(self) -> BucketRecord:
        """The bucket, as it was when the request came."""
        assert self._record is not None, f"{self.operation} does not need its bucket"
        return self._record

    def found(self, record: BucketRecord) -> None:
        """The bucket is there."""
        self._record = record

    async def versioning(self) -> Versioning:
        """What the bucket does with versions now: a body may have taken long."""
        buckets = self.services.buckets
        self._record = await buckets.get(self.bucket, self.request_id)
        return self._record.versioning

    def body(
        self, algorithm: ChecksumAlgorithm | None = None, *, checksum_is_of_body: bool = True
    ) -> BodyReader:
        """A reader for the request's body; see `BodyReader`."""
        self._reader = BodyReader(
            self.http,
            self.verified,
            self.services.body_tools,
            algorithm=algorithm,
            checksum_is_of_body=checksum_is_of_body,
        )
        return self._reader

    def close(self) -> None:
        """The request is answered: what its body took is free again."""
        if self._reader is not None:
            self._reader.close()
