"""Pennylane: invoices, credit notes, customers, and what settles them: the ledger, or else the bank
transactions matched with them."""

from __future__ import annotations

from datetime import timedelta

from encours.clients.ledger_periods import OPTION, fec_periods
from encours.clients.pennylane import application, export_ledger, open_client
from encours.clients.pennylane_records import read_records
from encours.sources.source import ApiSource, ApiStream, Deletes, Field, LedgerExport

PENNYLANE = ApiSource(
    key="pennylane",
    title="Pennylane, Company API v2",
    standing="verified",
    # Who refers is read before whom it refers to: a line finds its invoice, and that its customer.
    # The transactions are those of the invoices that were read.
    streams=(
        ApiStream("companies", Deletes.ABSENCE, is_incremental=False),
        ApiStream("ledger_entry_lines", Deletes.FEED),
        ApiStream("customer_invoices", Deletes.FEED),
        ApiStream("matched_transactions", Deletes.FEED),
        ApiStream("customers", Deletes.FEED),
    ),
    open_client=open_client,
    read_records=read_records,
    # The changelogs are filled by a pipeline whose delay is not stated; reading the changes of a
    # day again costs one request for each.
    overlap=timedelta(days=1),
    connection=(
        Field(
            "host", "address of Pennylane, https://app.pennylane.com if absent", is_required=False
        ),
        Field(
            "login",
            "client id of an app registered with Pennylane, where one is",
            is_required=False,
        ),
        Field(
            "password",
            "company token, made in the settings of Pennylane with the scopes customers:readonly,"
            " customer_invoices:readonly and ledger_entries:readonly; of an app its client secret",
        ),
        Field("redirect_uri", "of an app, its redirect URI as registered", is_required=False),
        Field("token_url", "of an app, where tokens are issued, if elsewhere", is_required=False),
        Field(
            OPTION,
            "fiscal years whose FEC is exported and read instead of invoices, such as"
            " 2025-01-01/2025-12-31 2026-01-01/2026-12-31 (scope exports:fec)",
            is_required=False,
        ),
    ),
    application=application,
    ledger_export=LedgerExport(fec_periods, export_ledger, "companies", "reg_no"),
    cannot_know=(
        "which payment of a lettering settled which invoice: credit notes first the invoice that"
        " they name, else oldest first, and marked as estimated where there is a choice",
        "what stands only in the ledger: opening balances and years of another tool (a FEC brings"
        " them), money on an account that several customers share",
        "bills of exchange and doubtful accounts: an invoice that is moved there stays open as it"
        " was",
        "a bank transaction that is matched but not booked or lettered yet: an unapplied credit"
        " once it is booked",
        "without the scope ledger_entries:readonly, or with a chart of accounts that is not French:"
        " only bank transactions matched with invoices are known, how much of one settled which"
        " invoice is estimated, money matched with no invoice is not seen, and invoices marked as"
        " paid without a transaction or credit note stay open",
        "whether a match or a lettering counts as a change of what it is about: if not, the weekly"
        " reading finds it",
        "in which currency the remainder of a foreign invoice is: taken as euros",
        "instalments, disputes, promises and reminders",
        "the sector, region and size of a customer",
    ),
)
