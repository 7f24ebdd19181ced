"""What every test can rely on: the same run twice, and nothing of the machine's own S3 configuration."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# A suite that fails by chance is ignored by habit. `pytest --hypothesis-profile=explore` looks further.
settings.register_profile(
    "suite", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "explore", parent=settings.get_profile("suite"), derandomize=False, max_examples=2000
)
settings.load_profile("suite")

# A developer's credentials, endpoints and node settings must neither be used nor change a result.
for _name in [
    name for name in os.environ if name.startswith(("RUSTFS_", "MINIO_", "AWS_", "RCLONE_", "RESTIC_"))
]:
    del os.environ[_name]

# botocore, the aws cli and pyarrow otherwise look into the home folder and ask a cloud's metadata service.
os.environ |= {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
    # No proxy between a client and a node on the loopback interface.
    "NO_PROXY": "127.0.0.1,localhost,::1",
    "no_proxy": "127.0.0.1,localhost,::1",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no process begins one when the others are done."""
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)
