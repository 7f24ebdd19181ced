"""Requests signed by botocore, an independent implementation, must verify here."""

from __future__ import annotations

import hashlib
import string
from urllib.parse import quote, urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from rustfs_proto.s3.sigv4 import SigningKeys, SigningRules, Verified, verify
from rustfs_proto.s3.sigv4_claims import PayloadMode, parse_amz_date, read_claim
from rustfs_proto.s3.sigv4_signer import Credentials, sign_request
from rustfs_proto.s3.target import header_map, parse_target

ACCESS_KEY, SECRET, REGION = "AK/with/slash", "sécret+/key", "eu-north-1"
RULES = SigningRules(REGION)
KEYS = SigningKeys()

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
# Without names that mean that a signature stands in the query, of this scheme or of the one before it.
parameters = st.dictionaries(
    texts.filter(lambda name: name and name != "Signature" and not name.startswith("X-Amz-")),
    texts,
    max_size=4,
)
names = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=12)
header_values = st.text(string.printable[:95] + "\t", max_size=30).map(lambda value: value.strip())
methods = st.sampled_from(["GET", "PUT", "HEAD", "DELETE", "POST"])


def check(method: str, url: str, headers: dict[str, str], amz_date: str) -> Verified:
    parts = urlsplit(url)
    raw_target = parts.path + (f"?{parts.query}" if parts.query else "")
    target = parse_target(raw_target.encode())
    sent = header_map((name.lower().encode(), value.encode()) for name, value in headers.items())
    sent["host"] = parts.netloc
    claim = read_claim(sent, target.params)
    assert claim is not None
    assert claim.access_key == ACCESS_KEY
    now_s = parse_amz_date(amz_date)
    return verify(claim, SECRET, method, target, sent, now_s=now_s, rules=RULES, keys=KEYS)


@given(
    method=methods,
    key=texts,
    params=parameters,
    extra=st.dictionaries(names.map(lambda name: f"x-amz-meta-{name}"), header_values, max_size=3),
    body=st.binary(max_size=20),
)
def test_header_signatures_of_botocore_verify(method, key, params, extra, body):
    """Whatever key, parameters and headers botocore signs, the signature in its header is found right."""
    url = f"http://127.0.0.1:9000/bucket/{quote(key, safe='/~')}"
    request = AWSRequest(method=method, url=url, params=params, headers=extra, data=body)
    S3SigV4Auth(BotoCredentials(ACCESS_KEY, SECRET), "s3", REGION).add_auth(request)
    prepared = request.prepare()
    headers = {
        name: value if isinstance(value, str) else value.decode() for name, value in prepared.headers.items()
    }
    verified = check(method, prepared.url, headers, headers["X-Amz-Date"])
    if verified.claim.mode is PayloadMode.SIGNED:
        assert verified.claim.payload_hash == hashlib.sha256(body).hexdigest()


@given(method=methods, key=texts, params=parameters)
def test_presigned_urls_of_botocore_verify(method, key, params):
    """Whatever key and parameters botocore presigns, the signature in the query is found right."""
    url = f"http://127.0.0.1:9000/bucket/{quote(key, safe='/~')}"
    request = AWSRequest(method=method, url=url, params=params)
    S3SigV4QueryAuth(BotoCredentials(ACCESS_KEY, SECRET), "s3", REGION, expires=60).add_auth(request)
    amz_date = parse_target(request.url.encode()).params["X-Amz-Date"]
    assert check(method, request.url, {}, amz_date).claim.expires_s == 60


@given(method=methods, key=texts, params=parameters)
def test_our_signer_agrees_with_our_verifier(method, key, params):
    """A request that our signer signs verifies, for any key and parameters."""
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in params.items())
    url = f"http://127.0.0.1:9000/bucket/{quote(key)}" + (f"?{query}" if query else "")
    raw_target = url.removeprefix("http://127.0.0.1:9000")
    signed = sign_request(
        Credentials(ACCESS_KEY, SECRET, REGION),
        method,
        raw_target,
        {"host": "127.0.0.1:9000"},
        now_s=1_700_000_000,
    )
    assert check(method, url, signed.headers, signed.amz_date).claim.signature == signed.signature
