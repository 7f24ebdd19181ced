"""The machine with all rules."""

from __future__ import annotations

from tests.model.listing_rules import ListingRules
from tests.model.object_rules import ObjectRules
from tests.model.upload_rules import UploadRules


class FullMachine(ObjectRules, UploadRules, ListingRules):
    """All operations on objects."""
