"""The query parameters that select an operation on a bucket or an object.

The tables are complete rather than limited to what this node builds: a request for an operation that is not
built must be answered NotImplemented under its own name, never treated as a plain GET or PUT of the object.
Source: S3 API reference, "Actions"; `events`, `lambdaArn` and `replication-*` are MinIO's extensions.
"""

from __future__ import annotations

from rustfs_proto.s3.operations import Op

_BUCKET_CONFIGURATIONS = {
    # sub-resource: (GET, PUT, DELETE), empty where S3 has none
    "abac": ("GetBucketAbac", "PutBucketAbac", ""),
    "accelerate": ("GetBucketAccelerateConfiguration", "PutBucketAccelerateConfiguration", ""),
    "acl": ("GetBucketAcl", "PutBucketAcl", ""),
    "cors": ("GetBucketCors", "PutBucketCors", "DeleteBucketCors"),
    "encryption": ("GetBucketEncryption", "PutBucketEncryption", "DeleteBucketEncryption"),
    "lifecycle": (
        "GetBucketLifecycleConfiguration",
        "PutBucketLifecycleConfiguration",
        "DeleteBucketLifecycle",
    ),
    "location": ("GetBucketLocation", "", ""),
    "logging": ("GetBucketLogging", "PutBucketLogging", ""),
    "metadataInventoryTable": ("", "UpdateBucketMetadataInventoryTableConfiguration", ""),
    "metadataJournalTable": ("", "UpdateBucketMetadataJournalTableConfiguration", ""),
    "notification": ("GetBucketNotificationConfiguration", "PutBucketNotificationConfiguration", ""),
    "object-lock": ("GetObjectLockConfiguration", "PutObjectLockConfiguration", ""),
    "ownershipControls": (
        "GetBucketOwnershipControls",
        "PutBucketOwnershipControls",
        "DeleteBucketOwnershipControls",
    ),
    "policy": ("GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"),
    "policyStatus": ("GetBucketPolicyStatus", "", ""),
    "publicAccessBlock": ("GetPublicAccessBlock", "PutPublicAccessBlock", "DeletePublicAccessBlock"),
    "replication": ("GetBucketReplication", "PutBucketReplication", "DeleteBucketReplication"),
    "requestPayment": ("GetBucketRequestPayment", "PutBucketRequestPayment", ""),
    "session": ("CreateSession", "", ""),
    "tagging": ("GetBucketTagging", "PutBucketTagging", "DeleteBucketTagging"),
    "uploads": ("ListMultipartUploads", "", ""),
    "versioning": ("GetBucketVersioning", "PutBucketVersioning", ""),
    "versions": ("ListObjectVersions", "", ""),
    "website": ("GetBucketWebsite", "PutBucketWebsite", "DeleteBucketWebsite"),
}

# Configurations that are kept by id: GET without `id` lists them.
_BUCKET_CONFIGURATION_LISTS = {
    "analytics": "AnalyticsConfiguration",
    "intelligent-tiering": "IntelligentTieringConfiguration",
    "inventory": "InventoryConfiguration",
    "metrics": "MetricsConfiguration",
}

_OBJECT_SUBRESOURCES = {
    "acl": ("GetObjectAcl", "PutObjectAcl", ""),
    "attributes": ("GetObjectAttributes", "", ""),
    "encryption": ("", "UpdateObjectEncryption", ""),
    "legal-hold": ("GetObjectLegalHold", "PutObjectLegalHold", ""),
    "renameObject": ("", "RenameObject", ""),
    "retention": ("GetObjectRetention", "PutObjectRetention", ""),
    "tagging": ("GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging"),
    "torrent": ("GetObjectTorrent", "", ""),
    "uploadId": ("ListParts", "UploadPart", "AbortMultipartUpload"),
    "lambdaArn": ("GetObjectLambda", "", ""),
}


def _by_method(names: tuple[str, str, str]) -> dict[str, Op]:
    return {method: Op(name) for method, name in zip(("GET", "PUT", "DELETE"), names, strict=True) if name}


BUCKET_SUBRESOURCES: dict[str, dict[str, Op]] = {
    **{name: _by_method(ops) for name, ops in _BUCKET_CONFIGURATIONS.items()},
    **{
        name: {
            "GET": Op(f"ListBucket{noun}s"),
            "PUT": Op(f"PutBucket{noun}"),
            "DELETE": Op(f"DeleteBucket{noun}"),
        }
        for name, noun in _BUCKET_CONFIGURATION_LISTS.items()
    },
    "delete": {"POST": Op.DeleteObjects},
    "metadataConfiguration": {
        "GET": Op.GetBucketMetadataConfiguration,
        "POST": Op.CreateBucketMetadataConfiguration,
        "DELETE": Op.DeleteBucketMetadataConfiguration,
    },
    "metadataTable": {
        "GET": Op.GetBucketMetadataTableConfiguration,
        "POST": Op.CreateBucketMetadataTableConfiguration,
        "DELETE": Op.DeleteBucketMetadataTableConfiguration,
    },
    "events": {"GET": Op.ListenNotification},
    "replication-metrics": {"GET": Op.GetBucketReplicationMetrics},
    "replication-check": {"GET": Op.CheckBucketReplication},
    "replication-reset": {"PUT": Op.ResetBucketReplication},
    "replication-reset-status": {"GET": Op.GetBucketReplicationResetStatus},
}
"""Query parameter on a bucket -> method -> operation name."""

OBJECT_SUBRESOURCES: dict[str, dict[str, Op]] = {
    **{name: _by_method(ops) for name, ops in _OBJECT_SUBRESOURCES.items()},
    "uploadId": {**_by_method(_OBJECT_SUBRESOURCES["uploadId"]), "POST": Op.CompleteMultipartUpload},
    "uploads": {"POST": Op.CreateMultipartUpload},
    "restore": {"POST": Op.RestoreObject},
    "select": {"POST": Op.SelectObjectContent},
}
"""Query parameter on an object -> method -> operation name."""

BUCKET_CONFIGURATIONS_BY_ID: dict[str, Op] = {
    name: Op(f"GetBucket{noun}") for name, noun in _BUCKET_CONFIGURATION_LISTS.items()
}
"""Sub-resource -> operation of a GET that also gives `id`."""
