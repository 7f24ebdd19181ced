"""How a request names its bucket: by its path, or by its host under the node's domain."""

from __future__ import annotations

import socket

import attrs
import pytest

from tests.clients.server import DOMAIN


@pytest.fixture
def resolves(server, monkeypatch):
    """Names below DOMAIN lead to the server, as a wildcard DNS record would make them."""
    genuine = socket.getaddrinfo

    def getaddrinfo(host, *rest, **others):
        return genuine(server.host if str(host).endswith(DOMAIN) else host, *rest, **others)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture
def virtual(server, resolves):
    """A boto3 client that puts the bucket into the host name."""
    named = attrs.evolve(server, url=f"http://{DOMAIN}:{server.port}")
    return named.boto3(s3={"addressing_style": "virtual"})


def test_virtual_host_style(virtual, s3, bucket):
    """Everything works with the bucket in the host name, and both styles see the same objects."""
    for key in ("key", "a/b c+d", bucket, f"{bucket}/x"):
        virtual.put_object(Bucket=bucket, Key=key, Body=key.encode())
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
        assert virtual.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert virtual.list_objects_v2(Bucket=bucket)["KeyCount"] == 4
    virtual.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "key"}]})
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 3


def test_buckets_by_virtual_host(virtual, s3, bucket_name):
    """A bucket is made, found and deleted through its own host name, and the bare domain lists buckets."""
    virtual.create_bucket(Bucket=bucket_name)
    assert virtual.head_bucket(Bucket=bucket_name)
    assert bucket_name in {row["Name"] for row in virtual.list_buckets()["Buckets"]}
    virtual.delete_bucket(Bucket=bucket_name)
    assert bucket_name not in {row["Name"] for row in s3.list_buckets()["Buckets"]}


def test_presigned_for_a_virtual_host(virtual, raw, bucket):
    """A URL presigned for the bucket's own host name is good for that host."""
    virtual.put_object(Bucket=bucket, Key="key", Body=b"x")
    url = virtual.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "key"})
    host, _, target = url.removeprefix("http://").partition("/")
    assert host.startswith(f"{bucket}.{DOMAIN}")
    assert raw.send("GET", f"/{target}", {"Host": host}).body == b"x"


def test_another_host_is_a_path(raw, s3, bucket):
    """A Host outside the domain names no bucket: the path does."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    for host in (f"{bucket}.elsewhere.test", "localhost", f"x{DOMAIN}"):
        assert raw.request("GET", f"/{bucket}/key", host=host).body == b"x", host
    assert raw.request("GET", "/key", host=f"{bucket}.{DOMAIN}").body == b"x"
