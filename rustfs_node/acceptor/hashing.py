"""All digests that one body needs, in one pass over its bytes.

A block of a megabyte keeps MD5 busy for 2 ms, so larger blocks are hashed in a thread while their bytes are
already on their way to the set worker; a small body is hashed on the spot, as the hop to a thread would cost
more.
"""

from __future__ import annotations

import hashlib
from functools import partial

from rustfs_node.seams.threads import Threads
from rustfs_proto.s3.checksums import Checksum, ChecksumAlgorithm, new_checksum, to_base64


class Digests:
    """MD5 always, for the ETag; SHA-256 where the signature covers it; `algorithm` where a checksum is
    wanted.
    """

    def __init__(
        self,
        threads: Threads,
        thread_bytes_min: int,
        *,
        sha256: bool = False,
        algorithm: ChecksumAlgorithm | None = None,
    ) -> None:
        self._threads = threads
        self._thread_bytes_min = thread_bytes_min
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256() if sha256 else None
        self._algorithm = algorithm
        self._checksum: Checksum | None = None if algorithm is None else new_checksum(algorithm)

    async def update(self, block: bytes) -> None:
        """Take the next bytes."""
        if len(block) < self._thread_bytes_min:
            self._update(block)
        else:
            await self._threads.run(partial(self._update, block))

    def _update(self, block: bytes) -> None:
        self._md5.update(block)
        if self._sha256 is not None:
            self._sha256.update(block)
        if self._checksum is not None:
            self._checksum.update(block)

    @property
    def md5(self) -> bytes:
        """MD5 of everything so far."""
        return self._md5.digest()

    @property
    def etag(self) -> str:
        """The ETag of an object or part with these bytes, without quotes."""
        return self._md5.hexdigest()

    @property
    def sha256_hex(self) -> str:
        """SHA-256 of everything so far; only where it was asked for."""
        assert self._sha256 is not None
        return self._sha256.hexdigest()

    @property
    def checksum(self) -> bytes:
        """The raw checksum of everything so far; only where one was asked for."""
        assert self._checksum is not None
        return self._checksum.digest()

    @property
    def checksums(self) -> dict[str, str]:
        """The checksum as objects keep it: algorithm → base64; empty where none was asked for."""
        return {} if self._algorithm is None else {self._algorithm.value: to_base64(self.checksum)}
