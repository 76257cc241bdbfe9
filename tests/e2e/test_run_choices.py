"""Four companies with the same books and different choices: every total is the same.

The books are the example of DECISIONS.md, 3: 1,000 that are 45 days late, 300 that are 10 days
late, and an unmatched credit note of 1,100 dated 20 days ago.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import warehouse_steps as steps

from encours.orchestration import control
from encours.orchestration.run_ids import new_run_id
from encours.settings import Settings
from encours.warehouse import ledger

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("choices")]

AS_OF = date(2025, 4, 30)
ENTITIES = ("apart", "dated", "netted", "ranges")
DOCUMENTS = """\
INV-1,invoice,C1,2025-02-14,2025-03-16,EUR,1000.00,north
INV-2,invoice,C1,2025-03-21,2025-04-20,EUR,300.00,south
CN-1,credit_note,C1,2025-04-10,,EUR,1100.00,north
"""
CHOICES = """
entities:
  apart: {display_residue: 250}
  dated: {unapplied: own_date, unapplied_in_dso: out}
  netted: {unapplied: oldest_first}
  ranges: {bucket_limits: 15|45}
"""
BY_BUCKET = """
select bucket, sum(open_company_amount)::int
from marts_candidate.mart_aged_balance
where entity_id = %s and as_of_date = %s
group by bucket order by min(bucket_order)
"""
BY_SCOPE = """
select bucket, open_company_amount::int
from marts_candidate.mart_aged_balance_by_scope
where scope_type = %s and scope_value = %s and as_of_date = %s
order by bucket_order
"""


def write_books(folder: Path) -> Path:
    folder.mkdir()
    (folder / "customers.csv").write_text(
        "entity_id,customer_id,customer_name,channel\n"
        + "".join(f"{entity},C1,Atelier,web\n" for entity in ENTITIES)
    )
    (folder / "documents.csv").write_text(
        "entity_id,document_id,document_type,customer_id,issue_date,due_date,currency_code,"
        "amount_incl_tax,project\n"
        + "".join(f"{entity},{line}\n" for entity in ENTITIES for line in DOCUMENTS.splitlines())
    )
    return folder


@pytest.fixture(scope="module")
def books(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    (home.home / "policies.yml").write_text(CHOICES)
    steps.ingest_files(home, write_books(tmp_path_factory.mktemp("choices") / "books"))
    steps.build_candidate(home, as_of=AS_OF)
    return home


@pytest.mark.parametrize(
    ("entity", "buckets"),
    [
        ("apart", [("overdue_1_30", 300), ("overdue_31_60", 1000), ("unapplied_credit", -1100)]),
        ("dated", [("overdue_1_30", -800), ("overdue_31_60", 1000)]),
        ("netted", [("overdue_1_30", 200), ("overdue_31_60", 0), ("unapplied_credit", 0)]),
        ("ranges", [("overdue_1_15", 300), ("overdue_16_45", 1000), ("unapplied_credit", -1100)]),
    ],
)
def test_aged_balance_follows_the_choices_of_the_entity(
    books: Settings, entity: str, buckets: list[tuple[str, int]]
) -> None:
    assert steps.rows(books, BY_BUCKET, entity, AS_OF) == buckets


@pytest.mark.parametrize("scope", [("group", "all"), ("customer.channel", "web")])
def test_what_spans_entities_follows_the_home(books: Settings, scope: tuple[str, str]) -> None:
    assert steps.rows(books, BY_SCOPE, *scope, AS_OF) == [
        ("overdue_1_30", 1200),
        ("overdue_31_60", 4000),
        ("unapplied_credit", -4400),
    ]


def test_attribute_of_documents_has_invoices_and_no_credits(books: Settings) -> None:
    assert steps.rows(books, BY_SCOPE, "document.project", "north", AS_OF) == [
        ("overdue_31_60", 4000)
    ]
    assert steps.rows(
        books,
        "select dso_receivables_company_amount from marts_candidate.mart_dso"
        " where scope_type = 'document.project' and scope_value = 'north' and as_of_date = %s",
        AS_OF,
    ) == [(Decimal(4000),)]


def test_dso_leaves_out_what_the_entity_leaves_out(books: Settings) -> None:
    found = steps.rows(
        books,
        "select scope_value, dso_receivables_company_amount from marts_candidate.mart_dso"
        " where scope_type in ('entity', 'group') and as_of_date = %s order by 1",
        AS_OF,
    )

    # Only `dated` counts no credit: 1,300 instead of 200.
    assert found == [
        ("all", Decimal(1900)),
        ("apart", Decimal(200)),
        ("dated", Decimal(1300)),
        ("netted", Decimal(200)),
        ("ranges", Decimal(200)),
    ]


def test_residue_is_left_out_of_the_ranking_only(books: Settings) -> None:
    ranked = "select entity_id, rank from marts_candidate.mart_top_debtors order by rank"
    total = "select sum(open_company_amount) from marts_candidate.mart_aged_balance"

    assert steps.rows(books, ranked) == [("dated", 1), ("netted", 2), ("ranges", 3)]
    assert steps.rows(books, total + " where as_of_date = %s", AS_OF) == [(Decimal(800),)]


def test_every_equation_holds_under_mixed_choices(books: Settings) -> None:
    opened = steps.build_candidate(books, as_of=AS_OF)

    decision = steps.judge(books, opened)

    failed = steps.rows(
        books,
        "select check_name from ops.check_result"
        " where run_id = %s and state <> 'passed' and severity = 'critical'",
        opened.run_id,
    )
    assert (failed, decision) == ([], "publish")


def test_rebuild_follows_the_choices_of_now_and_leaves_those_of_runs(books: Settings) -> None:
    of_runs = "select entity_id, policy, value from ops.policy_choice order by 1, 2"
    policy_hash = "select policy_hash from {}.publication_info"
    before = steps.rows(books, of_runs)
    policies = books.home / "policies.yml"
    policies.write_text("bucket_limits: 15|45")
    try:
        control.rebuild(books, new_run_id(), AS_OF, None, "by_other_choices")
    finally:
        policies.write_text(CHOICES)

    assert steps.rows(
        books, BY_BUCKET.replace("marts_candidate", "by_other_choices"), "dated", AS_OF
    ) == [("overdue_1_15", 300), ("overdue_16_45", 1000), ("unapplied_credit", -1100)]
    assert steps.rows(books, of_runs) == before
    hashes = {
        steps.rows(books, policy_hash.format(schema))[0][0]
        for schema in ("marts_candidate", "by_other_choices")
    }
    assert len(hashes) == 2


def test_ledger_of_an_older_home_learns_choices_of_entities(books: Settings) -> None:
    with steps.pipeline(books) as connection:
        connection.execute("drop table ops.policy_choice")
        connection.execute(
            "create table ops.policy_choice (policy text primary key, value text not null)"
        )
        connection.execute("insert into ops.policy_choice values ('zero_month', 'stop')")
        connection.execute("comment on schema ops is 'encours of before'")

        ledger.ensure_ledger(connection)

        connection.execute(
            "insert into ops.policy_choice (entity_id, policy, value)"
            " values ('apart', 'zero_month', 'pass')"
        )
    choices: list[Any] = steps.rows(
        books, "select entity_id, value from ops.policy_choice order by value"
    )
    assert choices == [("apart", "pass"), (None, "stop")]
