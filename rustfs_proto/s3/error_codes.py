"""Every error code this node answers: HTTP status, default message, and whether trying again can help.

Codes, statuses and most messages are those of the S3 API reference ("Error responses"); the XMinio rows are
codes that MinIO clients already know for states AWS never shows. `retryable` says that the same request may
succeed later without anybody changing it; SDKs decide by status, so each retryable row is 408, 429 or 5xx
unless S3 itself says otherwise.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class ErrorRow:
    """What a code means on the wire: `status` (HTTP), `message` (when the raiser gives none), `retryable`."""

    status: int
    message: str
    retryable: bool = False


def _row(status: int, message: str, *, retryable: bool = False) -> ErrorRow:
    return ErrorRow(status, message, retryable)


_AUTHENTICATION = {
    "AccessDenied": _row(403, "Access Denied"),
    "AuthorizationHeaderMalformed": _row(400, "The authorization header that you provided is not valid."),
    "AuthorizationQueryParametersError": _row(
        400, "The authorization query parameters that you provided are not valid."
    ),
    "CredentialsNotSupported": _row(400, "This request does not support credentials."),
    "ExpiredToken": _row(400, "The provided token has expired."),
    "InvalidAccessKeyId": _row(403, "The AWS Access Key Id you provided does not exist in our records."),
    "InvalidSecurity": _row(403, "The provided security credentials are not valid."),
    "InvalidToken": _row(400, "The provided token is malformed or otherwise not valid."),
    "MissingSecurityHeader": _row(400, "Your request was missing a required header."),
    "RequestTimeTooSkewed": _row(
        403, "The difference between the request time and the server's time is too large."
    ),
    "SignatureDoesNotMatch": _row(
        403,
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
    ),
}

_BODY = {
    "BadDigest": _row(
        400, "The Content-MD5 or checksum value that you specified did not match what we received."
    ),
    "EntityTooLarge": _row(400, "Your proposed upload exceeds the maximum allowed object size."),
    "EntityTooSmall": _row(400, "Your proposed upload is smaller than the minimum allowed object size."),
    "IncompleteBody": _row(
        400, "You did not provide the number of bytes specified by the Content-Length HTTP header."
    ),
    "InvalidChunkSizeError": _row(400, "The size of a chunk in the request body is not valid."),
    "InvalidDigest": _row(400, "The Content-MD5 or checksum value that you specified is not valid."),
    "MalformedTrailerError": _row(
        400,
        "The request contained trailing data that was not well-formed or did not conform to our published "
        "schema.",
    ),
    "MalformedXML": _row(
        400, "The XML you provided was not well-formed or did not validate against our published schema."
    ),
    "MaxMessageLengthExceeded": _row(400, "Your request was too large."),
    "MissingContentLength": _row(411, "You must provide the Content-Length HTTP header."),
    "MissingRequestBodyError": _row(400, "Request body is empty."),
    "RequestTimeout": _row(
        400,
        "Your socket connection to the server was not read from or written to within the timeout period.",
        retryable=True,
    ),
    "UnexpectedContent": _row(400, "This request does not support content."),
    "XAmzContentChecksumMismatch": _row(
        400, "The provided 'x-amz-checksum' header does not match what was computed."
    ),
    "XAmzContentSHA256Mismatch": _row(
        400, "The provided 'x-amz-content-sha256' header does not match what was computed."
    ),
}

_REQUEST = {
    "BadRequest": _row(400, "Bad Request"),
    "IllegalVersioningConfigurationException": _row(
        400, "The versioning configuration specified in the request is invalid."
    ),
    "IllegalLocationConstraintException": _row(
        400,
        "The location constraint is incompatible for the region specific endpoint this request was sent to.",
    ),
    "InvalidArgument": _row(400, "Invalid Argument"),
    "InvalidEncryptionAlgorithmError": _row(400, "The encryption request that you specified is not valid."),
    "InvalidLocationConstraint": _row(400, "The specified location constraint is not valid."),
    "InvalidRange": _row(416, "The requested range is not satisfiable"),
    "InvalidRequest": _row(400, "Invalid Request"),
    "InvalidStorageClass": _row(400, "The storage class you specified is not valid"),
    "InvalidTag": _row(400, "The tag provided was not a valid tag."),
    "InvalidURI": _row(400, "Couldn't parse the specified URI."),
    "InvalidWriteOffset": _row(
        400, "The write offset value that you specified does not match the current object size."
    ),
    "KeyTooLongError": _row(400, "Your key is too long"),
    "MalformedPOSTRequest": _row(
        400, "The body of your POST request is not well-formed multipart/form-data."
    ),
    "MetadataTooLarge": _row(400, "Your metadata headers exceed the maximum allowed metadata size"),
    "MethodNotAllowed": _row(405, "The specified method is not allowed against this resource."),
    "MissingRequiredParameter": _row(400, "Your request is missing a required parameter."),
    "NotImplemented": _row(501, "A header you provided implies functionality that is not implemented"),
    "RequestHeaderSectionTooLarge": _row(
        400, "Your request header section exceeds the maximum allowed size."
    ),
    "UserKeyMustBeSpecified": _row(400, "The bucket POST must contain the specified field name."),
}

_STATE = {
    "BucketAlreadyExists": _row(
        409,
        "The requested bucket name is not available. The bucket namespace is shared by all users of the "
        "system. Please select a different name and try again.",
    ),
    "BucketAlreadyOwnedByYou": _row(
        409, "Your previous request to create the named bucket succeeded and you already own it."
    ),
    "BucketNotEmpty": _row(409, "The bucket you tried to delete is not empty"),
    "ConditionalRequestConflict": _row(
        409,
        "A conflicting operation occurred. If using PutObject, you can retry the request.",
        retryable=True,
    ),
    "InvalidBucketName": _row(400, "The specified bucket is not valid."),
    "InvalidBucketState": _row(409, "The request is not valid with the current state of the bucket."),
    "InvalidObjectState": _row(403, "The operation is not valid for the current state of the object."),
    "InvalidPart": _row(
        400,
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
        "specified entity tag may not match the part's entity tag.",
    ),
    "InvalidPartNumber": _row(416, "The requested partnumber is not satisfiable"),
    "InvalidPartOrder": _row(
        400, "The list of parts was not in ascending order. Parts must be ordered by part number."
    ),
    "NoSuchBucket": _row(404, "The specified bucket does not exist"),
    "NoSuchBucketPolicy": _row(404, "The bucket policy does not exist"),
    "NoSuchCORSConfiguration": _row(404, "The CORS configuration does not exist"),
    "NoSuchKey": _row(404, "The specified key does not exist."),
    "NoSuchLifecycleConfiguration": _row(404, "The lifecycle configuration does not exist"),
    "NoSuchObjectLockConfiguration": _row(
        404, "The specified object does not have a ObjectLock configuration"
    ),
    "NoSuchTagSet": _row(404, "The TagSet does not exist"),
    "NoSuchUpload": _row(
        404,
        "The specified multipart upload does not exist. The upload ID might be invalid, or the multipart "
        "upload might have been aborted or completed.",
    ),
    "NoSuchVersion": _row(404, "The specified version does not exist."),
    "NoSuchWebsiteConfiguration": _row(404, "The specified bucket does not have a website configuration"),
    "NotModified": _row(304, "Not Modified"),
    "ObjectLockConfigurationNotFoundError": _row(
        404, "Object Lock configuration does not exist for this bucket"
    ),
    "IdempotencyParameterMismatch": _row(
        400, "The request uses the client token of a request before it, but is not the same request."
    ),
    "OperationAborted": _row(
        409,
        "A conflicting conditional operation is currently in progress against this resource. "
        "Please try again.",
        retryable=True,
    ),
    "PermanentRedirect": _row(
        301, "The bucket you are attempting to access must be addressed using the specified endpoint."
    ),
    "PreconditionFailed": _row(412, "At least one of the pre-conditions you specified did not hold"),
    "QuotaExceeded": _row(400, "Bucket quota exceeded"),
    "ServerSideEncryptionConfigurationNotFoundError": _row(
        404, "The server side encryption configuration was not found"
    ),
    "TooManyBuckets": _row(400, "You have attempted to create more buckets than allowed"),
    "TooManyParts": _row(400, "You have attempted to add more parts than allowed"),
    "XMinioHealAlreadyRunning": _row(400, "A heal of this path is under way."),
    "XMinioHealInvalidClientToken": _row(400, "The client token is not of a heal of this path."),
    "XMinioHealNoSuchProcess": _row(400, "There is no heal of this path, or it is long over."),
    "XMinioHealOverlappingPaths": _row(400, "A heal of a path above or below this one is under way."),
}

_SERVER = {
    "InsufficientStorage": _row(507, "There is not enough free space on the drives of this node."),
    "InternalError": _row(500, "We encountered an internal error. Please try again.", retryable=True),
    "ServiceUnavailable": _row(503, "Service is unable to handle request.", retryable=True),
    "SlowDown": _row(503, "Please reduce your request rate.", retryable=True),
    "SlowDownRead": _row(
        503, "Not enough drives answered to read this. Please reduce your request rate.", retryable=True
    ),
    "SlowDownWrite": _row(
        503, "Not enough drives answered to write this. Please reduce your request rate.", retryable=True
    ),
    "TooManyRequests": _row(429, "Please reduce your request rate.", retryable=True),
    "XMinioServerNotInitialized": _row(503, "Server not initialized yet, please try again.", retryable=True),
    "XMinioStorageFull": _row(
        507,
        "Storage backend has reached its minimum free drive threshold. "
        "Please delete a few objects to proceed.",
    ),
}

ERRORS: dict[str, ErrorRow] = {**_AUTHENTICATION, **_BODY, **_REQUEST, **_STATE, **_SERVER}
"""Code -> row: the only codes that `errors.S3Error` accepts."""
