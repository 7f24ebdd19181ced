"""Every method is under the signature."""

from __future__ import annotations

import pytest

from tests.unit.s3.test_sigv4_refusals import refusal, signed_headers


@pytest.mark.parametrize("method", ["HEAD", "PUT", "POST", "DELETE"])
def test_a_signature_is_good_for_one_method(method: str) -> None:
    """That of a GET lets nothing be changed, and nothing else be asked."""
    assert refusal(signed_headers(), method=method).code == "SignatureDoesNotMatch"
