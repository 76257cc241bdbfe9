"""The FEC form of the demo books, read back from the files alone."""

from __future__ import annotations

import csv
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from encours.demo.books import DemoOptions, write_books

ZERO = Decimal(0)
ENTITIES = {"999000001": "fr", "999000019": "svc"}

Row = dict[str, str]
Files = dict[str, list[Row]]


def signed(row: Row) -> Decimal:
    return Decimal(row["Debit"].replace(",", ".")) - Decimal(row["Credit"].replace(",", "."))


def total(rows: list[Row]) -> Decimal:
    return sum((signed(row) for row in rows), ZERO)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("demo")
    for layout in ("csv", "fec"):
        write_books(DemoOptions(invoices=2_000, months=30, seed=21, format=layout), base / layout)
    return base


@pytest.fixture(scope="module")
def files(folder: Path) -> Files:
    read: Files = {}
    for path in sorted((folder / "fec").iterdir()):
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
            read[path.name] = list(reader)
    return read


def test_one_file_for_each_entity_and_fiscal_year(files: Files) -> None:
    dates = ("20241231", "20251231", "20260630")

    assert sorted(files) == sorted(f"{siren}FEC{day}.txt" for siren in ENTITIES for day in dates)


def test_header_has_the_legal_columns_then_the_due_date(folder: Path) -> None:
    path = folder / "fec" / "999000001FEC20251231.txt"

    header = path.read_text(encoding="utf-8").split("\n", 1)[0].split("\t")

    assert header[:4] == ["JournalCode", "JournalLib", "EcritureNum", "EcritureDate"]
    assert header[11:18] == [
        "Debit", "Credit", "EcritureLet", "DateLet", "ValidDate", "Montantdevise", "Idevise",
    ]  # fmt: skip
    assert header[18:] == ["EcheanceDate"]


def test_every_entry_is_balanced(files: Files) -> None:
    for name, rows in files.items():
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for row in rows:
            sums[row["EcritureNum"]] += signed(row)
        assert {key: value for key, value in sums.items() if value} == {}, name


def test_entry_numbers_follow_each_other_and_dates_rise(files: Files) -> None:
    for rows in files.values():
        numbers = [int(row["EcritureNum"]) for row in rows]
        dates = [row["EcritureDate"] for row in rows]

        assert numbers == sorted(numbers)
        assert set(numbers) == set(range(1, numbers[-1] + 1))
        assert dates == sorted(dates)


def test_entry_dates_stay_in_the_year_of_the_file(files: Files) -> None:
    for name, rows in files.items():
        closing = name[12:20]
        assert all(closing[:4] + "0101" <= row["EcritureDate"] <= closing for row in rows), name


def test_receivable_equals_the_control_totals_of_the_flat_files(folder: Path, files: Files) -> None:
    with (folder / "csv" / "ledger_balances.csv").open(encoding="utf-8") as stream:
        control = {
            (row["entity_id"], row["balance_date"].replace("-", "")): Decimal(row["balance"])
            for row in csv.DictReader(stream)
        }

    for name, rows in files.items():
        receivable = [row for row in rows if row["CompteNum"] == "411000"]
        assert total(receivable) == control[ENTITIES[name[:9]], name[12:20]], name


def test_receivable_equals_the_control_totals_within_a_year(folder: Path, files: Files) -> None:
    with (folder / "csv" / "ledger_balances.csv").open(encoding="utf-8") as stream:
        control = {
            row["balance_date"].replace("-", ""): Decimal(row["balance"])
            for row in csv.DictReader(stream)
            if row["entity_id"] == "fr" and row["balance_date"].startswith("2025")
        }
    rows = [r for r in files["999000001FEC20251231.txt"] if r["CompteNum"] == "411000"]

    found = {day: total([r for r in rows if r["EcritureDate"] <= day]) for day in control}

    assert found == control


def test_brought_forward_lines_carry_what_the_year_before_left(files: Files) -> None:
    for siren in ENTITIES:
        before = files[f"{siren}FEC20241231.txt"]
        after = files[f"{siren}FEC20251231.txt"]
        closed = {
            (row["CompAuxNum"], row["EcritureLet"])
            for row in before
            if row["EcritureLet"].isupper()
        }

        left = sorted(
            (row["CompAuxNum"], row["PieceRef"], row["PieceDate"], row["EcheanceDate"], signed(row))
            for row in before
            if row["CompAuxNum"] and (row["CompAuxNum"], row["EcritureLet"]) not in closed
        )
        opening = sorted(
            (row["CompAuxNum"], row["PieceRef"], row["PieceDate"], row["EcheanceDate"], signed(row))
            for row in after
            if row["CompAuxNum"] and row["JournalCode"] == "AN"
        )

        assert opening
        assert opening == left


def test_balance_sheet_accounts_are_brought_forward_and_income_is_not(files: Files) -> None:
    before = files["999000001FEC20241231.txt"]
    opening = [r for r in files["999000001FEC20251231.txt"] if r["JournalCode"] == "AN"]

    def balance(rows: list[Row], start: str) -> Decimal:
        return total([row for row in rows if row["CompteNum"].startswith(start)])

    assert balance(opening, "512") == balance(before, "512")
    assert balance(opening, "110") == balance(before, "6") + balance(before, "7")
    assert not [row for row in opening if row["CompteNum"][0] in "67"]


def test_lettering_in_capitals_is_balanced_and_in_small_letters_is_not(files: Files) -> None:
    capitals = 0
    small = 0
    for rows in files.values():
        groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in rows:
            if row["EcritureLet"]:
                groups[row["CompAuxNum"], row["EcritureLet"]].append(row)
        for (_, code), members in groups.items():
            assert len(members) > 1
            assert (total(members) == 0) == code.isupper()
            assert len({row["DateLet"] for row in members}) == 1
            assert members[0]["DateLet"] >= max(row["EcritureDate"] for row in members)
        capitals += sum(code.isupper() for _, code in groups)
        small += sum(code.islower() for _, code in groups)
        folded = {(auxiliary, code.upper()) for auxiliary, code in groups}
        assert len(folded) == len(groups), "codes differ by more than their case"

    assert capitals > 500
    assert small > 5


def test_bounced_receipt_is_lettered_with_the_money_sent_back_alone(files: Files) -> None:
    bounces = 0
    for rows in files.values():
        for back in (row for row in rows if row["EcritureLib"].startswith("Sortie rejet ")):
            if not back["CompAuxNum"]:
                continue
            code = (back["CompAuxNum"], back["EcritureLet"])
            group = [row for row in rows if (row["CompAuxNum"], row["EcritureLet"]) == code]
            receipt = back["EcritureLib"].split()[-1]
            assert sorted(row["PieceRef"] for row in group) == sorted([back["PieceRef"], receipt])
            bounces += 1

    assert bounces > 3


def test_every_receivable_line_has_its_auxiliary(files: Files) -> None:
    for rows in files.values():
        for row in rows:
            assert bool(row["CompAuxNum"]) == (row["CompteNum"] == "411000")


def test_foreign_lines_state_signed_amount_and_currency(files: Files) -> None:
    foreign = [row for rows in files.values() for row in rows if row["Idevise"]]

    assert {row["Idevise"] for row in foreign} == {"USD"}
    for row in foreign:
        assert (Decimal(row["Montantdevise"].replace(",", ".")) > 0) == (signed(row) > 0)


@pytest.mark.parametrize("account", ["654000", "666000", "766000", "445710", "701000", "512000"])
def test_files_show_each_kind_of_account(files: Files, account: str) -> None:
    assert [row for rows in files.values() for row in rows if row["CompteNum"] == account]


def test_no_line_has_other_than_nineteen_fields(folder: Path) -> None:
    for path in (folder / "fec").iterdir():
        lines = path.read_text(encoding="utf-8").splitlines()
        assert {line.count("\t") for line in lines} == {18}, path.name


def test_no_scratch_file_is_left(folder: Path) -> None:
    assert all(path.suffix == ".txt" for path in (folder / "fec").iterdir())
