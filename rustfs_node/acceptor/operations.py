"""Which handler performs which operation. An operation of S3 that has no row here is answered NotImplemented
under its own name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rustfs_node.acceptor.call import Call
from rustfs_node.acceptor.net.messages import Response
from rustfs_node.acceptor.s3 import (
    append,
    attributes,
    buckets,
    copy,
    delete,
    force_delete,
    listing,
    multipart,
    object_lock,
    reads,
    rename,
    snowball,
    tagging,
    uploads,
    version_listing,
    zip_reads,
)
from rustfs_proto.s3.operations import Op

Handler = Callable[[Call], Awaitable[Response]]

HANDLERS: dict[Op, Handler] = {
    Op.PutObject: snowball.put_object,
    Op.AppendObject: append.append_object,
    Op.GetObject: zip_reads.get_object,
    Op.HeadObject: zip_reads.head_object,
    Op.GetObjectAttributes: attributes.get_object_attributes,
    Op.DeleteObject: force_delete.delete_object,
    Op.DeleteObjects: delete.delete_objects,
    Op.CopyObject: copy.copy_object,
    Op.RenameObject: rename.rename_object,
    Op.ListObjects: listing.list_objects_v1,
    Op.ListObjectsV2: zip_reads.list_objects_2,
    Op.ListObjectVersions: version_listing.list_object_versions,
    Op.CreateMultipartUpload: multipart.create_upload,
    Op.UploadPart: multipart.upload_part,
    Op.UploadPartCopy: copy.upload_part_copy,
    Op.CompleteMultipartUpload: multipart.complete_upload,
    Op.AbortMultipartUpload: multipart.abort_upload,
    Op.ListParts: multipart.list_upload_parts,
    Op.ListMultipartUploads: uploads.list_multipart_uploads,
    Op.ListBuckets: buckets.list_all_buckets,
    Op.CreateBucket: buckets.create_bucket,
    Op.HeadBucket: buckets.head_bucket,
    Op.DeleteBucket: force_delete.delete_bucket,
    Op.GetBucketLocation: buckets.get_bucket_location,
    Op.PutObjectTagging: tagging.put_object_tagging,
    Op.GetObjectTagging: tagging.get_object_tagging,
    Op.DeleteObjectTagging: tagging.delete_object_tagging,
    Op.PutBucketTagging: tagging.put_bucket_tagging,
    Op.GetBucketTagging: tagging.get_bucket_tagging,
    Op.DeleteBucketTagging: tagging.delete_bucket_tagging,
    Op.GetBucketVersioning: buckets.get_bucket_versioning,
    Op.PutBucketVersioning: buckets.put_bucket_versioning,
    Op.PutObjectLockConfiguration: object_lock.put_object_lock_configuration,
    Op.GetObjectLockConfiguration: object_lock.get_object_lock_configuration,
    Op.PutObjectRetention: object_lock.put_object_retention,
    Op.GetObjectRetention: object_lock.get_object_retention,
    Op.PutObjectLegalHold: object_lock.put_object_legal_hold,
    Op.GetObjectLegalHold: object_lock.get_object_legal_hold,
    # What follows says truthfully that there is nothing: clients ask before they work.
    Op.GetObjectAcl: reads.get_object_acl,
    Op.GetBucketAcl: buckets.get_acl,
    Op.GetBucketRequestPayment: buckets.get_request_payment,
    Op.GetBucketAccelerateConfiguration: buckets.empty("AccelerateConfiguration"),
    Op.GetBucketLogging: buckets.empty("BucketLoggingStatus"),
    Op.GetBucketNotificationConfiguration: buckets.empty("NotificationConfiguration"),
    Op.GetBucketCors: buckets.absent("NoSuchCORSConfiguration"),
    Op.GetBucketEncryption: buckets.absent("ServerSideEncryptionConfigurationNotFoundError"),
    Op.GetBucketLifecycleConfiguration: buckets.absent("NoSuchLifecycleConfiguration"),
    Op.GetBucketPolicy: buckets.absent("NoSuchBucketPolicy"),
    Op.GetBucketPolicyStatus: buckets.absent("NoSuchBucketPolicy"),
    Op.GetBucketWebsite: buckets.absent("NoSuchWebsiteConfiguration"),
}

BUCKETLESS = frozenset({Op.ListBuckets, Op.CreateBucket, Op.DeleteBucket})
"""Operations that do not need their bucket to be there, or see to that themselves."""

WRITES = frozenset(
    {
        Op.PutObject,
        Op.AppendObject,
        Op.CopyObject,
        Op.RenameObject,
        Op.CreateMultipartUpload,
        Op.UploadPart,
        Op.UploadPartCopy,
        Op.CompleteMultipartUpload,
    }
)
"""Operations that put something into a bucket, so that it must not be deleted meanwhile."""

LOCKS = frozenset({Op.PutObject, Op.AppendObject, Op.CopyObject, Op.CreateMultipartUpload})
"""Operations that may lock the version that they make."""

REMOVALS = frozenset({Op.DeleteObject, Op.DeleteObjects})
"""Operations that remove something from a bucket, which is waited for as for writes before it gets Object
Lock."""
