"""What a client announced of a request and its body, and buckets that come and go."""

from __future__ import annotations

from tests.planted.bug import PlantedBug

ACKED = "An acknowledged write"
UNACKED = "A write that was not acknowledged"
BODIES = "tests/unit/acceptor/test_body.py"
BODY = "rustfs_node/acceptor/body.py"
EFFECT = "tests/unit/acceptor/test_without_effect.py"
REFUSALS = "tests/unit/s3/test_sigv4_refusals.py"

CLIENTS = (
    PlantedBug(
        "signature-not-compared",
        "rustfs_proto/s3/sigv4.py",
        "    if not same_text(sign(signing_key, text), claim.signature):\n",
        "    if not claim.signature:\n",
        "Whoever knows the access key may do everything.",
        UNACKED,
        f"{REFUSALS}::test_anything_signed_that_changes_breaks_the_signature",
    ),
    PlantedBug(
        "deletes-not-authenticated",
        "rustfs_proto/s3/sigv4.py",
        "    if not same_text(sign(signing_key, text), claim.signature):\n",
        '    if method != "DELETE" and not same_text(sign(signing_key, text), claim.signature):\n',
        "Requests of one method pass with any signature.",
        UNACKED,
        "tests/unit/s3/test_sigv4_methods.py::test_a_signature_is_good_for_one_method",
    ),
    PlantedBug(
        "unsigned-headers-accepted",
        "rustfs_proto/s3/sigv4.py",
        "    _check_signed_headers(claim, headers)\n",
        "",
        "Headers added on the way change what a signed request means.",
        UNACKED,
        f"{REFUSALS}::test_unsigned_amz_headers_are_refused",
    ),
    PlantedBug(
        "expired-link-accepted",
        "rustfs_proto/s3/sigv4.py",
        "    if age_s > claim.expires_s:\n",
        "    if age_s < -claim.expires_s:\n",
        "A presigned URL is good for ever.",
        UNACKED,
        f"{REFUSALS}::test_a_presigned_url_passes_until_it_expires",
    ),
    PlantedBug(
        "payload-sha256-not-compared",
        BODY,
        "            self.digests.sha256_hex, self._payload_hash.lower()\n",
        "            self._payload_hash, self._payload_hash\n",
        "A signed body that was changed on its way is stored.",
        UNACKED,
        f"{BODIES}::test_a_wrong_sha256_is_refused",
    ),
    PlantedBug(
        "content-md5-not-compared",
        BODY,
        "        check_content_md5(self._content_md5, self.digests.md5)\n",
        "",
        "A body that does not match its Content-MD5 is stored.",
        UNACKED,
        f"{BODIES}::test_content_md5_is_checked",
    ),
    PlantedBug(
        "checksum-not-compared",
        "rustfs_proto/s3/checksums.py",
        "        if computed != expected:\n",
        "        if not computed:\n",
        "A body that does not match its announced checksum is stored.",
        UNACKED,
        f"{BODIES}::test_checksum_headers_are_checked",
    ),
    PlantedBug(
        "chunk-signature-not-compared",
        "rustfs_proto/s3/chunked.py",
        "            if not same_text(expected, self._chunk_signature):\n",
        "            if not expected:\n",
        "Chunks of a signed stream may be changed on their way.",
        UNACKED,
        "tests/unit/s3/test_chunked.py::test_a_flipped_payload_byte_is_a_bad_signature",
    ),
    PlantedBug(
        "truncated-stream-accepted",
        BODY,
        "            self._decoder.finish()\n",
        "            self._decoder.trailers.copy()\n",
        "A chunked body that was cut short is stored as if it were whole.",
        UNACKED,
        "tests/unit/acceptor/test_body_ends.py::test_payload_without_the_last_chunk_is_refused",
    ),
    PlantedBug(
        "small-body-stored-unverified",
        "rustfs_node/acceptor/s3/objects.py",
        "    source.finish()\n    info = _sealed(info, source)\n    versioning",
        "    info = _sealed(info, source)\n    versioning",
        "A small body is stored before anything that was announced of it is verified.",
        UNACKED,
        f"{EFFECT}::test_a_body_with_a_wrong_digest_leaves_nothing[small]",
    ),
    PlantedBug(
        "large-body-stored-unverified",
        "rustfs_node/acceptor/s3/objects.py",
        "        source.finish()\n        info = _sealed(info, source)\n        versioning =",
        "        info = _sealed(info, source)\n        versioning =",
        "A large body is committed before anything that was announced of it is verified.",
        UNACKED,
        f"{EFFECT}::test_a_body_with_a_wrong_digest_leaves_nothing[large]",
    ),
    PlantedBug(
        "lease-ignored",
        "rustfs_node/acceptor/dispatch.py",
        "        buckets.refuse_if_leased(record)\n",
        "",
        "A write is acknowledged into a bucket that is being deleted, and goes with it.",
        ACKED,
        f"{EFFECT}::test_a_bucket_that_was_written_to_meanwhile_stays",
    ),
    PlantedBug(
        "bucket-deleted-under-a-write",
        "rustfs_node/acceptor/bucket_deletion.py",
        "await empty(lease)\n        await _refuse_if_not_empty(sets, name, trace)\n",
        "await empty(lease)\n",
        "A bucket goes with the objects that were written while it was being deleted.",
        ACKED,
        f"{EFFECT}::test_a_bucket_that_was_written_to_meanwhile_stays",
    ),
)
