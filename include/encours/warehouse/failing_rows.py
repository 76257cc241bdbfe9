"""The keys of the rows that a failed test of the models finds, so that a person finds them too.

Ids, companies, dates and what else tells rows apart; names and amounts stay in the database.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import psycopg

from encours.quality.results import MAX_SAMPLE_KEYS, key_of

log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 60
KEYS = frozenset(
    {
        *("source", "stream", "account", "ledger_account", "currency_code", "month_start"),
        *("scope_type", "scope_value", "bucket", "attribute", "measure", "item"),
        *("valid_from", "valid_to", "instalment_no", "line_no", "movement_type", "scenario"),
        # What dbt's test of a foreign key calls it.
        "from_field",
    }
)
_ENDINGS_OF_KEYS = ("_id", "_key", "_date", "_month")


@dataclass(frozen=True)
class FoundKeys:
    """Up to 20 keys, and the columns that each is made of."""

    columns: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def find_keys(connection: psycopg.Connection, query: str) -> FoundKeys:
    """The keys of the rows that `query` selects; none where it gives no answer in time: that the
    test has failed is known without them."""
    try:
        with connection.transaction():
            connection.execute(
                "select set_config('statement_timeout', %s, true)", [f"{TIMEOUT_SECONDS}s"]
            )
            statement = b"select * from (\n%s\n) as offending limit %d"
            cursor = connection.execute(statement % (query.encode(), MAX_SAMPLE_KEYS))
            rows = cursor.fetchall()
    except psycopg.Error as error:
        # Without its message, which may quote a value.
        log.warning("the rows of a failed test were not read: %s", type(error).__name__)
        return FoundKeys()
    columns = [column.name for column in cursor.description or ()]
    places = [place for place, name in enumerate(columns) if _is_key(name)]
    if not places:
        return FoundKeys()
    keys = (key_of(row[place] for place in places) for row in rows)
    return FoundKeys(tuple(columns[place] for place in places), tuple(dict.fromkeys(keys)))


def _is_key(column: str) -> bool:
    return column in KEYS or column.endswith(_ENDINGS_OF_KEYS)
