"""How a client's document is read: the one parser, and what all documents have in common.

Parsed by libxml2 with entities, network and huge trees off; a document type of any kind is refused, and with
it every entity attack. Sizes are capped before parsing. Elements may be in the S3 namespace or in none;
whatever else the schema does not know is MalformedXML.
"""

from __future__ import annotations

from typing import cast

from lxml import etree

from rustfs_proto.s3.errors import S3Error
from rustfs_proto.s3.xmltext import S3_NAMESPACE


def parse_document(body: bytes, root_name: str, max_bytes: int) -> etree._Element:
    """The root of a document. Raises MaxMessageLengthExceeded or MalformedXML."""
    if len(body) > max_bytes:
        raise S3Error("MaxMessageLengthExceeded", extra={"MaxMessageLengthBytes": str(max_bytes)})
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as fault:
        raise malformed(str(fault)) from fault
    # The stubs say that every document has a DTD; those without a DOCTYPE have None.
    if cast("etree.DTD | None", root.getroottree().docinfo.internalDTD) is not None:
        raise malformed("a document type is not allowed")
    if name_of(root) != root_name:
        raise malformed(f"its root is <{name_of(root)}>, not <{root_name}>")
    return root


def fields_of(parent: etree._Element, *, several: bool = True) -> dict[str, str]:
    """Child elements as name -> text; `several` False tolerates children that have children of their own."""
    fields: dict[str, str] = {}
    for child in parent:
        name = name_of(child)
        if name in fields:
            raise malformed(f"<{name}> stands twice in <{name_of(parent)}>")
        fields[name] = text_of(child) if several or not len(child) else ""
    return fields


def check_names(fields: dict[str, str], known: tuple[str, ...]) -> None:
    """Raise MalformedXML for a field that is not among `known`."""
    for name in fields:
        if name not in known:
            raise malformed(f"<{name}> is not known here")


def name_of(item: etree._Element) -> str:
    """The element's name without its namespace; raises MalformedXML for a namespace that is not S3's."""
    namespace, _, name = str(item.tag).rpartition("}")
    if namespace not in ("", "{" + S3_NAMESPACE):
        raise malformed(f"namespace {namespace[1:]!r} is not S3's")
    return name


def text_of(item: etree._Element) -> str:
    """The element's text; raises MalformedXML where it holds elements."""
    if len(item):
        raise malformed(f"<{name_of(item)}> holds elements instead of text")
    return item.text or ""


def malformed(fault: str) -> S3Error:
    """MalformedXML, saying what is wrong."""
    return S3Error(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema: "
        f"{fault}.",
    )
