"""Marts of many small ledgers, made in two ways.

`build` runs dbt as the project does, with many ledgers as many entities of one build. `attempt`
runs the same compiled SQL, in the same order, in one transaction that is rolled back: half a second
instead of twenty, which is what lets a failing ledger shrink.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from psycopg import sql
from psycopg.rows import tuple_row

from encours.settings import Settings
from marts_content import Row, schema_content
from oracle.choices import Chosen
from oracle.compared import TABLES
from oracle.ledger import Ledger, write_delivery
from oracle.published import Marts, read_marts

# Later than anything that a test loads.
KNOWN_ON = datetime(2100, 1, 1, tzinfo=UTC)
PREVIOUS = "previous"
KNOWN_BEFORE = datetime(2099, 1, 1, tzinfo=UTC)
ATTEMPT = "attempt"
FOLLOWED = "followed"
# What an attempt makes: these and all that they read. Without a FEC, the models of the FEC stay as
# the last build left them, empty.
READ = (
    "int_refused_rows",
    "fct_open_items",
    "fct_open_item_positions",
    "fct_receivable_movements",
    "mart_aged_balance",
    "mart_aged_balance_by_issue_date",
    "mart_aged_balance_by_scope",
    "mart_outstanding",
    "mart_dso",
    "mart_dso_explain",
    "mart_future_dated_documents",
    "mart_top_debtors",
    "mart_top_overdue_invoices",
    *(table.name for table in TABLES),
)
DECIMAL = re.compile(r"-?\d+\.\d+")
RELATION = re.compile(r'"\w+"\."(\w+)"\."(\w+)"')
REFUSED_WHILE_LOADING = """
select coalesce(split_part(record_key, '|', 1), ''), stream || ': ' || reason
from ops.rejected_row where found_by = 'load' and run_id = %s
"""


@dataclass(frozen=True)
class Following:
    """Marts that follow on others: which month ends and how many items they took over, what they
    say, and what they say when they take nothing."""

    carried_dates: tuple[date, ...]
    carried_items: int
    carried: Mapping[str, list[Row]]
    whole: Mapping[str, list[Row]]


class Workshop:
    """A home with a running server that holds the last build only."""

    def __init__(self, settings: Settings) -> None:
        from encours.warehouse.connections import connect, open_warehouse

        self.settings = settings
        self.url = open_warehouse(settings).pipeline_url
        self.connection = connect(self.url)
        self._number = 0
        self._compiled: tuple[tuple[str, str], ...] = ()
        self._all_compiled: tuple[tuple[str, str], ...] = ()
        self._compiled_as_of = date.min

    def close(self) -> None:
        self.connection.close()

    # --- a build as users have it --------------------------------------------------------------

    def build(
        self,
        folder: Path,
        as_of: date,
        *,
        ledgers: Mapping[str, Ledger] | None = None,
        home: Chosen = (),
    ) -> None:
        """Load a delivery into an empty warehouse and build all layers into marts_candidate.

        Of the ledgers only the choices are read: they are no part of a delivery.
        """
        from encours.transform import dbt
        from encours.warehouse.publication import prepare_candidate

        self._empty()
        self._choose(ledgers or {}, home)
        self.connection.commit()
        run_id = self._load(folder)
        prepare_candidate(self.connection, run_id)
        self.connection.commit()
        build = dbt.Build(run_id, as_of, KNOWN_ON)
        for layer in dbt.LAYERS:
            dbt.run_layer(self.settings, self.url, build, layer)
        compiled = self.settings.runs_dir / run_id / "target" / "compiled"
        self._compiled = in_order(compiled, READ)
        self._all_compiled = in_order(compiled, published_names(compiled))
        self._compiled_as_of = as_of

    def build_ledgers(
        self,
        ledgers: Mapping[str, Ledger],
        as_of: date,
        days: Mapping[str, Iterable[date]],
        *,
        home: Chosen = (),
    ) -> Marts:
        self.build(self._write(ledgers), as_of, ledgers=ledgers, home=home)
        return self.read_build(days)

    def read_build(self, days: Mapping[str, Iterable[date]]) -> Marts:
        """What the last build made of the entities, with their positions at these days."""
        return self._read("marts_candidate", "intermediate", self._run_id, days)

    # --- a build in half a second --------------------------------------------------------------

    def attempt(
        self,
        ledgers: Mapping[str, Ledger],
        as_of: date,
        days: Mapping[str, Iterable[date]],
        *,
        home: Chosen = (),
        before: Mapping[str, Ledger] | None = None,
    ) -> Marts:
        """The marts of these ledgers by the compiled SQL of the last build; nothing is kept.

        `before` is delivered first, as the books stood then.
        """
        assert self._compiled, "nothing is compiled yet: build first"
        try:
            with self.connection.transaction(force_rollback=True):
                self._truncate_raw()
                if before is not None:
                    self._load(self._write(before))
                    self._drop_incoming()
                run_id = self._load(self._write(ledgers))
                self._choose(ledgers, home)
                self.connection.execute(f"create schema {ATTEMPT}")
                for name, text in self._compiled:
                    self.connection.execute(self._statement(name, text, as_of))
                return self._read(ATTEMPT, ATTEMPT, run_id, days)
        finally:
            shutil.rmtree(self.settings.landing_dir, ignore_errors=True)

    def follow(self, before: Ledger, after: Ledger, first: date, then: date) -> Following:
        """Marts of `before`, then those of `after` as they follow on them, and worked out whole.

        By the compiled SQL of the last build; nothing is kept.
        """
        assert self._all_compiled, "nothing is compiled yet: build first"
        try:
            with self.connection.transaction(force_rollback=True):
                self._truncate_raw()
                self._load(self._write({"L": before}))
                self._choose({"L": before})
                self._make_all(first, KNOWN_BEFORE)
                self.connection.execute(f"alter schema {ATTEMPT} rename to {FOLLOWED}")
                self._drop_incoming()
                self._load(self._write({"L": after}))
                self._choose({"L": after})
                self._point_previous(can_carry=True)
                self._make_all(then, KNOWN_ON)
                dates = self._complete()
                items = self._count("fct_items") - self._count("int_items")
                carried = self._content()
                self.connection.execute(f"drop schema {ATTEMPT} cascade")
                self._point_previous(can_carry=False)
                self._make_all(then, KNOWN_ON)
                return Following(tuple(dates), items, carried, self._content())
        finally:
            shutil.rmtree(self.settings.landing_dir, ignore_errors=True)

    def _count(self, name: str) -> int:
        row = self.connection.execute(f"select count(*) from {ATTEMPT}.{name}").fetchone()
        assert row is not None
        return int(row[0])

    def _make_all(self, as_of: date, known_on: datetime) -> None:
        self.connection.execute(f"create schema {ATTEMPT}")
        for name, text in self._all_compiled:
            known = text.replace(KNOWN_ON.isoformat(), known_on.isoformat())
            self.connection.execute(self._statement(name, known, as_of))

    def _point_previous(self, *, can_carry: bool) -> None:
        """Schema `previous` over the marts that are followed."""
        from encours.warehouse.previous import show_marts

        self.connection.execute(f"drop schema {PREVIOUS} cascade; create schema {PREVIOUS}")
        show_marts(self.connection, FOLLOWED, PREVIOUS, can_carry=can_carry)

    def _complete(self) -> list[date]:
        from encours.warehouse.carrying import check_carried, complete_candidate

        rows = self.connection.execute(
            f"select as_of_date from {ATTEMPT}.int_carried_dates order by 1"
        ).fetchall()
        dates = [row[0] for row in rows]
        if dates:
            complete_candidate(self.connection, dates, ATTEMPT)
            assert check_carried(self.connection, dates, ATTEMPT).state == "passed"
        return dates

    def _content(self) -> dict[str, list[Row]]:
        """Of the tables that are published; the others stand beside them here."""
        content = schema_content(self.connection, ATTEMPT)
        return {
            name: sorted((tuple(map(_same_scale, row)) for row in rows), key=str)
            for name, rows in content.items()
            if not name.startswith(("int_", "stg_"))
        }

    def _statement(self, name: str, text: str, as_of: date) -> str:
        kind = "view" if name.startswith("stg_") else "table"
        dated = text.replace(f"'{self._compiled_as_of}'", f"'{as_of}'")
        return f"create {kind} {ATTEMPT}.{name} as {dated}"

    # --- steps ---------------------------------------------------------------------------------

    def _choose(self, ledgers: Mapping[str, Ledger], home: Chosen = ()) -> None:
        """Through the file of the home: what it would refuse, no test may choose."""
        from encours.orchestration.choices import read_chosen, write_chosen

        entities = {entity: dict(of.choices) for entity, of in ledgers.items() if of.choices}
        text = json.dumps({**dict(home), "entities": entities})
        (self.settings.home / "policies.yml").write_text(text)
        write_chosen(self.connection, read_chosen(self.settings))

    def _empty(self) -> None:
        from encours.loading.raw_schema import ensure_raw
        from encours.warehouse.ledger import ensure_ledger

        ensure_ledger(self.connection)
        ensure_raw(self.connection)
        self._truncate_raw()

    def _truncate_raw(self) -> None:
        tables = self.connection.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_schema in ('raw_files', 'raw_fec') and table_type = 'BASE TABLE'"
        ).fetchall()
        self.connection.execute(
            sql.SQL("truncate {}").format(sql.SQL(", ").join(sql.Identifier(*t) for t in tables))
        )

    def _drop_incoming(self) -> None:
        """What a load leaves to the end of its transaction, which two loads share here."""
        tables = self.connection.execute(
            "select relname from pg_class"
            " where relnamespace = pg_my_temp_schema() and relkind = 'r'"
        ).fetchall()
        for (name,) in tables:
            self.connection.execute(sql.SQL("drop table {}").format(sql.Identifier(name)))

    def _write(self, ledgers: Mapping[str, Ledger]) -> Path:
        folder = self.settings.home / "delivery"
        shutil.rmtree(folder, ignore_errors=True)
        return write_delivery(ledgers, folder)

    def _load(self, folder: Path) -> str:
        from encours.landing.store import land_files
        from encours.loading.flat_files import load_delivery

        self._number += 1
        run_id = f"run-{self._number}"
        files = sorted(folder.iterdir())
        landed = land_files(self.settings, "files", "delivery", run_id, files)
        load_delivery(self.connection, landed, run_id)
        return run_id

    @property
    def _run_id(self) -> str:
        return f"run-{self._number}"

    def _read(
        self, schema: str, intermediate: str, run_id: str, days: Mapping[str, Iterable[date]]
    ) -> Marts:
        marts = read_marts(self.connection, schema, days)
        query = sql.SQL(
            "select entity_id, stream || ': ' || reason from {}.int_refused_rows"
        ).format(sql.Identifier(intermediate))
        with self.connection.cursor(row_factory=tuple_row) as cursor:
            refused = cursor.execute(query).fetchall()
            refused += cursor.execute(REFUSED_WHILE_LOADING, [run_id]).fetchall()
        return replace(marts, refused=tuple(refused))


def _same_scale(value: str | None) -> str | None:
    """A month without sales is 0 by one way of counting back and 0.00 by the other."""
    is_decimal = value is not None and DECIMAL.fullmatch(value)
    return value.rstrip("0").rstrip(".") if value and is_decimal else value


def published_names(compiled: Path) -> tuple[str, ...]:
    """The models that BI reads."""
    return tuple(
        path.stem
        for folder in ("core", "marts")
        for path in sorted(compiled.rglob(f"models/{folder}/*.sql"))
    )


def in_order(compiled: Path, names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Models as name and SQL, each after those that it reads, all in one schema.

    What they read of the publication before stays in a schema of its own.
    """
    texts = {
        path.stem: path.read_text()
        for path in compiled.rglob("models/**/*.sql")
        if path.parent.name != "fec"
    }
    order: list[str] = []

    def visit(name: str) -> None:
        if name not in order:
            for schema, read in sorted(set(RELATION.findall(texts[name]))):
                if read in texts and schema != PREVIOUS:
                    visit(read)
            order.append(name)

    for name in names:
        visit(name)

    def here(match: re.Match[str]) -> str:
        schema, table = match.groups()
        is_here = table in texts and schema != PREVIOUS
        return f'"{ATTEMPT if is_here else schema}"."{table}"'

    return tuple((name, RELATION.sub(here, texts[name])) for name in order)
