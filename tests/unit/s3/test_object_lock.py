"""Object Lock in headers and documents, against what S3 was seen to answer and what SDKs write."""

from __future__ import annotations

from datetime import UTC, datetime

import botocore.parsers
import botocore.session
import pytest

from rustfs_proto.locking import UNLOCKED, DefaultRetention, ObjectLock, Retention
from rustfs_proto.s3 import xml_locks
from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.object_lock import (
    bucket_lacks_lock,
    bypasses_governance,
    check_in_future,
    enables_object_lock,
    lock_headers,
    lock_of_headers,
    object_is_locked,
    parse_until_ms,
    versioning_is_fixed,
    versioning_not_enabled,
)
from rustfs_proto.s3.xml_locks import parse_legal_hold, parse_object_lock_configuration, parse_retention
from tests.unit.s3.test_xml_in import written

MODE, UNTIL = "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"
HOLD, BYPASS = "x-amz-object-lock-legal-hold", "x-amz-bypass-governance-retention"
DATE = "2030-01-01T00:00:00Z"
DATE_MS = 1_893_456_000_000
FIXED = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
NAMESPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def refusal(work, *arguments) -> S3Error:
    with pytest.raises(S3Error) as caught:
        work(*arguments)
    return caught.value


@pytest.mark.parametrize(
    ("text", "until_ms"),
    [
        (DATE, DATE_MS),
        ("2030-01-01T00:00:00.000Z", DATE_MS),
        ("2030-01-01T00:00:00", DATE_MS),
        ("2030-01-01", DATE_MS),
        ("20300101T000000Z", DATE_MS),
        ("2030-01-01 00:00:00Z", DATE_MS),
        ("2030-01-01T01:30:00+01:30", DATE_MS),
        ("2029-12-31T16:00:00-0800", DATE_MS),
        ("2030-01-01T00:00Z", DATE_MS),
        ("2030-01-01T00:00:00.5Z", DATE_MS + 500),
        ("2030-01-01T00:00:00,25Z", DATE_MS + 250),
        ("2030-01-01T00:00:00.123456Z", DATE_MS + 124),
        ("2030-01-01T00:00:00.123456789Z", DATE_MS + 124),
        (" 2030-01-01T00:00:00Z ", DATE_MS),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ("", None),
        ("abc", None),
        ("1893456000", None),
        ("Tue, 01 Jan 2030 00:00:00 GMT", None),
        ("2030-13-01T00:00:00Z", None),
        ("2030-01-01T00:00:00Zulu", None),
        ("２０３０-01-01T00:00:00Z", None),
        ("1969-12-31T23:59:59Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("2030-01-01T00:00:00." + "0" * 80 + "Z", None),
    ],
)
def test_dates(text: str, until_ms: int | None) -> None:
    """Every form of ISO 8601, in UTC where it names no zone, and never sooner than it says."""
    assert parse_until_ms(text) == until_ms


@pytest.mark.parametrize(
    ("headers", "lock"),
    [
        ({}, UNLOCKED),
        ({MODE: "GOVERNANCE", UNTIL: DATE}, ObjectLock(Retention("GOVERNANCE", DATE_MS))),
        ({MODE: "COMPLIANCE", UNTIL: DATE, HOLD: "OFF"}, ObjectLock(Retention("COMPLIANCE", DATE_MS), False)),
        ({HOLD: "ON"}, ObjectLock(None, legal_hold=True)),
    ],
)
def test_what_an_upload_asks_for(headers: dict, lock: ObjectLock) -> None:
    """A retention, a hold, both or nothing; and what is told of such a version is the same again."""
    assert lock_of_headers(headers) == lock
    told = {name.decode(): value.decode() for name, value in lock_headers(lock)}
    assert set(told) == set(headers)
    assert lock_of_headers(told) == lock


@pytest.mark.parametrize(
    ("headers", "message", "argument", "value"),
    [
        ({MODE: "COMPLIANCE"}, f"{UNTIL} and {MODE} must both be supplied", UNTIL, ""),
        ({UNTIL: DATE}, f"{UNTIL} and {MODE} must both be supplied", MODE, ""),
        ({MODE: "compliance", UNTIL: DATE}, "Unknown wormMode directive.", MODE, "compliance"),
        ({MODE: "", UNTIL: DATE}, f"{UNTIL} and {MODE} must both be supplied", MODE, ""),
        (
            {MODE: "COMPLIANCE", UNTIL: "abc"},
            "The retain until date must be provided in ISO 8601 format",
            UNTIL,
            "abc",
        ),
        ({HOLD: "on"}, "Legal Hold must be either of 'ON' or 'OFF'", HOLD, "on"),
    ],
)
def test_what_no_upload_may_ask_for(headers: dict, message: str, argument: str, value: str) -> None:
    """InvalidArgument, naming the header and what it said."""
    error = refusal(lock_of_headers, headers)
    assert (error.code, error.status, error.message) == ("InvalidArgument", 400, message)
    assert error.extra == {"ArgumentName": argument, "ArgumentValue": value}


def test_a_retention_lies_in_the_future() -> None:
    """One that is over before it begins is refused."""
    retention = Retention("GOVERNANCE", DATE_MS)
    check_in_future(None, DATE_MS)
    check_in_future(retention, DATE_MS - 1)
    error = refusal(check_in_future, retention, DATE_MS, "RetainUntilDate")
    assert (error.code, error.message) == ("InvalidArgument", "The retain until date must be in the future!")
    assert error.extra == {"ArgumentName": "RetainUntilDate", "ArgumentValue": "2030-01-01T00:00:00.000Z"}


def test_headers_of_one_word() -> None:
    """Bypassing governance, and a bucket with Object Lock, are asked for by `true` alone."""
    for text, is_true in (("true", True), ("True", True), ("false", False), ("", False), ("1", False)):
        assert bypasses_governance({BYPASS: text}) == is_true
    assert not bypasses_governance({})
    enabled = "x-amz-bucket-object-lock-enabled"
    assert enables_object_lock({enabled: "TRUE"})
    assert not enables_object_lock({enabled: "false"}) and not enables_object_lock({})
    assert refusal(enables_object_lock, {enabled: "yes"}).code == "InvalidArgument"


@pytest.mark.parametrize(
    ("error", "code", "status", "message"),
    [
        (object_is_locked(), "AccessDenied", 403, "Access Denied because object protected by object lock."),
        (bucket_lacks_lock(), "InvalidRequest", 400, "Bucket is missing Object Lock Configuration"),
        (
            bucket_lacks_lock(is_upload=True),
            "InvalidRequest",
            400,
            "Bucket is missing ObjectLockConfiguration",
        ),
        (
            versioning_not_enabled(),
            "InvalidBucketState",
            409,
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        ),
        (
            versioning_is_fixed(),
            "InvalidBucketState",
            409,
            FIXED,
        ),
        (
            S3Error("NoSuchObjectLockConfiguration"),
            "NoSuchObjectLockConfiguration",
            404,
            "The specified object does not have a ObjectLock configuration",
        ),
        (
            S3Error("ObjectLockConfigurationNotFoundError"),
            "ObjectLockConfigurationNotFoundError",
            404,
            "Object Lock configuration does not exist for this bucket",
        ),
    ],
)
def test_refusals(error: S3Error, code: str, status: int, message: str) -> None:
    """Codes, statuses and texts of S3."""
    assert (error.code, error.status, error.message) == (code, status, message)


def config(inner: str) -> bytes:
    return f"<ObjectLockConfiguration{NAMESPACE}>{inner}</ObjectLockConfiguration>".encode()


def rule(inner: str, *, enabled: str = "<ObjectLockEnabled>Enabled</ObjectLockEnabled>") -> bytes:
    return config(f"{enabled}<Rule><DefaultRetention>{inner}</DefaultRetention></Rule>")


@pytest.mark.parametrize(
    "default",
    [
        None,
        DefaultRetention("GOVERNANCE", days=1),
        DefaultRetention("COMPLIANCE", days=36_500),
        DefaultRetention("COMPLIANCE", years=100),
    ],
)
def test_configurations_of_botocore(default: DefaultRetention | None) -> None:
    """What botocore writes is read, and what is written botocore reads."""
    configuration: dict = {"ObjectLockEnabled": "Enabled"}
    if default is not None:
        period = {"Days": default.days} if default.days else {"Years": default.years}
        configuration["Rule"] = {"DefaultRetention": {"Mode": default.mode, **period}}
    body = written("PutObjectLockConfiguration", {"Bucket": "b", "ObjectLockConfiguration": configuration})
    assert parse_object_lock_configuration(body) == default
    answer = read("GetObjectLockConfiguration", xml_locks.object_lock_configuration(default))
    assert answer["ObjectLockConfiguration"] == configuration


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MalformedXML"),
        (config(""), "MalformedXML"),
        (config("<ObjectLockEnabled>Disabled</ObjectLockEnabled>"), "MalformedXML"),
        (rule("<Mode>GOVERNANCE</Mode><Days>1</Days>", enabled=""), "MalformedXML"),
        (config("<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule/>"), "MalformedXML"),
        (rule(""), "MalformedXML"),
        (rule("<Mode>GOVERNANCE</Mode>"), "MalformedXML"),
        (rule("<Days>1</Days>"), "MalformedXML"),
        (rule("<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>"), "MalformedXML"),
        (rule("<Mode>governance</Mode><Days>1</Days>"), "MalformedXML"),
        (rule("<Mode>GOVERNANCE</Mode><Days>1.5</Days>"), "MalformedXML"),
        (rule("<Mode>GOVERNANCE</Mode><Days>٣</Days>"), "MalformedXML"),
        (rule("<Mode>GOVERNANCE</Mode><Days><X/></Days>"), "MalformedXML"),
        (rule("<Mode>GOVERNANCE</Mode><Weeks>1</Weeks>"), "MalformedXML"),
        (rule("<Mode>GOVERNANCE</Mode><Days>0</Days>"), "InvalidArgument"),
        (rule("<Mode>GOVERNANCE</Mode><Years>-1</Years>"), "InvalidArgument"),
        (rule("<Mode>GOVERNANCE</Mode><Days>36501</Days>"), "InvalidArgument"),
        (rule("<Mode>GOVERNANCE</Mode><Years>101</Years>"), "InvalidArgument"),
        (rule("<DefaultEventHold><Days>1</Days></DefaultEventHold>"), "NotImplemented"),
        (b"<Retention/>", "MalformedXML"),
        (config("x" * 65_536), "MaxMessageLengthExceeded"),
    ],
)
def test_configurations_that_are_refused(body: bytes, code: str) -> None:
    """Whatever is missing, doubled or unknown is malformed; a period out of range is an invalid argument."""
    assert refusal(parse_object_lock_configuration, body).code == code


def retained(inner: str) -> bytes:
    return f"<Retention{NAMESPACE}>{inner}</Retention>".encode()


def test_retentions_of_botocore() -> None:
    """What botocore writes is read, and what is written botocore reads; an empty one takes it off."""
    date = datetime(2030, 1, 1, tzinfo=UTC)
    for asked, retention in (
        ({"Mode": "COMPLIANCE", "RetainUntilDate": date}, Retention("COMPLIANCE", DATE_MS)),
        ({}, None),
    ):
        body = written("PutObjectRetention", {"Bucket": "b", "Key": "k", "Retention": asked})
        assert parse_retention(body) == retention
        if retention is not None:
            assert read("GetObjectRetention", xml_locks.retention(retention))["Retention"] == asked


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MalformedXML"),
        (retained("<Mode>GOVERNANCE</Mode>"), "MalformedXML"),
        (retained(f"<RetainUntilDate>{DATE}</RetainUntilDate>"), "MalformedXML"),
        (retained(f"<Mode>abc</Mode><RetainUntilDate>{DATE}</RetainUntilDate>"), "MalformedXML"),
        (retained("<Mode>GOVERNANCE</Mode><RetainUntilDate>soon</RetainUntilDate>"), "MalformedXML"),
        (retained("<Days>1</Days>"), "MalformedXML"),
        (retained("<EventHold>ON</EventHold>"), "NotImplemented"),
        (
            retained("<EventHoldDuration><Days>1</Days></EventHoldDuration>"),
            "NotImplemented",
        ),
    ],
)
def test_retentions_that_are_refused(body: bytes, code: str) -> None:
    """Half a retention is malformed, and so is one that cannot be read."""
    assert refusal(parse_retention, body).code == code


def test_legal_holds() -> None:
    """ON and OFF, both ways; anything else is malformed."""
    for status, is_on in (("ON", True), ("OFF", False)):
        body = written("PutObjectLegalHold", {"Bucket": "b", "Key": "k", "LegalHold": {"Status": status}})
        assert parse_legal_hold(body) is is_on
        assert read("GetObjectLegalHold", xml_locks.legal_hold(is_on))["LegalHold"] == {"Status": status}
    for body in (b"", b"<LegalHold/>", b"<LegalHold><Status>on</Status></LegalHold>"):
        assert refusal(parse_legal_hold, body).code == "MalformedXML"


def read(operation: str, body: bytes) -> dict:
    """The answer as botocore parses it."""
    model = botocore.session.get_session().get_service_model("s3").operation_model(operation)
    response = {"body": body, "headers": {}, "status_code": 200}
    return botocore.parsers.create_parser("rest-xml").parse(response, model.output_shape)
