"""docs/figures.md of the dbt project agrees with the contracts, and its sums are right."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from encours.settings import project_root
from figures_page import BOOKS, ENGLISH, FRENCH, Example, computed, read_page

MODELS = project_root() / "dbt_project" / "models"
PAGE = read_page(ENGLISH)
NUMBERS = ("numeric", "bigint", "integer")
# Numbers that are no figures: places in an order, a count of rows read, what a source says.
NOT_FIGURES = {
    ("customer_digests", "digest"),
    ("data_coverage", "row_count"),
    ("data_profile", "measured_value"),
    ("data_profile", "row_count"),
    ("day_digests", "digest"),
    ("day_digests", "fact_count"),
    ("dim_customer", "credit_limit_amount"),
    ("fct_documents", "amount_excl_tax"),
    ("fct_documents", "amount_incl_tax"),
    ("fct_documents", "exchange_rate"),
    ("fct_documents", "source_open_amount"),
    ("fct_item_states", "amount"),
    ("fct_items", "company_minor_units"),
    ("fct_items", "exchange_rate"),
    ("fct_items", "instalment_no"),
    ("fct_open_items", "instalment_no"),
    ("fct_receivable_movements", "movement_order"),
    ("mart_aged_balance", "bucket_order"),
    ("mart_aged_balance_by_issue_date", "bucket_order"),
    ("mart_aged_balance_by_scope", "bucket_order"),
    ("mart_invoice_cohorts", "age_months"),
}


def published_columns() -> dict[tuple[str, str], dict[str, Any]]:
    """Table and column → what the contract says of it."""
    return {
        (model["name"], column["name"]): column
        for layer in ("core", "marts")
        for path in sorted((MODELS / layer).glob("_*__models.yml"))
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
        for column in model["columns"]
    }


def test_page_has_figures_and_examples() -> None:
    assert len(PAGE.figures) > 90
    assert len(PAGE.examples) > 120


def test_description_of_every_figure_begins_with_its_sentence() -> None:
    columns = published_columns()
    different = [
        f"{table}.{figure.column}: {figure.sentence}"
        for figure in PAGE.figures
        for table in figure.tables
        if (table, figure.column) in columns
        if not (columns[table, figure.column]["description"] + " ").startswith(
            figure.sentence + " "
        )
    ]

    assert different == []
    assert [figure for figure in PAGE.figures if not figure.sentence.endswith(".")] == []


def test_every_figure_of_the_page_is_published() -> None:
    columns = published_columns()

    assert [
        figure
        for figure in PAGE.figures
        if not any((table, figure.column) in columns for table in figure.tables)
    ] == []


def test_every_published_number_is_explained() -> None:
    explained = {(table, figure.column) for figure in PAGE.figures for table in figure.tables}
    numbers = {key for key, column in published_columns().items() if column["data_type"] in NUMBERS}

    assert numbers - explained == NOT_FIGURES


def test_every_figure_is_worked_through() -> None:
    worked = {(example.table, example.column) for example in PAGE.examples}

    assert [
        figure
        for figure in PAGE.figures
        if not any((table, figure.column) in worked for table in figure.tables)
    ] == []


@pytest.mark.parametrize("example", [e for e in PAGE.examples if e.sum_], ids=str)
def test_sum_of_an_example_gives_its_value(example: Example) -> None:
    value = Decimal(example.value)

    assert round(computed(example.sum_), -int(value.as_tuple().exponent)) == value


def test_choices_named_on_the_page_are_decisions() -> None:
    decisions = (project_root() / "DECISIONS.md").read_text(encoding="utf-8")
    lines = [line for line in ENGLISH.read_text().splitlines() if line.startswith("Choices: ")]
    named = {number for line in lines for number in re.findall(r"\b\d+\b", line)}

    assert named
    assert named - set(re.findall(r"(?m)^### (\d+)\.", decisions)) == set()


def test_numbers_of_decisions_name_one_each_and_rise_within_a_section() -> None:
    decisions = (project_root() / "DECISIONS.md").read_text(encoding="utf-8")
    sections = [
        [int(number) for number in re.findall(r"(?m)^### (\d+)\.", section)]
        for section in decisions.split("\n## ")
    ]
    numbers = sorted(number for section in sections for number in section)

    # A new one takes the next number, in whatever section it belongs to: numbers are cited.
    assert numbers == list(range(1, len(numbers) + 1))
    assert [section for section in sections if section != sorted(section)] == []


def test_french_page_explains_the_same_figures_by_the_same_examples() -> None:
    french = read_page(FRENCH)

    assert french.examples == PAGE.examples
    assert [(f.tables, f.column) for f in french.figures] == [
        (f.tables, f.column) for f in PAGE.figures
    ]
    same = {f.sentence for f in french.figures} & {f.sentence for f in PAGE.figures}
    assert same == set()


@pytest.mark.parametrize("page", [ENGLISH, FRENCH], ids=["en", "fr"])
def test_books_on_the_page_are_those_of_the_folder(page: Path) -> None:
    lines = re.findall(r"(?m)^\| ([IN]\d) \| (.+) \|$", page.read_text(encoding="utf-8"))
    shown = {name: [cell.strip() for cell in cells.split("|")] for name, cells in lines}
    with open(BOOKS / "documents.csv", newline="") as file:
        documents = {row["document_id"]: row for row in csv.DictReader(file)}

    assert shown.keys() == documents.keys()
    for name, row in documents.items():
        customer, issued, due, amount, excl_tax, _ = shown[name]
        assert (customer, issued, due) == (row["customer_id"], row["issue_date"], row["due_date"])
        assert amount.split()[0] == row["amount_incl_tax"]
        assert excl_tax == row["amount_excl_tax"]
        if row["exchange_rate"]:
            assert row["currency_code"] in amount
            assert amount.endswith(row["exchange_rate"])
