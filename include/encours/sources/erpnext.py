"""ERPNext: what is read of one company of a site, and how it is connected."""

from __future__ import annotations

from datetime import timedelta

from encours.clients.erpnext import open_client, read_records
from encours.sources.source import ApiSource, ApiStream, Deletes, Field

ERPNEXT = ApiSource(
    key="erpnext",
    title="ERPNext 14 to 16 (Frappe)",
    standing="verified",
    # Who refers is read before whom it refers to: what is read finds what it names. The schedules
    # are those of the invoices that were read.
    streams=(
        ApiStream("payment_ledger_entries", Deletes.ABSENCE),
        # Reconciling deletes rows, and nothing is left of them: the names are compared in each run.
        ApiStream("payment_ledger_names", Deletes.ABSENCE, is_incremental=False),
        ApiStream("journal_entries", Deletes.FEED),
        ApiStream("payment_entries", Deletes.FEED),
        ApiStream("sales_invoices", Deletes.FEED),
        ApiStream("payment_schedules", Deletes.ABSENCE),
        ApiStream("customers", Deletes.FEED),
        ApiStream("companies", Deletes.ABSENCE, is_incremental=False),
    ),
    open_client=open_client,
    read_records=read_records,
    # `modified` is set before the writing transaction ends, and one hour of autumn comes twice.
    overlap=timedelta(days=1),
    connection=(
        Field("host", "address of the site, such as https://company.erpnext.com"),
        Field(
            "login",
            "API key of a user who may read accounts (Accounts User) and the doctype Deleted"
            " Document",
        ),
        Field("password", "API secret of that user"),
        Field("company", "name of the company, where the site has several", is_required=False),
        Field(
            "time_zone",
            "time zone of the site, such as Europe/Paris; asked of the site if absent",
            is_required=False,
        ),
        Field("page_size", "records per request, 500 if absent", is_required=False),
    ),
    cannot_know=(
        "which of several credits settles which of several documents in one journal entry: split"
        " oldest first, and marked as estimated",
        "losses that are booked otherwise than by a write-off entry or in the invoice itself: they"
        " come as payments",
        "what was paid back on an invoice that was settled twice: it stays open beside the credit",
        "which instalment a payment settles: the oldest that has room",
        "when a reconciliation was undone: it is gone from the reading that no longer finds it",
        "a customer that was renamed: its earlier documents follow with the weekly reading",
        "the country and credit limit of a customer, and its SIREN without a French VAT number",
        "the entity's time zone, disputes and promises; the size of a customer",
    ),
)
