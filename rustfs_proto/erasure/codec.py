"""Stripes to fragments and back: Reed-Solomon by ISA-L (`isa_l_rs_cauchy`).

The code is systematic: fragment i < k is bytes i*f to (i+1)*f of the zero-padded stripe, so a healthy read is
a concatenation. liberasurecode puts a header of 80 bytes before each fragment that says nothing we do not
know; fragments are stored without it, and it is put back from a template where decoding needs it.
`isa_l_rs_vand` is not used because it is not MDS for every k and m.

Law of this file: pyeclib is handed `bytes` and nothing else. A memoryview in a list of fragments aborts the
process in C.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from pyeclib.ec_iface import ECDriver

from rustfs_proto.erasure.geometry import fragment_bytes

HEADER_BYTES = 80
"""Length of liberasurecode's `fragment_header_t`; checked when a codec is made."""


class Codec:
    """Encodes and decodes for one (k, m). Holds the interpreter lock while it works: about 0.1 ms per MiB."""

    def __init__(self, k: int, m: int) -> None:
        assert k >= 1 <= k + m, (k, m)
        self.k = k
        self.m = m
        self._driver = ECDriver(k=k, m=m, ec_type="isa_l_rs_cauchy") if m else None
        if self._driver is not None:
            sample = self._driver.encode(bytes(k))
            assert len(sample[0]) == HEADER_BYTES + 1, f"liberasurecode header of {len(sample[0]) - 1} bytes"
        # Headers depend on the stripe's length alone; nearly every stripe has the full one.
        self._headers = lru_cache(maxsize=64)(self._make_headers)

    def encode(self, stripe: bytes) -> list[bytes]:
        """The n fragments of a stripe that is not empty, by shard number."""
        assert type(stripe) is bytes, type(stripe)
        assert stripe, "an empty stripe"
        if self._driver is not None:
            return [fragment[HEADER_BYTES:] for fragment in self._driver.encode(stripe)]
        if self.k == 1:
            return [stripe]
        size = fragment_bytes(len(stripe), self.k)
        return [stripe[i * size : (i + 1) * size].ljust(size, b"\0") for i in range(self.k)]

    def decode(self, fragments: Mapping[int, bytes], stripe_len: int) -> bytes:
        """The stripe from any k of its fragments, given by shard number; all of them intact (callers compare
        checksums).
        """
        k = self.k
        if all(shard in fragments for shard in range(k)):
            return b"".join([fragments[shard] for shard in range(k)])[:stripe_len] if k > 1 else fragments[0]
        return bytes(self._decoder().decode(self._with_headers(fragments, stripe_len)))

    def rebuild(self, fragments: Mapping[int, bytes], wanted: int, stripe_len: int) -> bytes:
        """The fragment of shard `wanted` from any k others."""
        if wanted in fragments:
            return fragments[wanted]
        rebuilt = self._decoder().reconstruct(self._with_headers(fragments, stripe_len), [wanted])
        return bytes(rebuilt[0][HEADER_BYTES:])

    def _decoder(self) -> ECDriver:
        assert self._driver is not None, f"a shard is missing and there is no parity (k={self.k})"
        return self._driver

    def _with_headers(self, fragments: Mapping[int, bytes], stripe_len: int) -> list[bytes]:
        assert len(fragments) >= self.k, f"{len(fragments)} fragments given, {self.k} needed"
        headers = self._headers(stripe_len)
        size = fragment_bytes(stripe_len, self.k)
        chosen = sorted(fragments)[: self.k]
        assert all(type(fragments[shard]) is bytes and len(fragments[shard]) == size for shard in chosen), (
            size
        )
        return [headers[shard] + fragments[shard] for shard in chosen]

    def _make_headers(self, stripe_len: int) -> list[bytes]:
        return [fragment[:HEADER_BYTES] for fragment in self._decoder().encode(bytes(stripe_len))]
