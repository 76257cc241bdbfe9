"""Several years and several ways to keep books, in one build: what carries over counts once.

Companies, each with two years of 240 + 180 left open by the first and 240 paid in the second:
one whose opening repeats every invoice, one that opens with one line per customer. Beside them one
without lettering, one whose lettering is not the oldest first, one that was exported in June and
again when the year had ended, and one whose every text is a piece of somebody's program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fec_samples as samples
import psycopg
import pytest
import warehouse_steps as steps
from fec_samples import Line

from encours.errors import BadInput
from encours.orchestration import build, control
from encours.orchestration.run_ids import new_run_id
from encours.settings import Settings
from encours.transform import dbt
from encours.warehouse.connections import open_warehouse
from hostile_text import HOSTILE, hostile
from marts_content import marts_content

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("run_years")]

DETAILED = "111111118"
COLLAPSED = "222222226"
UNLETTERED = "333333334"
LETTERED_LATE = "444444442"
EXPORTED_TWICE = "555555556"
HOSTILE_TEXTS = "777777773"
COMPANIES = (
    DETAILED,
    COLLAPSED,
    UNLETTERED,
    LETTERED_LATE,
    EXPORTED_TWICE,
    HOSTILE_TEXTS,
)
AS_OF = date(2024, 12, 31)
TEXTS = ("JournalLib", "CompteLib", "PieceRef", "EcritureLib")


def opening(customer: str, piece: str, cents: int, letter: str = "") -> list[Line]:
    """A balance brought forward on 1 January 2024."""
    common = {
        "JournalCode": "AN",
        "JournalLib": "A nouveaux",
        "EcritureNum": "1",
        "EcritureDate": "20240101",
        "PieceRef": piece,
        "PieceDate": "20240101",
        "EcritureLib": "A nouveau",
    }
    return [
        samples.line(**common, CompAuxNum=customer, Debit=samples.comma(cents), EcritureLet=letter),
        samples.line(
            **common,
            CompteNum="101000",
            CompteLib="Capital",
            CompAuxNum="",
            CompAuxLib="",
            Debit="0,00",
            Credit=samples.comma(cents),
        ),
    ]


def year_after(*openings: list[Line]) -> list[Line]:
    """The 240 of last year are paid in February; in May C002 buys for 360."""
    return [
        *(row for rows in openings for row in rows),
        *samples.receipt(10, "20240210", "C001", 24000, "AA"),
        *samples.sale(11, "20240520", "C002", 36000),
    ]


def books() -> Iterator[tuple[str, str, list[Line]]]:
    """Company, closing date and lines of every ledger."""
    yield DETAILED, "20231231", samples.ledger()
    yield (
        DETAILED,
        "20241231",
        year_after(opening("C001", "FA-2", 24000, "AA"), opening("C002", "FA-3", 18000)),
    )
    yield COLLAPSED, "20231231", samples.ledger()
    yield (
        COLLAPSED,
        "20241231",
        year_after(opening("C001", "RAN", 24000, "AA"), opening("C002", "RAN", 18000)),
    )
    yield (
        UNLETTERED,
        "20241231",
        [
            *samples.sale(1, "20240115", "C001", 12000),
            *samples.sale(2, "20240215", "C001", 24000),
            *samples.receipt(3, "20240320", "C001", 18000),
        ],
    )
    yield (
        LETTERED_LATE,
        "20241231",
        [
            *samples.sale(1, "20240115", "C001", 12000),
            *samples.sale(2, "20240215", "C001", 12000, "A"),
            *samples.receipt(3, "20240320", "C001", 12000, "A"),
        ],
    )
    first_half = samples.sale(1, "20240115", "C001", 12000)
    yield EXPORTED_TWICE, "20240630", first_half
    yield (
        EXPORTED_TWICE,
        "20241231",
        [*first_half, *samples.sale(2, "20240715", "C001", 24000)],
    )
    yield HOSTILE_TEXTS, "20241231", list(hostile_lines())


def hostile_lines() -> Iterator[Line]:
    """A sale of 120.00 to each of as many customers as there are texts, and one that is paid."""
    paid = hostile(len(HOSTILE))
    lines = [
        *samples.sale(1, "20240115", paid, 12000, "A"),
        *samples.receipt(2, "20240210", paid, 12000, "A"),
    ]
    for number in range(len(HOSTILE)):
        lines += samples.sale(number + 3, "20240115", hostile(number), 12000)
    for line in lines:
        customer = line["CompAuxNum"]
        texts = dict.fromkeys(TEXTS, customer or paid)
        yield {**line, **texts, "CompAuxLib": customer}


@dataclass(frozen=True)
class Published:
    home: Settings
    build: dbt.Build
    decision: str
    marts: dict[str, list[Any]]

    def rows(self, query: Any, *parameters: Any) -> list[tuple[Any, ...]]:
        return steps.rows(self.home, query, *parameters)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ledgers")


@pytest.fixture(scope="module")
def published(home: Settings, folder: Path) -> Published:
    run_id = steps.ingest_fec(
        home,
        *(
            samples.write_fec(folder, lines, name=f"{siren}FEC{closing}.txt")
            for siren, closing, lines in books()
        ),
    )
    opened = steps.build_candidate(home, run_id)
    decision = steps.judge(home, opened)
    build.publish_marts(home, run_id)
    return Published(home, opened, decision, content(home))


def content(home: Settings, schema: str = "marts") -> dict[str, list[Any]]:
    return marts_content(open_warehouse(home).pipeline_url, schema)


def test_all_books_pass_the_gate_together(published: Published) -> None:
    assert published.decision == "publish"
    assert published.build.as_of_date == AS_OF


def test_texts_of_a_ledger_are_texts_and_nothing_more(published: Published) -> None:
    owed = published.rows(
        """
        select items.source_document_id, customers.customer_name, items.document_number,
            items.open_amount
        from marts.fct_open_items as items
        inner join marts.dim_customer as customers on items.customer_id = customers.customer_id
        where items.entity_id = %s
        """,
        HOSTILE_TEXTS,
    )

    assert sorted(name for _, name, _, _ in owed) == sorted(map(hostile, range(len(HOSTILE))))
    assert [row for row in owed if row[1] != row[2]] == []
    assert {amount for *_, amount in owed} == {Decimal("120.00")}


@pytest.mark.parametrize("siren", [DETAILED, COLLAPSED])
def test_balance_brought_forward_is_counted_once(published: Published, siren: str) -> None:
    open_items = published.rows(
        "select document_number, open_amount from marts.fct_open_items"
        " where entity_id = %s order by issue_date, document_number",
        siren,
    )

    assert open_items == [("FA-3", Decimal("180.00")), ("FA-11", Decimal("360.00"))]


@pytest.mark.parametrize("siren", [DETAILED, COLLAPSED])
def test_lettering_of_a_later_year_settles_the_invoice_of_the_year_before(
    published: Published, siren: str
) -> None:
    positions = published.rows(
        "select positions.valid_from, positions.valid_to, positions.open_amount"
        " from marts.fct_open_item_positions as positions"
        " inner join marts.fct_receivable_movements as issue using (open_item_id)"
        " where issue.entity_id = %s and issue.movement_type = 'issue' and issue.amount = 240"
        " order by positions.valid_from",
        siren,
    )

    assert positions == [(date(2023, 2, 10), date(2024, 2, 10), Decimal("240.00"))]


def test_every_account_of_every_company_ties_at_every_month_end(published: Published) -> None:
    untied = published.rows("select * from marts.mart_tie_out where not is_tied")
    tied = published.rows(
        "select entity_id, count(*) >= 12 from marts.mart_tie_out group by entity_id order by 1"
    )

    assert untied == []
    assert tied == [(siren, True) for siren in COMPANIES]


def test_ledger_without_lettering_settles_the_oldest_first(published: Published) -> None:
    open_items = published.rows(
        "select document_number, open_amount from marts.fct_open_items where entity_id = %s",
        UNLETTERED,
    )

    assert open_items == [("FA-2", Decimal("180.00"))]


def test_ledger_without_lettering_says_so_in_the_coverage(published: Published) -> None:
    matching = dict(
        published.rows("select entity_id, matching from marts.data_coverage order by entity_id")
    )

    assert matching == {
        DETAILED: "lettered",
        COLLAPSED: "lettered",
        UNLETTERED: "fifo",
        LETTERED_LATE: "lettered",
        EXPORTED_TWICE: "fifo",
        HOSTILE_TEXTS: "lettered",
    }


def test_ledger_without_lettering_is_a_warning_of_the_run(published: Published) -> None:
    warnings = published.rows(
        "select severity, state, sample_keys from ops.check_result"
        " where run_id = %s and check_name = 'payments_are_matched_by_lettering'",
        published.build.run_id,
    )

    assert warnings == [
        ("warning", "failed", [f"{UNLETTERED}|2024-12-31", f"{EXPORTED_TWICE}|2024-12-31"])
    ]


def test_export_of_the_whole_year_replaces_the_export_of_june(published: Published) -> None:
    open_items = published.rows(
        "select document_number, open_amount from marts.fct_open_items where entity_id = %s"
        " order by issue_date",
        EXPORTED_TWICE,
    )

    assert open_items == [("FA-1", Decimal("120.00")), ("FA-2", Decimal("240.00"))]


def test_lettering_wins_over_age(published: Published) -> None:
    open_items = published.rows(
        "select document_number from marts.fct_open_items where entity_id = %s", LETTERED_LATE
    )

    assert open_items == [("FA-1",)]


# --- the past ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def restated(published: Published, folder: Path) -> Published:
    """The same home, after the year of one company was delivered again with one invoice more."""
    lines = [*list(books())[1][2], *samples.sale(12, "20240601", "C001", 6000)]
    path = samples.write_fec(folder, lines, name=f"{DETAILED}FEC20241231.txt")
    steps.ingest_fec(published.home, path)
    return published


@pytest.fixture(scope="module")
def rebuilt(restated: Published) -> dict[str, list[Any]]:
    """What was known when the marts were published, built again beside them."""
    then = restated.build
    control.rebuild(restated.home, new_run_id(), then.as_of_date, then.known_on, "past")
    return content(restated.home, "past")


@pytest.fixture(scope="module")
def year_before(rebuilt: dict[str, list[Any]], restated: Published) -> None:
    """The end of 2023 with all that is known now, in the schema of an earlier rebuild."""
    control.rebuild(restated.home, new_run_id(), date(2023, 12, 31), None, "past")


def test_rebuild_of_the_published_dates_gives_the_published_marts(
    published: Published, rebuilt: dict[str, list[Any]]
) -> None:
    assert set(rebuilt) == set(published.marts)
    assert [name for name in rebuilt if rebuilt[name] != published.marts[name]] == []


def test_rebuild_leaves_the_published_marts_and_the_candidate_alone(
    published: Published, rebuilt: dict[str, list[Any]]
) -> None:
    assert content(published.home) == published.marts
    assert published.rows("select run_id from marts.publication_info") == [
        (published.build.run_id,)
    ]


def test_rebuild_is_closed_to_bi(published: Published, rebuilt: dict[str, list[Any]]) -> None:
    url = open_warehouse(published.home).reader_url

    with (
        psycopg.connect(url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("select * from past.fct_open_items")


def test_rebuild_of_a_past_date_shows_the_aged_balance_of_that_date(
    published: Published, year_before: None
) -> None:
    query = (
        "select entity_id, bucket, sum(open_company_amount) from {}.mart_aged_balance"
        " where as_of_date = date '2023-12-31' and open_company_amount <> 0"
        " group by entity_id, bucket order by 1, 2"
    )
    past = published.rows(query.format("past"))

    assert past == published.rows(query.format("marts"))
    assert sum(amount for entity, _, amount in past if entity == DETAILED) == Decimal("420.00")


@pytest.mark.parametrize(
    "schema",
    ["marts", "marts_candidate", "ops", "pg_past", "raw_fec", "Past", "past; drop", "kept"],
)
def test_rebuild_into_a_schema_that_is_not_free_is_refused(
    published: Published, schema: str
) -> None:
    with steps.pipeline(published.home) as connection:
        connection.execute("create schema if not exists kept")

    with pytest.raises(BadInput) as caught:
        control.rebuild(published.home, new_run_id(), AS_OF, None, schema)

    assert "\n" not in str(caught.value)
    assert content(published.home) == published.marts


@pytest.mark.soak
def test_rebuild_of_a_time_when_nothing_was_known_is_empty_and_not_an_error(
    published: Published,
) -> None:
    control.rebuild(published.home, new_run_id(), AS_OF, datetime(2020, 1, 1, tzinfo=UTC), "before")

    assert published.rows("select count(*) from before.fct_open_items") == [(0,)]


# --- choices and traps -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chosen(year_before: None, published: Published, folder: Path) -> Published:
    """A candidate under the policy `fifo`, with a company whose two ledgers share February."""
    home = published.home
    (home.home / "policies.yml").write_text("fec_matching: fifo\n")
    lines = samples.ledger()
    january, march = lines[:3], lines[6:]
    february = lines[3:6]
    for closing, part in (("20230228", january + february), ("20230331", february + march)):
        steps.ingest_fec(home, samples.write_fec(folder, part, name=f"555555550FEC{closing}.txt"))
    opened = steps.build_candidate(home)
    return Published(home, opened, "", content(home, "marts_candidate"))


def test_policy_fifo_ignores_the_lettering(chosen: Published) -> None:
    open_items = chosen.rows(
        "select document_number from marts_candidate.fct_open_items where entity_id = %s",
        LETTERED_LATE,
    )
    matching = chosen.rows("select distinct matching from marts_candidate.data_coverage")

    assert open_items == [("FA-2",)]
    assert matching == [("fifo",)]


def test_policy_changes_no_total(chosen: Published) -> None:
    total = "select sum(open_company_amount) from {}.fct_open_items where entity_id = %s"

    assert chosen.rows(total.format("marts_candidate"), LETTERED_LATE) == chosen.rows(
        total.format("marts"), LETTERED_LATE
    )


def test_ledgers_that_share_days_are_held(chosen: Published) -> None:
    """Neither covers the other: the invoice of February counts twice."""
    decision = steps.judge(chosen.home, chosen.build)

    failed = chosen.rows(
        "select check_name, observed_value, sample_columns, sample_keys from ops.check_result"
        " where run_id = %s and severity = 'critical' and state = 'failed'",
        chosen.build.run_id,
    )
    assert decision == "hold"
    assert ("ledger_periods_do_not_overlap", "1 row", ["entity_id"], ["555555550"]) in failed
