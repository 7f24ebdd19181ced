"""boto3 as every test has it: no answer is hidden by another attempt."""

from __future__ import annotations

import boto3
from botocore.config import Config

REGION = "us-east-1"


def boto3_client(url: str, access_key: str, secret_key: str, *, ca_file: str = "", **config: object):
    """A client that makes one attempt; `config` goes into botocore's Config."""
    # Without the version boto3 still presigns by SigV2 for us-east-1, which AWS itself no longer takes.
    settings = {
        "signature_version": "s3v4",
        "retries": {"total_max_attempts": 1},
        "s3": {"addressing_style": "path"},
    } | config
    return boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=REGION,
        verify=ca_file or None,
        config=Config(**settings),
    )
