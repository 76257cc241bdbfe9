"""Texts that somebody may write into a name or a number, and that nothing may take for more."""

from __future__ import annotations

import csv
from pathlib import Path

HOSTILE = (
    "'; drop schema marts cascade; --",
    '"; delete from ops.run; --',
    "Robert'); drop table dim_customer; --",
    "$$; drop schema ops cascade; $$",
    "\\'; select pg_sleep(60); --",
    "%s %(name)s {0} {{ 1 / 0 }} {% raw %}",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(A1)",
    "-2+3",
    "NULL",
    "\\N",
    "\\.",
    "true",
    "<script>alert(1)</script> &amp; ]]>",
    "${jndi:ldap://localhost/a}",
    'O\'Brien & Söhne, "Ltd"; /* 1 */',
)


# What QuickBooks keeps of the number of a document.
SHORTEST = 21
# What Sage 100 keeps of the number of a customer.
SHORTEST_ID = 17
# Of the flat files, columns that hold ids, and of what; ids that nothing else names are free text.
KINDS_OF_ID = {
    "entity_id": "entity",
    "customer_id": "customer",
    "document_id": "document",
    "credited_document_id": "document",
    "payment_id": "document",
    "source_id": "document",
}
FREE = {
    "entities": {"entity_name"},
    "customers": {"vat_number"},
    "payments": {"method"},
    "allocations": {"allocation_id"},
    "write_offs": {"write_off_id", "reason"},
    "disputes": {"dispute_id", "reason"},
    "promises": {"promise_id"},
    "collection_cases": {"case_id"},
    "dunning_actions": {"action_id", "level", "channel", "collector"},
    "credit_decisions": {
        *("buyer_id", "buyer_id_type", "provider", "policy_ref", "decision_status"),
        *("grade", "event_type"),
    },
    "ledger_balances": {"account"},
}
# Columns that few values share, and columns of one's own, whose names are such texts too.
OWN_COLUMNS = (HOSTILE[0], HOSTILE[5], HOSTILE[14])
SEGMENTS = {
    "customers": ("sector", "region", "size_band", "payment_terms", "portfolio", *OWN_COLUMNS),
    "documents": OWN_COLUMNS,
}


def hostile(number: int, longest: int = 100) -> str:
    """One of them, told apart by its number, cut to what every system keeps."""
    told = f" {number}"
    return HOSTILE[number % len(HOSTILE)][: longest - len(told)].rstrip() + told


def add_spoilt_company(folder: Path, out: Path, day: str) -> dict[str, dict[str, str]]:
    """The company of the flat files in `folder`, and in `out` beside it the same with such a text
    wherever its files may hold one: ids, segments, names and values of attributes, and a row of
    each file that it has not, dated `day`, about a paid invoice. Returns what stands for the ids,
    by kind.
    """
    ids: dict[str, dict[str, str]] = {}
    tables = {path.stem: _read(path) for path in sorted(folder.glob("*.csv"))}
    paid = next(row for row in tables["allocations"] if row["source_type"] == "payment")
    (invoice,) = [r for r in tables["documents"] if r["document_id"] == paid["document_id"]]
    tables |= _about(invoice, day)
    for name, rows in tables.items():
        for number, row in enumerate(rows):
            for column in row.keys() & KINDS_OF_ID.keys():
                of_kind = ids.setdefault(KINDS_OF_ID[column], {})
                if row[column]:
                    row[column] = of_kind.setdefault(row[column], hostile(len(of_kind)))
            row |= {column: hostile(number) for column in row.keys() & FREE.get(name, set())}
            row |= {column: hostile(number % 5) for column in SEGMENTS.get(name, ())}
        plain = _read(folder / f"{name}.csv") if (folder / f"{name}.csv").exists() else []
        _write(out / f"{name}.csv", [*plain, *rows])
    return ids


def _about(invoice: dict[str, str], day: str) -> dict[str, list[dict[str, str]]]:
    """What else may be told of an invoice, without a figure of it being another one."""
    about = {name: invoice[name] for name in ("entity_id", "document_id", "customer_id")}
    of_document = {name: about[name] for name in ("entity_id", "document_id")}
    return {
        "write_offs": [
            {**of_document, "write_off_id": "1", "write_off_date": day, "amount": "0", "reason": ""}
        ],
        "disputes": [
            {**of_document, "dispute_id": "1", "opened_on": day, "closed_on": day, "reason": ""}
        ],
        "promises": [
            {**about, "promise_id": "1", "amount": "1", "promised_date": day, "recorded_on": day}
        ],
        "collection_cases": [
            {**of_document, "case_id": "1", "stage": "collection", "opened_on": day}
            | {"closed_on": day}
        ],
        "dunning_actions": [
            {**about, "action_id": "1", "action_date": day, "level": "", "channel": ""}
            | {"collector": ""}
        ],
        "credit_decisions": [
            {"buyer_id": "1", "buyer_id_type": "", "provider": "", "policy_ref": ""}
            | {"decision_status": "", "grade": "", "event_type": "", "valid_from": day}
        ],
        "ledger_balances": [
            {"entity_id": about["entity_id"], "account": "1", "balance_date": day, "balance": "0"}
        ],
    }


def spoil(path: Path, column: str, longest: int = 100) -> None:
    """Put them into a column of a CSV file, where it holds something."""
    rows = _read(path)
    for number, row in enumerate(rows):
        row[column] = hostile(number, longest) if row[column] else ""
    _write(path, rows)


def spoil_ids(folder: Path, column: str, longest: int) -> None:
    """Put one for each id into the column, in every file of the folder that has it."""
    known: dict[str, str] = {}
    for path in sorted(folder.glob("*.csv")):
        rows = _read(path)
        if column in rows[0]:
            for row in rows:
                row[column] = known.setdefault(row[column], hostile(len(known), longest))
            _write(path, rows)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[-1]), restval="")
        writer.writeheader()
        writer.writerows(rows)
