"""Every check has its reason in French, and every reason its check."""

from __future__ import annotations

import functools
import re

import pytest
import yaml

from encours.quality.reasons import FRENCH, FRENCH_BY_KIND, Reason, reason_of
from encours.quality.suites import expected_checks, load_suites
from encours.settings import project_root
from encours.typography import NO_BREAK
from encours.warehouse import carrying

DBT_PROJECT = project_root() / "dbt_project"


@functools.cache
def of_suites() -> set[tuple[str, str]]:
    return set(expected_checks(load_suites(project_root() / "expectations")))


@functools.cache
def between_models() -> set[tuple[str, str]]:
    described = yaml.safe_load((DBT_PROJECT / "tests" / "_tests.yml").read_text())["data_tests"]
    files = {path.stem for path in (DBT_PROJECT / "tests").glob("*.sql")}
    assert files
    return {("across_models", name) for name in files | {test["name"] for test in described}}


def of_one_model() -> set[str]:
    """Names of tests in the files of models and seeds. A scan: parsing them all takes seconds."""
    texts = [path.read_text() for path in DBT_PROJECT.rglob("_*.yml")]
    kinds = "|".join(FRENCH_BY_KIND)
    names = {name for text in texts for name in re.findall(rf"name: (\w+_(?:{kinds}))\n", text)}
    assert len(names) > 150
    return names


def in_french(table_name: str, check_name: str) -> Reason:
    return reason_of(table_name, check_name, why="In English.", language="fr")


def test_every_check_has_a_reason_in_french() -> None:
    checks = of_suites() | between_models() | {carrying.CHECK}

    assert [check for check in sorted(checks) if in_french(*check).language != "fr"] == []


def test_every_reason_is_of_a_check_that_exists() -> None:
    written = {(table, check) for table, checks in FRENCH.items() for check in checks}
    gone = written - of_suites() - between_models() - {carrying.CHECK}

    assert {check for _, check in gone} - of_one_model() == set()


def test_reasons_are_single_sentences_in_french_signs() -> None:
    sentences = [text for checks in FRENCH.values() for text in checks.values()]
    sentences += FRENCH_BY_KIND.values()

    assert [text for text in sentences if not re.fullmatch(r"[A-ZÀÉ].*\.", text)] == []
    assert [text for text in sentences if re.search(r"\. |'|\S[;!?%»]|\w :\S|  ", text)] == []


def test_reason_is_told_in_french_and_no_line_breaks_before_its_signs() -> None:
    told = in_french("mart_kpi_monthly", "losses_are_small")

    assert told.language == "fr"
    assert f"5{NO_BREAK}% de son chiffre d’affaires" in told.text


def test_english_home_reads_what_the_ledger_keeps() -> None:
    told = reason_of("mart_dso", "company_dso_is_stable", why="It moved.", language="en")

    assert told == Reason("It moved.", "en")


@pytest.mark.parametrize(
    ("table_name", "check_name"),
    [
        ("mart_dso", "our_own_rule"),
        ("our_own_table", "company_dso_is_stable"),
        # Only a test of the models says the name of its table and of its kind.
        ("mart_dso", "our_customers_are_known"),
    ],
)
def test_check_of_somebody_else_is_told_in_its_own_english(
    table_name: str, check_name: str
) -> None:
    assert in_french(table_name, check_name) == Reason("In English.", "en")


@pytest.mark.parametrize(("kind", "sentence"), FRENCH_BY_KIND.items())
def test_test_of_a_model_is_told_by_its_kind(kind: str, sentence: str) -> None:
    told = in_french("mart_dso", f"mart_dso_status_{kind}")

    assert told.text.replace(NO_BREAK, " ") == sentence


def test_test_of_a_model_may_have_a_sentence_of_its_own() -> None:
    told = in_french("dim_customer", "dim_customer_parent_exists")

    assert "société mère" in told.text
