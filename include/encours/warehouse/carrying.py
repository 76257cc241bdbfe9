"""Month ends whose facts did not change are taken over from the publication before.

The models find them (int_carried_dates) and work out the other dates only, with the last carried
month end beside them for what is compared with the date before. When their tests have passed over
that, the candidate is completed here: the rows of the carried month ends come from the published
marts, and the open items of today, which are always worked out whole, must agree with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import psycopg
from psycopg import sql

from encours.quality.results import MAX_SAMPLE_KEYS, CheckResult, key_of
from encours.warehouse.previous import CARRIED
from encours.warehouse.previous import SCHEMA as PREVIOUS
from encours.warehouse.publication import CANDIDATE

MARK = "completed with carried month ends"
CHECK = ("mart_aged_balance", "carried_month_ends_equal_positions")
# Positions that are first seen, and first missed, at the same month ends are added up before they
# meet the dates between.
DISAGREEING = """
with spans as (
    select
        entity_id,
        (date_trunc('month', valid_from) + interval '1 month - 1 day')::date as seen_from,
        (date_trunc('month', valid_to) + interval '1 month - 1 day')::date as seen_to,
        sum(open_company_amount) as open_company_amount
    from {positions}
    group by 1, 2, 3
),

positions as (
    select
        dates.as_of_date,
        spans.entity_id,
        sum(spans.open_company_amount) as open_company_amount
    from unnest(%(dates)s::date[]) as dates (as_of_date)
    inner join spans
        on
            spans.seen_from <= dates.as_of_date
            and (spans.seen_to is null or spans.seen_to > dates.as_of_date)
    group by 1, 2
),

carried as (
    select
        as_of_date,
        entity_id,
        sum(open_company_amount) as open_company_amount
    from {aged_balance}
    where as_of_date = any(%(dates)s::date[])
    group by 1, 2
)

select
    entity_id,
    as_of_date,
    coalesce(positions.open_company_amount, 0) as positions_company_amount,
    coalesce(carried.open_company_amount, 0) as carried_company_amount
from positions
full outer join carried
    using (as_of_date, entity_id)
where coalesce(positions.open_company_amount, 0) <> coalesce(carried.open_company_amount, 0)
order by as_of_date, entity_id
"""


def carried_dates(connection: psycopg.Connection) -> list[date]:
    """The month ends that the models of the last build left out, oldest first."""
    rows = connection.execute(
        "select as_of_date from intermediate.int_carried_dates order by 1"
    ).fetchall()
    connection.commit()
    return [row[0] for row in rows]


def is_completed(connection: psycopg.Connection, schema: str = CANDIDATE) -> bool:
    """Whether the marts have their carried month ends already: a step may be tried again.

    Each mart bears its own mark, so that one which is built anew has none.
    """
    with connection.transaction():
        row = connection.execute(
            "select bool_and(coalesce(obj_description(to_regclass(name)) = %s, false))"
            " from unnest(%s::text[]) as names (name)",
            [MARK, [f"{schema}.{name}" for name in CARRIED]],
        ).fetchone()
    return row is not None and bool(row[0])


def complete_candidate(
    connection: psycopg.Connection, dates: Sequence[date], schema: str = CANDIDATE
) -> Mapping[str, int]:
    """Add the rows of the carried dates to every mart that has them, all or none.

    Returns the rows of each completed mart. A table is written anew: rows that are added to it in
    the transaction that makes it need no log, and what the models made of the last carried date,
    without the date before it, is left behind.
    """
    with connection.transaction():
        return {
            name: _complete(connection, schema, name, column, dates)
            for name, column in CARRIED.items()
        }


def check_carried(
    connection: psycopg.Connection, dates: Sequence[date], schema: str = CANDIDATE
) -> CheckResult:
    """Whether what was open at the carried dates, worked out anew, is what their marts show."""
    query = sql.SQL(DISAGREEING).format(
        positions=sql.Identifier(schema, "fct_open_item_positions"),
        aged_balance=sql.Identifier(schema, "mart_aged_balance"),
    )
    with connection.transaction():
        rows = connection.execute(query, {"dates": list(dates)}).fetchall()
    return CheckResult(
        table_name=CHECK[0],
        check_name=CHECK[1],
        severity="critical",
        state="failed" if rows else "passed",
        observed_value=str(len(rows)),
        details="; ".join(
            f"{entity} {day}: open items {positions}, carried {carried}"
            for entity, day, positions, carried in rows[:3]
        ),
        sample_keys=tuple(key_of(row[:2]) for row in rows[:MAX_SAMPLE_KEYS]),
        why="A month end that is taken over must still be what the open items of that day sum to;"
        " else run again with --full.",
        sample_columns=("entity_id", "as_of_date"),
        row_count=len(rows),
        figure=str(rows[0][3]) if rows else None,
        at_least=str(rows[0][2]) if rows else None,
        at_most=str(rows[0][2]) if rows else None,
    )


def _complete(
    connection: psycopg.Connection, schema: str, name: str, column: str, dates: Sequence[date]
) -> int:
    table = sql.Identifier(schema, name)
    completed = sql.Identifier(schema, f"{name}_completed")
    connection.execute(sql.SQL("create table {} (like {} including all)").format(completed, table))
    names = sql.SQL(", ").join(map(sql.Identifier, _columns(connection, schema, name)))
    count = 0
    for origin, condition in (
        (table, "{} > %(last)s"),
        (sql.Identifier(PREVIOUS, name), "{} = any(%(dates)s)"),
    ):
        query = sql.SQL("insert into {} ({}) select {} from {} where " + condition).format(
            completed, names, names, origin, sql.Identifier(column)
        )
        count += connection.execute(query, {"last": max(dates), "dates": list(dates)}).rowcount
    connection.execute(sql.SQL("drop table {}").format(table))
    connection.execute(
        sql.SQL("alter table {} rename to {}").format(completed, sql.Identifier(name))
    )
    connection.execute(sql.SQL("comment on table {} is {}").format(table, sql.Literal(MARK)))
    connection.execute(sql.SQL("analyze {}").format(table))
    return count


def _columns(connection: psycopg.Connection, schema: str, name: str) -> list[str]:
    rows = connection.execute(
        "select column_name from information_schema.columns"
        " where table_schema = %s and table_name = %s order by ordinal_position",
        [schema, name],
    ).fetchall()
    return [row[0] for row in rows]
