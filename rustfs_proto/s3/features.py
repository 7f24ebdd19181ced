"""Headers that ask for more than storing bytes: each is honoured, found to ask for nothing, or refused.

A header that this server cannot honour is answered NotImplemented rather than ignored: a client that asked
for encryption or retention and got 200 would believe it has them.
"""

from __future__ import annotations

from rustfs_proto.s3 import object_lock
from rustfs_proto.s3.errors import S3Error, invalid_argument, not_implemented
from rustfs_proto.s3.headers import DEFAULT_STORAGE_CLASS
from rustfs_proto.s3.target import HeaderMap

_UNBUILT_PREFIXES = {
    "x-amz-server-side-encryption": "Server-side encryption",
    "x-amz-copy-source-server-side-encryption": "Server-side encryption",
    "x-amz-object-lock-event-hold": "Object Lock with event holds",
    "x-amz-grant-": "Granting access by ACL",
}
_UNBUILT = {
    "x-amz-mfa": "MFA delete",
    "x-amz-if-match-initiated-time": "Giving an upload up conditionally",
    "x-amz-bucket-namespace": "Bucket namespaces",
}
# Conditions that only DeleteObject has.
_OF_DELETES = {
    "x-amz-if-match-last-modified-time": "A condition on the modification time",
    "x-amz-if-match-size": "A condition on the size",
}
# The lock of a version, which only what makes a version can give it.
_OF_VERSIONS = dict.fromkeys(object_lock.HEADERS, "A lock given by this operation")
_UNBUILT_BY_KIND = {
    (deletes, locks): _UNBUILT | ({} if deletes else _OF_DELETES) | ({} if locks else _OF_VERSIONS)
    for deletes in (False, True)
    for locks in (False, True)
}
# What owning everything alone already means; other canned ACLs would share.
_OWNER_ACLS = ("private", "bucket-owner-read", "bucket-owner-full-control")
_ACLS = (
    *_OWNER_ACLS,
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "log-delivery-write",
)
STORAGE_CLASSES = frozenset({
    "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER",
    "GLACIER_IR", "DEEP_ARCHIVE", "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS", "FSX_ONTAP",
    "AWS_BACKUP_WARM", "AWS_BACKUP_LOW_COST_WARM",
})  # fmt: skip


def refuse_unbuilt(headers: HeaderMap, *, deletes: bool = False, locks: bool = False) -> None:
    """Raise NotImplemented naming the first header that asks for something this server does not do.
    `deletes`: the request is a DeleteObject; `locks`: it makes a version, which it may lock.
    """
    unbuilt = _UNBUILT_BY_KIND[deletes, locks]
    for name, value in headers.items():
        if not name.startswith("x-amz-") or not value:
            continue
        feature = unbuilt.get(name) or next(
            (feature for prefix, feature in _UNBUILT_PREFIXES.items() if name.startswith(prefix)), None
        )
        if feature is not None:
            raise not_implemented(feature, header=name)
    _check_acl(headers.get("x-amz-acl", "private"))
    _check_bucket_options(headers)


def storage_class(headers: HeaderMap) -> str:
    """The storage class asked for: it is kept and shown, and may choose the parity. Raises
    InvalidStorageClass.
    """
    name = headers.get("x-amz-storage-class", DEFAULT_STORAGE_CLASS)
    if name not in STORAGE_CLASSES:
        raise S3Error("InvalidStorageClass", extra={"StorageClassRequested": name})
    return name


def check_expected_owner(headers: HeaderMap, owner_id: str) -> None:
    """Raise AccessDenied when x-amz-expected-bucket-owner names somebody else."""
    for name in ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"):
        if headers.get(name, owner_id) != owner_id:
            raise S3Error("AccessDenied")


def _check_acl(acl: str) -> None:
    if acl not in _ACLS:
        raise invalid_argument("The canned ACL is not one that S3 knows.", "x-amz-acl", acl)
    if acl not in _OWNER_ACLS:
        raise not_implemented(f"Sharing by the canned ACL {acl}", header="x-amz-acl")


def _check_bucket_options(headers: HeaderMap) -> None:
    ownership = headers.get("x-amz-object-ownership", "BucketOwnerEnforced")
    if ownership != "BucketOwnerEnforced":
        raise not_implemented(f"Object ownership {ownership}", header="x-amz-object-ownership")
