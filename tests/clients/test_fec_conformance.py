"""The conformance report: totals, entries, lettering, and what to mend."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import fec_samples as samples
import pytest

from encours.clients.fec_conformance import ConformanceReport, conformance_report

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "fec"


def report_of(folder: Path, lines: list[samples.Line] | None = None) -> ConformanceReport:
    return conformance_report(samples.write_fec(folder, lines))


def levels(report: ConformanceReport) -> dict[str, str]:
    return {finding.code: finding.level for finding in report.findings}


def test_a_good_file_gets_its_totals_and_balances(tmp_path: Path) -> None:
    report = report_of(tmp_path)

    assert report.can_be_loaded
    assert report.totals is not None
    assert report.totals.debit == report.totals.credit == Decimal("660.00")
    assert report.totals.balance == 0
    assert report.entries is not None
    assert (report.entries.count, report.entries.unbalanced) == (4, 0)
    assert report.receivable_total == Decimal("420.00")
    assert [(item.prefix, item.line_count) for item in report.receivables] == [("411", 4)]


def test_a_lettering_group_that_does_not_balance_is_counted(tmp_path: Path) -> None:
    report = report_of(tmp_path)

    assert report.lettering is not None
    assert (report.lettering.count, report.lettering.unbalanced) == (2, 1)
    assert report.lettering.first_lines == (8,)
    assert levels(report)["lettering_unbalanced"] == "warning"


def test_one_code_on_two_customers_is_two_groups(tmp_path: Path) -> None:
    lines = [
        *samples.sale(1, "20230115", "C001", 12000, "A"),
        *samples.sale(2, "20230115", "C002", 9000, "A"),
        *samples.receipt(3, "20230215", "C001", 12000, "A"),
        *samples.receipt(4, "20230215", "C002", 9000, "A"),
    ]

    report = report_of(tmp_path, lines)

    assert report.lettering is not None
    assert (report.lettering.count, report.lettering.unbalanced) == (2, 0)


def test_an_entry_that_does_not_balance_is_found_though_the_ledger_does(tmp_path: Path) -> None:
    lines = samples.ledger()
    lines[0]["Debit"] = "121,00"
    lines[3]["Debit"] = "239,00"

    report = report_of(tmp_path, lines)

    assert report.entries is not None
    assert (report.entries.unbalanced, report.entries.first_lines) == (2, (2, 5))
    assert "unbalanced_ledger" not in levels(report)
    assert levels(report)["entries_unbalanced"] == "warning"


def test_a_ledger_that_does_not_balance_is_an_error_and_can_still_be_loaded(
    tmp_path: Path,
) -> None:
    report = report_of(tmp_path, samples.ledger()[:-1])

    assert levels(report)["unbalanced_ledger"] == "error"
    assert report.findings[0].code == "unbalanced_ledger"
    assert report.can_be_loaded


def test_entries_of_a_constant_number_are_balanced_runs(tmp_path: Path) -> None:
    lines = [{**row, "EcritureNum": "0"} for row in samples.ledger()]

    report = report_of(tmp_path, lines)

    assert report.entry_method == "balanced_run"
    assert report.entries is not None
    assert (report.entries.count, report.entries.unbalanced) == (4, 0)


def test_a_run_that_stays_open_at_another_date_is_unbalanced(tmp_path: Path) -> None:
    lines = [{**row, "EcritureNum": "0"} for row in samples.ledger()]
    lines[3]["Debit"] = "239,00"

    report = report_of(tmp_path, lines)

    assert report.entries is not None
    assert (report.entries.count, report.entries.unbalanced) == (4, 1)
    assert report.entries.first_lines == (5,)


def test_a_number_that_the_sequence_skips_is_counted(tmp_path: Path) -> None:
    lines = [*samples.ledger(), *samples.sale(7, "20230401", "C001", 600)]

    gaps = [
        found for found in report_of(tmp_path, lines).findings if found.code == "numbering_gaps"
    ]

    assert [(found.level, found.count) for found in gaps] == [("info", 2)]


def test_numbers_that_restart_in_each_journal_have_a_sequence_each(tmp_path: Path) -> None:
    lines = [
        *samples.sale(1, "20230115", "C001", 600),
        *samples.sale(2, "20230115", "C001", 600),
        *samples.receipt(1, "20230215", "C001", 600),
        *samples.receipt(4, "20230215", "C001", 600),
    ]

    gaps = [
        found for found in report_of(tmp_path, lines).findings if found.code == "numbering_gaps"
    ]

    assert [(found.count, "journals" in found.explanation) for found in gaps] == [(2, True)]


def test_doubtful_customers_and_bills_are_receivables_and_advances_are_not(
    tmp_path: Path,
) -> None:
    lines = [
        samples.line(CompteNum=account, Debit=f"{amount},00")
        for account, amount in (("4110", 1), ("413", 2), ("4160", 4), ("418", 8), ("4191", 16))
    ]

    report = report_of(tmp_path, lines)

    assert [(item.prefix, item.balance) for item in report.receivables] == [
        ("411", 1),
        ("413", 2),
        ("416", 4),
    ]


def test_a_refused_file_has_a_finding_for_each_reason(tmp_path: Path) -> None:
    lines = samples.ledger()
    lines[1]["Credit"] = lines[2]["Credit"] = "1.5"
    lines[5]["EcritureDate"] = "20231301"

    report = report_of(tmp_path, lines)

    assert not report.can_be_loaded
    found = [(item.count, item.first_lines) for item in report.findings]
    assert found == [(2, (3, 4)), (1, (7,))]
    assert report.facts is not None
    assert report.totals is None


@pytest.mark.parametrize("content", [b"", b"Bonjour", b"PK\x03\x04xxxxxxxx"])
def test_a_file_that_cannot_be_read_gives_a_report(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / samples.NAME
    path.write_bytes(content)

    report = conformance_report(path)

    assert (report.can_be_loaded, levels(report)) == (False, {"unreadable": "error"})
    assert report.findings[0].mend


def test_a_file_that_is_not_there_gives_a_report(tmp_path: Path) -> None:
    report = conformance_report(tmp_path / "nothing.txt")

    assert not report.can_be_loaded
    assert "no such file" in report.render()


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_file_cut_anywhere_gives_a_report(tmp_path: Path, line_end: str) -> None:
    content = samples.fec_bytes(samples.ledger(), line_end=line_end)
    path = tmp_path / samples.NAME

    for length in range(0, len(content), 37):
        path.write_bytes(content[:length])
        report = conformance_report(path)
        assert report.findings
        assert report.render()


def test_the_json_form_has_exact_amounts(tmp_path: Path) -> None:
    values = json.loads(json.dumps(report_of(tmp_path).to_json()))

    assert values["can_be_loaded"] is True
    assert values["totals"]["debit"] == "660.00"
    assert values["receivable_total"] == "420.00"
    assert values["entries"] == {"method": "number", "count": 4, "balanced": 4, "unbalanced": 0}
    assert values["file"]["closing_date"] == "2023-12-31"


def test_the_json_form_of_a_missing_file_is_valid(tmp_path: Path) -> None:
    values = json.loads(json.dumps(conformance_report(tmp_path / "nothing.txt").to_json()))

    assert values["can_be_loaded"] is False
    assert values["totals"] is None


def test_the_text_form_names_the_lines_and_the_remedy(tmp_path: Path) -> None:
    lines = samples.ledger()
    lines[4]["ValidDate"] = ""

    text = report_of(tmp_path, lines).render()

    assert "can be loaded" in text
    assert (
        "valid_date_missing: ValidDate: entries without validation date (drafts) [line 6]" in text
    )
    assert "-> validate the entries" in text


def test_a_residue_below_a_cent_does_not_unbalance_an_entry(tmp_path: Path) -> None:
    lines = samples.ledger()
    lines[0]["Credit"] = "1,13686837721616E-13"

    report = report_of(tmp_path, lines)

    assert report.entries is not None
    assert report.entries.unbalanced == 0


@pytest.mark.parametrize(
    ("name", "groups", "unbalanced", "balance"),
    [
        ("000000001FEC20220831.txt", 134, 15, "52517.24"),
        ("111111111FEC20221231.TXT", 45, 0, "14416.52"),
    ],
)
def test_a_real_file_gives_its_known_figures(
    name: str, groups: int, unbalanced: int, balance: str
) -> None:
    path = REAL / name
    if not path.exists():
        pytest.skip("the two real files are not in this checkout")

    report = conformance_report(path)

    assert report.can_be_loaded
    assert report.lettering is not None
    assert (report.lettering.count, report.lettering.unbalanced) == (groups, unbalanced)
    assert report.receivable_total == Decimal(balance)
    assert report.entries is not None
    assert report.entries.unbalanced == 0
