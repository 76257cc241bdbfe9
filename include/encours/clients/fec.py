"""A French FEC (fichier des écritures comptables): inspected, then read in bounded batches.

Rules and quirks: apis.md §1; law: LPF article A.47 A-1. Strict where a figure could be wrong,
lenient where only the form differs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from encours.clients.fec_bytes import Encoding, FileBytes, LineEnd, scan, unified_line_ends
from encours.clients.fec_columns import AmountForm, Header, known_count, read_header
from encours.clients.fec_ledger import LedgerReader
from encours.clients.fec_rows import RawRows, TextRows
from encours.clients.fec_tally import (
    MOST_REFUSED,
    FecRefused,
    FecSummary,
    FecTally,
    FecWarning,
    RefusedLine,
)
from encours.clients.fec_xml import XmlRows, read_xml_head
from encours.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "FecFile",
    "FecRefused",
    "FecSummary",
    "FecTally",
    "FecWarning",
    "RefusedLine",
    "check_file_set",
    "inspect_fec",
    "read_fec",
    "summarise",
]

_NAME = re.compile(r"(?P<before>.*)FEC(?P<date>20\d{6})(?P<after>.*)", re.IGNORECASE | re.DOTALL)
_SIREN = re.compile(r"(?<!\d)\d{9}(?=\D*\Z)")
# `_1`, `-02`, `_part2`, `_P3`, `_1sur4`, `_2_of_4`. Not `(1)`: browsers name a second download so.
_PART = re.compile(
    r"[ _.-]*(?:part(?:ie)?|p|n|no|vol)?[ _.-]*(\d{1,3})(?:[ _.-]*(?:sur|of|de)[ _.-]*\d{1,3})?",
    re.IGNORECASE,
)
_SEPARATORS = ("\t", "|")
_ILLEGAL_SEPARATORS = {";": "semicolons", ",": "commas"}
_FEWEST_KNOWN = 5
_MEND_LINES = "correct these entries in the accounting software, then export again"


@dataclass(frozen=True)
class FecFile:
    """What a FEC says of itself. `columns`: legal names where the law has one, in file order.

    `field_count` is the number of fields of the header line, empty ones at its end included.
    """

    path: Path
    siren: str | None
    closing_date: date | None
    part: int | None
    kind: Literal["text", "xml"]
    encoding: Encoding
    separator: str
    columns: tuple[str, ...]
    field_count: int
    amount_form: AmountForm
    size_bytes: int
    line_end: LineEnd
    has_bom: bool
    warnings: tuple[FecWarning, ...] = ()


@dataclass(frozen=True)
class FileName:
    """What the name tells: `<SIREN>FEC<AAAAMMJJ>`, sometimes a part. All None when it does not."""

    siren: str | None
    closing_date: date | None
    part: int | None


def read_name(path: Path) -> FileName:
    """The SIREN is nine digits before FEC when there are nine, else the digits that stand there."""
    found = _NAME.fullmatch(path.stem)
    if not found:
        before, separator, _ = path.stem.upper().rpartition("FEC")
        return FileName(_siren(before) if separator else None, None, None)
    part = _PART.fullmatch(found["after"])
    return FileName(
        _siren(found["before"]), _closing_date(found["date"]), int(part[1]) if part else None
    )


def _siren(before: str) -> str | None:
    exact = _SIREN.search(before)
    return exact[0] if exact else re.sub(r"[^0-9]", "", before) or None


def _closing_date(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def inspect_fec(path: Path) -> FecFile:
    """The form of the file; raises BadInput when it is no FEC or its header is not the law's."""
    content = scan(path)
    if content.is_xml:
        head = read_xml_head(path)
        return _fec_file(path, content, head.encoding, "", head.header, head.closing_date)
    names, separator = _header_names(path, content)
    header = read_header(names, where=f"{path}, line 1")
    return _fec_file(path, content, content.encoding, separator, header, None)


def _fec_file(
    path: Path,
    content: FileBytes,
    encoding: Encoding,
    separator: str,
    header: Header,
    closing_date: date | None,
) -> FecFile:
    name = read_name(path)
    return FecFile(
        path=path,
        siren=name.siren,
        closing_date=name.closing_date or closing_date,
        part=name.part,
        kind="xml" if content.is_xml else "text",
        encoding=encoding,
        separator=separator,
        columns=header.columns,
        field_count=header.field_count,
        amount_form=header.amount_form,
        size_bytes=content.size_bytes,
        line_end=content.line_end,
        has_bom=content.has_bom,
        warnings=tuple(_form_warnings(name, content, encoding, header)),
    )


def _header_names(path: Path, content: FileBytes) -> tuple[list[str], str]:
    where = f"{path}, line 1"
    line, _, rest = unified_line_ends(content.head).partition(b"\n")
    text = line.replace(b"\0", b"").decode(content.encoding, errors="replace")
    known = {sign: known_count(text.split(sign)) for sign in (*_SEPARATORS, *_ILLEGAL_SEPARATORS)}
    best = max(known, key=lambda sign: known[sign])
    if known[best] < _FEWEST_KNOWN:
        mend = "the first line of a FEC holds the names JournalCode, JournalLib, EcritureNum ..."
        raise BadInput(
            "this is not a FEC, its first line is not the header", where=where, mend=mend
        )
    if best in _ILLEGAL_SEPARATORS:
        what = f"fields are separated by {_ILLEGAL_SEPARATORS[best]}"
        raise BadInput(what, where=where, mend="a FEC uses the tab or the | sign; export it again")
    if len(content.head) == content.size_bytes - 3 * content.has_bom and not rest.strip():
        mend = "export the year again, or leave this file out"
        raise BadInput("only the header is there, no entry", where=str(path), mend=mend)
    return text.split(best), best


def _form_warnings(
    name: FileName, content: FileBytes, encoding: Encoding, header: Header
) -> Iterator[FecWarning]:
    if name.closing_date is None:
        message = "the name is not <SIREN>FEC<AAAAMMJJ>, which the official tool asks for"
        yield FecWarning("file_name", 1, 0, message)
    elif name.siren is None or len(name.siren) != 9:
        message = "the name does not start with the nine digits of a SIREN"
        yield FecWarning("file_name", 1, 0, message)
    if encoding == "windows-1252":
        message = "the encoding is Windows-1252; the law knows ASCII, ISO-8859-15 and UTF-8"
        yield FecWarning("encoding_not_legal", 1, 0, message)
    if content.broken_utf8:
        message = f"looks like UTF-8 with broken characters; read as {encoding}, accents look wrong"
        yield FecWarning("encoding_mixed", 1, 0, message)
    if header.respelled:
        message = f"spelled in another way than the law: {', '.join(header.respelled)}"
        yield FecWarning("header_spelling", len(header.respelled), 1, message)
    if header.field_count > header.named_count:
        message = "the header ends with a separator"
        yield FecWarning("trailing_separator", 1, 1, message)


def read_fec(fec: FecFile, tally: FecTally | None = None) -> Iterator[pa.Table]:
    """Ledger lines in batches (`fec_columns.OUTPUT_COLUMNS`: line_no int64, the rest text).

    `tally` is complete once the last batch was taken. A line that cannot be used ends the batches;
    the rest of the file is still looked at, and FecRefused names up to a hundred such lines.
    """
    tally = FecTally() if tally is None else tally
    for note in fec.warnings:
        tally.warn(note.code, note.message, count=note.count, first_line=note.first_line)
    refused: list[RefusedLine] = []
    for result in LedgerReader(tally, fec.closing_date).tables(_raw_rows(fec, tally)):
        if isinstance(result, list):
            refused += result
            if len(refused) >= MOST_REFUSED:
                break
        elif not refused:
            yield result
    if refused:
        raise FecRefused(str(fec.path), refused, mend=_MEND_LINES)
    if not tally.line_count:
        raise BadInput("no entry line", where=str(fec.path), mend="export the year again")


def _raw_rows(fec: FecFile, tally: FecTally) -> Iterator[RawRows]:
    if fec.kind == "xml":
        return iter(XmlRows(fec.path, tally))
    header = Header(fec.columns, fec.field_count, fec.amount_form, ())
    return iter(TextRows(fec.path, fec.encoding, fec.separator, header, tally))


def summarise(fec: FecFile) -> FecSummary:
    """Reads the whole file for its totals and warnings."""
    tally = FecTally()
    for _ in read_fec(fec, tally):
        pass
    return tally.summary()


def check_file_set(files: Sequence[FecFile]) -> None:
    """Refuses two files of one company and year: every line would count twice.

    The parts of a split file are told apart by a number after the date (`..._1`, `..._part2`);
    each number may come once, and the undivided file may not stand beside them. Files whose name
    gives no closing date cannot be compared, except that none may be given twice.
    """
    years: dict[tuple[str, str], list[FecFile]] = defaultdict(list)
    for fec in files:
        key = (fec.siren or "", fec.closing_date.isoformat() if fec.closing_date else "")
        if not fec.closing_date:
            key = ("", str(fec.path.resolve()))
        years[key].append(fec)
    for group in years.values():
        _check_year(group)


def _check_year(group: Sequence[FecFile]) -> None:
    seen: dict[int | None, FecFile] = {}
    for fec in group:
        other = seen.get(fec.part)
        if other is None and seen and None in {fec.part, *seen}:
            other = next(iter(seen.values()))
        if other is not None:
            year = f" closing on {fec.closing_date}" if fec.closing_date else ""
            company = f" of {fec.siren}" if fec.siren else ""
            raise BadInput(
                f"a second file for the year{company}{year}, beside {other.path.name}",
                where=str(fec.path),
                mend="give one file for each year, or name the parts of a split file _1, _2, ...",
            )
        seen[fec.part] = fec
