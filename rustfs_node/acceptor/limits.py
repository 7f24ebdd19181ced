"""The numbers of S3 itself that this room checks (S3 User Guide, "Amazon S3 multipart upload limits" and
"Uploading objects").
"""

from __future__ import annotations

PUT_BYTES_MAX = 5 * 1024**3
"""One PutObject or UploadPart; larger objects are uploaded in parts."""

PART_BYTES_MIN = 5 * 1024**2
"""Every part of an upload but its last."""
