"""Requests to and answers of Sage Intacct's XML gateway.

A request names who sends it (control), as whom (authentication) and what is asked (one function).
An answer tells of each of the three whether it went well; what went wrong arrives with status 200,
and sometimes without the root element that makes it a document. Answers are read without trusting
them: one that declares a document type is refused, since an answer never needs one and a few lines
of entities fill any memory; so is one of more elements than any page has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring
from xml.parsers import expat

_CONTROL_ID = "encours"
_BLOCKS = ("control", "authentication", "result")
# A page of 2,000 records with a hundred fields each has a fifth of that.
_MOST_TAGS = 2_000_000
_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*\?>")


@dataclass(frozen=True)
class Sender:
    """The Web Services sender that Sage gave to whoever runs this."""

    sender_id: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Login:
    user_id: str
    company_id: str
    password: str = field(repr=False)
    location_id: str = ""


# A condition of a filter: operator, field, value.
Condition = tuple[str, str, str]


@dataclass(frozen=True)
class Query:
    """Records of one object in ascending order of RECORDNO, that fulfil all conditions."""

    object: str
    fields: Sequence[str]
    conditions: Sequence[Condition]
    page_size: int

    def told(self) -> str:
        """In one line, without anything secret."""
        conditions = [f"{name} {operator} {value}" for operator, name, value in self.conditions]
        return " ".join(["query", self.object, *conditions, f"pagesize {self.page_size}"])


@dataclass(frozen=True)
class Answer:
    """`failed` is the first of control, authentication and result that did not go well, empty where
    all did. `told` is what they say (`authentication.companyid`), `listing` what the list says of
    itself, `records` its elements by name, each with its fields as text."""

    failed: str
    told: Mapping[str, str]
    errors: Sequence[Mapping[str, str]]
    listing: Mapping[str, str]
    records: Sequence[tuple[str, Mapping[str, str]]]


# ---------------------------------------------------------------------- requests


def write_login(sender: Sender, login: Login) -> bytes:
    """Asks for a session and for the address that takes its requests."""
    fields = {
        "userid": login.user_id,
        "companyid": login.company_id,
        "password": login.password,
    }
    if login.location_id:
        fields["locationid"] = login.location_id
    access = Element("login")
    for name, value in fields.items():
        SubElement(access, name).text = value
    return _written(sender, access, Element("getAPISession"))


def write_query(sender: Sender, session_id: str, query: Query) -> bytes:
    access = Element("sessionid")
    access.text = session_id
    return _written(sender, access, _query(query))


def _written(sender: Sender, access: Element, function: Element) -> bytes:
    request = Element("request")
    control = SubElement(request, "control")
    for name, value in (
        ("senderid", sender.sender_id),
        ("password", sender.password),
        ("controlid", _CONTROL_ID),
        ("uniqueid", "false"),
        ("dtdversion", "3.0"),
        ("includewhitespace", "false"),
    ):
        SubElement(control, name).text = value
    operation = SubElement(request, "operation")
    SubElement(operation, "authentication").append(access)
    content = SubElement(operation, "content")
    SubElement(content, "function", controlid=_CONTROL_ID).append(function)
    written: bytes = tostring(request, encoding="utf-8", xml_declaration=True)
    return written


def _query(query: Query) -> Element:
    asked = Element("query")
    SubElement(asked, "object").text = query.object
    select = SubElement(asked, "select")
    for name in query.fields:
        SubElement(select, "field").text = name
    if query.conditions:
        # `and` joins at least two (the schema of the vendor's page on queries).
        where = SubElement(asked, "filter")
        if len(query.conditions) > 1:
            where = SubElement(where, "and")
        for operator, name, value in query.conditions:
            condition = SubElement(where, operator)
            SubElement(condition, "field").text = name
            SubElement(condition, "value").text = value
    order = SubElement(SubElement(asked, "orderby"), "order")
    SubElement(order, "field").text = "RECORDNO"
    SubElement(order, "ascending")
    # Without it, records of private entities are left out in silence.
    SubElement(SubElement(asked, "options"), "showprivate").text = "true"
    SubElement(asked, "pagesize").text = str(query.page_size)
    return asked


# ---------------------------------------------------------------------- answers


def looks_whole(body: bytes) -> bool:
    """Whether an answer ends as it should and tells of no failure: what a look at both ends of it
    shows, without reading the records between them."""
    return body.rstrip().endswith(b"</response>") and b"<status>failure" not in body[:4096]


def read_answer(body: bytes) -> Answer:
    """ValueError where the body is no answer of the gateway, breaks off, declares a document type
    or holds more elements than a page can have."""
    if body.count(b"<") > _MOST_TAGS:
        raise ValueError("an answer of the gateway has fewer elements")
    try:
        return _read(body)
    except ValueError:
        pass
    # Without a root, several elements follow each other.
    return _read(b"<response>" + _DECLARATION.sub(b"", body, count=1) + b"</response>")


def _read(body: bytes) -> Answer:
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse_declarations
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        broken = ValueError("no answer of the gateway")
    else:
        return reader.answer()
    raise broken


def _refuse_declarations(*_: object) -> None:
    raise ValueError("an answer of the gateway declares no document type")


class _Reader:
    """Collects what an answer tells while it is parsed."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._words: list[str] = []
        self._told: dict[str, str] = {}
        self._errors: list[dict[str, str]] = []
        self._listing: dict[str, str] = {}
        self._records: list[tuple[str, Mapping[str, str]]] = []
        self._record: dict[str, str] | None = None
        self._record_depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        path = self._path
        if self._record is None:
            if name == "data":
                self._listing = attributes
            elif name == "error":
                self._errors.append({})
            elif path and path[-1] == "data":
                self._record = {}
                self._record_depth = len(path) + 1
                self._records.append((name, self._record))
        elif len(path) > self._record_depth:
            raise ValueError("a field of a record holds other fields")
        path.append(name)
        self._words.clear()

    def text(self, words: str) -> None:
        self._words.append(words)

    def end(self, name: str) -> None:
        path = self._path
        if self._record is not None:
            if len(path) == self._record_depth:
                self._record = None
            else:
                self._record[name] = "".join(self._words)
        elif len(path) > 1 and path[-2] in _BLOCKS:
            self._told[f"{path[-2]}.{name}"] = "".join(self._words)
        elif len(path) > 1 and path[-2] == "error" and self._errors:
            self._errors[-1][name] = "".join(self._words)
        path.pop()
        self._words.clear()

    def answer(self) -> Answer:
        told = self._told
        if "control.status" not in told and not self._errors:
            raise ValueError("no answer of the gateway")
        failed = next((name for name in _BLOCKS if told.get(f"{name}.status") == "failure"), "")
        return Answer(
            failed or ("result" if self._errors else ""),
            told,
            self._errors,
            self._listing,
            self._records,
        )


def words_of(errors: Iterable[Mapping[str, Any]]) -> str:
    """What the errors of an answer say, as it stands: not to be shown."""
    names = ("description", "description2", "correction")
    return " ".join(str(error[name]) for error in errors for name in names if error.get(name))
