"""A company is read by its documents or by its ledger: both ways, everything would count twice."""

from __future__ import annotations

import psycopg
from psycopg import sql

from encours.errors import BadInput
from encours.sources.registry import API_SOURCES


def check_read_once(connection: psycopg.Connection) -> None:
    """BadInput where the books hold a FEC of a company and its documents of a source that exports
    one, too. Called in the transaction that loads either, which it undoes."""
    for source in API_SOURCES.values():
        if source.ledger_export is None:
            continue
        row = connection.execute(
            sql.SQL(
                "select companies.entity_id, ledgers.entity_id from {} as companies"
                " inner join raw_fec.ledger_files as ledgers"
                " on left(companies.payload ->> {}, 9) = ledgers.payload ->> 'siren' limit 1"
            ).format(
                sql.Identifier(f"raw_{source.key}", source.ledger_export.company_stream),
                sql.Literal(source.ledger_export.siren_field),
            )
        ).fetchone()
        if row is not None:
            raise BadInput(
                f"company {row[1]} would count twice: by its documents ({source.key}, entity"
                f" {row[0]}) and by its FEC",
                mend="read it one way in this home, and the other way in a home of its own",
            )
