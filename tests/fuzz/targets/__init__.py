"""All targets, by name."""

from __future__ import annotations

from tests.fuzz.campaign import Target
from tests.fuzz.targets import (
    archives,
    aws_chunked,
    bus_frames,
    documents,
    http_heads,
    index_files,
    log_segments,
    requests,
    shard_files,
    sigv4,
    xml_bodies,
)

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        http_heads.TARGET,
        aws_chunked.TARGET,
        xml_bodies.TARGET,
        sigv4.TARGET,
        documents.TARGET,
        bus_frames.TARGET,
        requests.DRIVE_TARGET,
        requests.SET_TARGET,
        log_segments.TARGET,
        shard_files.TARGET,
        index_files.TARGET,
        archives.TAR_TARGET,
        archives.ZIP_TARGET,
    )
}
