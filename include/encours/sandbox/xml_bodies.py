"""XML as the stand-ins write it: elements as objects, texts and lists, for faults to change.

`{"a": {"@n": "1", "b": ["x", "y"]}}` is `<a n="1"><b>x</b><b>y</b></a>`; None is an empty element.
"""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring, tostring

from starlette.responses import Response


def read_xml(body: bytes, lists: frozenset[str] = frozenset()) -> Any:
    """The root in an object. The children of an element that is named in `lists` are lists, even if
    there is one of a kind. ValueError where the body is not XML, or declares a document type."""
    if b"<!DOCTYPE" in body:
        raise ValueError("a document type is declared")
    try:
        root = fromstring(body)
    except ParseError as error:
        raise ValueError(str(error)) from error
    return {root.tag: _value(root, lists)}


def _value(element: Element, lists: frozenset[str]) -> Any:
    members: dict[str, Any] = {f"@{name}": text for name, text in element.items()}
    for child in element:
        members.setdefault(child.tag, []).append(_value(child, lists))
    if not members:
        return element.text
    return {
        name: value[0]
        if isinstance(value, list) and len(value) == 1 and element.tag not in lists
        else value
        for name, value in members.items()
    }


def write_xml(value: Any) -> bytes:
    """The one member of an object as a document; numbers and booleans become text."""
    ((name, members),) = value.items()
    root = Element(name)
    _fill(root, members)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _fill(element: Element, value: Any) -> None:
    if isinstance(value, dict):
        for name, member in value.items():
            if name.startswith("@"):
                element.set(name[1:], str(member))
                continue
            for each in member if isinstance(member, list) else [member]:
                _fill(SubElement(element, name), each)
    elif value is not None:
        element.text = str(value)


def answer_xml(value: Any, status: int = 200) -> Response:
    return Response(write_xml(value), status, media_type="text/xml")
