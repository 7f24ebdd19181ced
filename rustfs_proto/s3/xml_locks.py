"""The documents of Object Lock, read and written: ObjectLockConfiguration, Retention, LegalHold.

What the schema does not allow is MalformedXML, a mode or a status in other letters included; only periods out
of range are InvalidArgument. Event holds are refused by name: a client must not believe that it has one.
"""

from __future__ import annotations

import re

from lxml import etree

from rustfs_proto.locking import DAYS_MAX, YEARS_MAX, DefaultRetention, Retention
from rustfs_proto.s3.errors import invalid_argument, not_implemented
from rustfs_proto.s3.object_lock import OFF, ON, is_mode, parse_until_ms
from rustfs_proto.s3.xml_out import document, element
from rustfs_proto.s3.xml_reading import check_names, fields_of, malformed, name_of, parse_document
from rustfs_proto.s3.xmltext import iso_ms

LOCK_BODY_MAX_BYTES = 64 * 1024
"""These documents have a handful of short fields; clients add blanks and namespaces."""

_PERIOD = re.compile(r"-?[0-9]{1,10}")
_ENABLED = "Enabled"


def parse_object_lock_configuration(body: bytes) -> DefaultRetention | None:
    """The default retention of a bucket with Object Lock, None where its document has no rule. Raises
    MalformedXML, or InvalidArgument for a period that is not positive or too long.
    """
    root = parse_document(body, "ObjectLockConfiguration", LOCK_BODY_MAX_BYTES)
    fields = fields_of(root, several=False)
    check_names(fields, ("ObjectLockEnabled", "Rule"))
    if fields.get("ObjectLockEnabled") != _ENABLED:
        raise malformed(f"ObjectLockEnabled must be {_ENABLED}")
    rule = _child(root, "Rule")
    return None if rule is None else _default_retention(rule)


def parse_retention(body: bytes) -> Retention | None:
    """The retention that a document gives to a version; None where it is empty, which takes it off. Raises
    MalformedXML.
    """
    fields = _texts(parse_document(body, "Retention", LOCK_BODY_MAX_BYTES), ("Mode", "RetainUntilDate"))
    if not fields:
        return None
    mode, until_ms = fields.get("Mode", ""), parse_until_ms(fields.get("RetainUntilDate", ""))
    if not is_mode(mode):
        raise malformed(f"Mode is {mode!r}")
    if until_ms is None:
        raise malformed(f"RetainUntilDate is {fields.get('RetainUntilDate', '')!r}")
    return Retention(mode, until_ms)


def parse_legal_hold(body: bytes) -> bool:
    """Whether the hold is on. Raises MalformedXML."""
    fields = fields_of(parse_document(body, "LegalHold", LOCK_BODY_MAX_BYTES))
    check_names(fields, ("Status",))
    status = fields.get("Status", "")
    if status not in (ON, OFF):
        raise malformed(f"Status is {status!r}")
    return status == ON


def object_lock_configuration(default: DefaultRetention | None) -> bytes:
    """ObjectLockConfiguration of a bucket that has Object Lock."""
    rule = ""
    if default is not None:
        inner = element("Mode", default.mode)
        inner += element("Days", default.days or None) + element("Years", default.years or None)
        rule = f"<Rule><DefaultRetention>{inner}</DefaultRetention></Rule>"
    return document("ObjectLockConfiguration", element("ObjectLockEnabled", _ENABLED) + rule)


def retention(of: Retention) -> bytes:
    """Retention of a version that has one."""
    inner = element("Mode", of.mode) + element("RetainUntilDate", iso_ms(of.until_ms))
    return document("Retention", inner)


def legal_hold(is_on: bool) -> bytes:
    """LegalHold of a version that has or had one."""
    return document("LegalHold", element("Status", ON if is_on else OFF))


def _default_retention(rule: etree._Element) -> DefaultRetention:
    check_names(fields_of(rule, several=False), ("DefaultRetention",))
    found = _child(rule, "DefaultRetention")
    if found is None:
        raise malformed("<Rule> has no <DefaultRetention>")
    fields = _texts(found, ("Mode", "Days", "Years"))
    mode = fields.get("Mode", "")
    if not is_mode(mode):
        raise malformed(f"Mode is {mode!r}")
    if ("Days" in fields) == ("Years" in fields):
        raise malformed("<DefaultRetention> has either <Days> or <Years>")
    if "Days" in fields:
        return DefaultRetention(mode, days=_period(fields["Days"], "Days", DAYS_MAX))
    return DefaultRetention(mode, years=_period(fields["Years"], "Years", YEARS_MAX))


def _period(text: str, name: str, at_most: int) -> int:
    if _PERIOD.fullmatch(text.strip()) is None:
        raise malformed(f"{name} is {text!r}")
    period = int(text)
    if period <= 0:
        message = "Default retention period must be a positive integer value."
        raise invalid_argument(message, name, text.strip())
    if period > at_most:
        raise invalid_argument("Default retention period too large.", name, text.strip())
    return period


def _texts(parent: etree._Element, known: tuple[str, ...]) -> dict[str, str]:
    for name in fields_of(parent, several=False):
        if name.startswith(("EventHold", "DefaultEventHold")):
            raise not_implemented(f"Object Lock with <{name}>")
    fields = fields_of(parent)
    check_names(fields, known)
    return fields


def _child(parent: etree._Element, name: str) -> etree._Element | None:
    return next((child for child in parent if name_of(child) == name), None)
