"""Two real ledgers of small companies, side by side in one home, through the command."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import warehouse_steps as steps

from encours.settings import Settings, project_root

DATA = project_root().parent / "shared" / "data" / "fec"
FILES = [DATA / "000000001FEC20220831.txt", DATA / "111111111FEC20221231.TXT"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("run_real_fec"),
    pytest.mark.skipif(
        not all(path.exists() for path in FILES), reason=f"the real ledgers are not in {DATA}"
    ),
]


@pytest.fixture(scope="module")
def ran(home: Settings) -> steps.Ran:
    arguments = [part for path in FILES for part in ("--fec", path)]
    return steps.encours(home, "run", *arguments, "--json")


def test_both_ledgers_are_published(ran: steps.Ran) -> None:
    assert (ran.exit_status, ran.result["status"]) == (0, "published"), ran.result
    # The second ledger has entries after the closing date in its name.
    assert ran.result["as_of_date"] == "2023-07-31"


def test_receivables_are_the_balances_of_the_customer_accounts(
    ran: steps.Ran, home: Settings
) -> None:
    totals = steps.rows(
        home,
        "select entity_id, sum(open_items_total) from marts.mart_tie_out"
        " where as_of_date = (select as_of_date from marts.publication_info)"
        " and account like '411%%' group by entity_id order by entity_id",
    )

    assert totals == [("000000001", Decimal("52517.24")), ("111111111", Decimal("14416.52"))]


def test_every_account_ties_at_every_date(ran: steps.Ran, home: Settings) -> None:
    ties: list[tuple[Any, ...]] = steps.rows(
        home,
        "select is_tied, count(*), count(distinct entity_id) from marts.mart_tie_out"
        " group by is_tied",
    )

    assert [(is_tied, entities) for is_tied, _, entities in ties] == [(True, 2)]


def test_lettering_groups_that_do_not_add_up_are_counted_in_a_warning(
    ran: steps.Ran, home: Settings
) -> None:
    ((severity, state, samples),) = steps.rows(
        home,
        "select severity, state, cardinality(sample_keys) from ops.check_result"
        " where check_name = 'lettering_groups_add_up_to_zero'",
    )
    ((unbalanced,),) = steps.rows(
        home,
        "select count(*) from intermediate.int_ledger_lettering_groups where not is_balanced",
    )

    assert (severity, state, samples, unbalanced) == ("warning", "failed", 15, 15)
    assert [text for text in ran.result["warnings"] if "lettering_groups_add_up" in text] != []
