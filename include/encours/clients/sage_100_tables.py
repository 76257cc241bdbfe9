"""What is read of Sage 100's tables: statements that SELECT, and what a page of rows holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from encours.clients.api import Exchange, Record
from encours.clients.json_numbers import read_json
from encours.errors import FatalError

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause, Select

# Customers, bills receivable, doubtful customers: the accounts that are receivables.
RECEIVABLE_ACCOUNTS = ("411", "413", "416")
CUSTOMER = 0


@dataclass(frozen=True)
class StreamShape:
    """What is read of a table. `columns` must be there, `optional` ones are read where they are;
    `only` is a condition of equality; `lists_keys` reads the keys alone. A table that is `absent`
    in some installations is read as empty there."""

    table: str
    key: str
    columns: tuple[str, ...]
    optional: tuple[str, ...] = ()
    only: tuple[tuple[str, int], ...] = ()
    amounts: tuple[str, ...] = ()
    lists_keys: bool = False
    may_be_absent: bool = False

    @property
    def has_moments(self) -> bool:
        return "cbModification" in self.columns


_LEDGER_COLUMNS = (
    "EC_No",
    "JO_Num",
    "JM_Date",
    "EC_Jour",
    "EC_Piece",
    "EC_RefPiece",
    "CG_Num",
    "CT_Num",
    "EC_Echeance",
    "EC_Sens",
    "EC_Montant",
    "EC_Lettrage",
    "EC_ANType",
    "cbModification",
)

STREAMS: Mapping[str, StreamShape] = {
    "ledger_lines": StreamShape(
        "F_ECRITUREC",
        "EC_No",
        _LEDGER_COLUMNS,
        optional=("N_Reglement",),
        amounts=("EC_Montant",),
    ),
    "ledger_line_ids": StreamShape("F_ECRITUREC", "EC_No", ("EC_No",), lists_keys=True),
    "receipts": StreamShape(
        "F_CREGLEMENT",
        "RG_No",
        ("RG_No", "CT_NumPayeur", "RG_Date", "RG_Montant", "RG_Type", "cbModification"),
        only=(("RG_Type", CUSTOMER),),
        amounts=("RG_Montant",),
        may_be_absent=True,
    ),
    "customers": StreamShape(
        "F_COMPTET",
        "CT_Num",
        ("CT_Num", "CT_Type", "CT_Intitule"),
        optional=("CT_Siret", "CT_Identifiant"),
        only=(("CT_Type", CUSTOMER),),
    ),
    "companies": StreamShape("P_DOSSIER", "D_RaisonSoc", ("D_RaisonSoc",), optional=("D_Siret",)),
}


def page_of(
    shape: StreamShape,
    columns: Sequence[str],
    *,
    after: int | str | None,
    since: datetime | None,
    limit: int,
) -> Select[Any]:
    """The next rows of a stream in the order of its key. Of a ledger, whole entries that touch a
    receivable; since a moment, those of which a line was touched since."""
    from sqlalchemy import select

    rows = _table(shape.table, columns)
    key = rows.c[shape.key]
    statement = select(*(rows.c[name] for name in columns)).order_by(key).limit(limit)
    for name, value in shape.only:
        statement = statement.where(rows.c[name] == value)
    if after is not None:
        statement = statement.where(key > after)
    if shape.table == "F_ECRITUREC":
        statement = statement.where(_entry_has_receivable(rows))
        if since is not None:
            statement = statement.where(_entry_was_touched(rows, since))
    elif since is not None and shape.has_moments:
        statement = statement.where(rows.c.cbModification >= _moment(since))
    return statement


def _table(name: str, columns: Sequence[str]) -> FromClause:
    from sqlalchemy import column, table

    # Each line is compared with the other lines of its entry: by columns that may not be selected.
    known = dict.fromkeys((*columns, *(_LEDGER_COLUMNS if name == "F_ECRITUREC" else ())))
    return table(name, *(column(each) for each in known))


def _entry_has_receivable(rows: FromClause) -> ColumnElement[bool]:
    from sqlalchemy import exists, or_

    other = _table("F_ECRITUREC", _LEDGER_COLUMNS).alias("receivable")
    accounts = or_(*(other.c.CG_Num.like(f"{account}%") for account in RECEIVABLE_ACCOUNTS))
    return exists().where(*_same_entry(rows, other), accounts)


def _entry_was_touched(rows: FromClause, since: datetime) -> ColumnElement[bool]:
    """A line that was added may make a receivable entry of lines that nobody touched."""
    from sqlalchemy import exists

    other = _table("F_ECRITUREC", _LEDGER_COLUMNS).alias("touched")
    return exists().where(*_same_entry(rows, other), other.c.cbModification >= _moment(since))


def _same_entry(rows: FromClause, other: FromClause) -> tuple[ColumnElement[bool], ...]:
    from sqlalchemy import func

    return (
        rows.c.JO_Num == other.c.JO_Num,
        rows.c.JM_Date == other.c.JM_Date,
        rows.c.EC_Jour == other.c.EC_Jour,
        func.coalesce(rows.c.EC_Piece, "") == func.coalesce(other.c.EC_Piece, ""),
    )


def _moment(since: datetime) -> ColumnElement[datetime]:
    """Moments are told as the clock of the server shows them: kept as if they were UTC."""
    from sqlalchemy import DateTime, literal

    return literal(since.astimezone(UTC).replace(tzinfo=None), DateTime())


# ---------------------------------------------------------------------- records of an exchange


def read_records(stream: str, exchange: Exchange) -> list[Record]:
    """The records of one page. A payload is the row, by the names of its columns; of a listing of
    keys it is the key alone."""
    shape = STREAMS[stream]
    return [_record(stream, shape, row) for row in rows_of(shape, exchange.body)]


def rows_of(shape: StreamShape, body: bytes) -> list[Any]:
    value = read_json(body)
    if not isinstance(value, list):
        raise FatalError(f"sage_100: a page of {shape.table} is no list")
    return value


def key_of(shape: StreamShape, row: Mapping[str, Any]) -> int | str:
    value = row.get(shape.key)
    if type(value) not in (int, str) or value == "":
        raise FatalError(f"sage_100: a row of {shape.table} has no {shape.key}")
    assert isinstance(value, int | str)
    return value


def _record(stream: str, shape: StreamShape, row: Any) -> Record:
    if not isinstance(row, dict):
        raise FatalError(f"sage_100: a row of {shape.table} is no record")
    if stream == "companies":
        # A database is that of one company.
        return Record("1", row)
    key = key_of(shape, row)
    where = f"sage_100: {shape.table} {key}"
    for name in shape.columns:
        if name not in row:
            raise FatalError(f"{where} has no {name}")
    for name in shape.amounts:
        if type(row[name]) not in (int, Decimal):
            raise FatalError(f"{where}: {name} is no number")
    if "EC_Sens" in shape.columns:
        _check_ledger_line(where, row)
    return Record(str(key), row, _touched_at(where, row) if shape.has_moments else None)


def _check_ledger_line(where: str, row: Mapping[str, Any]) -> None:
    """FatalError where a value is not what sides and dates rest upon."""
    if row["EC_Sens"] not in (0, 1):
        raise FatalError(f"{where}: EC_Sens is neither 0 (debit) nor 1 (credit)")
    if type(row["EC_Jour"]) is not int or not 1 <= row["EC_Jour"] <= 31:
        raise FatalError(f"{where}: EC_Jour is no day of a month")
    if not re.match(r"\d{4}-\d\d-\d\d", str(row["JM_Date"])):
        raise FatalError(f"{where}: JM_Date is no date")
    if not isinstance(row["CG_Num"], str):
        raise FatalError(f"{where}: CG_Num is no account")
    if row["EC_Lettrage"] is not None and not isinstance(row["EC_Lettrage"], str):
        raise FatalError(f"{where}: EC_Lettrage is no text")
    if type(row["EC_ANType"]) not in (int, type(None)):
        raise FatalError(f"{where}: EC_ANType is no number")


def _touched_at(where: str, row: Mapping[str, Any]) -> datetime | None:
    """Programs that write past Sage may leave it empty; reading everything finds their rows."""
    value = row["cbModification"]
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    except (TypeError, ValueError):
        raise FatalError(f"{where}: cbModification is no moment") from None
