"""The conformance report of a FEC (`encours check-fec`): what the law asks, and what a receivables
warehouse needs besides. A file that cannot be read gives a report too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

from encours.clients.fec import FecFile, FecRefused, FecSummary, FecTally, inspect_fec, read_fec
from encours.clients.fec_books import Books, Groups, ReceivableBalance
from encours.errors import BadInput

Level = Literal["error", "warning", "info"]
_LEVELS: tuple[Level, ...] = ("error", "warning", "info")
_SHOWN = 5
_SEPARATOR_NAMES = {"\t": "tab", "|": "pipe", "": "none"}

# code -> level, what to do. The messages come with the counts.
_RULES: dict[str, tuple[Level, str]] = {
    "file_name": ("warning", "rename the file <SIREN>FEC<AAAAMMJJ>.txt, the date of closing"),
    "encoding_not_legal": ("warning", "export in UTF-8 or ISO-8859-15"),
    "encoding_mixed": ("warning", "export again; names with accents are damaged in this file"),
    "header_spelling": ("info", "nothing to do; the official tool asks for the exact names"),
    "trailing_separator": ("info", "nothing to do; the official tool reports it too"),
    "short_rows": ("warning", "export with the 18 columns on every line"),
    "nul_bytes": ("warning", "look for the entries with a stray character and retype their text"),
    "blank_lines": ("info", "nothing to do"),
    "both_sides": ("warning", "a line is either a debit or a credit: split it"),
    "zero_lines": ("info", "lines without amount change nothing"),
    "valid_date_missing": ("warning", "validate the entries, or expect them to change"),
    "mandatory_empty": ("warning", "fill the field in the accounting software"),
    "account_not_numeric": ("warning", "map the account to the chart of accounts"),
    "date_outside_period": ("warning", "check the closing date in the name, or the entry dates"),
    "year_unlikely": ("warning", "correct the year"),
    "entry_number_constant": ("warning", "number the entries on one continuous sequence"),
    "unbalanced_ledger": ("error", "lines are missing or doubled: export the whole year again"),
    "entries_unbalanced": ("warning", "look at these entries: debit and credit differ"),
    "lettering_unbalanced": ("warning", "partial matching, or a code used twice: check the group"),
    "no_lettering": ("info", "match invoices and payments in the accounting software"),
    "auxiliary_missing": ("info", "use one auxiliary account for each customer"),
    "no_due_date": ("info", "add a column EcheanceDate after the legal ones"),
    "numbering_gaps": ("info", "be ready to explain them to an auditor"),
    "no_receivables": ("warning", "customers are expected on accounts 411, 413 and 416"),
}


@dataclass(frozen=True)
class Finding:
    """One rule that the file does not meet, or one fact worth knowing."""

    code: str
    level: Level
    count: int
    first_lines: tuple[int, ...]
    explanation: str
    mend: str


@dataclass(frozen=True)
class FileFacts:
    """The form of the file, as `inspect_fec` found it."""

    siren: str | None
    closing_date: date | None
    part: int | None
    kind: str
    encoding: str
    has_bom: bool
    separator: str
    line_end: str
    amount_form: str
    columns: tuple[str, ...]
    size_bytes: int


@dataclass(frozen=True)
class LedgerTotals:
    line_count: int
    debit: Decimal
    credit: Decimal
    balance: Decimal
    first_entry_date: date | None
    last_entry_date: date | None


@dataclass(frozen=True)
class ConformanceReport:
    """`can_be_loaded` is about the loader; an auditor reads the findings."""

    path: str
    can_be_loaded: bool
    findings: tuple[Finding, ...]
    facts: FileFacts | None = None
    totals: LedgerTotals | None = None
    entry_method: Literal["number", "balanced_run"] = "number"
    entries: Groups | None = None
    lettering: Groups | None = None
    receivables: tuple[ReceivableBalance, ...] = ()

    @property
    def receivable_total(self) -> Decimal:
        return sum((account.balance for account in self.receivables), Decimal(0))

    def count(self, level: Level) -> int:
        return sum(finding.level == level for finding in self.findings)

    def to_json(self) -> dict[str, object]:
        """Values that `json.dumps` takes as they are: amounts are text, dates ISO."""
        return _report_values(self)

    def render(self) -> str:
        return "\n".join(_report_lines(self))


def conformance_report(path: Path) -> ConformanceReport:
    """Reads the file once. Never raises for what is in the file, or for its absence."""
    try:
        fec = inspect_fec(path)
    except BadInput as error:
        return ConformanceReport(str(path), False, (_unreadable(path, error),))
    tally, books = FecTally(), Books()
    try:
        for table in read_fec(fec, tally):
            books.add(table)
    except FecRefused as error:
        findings = (*_refusals(error), *_warnings(tally.summary()))
        return ConformanceReport(str(path), False, findings, _facts(fec))
    except BadInput as error:
        return ConformanceReport(str(path), False, (_unreadable(path, error),), _facts(fec))
    return _full_report(fec, tally.summary(), books)


def _full_report(fec: FecFile, summary: FecSummary, books: Books) -> ConformanceReport:
    entries, lettering = books.entries(), books.letterings()
    findings = [*_warnings(summary), *_book_findings(summary, books, entries, lettering)]
    return ConformanceReport(
        path=str(fec.path),
        can_be_loaded=True,
        findings=tuple(sorted(findings, key=lambda finding: _LEVELS.index(finding.level))),
        facts=_facts(fec),
        totals=LedgerTotals(
            summary.line_count,
            summary.total_debit,
            summary.total_credit,
            summary.balance,
            summary.first_entry_date,
            summary.last_entry_date,
        ),
        entry_method="balanced_run" if books.number_is_constant else "number",
        entries=entries,
        lettering=lettering,
        receivables=books.receivables(),
    )


def _facts(fec: FecFile) -> FileFacts:
    return FileFacts(
        siren=fec.siren,
        closing_date=fec.closing_date,
        part=fec.part,
        kind=fec.kind,
        encoding=fec.encoding,
        has_bom=fec.has_bom,
        separator=_SEPARATOR_NAMES[fec.separator],
        line_end=fec.line_end,
        amount_form=fec.amount_form,
        columns=fec.columns,
        size_bytes=fec.size_bytes,
    )


def _finding(code: str, count: int, lines: tuple[int, ...], explanation: str) -> Finding:
    level, mend = _RULES[code]
    return Finding(code, level, count, tuple(line for line in lines if line), explanation, mend)


def _unreadable(path: Path, error: BadInput) -> Finding:
    _, found, line = error.where.removeprefix(str(path)).partition(", line ")
    lines = (int(line),) if found and line.isdigit() else ()
    return Finding("unreadable", "error", 1, lines, error.what, error.mend)


def _refusals(error: FecRefused) -> Iterator[Finding]:
    """One finding for each column and reason."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for line in error.refused:
        groups[line.column, line.reason].append(line.line_no)
    for (column, reason), lines in groups.items():
        explanation = f"{column}: {reason}" if column else reason
        yield Finding(
            "line_refused", "error", len(lines), tuple(lines[:_SHOWN]), explanation, error.mend
        )


def _warnings(summary: FecSummary) -> Iterator[Finding]:
    for warning in summary.warnings:
        column = f"{warning.column}: " if warning.column else ""
        yield _finding(
            warning.code, warning.count, (warning.first_line,), f"{column}{warning.message}"
        )


def _book_findings(
    summary: FecSummary, books: Books, entries: Groups, lettering: Groups
) -> Iterator[Finding]:
    if entries.unbalanced:
        what = f"{entries.unbalanced} of {entries.count} entries do not balance"
        yield _finding("entries_unbalanced", entries.unbalanced, entries.first_lines, what)
    gaps = books.number_gaps()
    if gaps and gaps.missing:
        where = (
            "the sequences of the journals skip" if gaps.is_per_journal else "the sequence skips"
        )
        yield _finding("numbering_gaps", gaps.missing, (), f"{where} {gaps.missing} entry numbers")
    if not summary.receivable_line_count:
        yield _finding("no_receivables", 1, (), "no line on a receivable account")
        return
    if lettering.unbalanced:
        what = f"{lettering.unbalanced} of {lettering.count} lettering groups do not balance"
        yield _finding("lettering_unbalanced", lettering.unbalanced, lettering.first_lines, what)
    receivable = summary.receivable_line_count
    if not lettering.count:
        what = "receivable lines carry no lettering: payments will be matched oldest first"
        yield _finding("no_lettering", receivable, (), what)
    if books.receivable_without_auxiliary:
        missing = books.receivable_without_auxiliary
        what = f"{missing} of {receivable} receivable lines name no auxiliary account"
        yield _finding("auxiliary_missing", missing, (), what)
    if not books.lines_with_due_date:
        what = "no due date, which the law does not ask for: due dates will be estimated"
        yield _finding("no_due_date", receivable, (), what)


def _report_values(report: ConformanceReport) -> dict[str, object]:
    facts, totals = report.facts, report.totals
    return {
        "path": report.path,
        "can_be_loaded": report.can_be_loaded,
        "findings": [
            {
                "code": finding.code,
                "level": finding.level,
                "count": finding.count,
                "first_lines": list(finding.first_lines),
                "explanation": finding.explanation,
                "mend": finding.mend,
            }
            for finding in report.findings
        ],
        "file": facts
        and {
            **vars(facts),
            "closing_date": _iso(facts.closing_date),
            "columns": list(facts.columns),
        },
        "totals": totals
        and {
            "line_count": totals.line_count,
            "debit": str(totals.debit),
            "credit": str(totals.credit),
            "balance": str(totals.balance),
            "first_entry_date": _iso(totals.first_entry_date),
            "last_entry_date": _iso(totals.last_entry_date),
        },
        "entries": report.entries
        and {"method": report.entry_method, **_group_values(report.entries)},
        "lettering": report.lettering and _group_values(report.lettering),
        "receivables": [
            {
                "prefix": account.prefix,
                "line_count": account.line_count,
                "balance": str(account.balance),
            }
            for account in report.receivables
        ],
        "receivable_total": str(report.receivable_total) if totals else None,
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _group_values(groups: Groups) -> dict[str, object]:
    return {"count": groups.count, "balanced": groups.balanced, "unbalanced": groups.unbalanced}


def _report_lines(report: ConformanceReport) -> Iterator[str]:
    verdict = "can be loaded" if report.can_be_loaded else "CANNOT be loaded"
    yield f"{report.path}: {verdict}"
    if report.facts:
        yield from _fact_lines(report.facts)
    if report.totals:
        yield from _total_lines(report, report.totals)
    counts = ", ".join(f"{report.count(level)} {level}" for level in _LEVELS)
    yield f"Findings: {counts}"
    for finding in report.findings:
        lines = ", ".join(map(str, finding.first_lines))
        where = f" [line {lines}]" if lines else ""
        times = f" ({finding.count:,} times)" if finding.count > 1 else ""
        yield f"  {finding.level:<7} {finding.code}: {finding.explanation}{times}{where}"
        if finding.mend:
            yield f"          -> {finding.mend}"


def _fact_lines(facts: FileFacts) -> Iterator[str]:
    closing = _iso(facts.closing_date) or "unknown"
    yield f"  company {facts.siren or 'unknown'}, year closing on {closing}"
    form = f"{facts.kind}, {facts.encoding}{' with mark' if facts.has_bom else ''}"
    yield (
        f"  {form}, separator {facts.separator}, line end {facts.line_end}, "
        f"{len(facts.columns)} columns, {facts.amount_form}, {facts.size_bytes:,} bytes"
    )


def _total_lines(report: ConformanceReport, totals: LedgerTotals) -> Iterator[str]:
    first, last = _iso(totals.first_entry_date), _iso(totals.last_entry_date)
    yield f"  {totals.line_count:,} lines from {first} to {last}"
    yield f"  debit {totals.debit:,}  credit {totals.credit:,}  balance {totals.balance:,}"
    if report.entries:
        method = "balanced runs" if report.entry_method == "balanced_run" else "journal and number"
        yield (
            f"  {report.entries.count:,} entries by {method}, "
            f"{report.entries.unbalanced:,} do not balance"
        )
    if report.lettering:
        yield (
            f"  {report.lettering.count:,} lettering groups on receivables, "
            f"{report.lettering.unbalanced:,} do not balance"
        )
    for account in report.receivables:
        yield f"  accounts {account.prefix}: {account.line_count:,} lines, {account.balance:,}"
    yield f"  receivables in all: {report.receivable_total:,}"
