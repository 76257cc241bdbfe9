"""The XML form of a FEC (arrêté of 29 July 2013, formatA47A-I-VII-1.xsd), read as a stream.

No tree is built. A document type or an entity declaration is refused, so nothing can be expanded
or fetched; and what an entry says once is carried into each of its lines within bounds, so that a
small file cannot fill the memory.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from xml.parsers import expat

from encours.arrow_text import integer_array, text_array
from encours.clients.fec_bytes import Encoding, open_input
from encours.clients.fec_columns import (
    LEGAL_COLUMNS,
    MONTANT_COLUMNS,
    AmountForm,
    Header,
    canonical,
    folded,
)
from encours.clients.fec_rows import RawRows
from encours.clients.fec_tally import FecTally, RefusedLine, excerpt
from encours.clients.fec_values import iso_date
from encours.errors import BadInput

_CHUNK_BYTES = 1 << 18
_BATCH_LINES = 50_000
_LONGEST_VALUE = 1 << 20
# The schema has six levels and some thirty names; whoever adds elements stays far below these.
_DEEPEST = 32
_MOST_NAMES = 1000
# Lines repeat what stands once above them: in books that are real, at most a few times the file.
_MOST_REPEATED = 20
_FREE_CHARACTERS = 16 << 20
_ENCODINGS: dict[str, Encoding] = {
    "utf-8": "utf-8",
    "ascii": "utf-8",
    "iso8859-15": "iso-8859-15",
    "iso8859-1": "iso-8859-15",
    "cp1252": "windows-1252",
}
_GROUPS = ("COMPTABILITE", "EXERCICE", "JOURNAL", "ECRITURE", "LIGNE")
_DEBIT = {"D": "Debit", "+1": "Debit", "C": "Credit", "-1": "Credit"}


@dataclass(frozen=True)
class XmlHead:
    """What the document says before its first complete line."""

    encoding: Encoding
    header: Header
    closing_date: date | None


@dataclass
class _Line:
    place: int
    values: dict[str, str]


@dataclass
class _Document:
    """The expat handlers: gathers lines, each with the values of its journal and entry."""

    where: str
    encoding: Encoding = "utf-8"
    lines: list[_Line] = field(default_factory=list)
    closing_date: str = ""
    montant_seen: bool = False
    _path: list[str] = field(default_factory=list)
    _levels: list[dict[str, str]] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)
    _text_length: int = 0
    _place: int = 0
    _has_line: bool = False
    _repeated: int = 0

    def __post_init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        handlers: dict[str, Any] = {
            "XmlDeclHandler": self._declared,
            "StartDoctypeDeclHandler": self._doctype,
            "EntityDeclHandler": self._doctype,
            "StartElementHandler": self._started,
            "EndElementHandler": self._ended,
            "CharacterDataHandler": self._characters,
        }
        for name, handler in handlers.items():
            setattr(self.parser, name, handler)

    def feed(self, chunk: bytes, *, is_last: bool) -> None:
        try:
            self.parser.Parse(chunk, is_last)
        except expat.ExpatError as error:
            reason = expat.errors.messages[error.code]
            raise BadInput(
                f"not well-formed XML, {reason}",
                where=f"{self.where}, line {error.lineno}",
                mend="export the FEC again",
            ) from None
        except (LookupError, ValueError, UnicodeError):
            raise self._bad("the encoding that the XML declaration names cannot be read") from None

    def _bad(self, what: str) -> BadInput:
        line = self.parser.CurrentLineNumber
        return BadInput(what, where=f"{self.where}, line {line}", mend="export the FEC again")

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        try:
            name = codecs.lookup(encoding or "utf-8").name
        except LookupError:
            name = ""
        if name not in _ENCODINGS:
            raise self._bad(f"encoding {excerpt(encoding or '')} is not one that a FEC may have")
        self.encoding = _ENCODINGS[name]

    def _doctype(self, *_: object) -> None:
        raise self._bad("a document type or entity declaration, which a FEC does not have")

    def _started(self, name: str, _attributes: dict[str, str]) -> None:
        tag = folded(name.rpartition(":")[2])
        if len(self._path) == _DEEPEST:
            raise self._bad(f"elements are nested more than {_DEEPEST} deep")
        if not self._path and tag != _GROUPS[0]:
            raise self._bad(f"this XML is not a FEC, its root is {excerpt(name)}")
        if tag in _GROUPS:
            if len(self._levels) != _GROUPS.index(tag):
                raise self._bad(f"element {excerpt(name)} is out of place")
            self._levels.append({})
        if tag == "ECRITURE":
            self._has_line = False
        if tag == "LIGNE":
            self._has_line = True
            self._place = self.parser.CurrentLineNumber
        self._path.append(tag)
        self._text, self._text_length = [], 0

    def _characters(self, data: str) -> None:
        self._text_length += len(data)
        if self._text_length > _LONGEST_VALUE:
            raise self._bad(f"a value is longer than {_LONGEST_VALUE:,} characters")
        self._text.append(data)

    def _ended(self, name: str) -> None:
        tag = self._path.pop()
        value, self._text, self._text_length = "".join(self._text).strip(), [], 0
        if tag == "LIGNE":
            values: dict[str, str] = {}
            for level in self._levels:
                values.update(level)
            self._count(values)
            self.montant_seen = self.montant_seen or "Montant" in values
            self.lines.append(_Line(self._place, values))
        if tag in _GROUPS:
            self._levels.pop()
            return
        if not value or not self._levels:
            return
        if tag == "DATECLOTURE":
            self.closing_date = value
            return
        if len(self._levels) == _GROUPS.index("ECRITURE") + 1 and self._has_line:
            raise self._bad(f"{excerpt(name)} after the lines of its entry")
        level = self._levels[-1]
        if len(level) == _MOST_NAMES:
            raise self._bad(f"one element holds more than {_MOST_NAMES:,} others")
        level[canonical(name.rpartition(":")[2])] = value.replace("\0", "")

    def _count(self, values: dict[str, str]) -> None:
        self._repeated += sum(map(len, values.values()))
        read = max(self.parser.CurrentByteIndex, 0)
        if self._repeated > _FREE_CHARACTERS + _MOST_REPEATED * read:
            raise self._bad(
                f"the lines say more than {_MOST_REPEATED} times what the file holds, by repeating"
                " what stands above them"
            )


def _documents(path: Path) -> Iterator[_Document]:
    """The document after each chunk, and once more at its end."""
    document = _Document(str(path))
    fed = 0
    with open_input(path) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            document.feed(chunk, is_last=False)
            fed += len(chunk)
            # Expat holds an unfinished tag whole, however long it is.
            if fed - document.parser.CurrentByteIndex > _LONGEST_VALUE + _CHUNK_BYTES:
                raise document._bad(f"a tag is longer than {_LONGEST_VALUE:,} bytes")
            yield document
        document.feed(b"", is_last=True)
        yield document


def read_xml_head(path: Path) -> XmlHead:
    """Reads as far as the first lines; raises BadInput when there is none."""
    for document in _documents(path):
        if document.lines:
            break
    else:
        raise BadInput("no entry line", where=str(path), mend="export the year again")
    form: AmountForm = "montant_sens" if document.montant_seen else "debit_credit"
    legal = MONTANT_COLUMNS if form == "montant_sens" else LEGAL_COLUMNS
    others = {name for line in document.lines for name in line.values} - {
        *LEGAL_COLUMNS,
        *MONTANT_COLUMNS,
    }
    header = Header((*legal, *sorted(others)), 0, form, ())
    return XmlHead(document.encoding, header, _closing_date(document.closing_date))


def _closing_date(value: str) -> date | None:
    try:
        return date.fromisoformat(iso_date(value))
    except ValueError:
        return None


@dataclass
class XmlRows:
    """The lines of an XML FEC in batches; `line_no` is the ordinal of the line element, since
    several may stand on one line of text. Messages give the line of text."""

    path: Path
    tally: FecTally
    _next_line: int = 1

    def __iter__(self) -> Iterator[RawRows]:
        document = None
        for document in _documents(self.path):
            while len(document.lines) >= _BATCH_LINES:
                yield self._rows(document, _BATCH_LINES)
        if document and document.lines:
            yield self._rows(document, len(document.lines))

    def _rows(self, document: _Document, count: int) -> RawRows:
        lines, document.lines = document.lines[:count], document.lines[count:]
        refused = [bad for line in lines if (bad := _use_sens(line))]
        names = dict.fromkeys(LEGAL_COLUMNS)
        for line in lines:
            names.update(dict.fromkeys(line.values))
        columns = {name: text_array(line.values.get(name, "") for line in lines) for name in names}
        first, self._next_line = self._next_line, self._next_line + len(lines)
        return RawRows(
            line_no=integer_array(range(first, self._next_line)),
            columns=columns,
            refused=tuple(refused),
            decimal_mark=".",
            places=integer_array(line.place for line in lines),
        )


def _use_sens(line: _Line) -> RefusedLine | None:
    """Puts Montant on the side that Sens names; lines of both forms may stand in one document."""
    if "Montant" not in line.values:
        return None
    montant, sens = line.values.pop("Montant"), line.values.pop("Sens", "")
    side = _DEBIT.get(sens.upper())
    if side is None:
        return RefusedLine(line.place, "Sens", "not D, C, +1 or -1", excerpt(sens))
    line.values[side] = montant
    return None
