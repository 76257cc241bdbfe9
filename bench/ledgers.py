"""A FEC of any size: sales, their payments, lettering, in one fiscal year."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

HEADER = (
    "JournalCode\tJournalLib\tEcritureNum\tEcritureDate\tCompteNum\tCompteLib\tCompAuxNum\t"
    "CompAuxLib\tPieceRef\tPieceDate\tEcritureLib\tDebit\tCredit\tEcritureLet\tDateLet\t"
    "ValidDate\tMontantdevise\tIdevise\n"
)
LINES_PER_INVOICE = 5
FIRST_DAY = date(2025, 1, 1)


def write_ledger(path: Path, lines: int) -> Path:
    """About `lines` lines: each invoice is a sale of three lines and a payment of two.

    One invoice in ten is not paid; lettering codes are unique within a customer.
    """
    invoices = lines // LINES_PER_INVOICE
    customers = max(invoices // 40, 1)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(HEADER)
        for number in range(invoices):
            file.write(_invoice(number, number % customers, number * 300 // invoices))
    return path


def _invoice(number: int, customer: int, day: int) -> str:
    issued = f"{FIRST_DAY + timedelta(days=day):%Y%m%d}"
    paid = f"{FIRST_DAY + timedelta(days=day + 20 + number % 40):%Y%m%d}"
    net = 10_000 + number % 90_000
    tax = net // 5
    code = f"L{number:07d}" if number % 10 else ""
    party = f"C{customer:06d}\tClient {customer}"
    sale = f"VE\tVentes\tV{number}\t{issued}\t"
    bank = f"BQ\tBanque\tB{number}\t{paid}\t"
    piece = f"F{number:07d}\t{issued}\tFacture {number}"
    receipt = f"R{number:07d}\t{paid}\tReglement {number}"
    text = (
        f"{sale}411000\tClients\t{party}\t{piece}\t{_money(net + tax)}\t0,00\t{code}\t\t"
        f"{issued}\t\t\n"
        f"{sale}701000\tVentes\t\t\t{piece}\t0,00\t{_money(net)}\t\t\t{issued}\t\t\n"
        f"{sale}445710\tTVA\t\t\t{piece}\t0,00\t{_money(tax)}\t\t\t{issued}\t\t\n"
    )
    if not code:
        return text
    return text + (
        f"{bank}512000\tBanque\t\t\t{receipt}\t{_money(net + tax)}\t0,00\t\t\t{paid}\t\t\n"
        f"{bank}411000\tClients\t{party}\t{receipt}\t0,00\t{_money(net + tax)}\t{code}\t\t"
        f"{paid}\t\t\n"
    )


def _money(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"
