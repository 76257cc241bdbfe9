"""QuickBooks Online: what is read of it, and how it is connected."""

from __future__ import annotations

from datetime import timedelta

from encours.clients.quickbooks import application, open_client, read_records
from encours.sources.source import ApiSource, ApiStream, Deletes, Field

# Who refers is read before whom it refers to: what is referred to is then there.
STREAMS = (
    ApiStream("payments", Deletes.FEED),
    ApiStream("credit_memos", Deletes.FEED),
    ApiStream("invoices", Deletes.FEED),
    ApiStream("journal_entries", Deletes.FEED),
    ApiStream("deposits", Deletes.FEED),
    ApiStream("purchases", Deletes.FEED),
    ApiStream("customers", Deletes.FEED),
    ApiStream("terms", Deletes.ABSENCE, is_incremental=False),
    ApiStream("accounts", Deletes.ABSENCE, is_incremental=False),
    ApiStream("company_infos", Deletes.ABSENCE, is_incremental=False),
    ApiStream("preferences", Deletes.ABSENCE, is_incremental=False),
)

QUICKBOOKS = ApiSource(
    key="quickbooks",
    title="QuickBooks Online",
    standing="verified",
    streams=STREAMS,
    open_client=open_client,
    read_records=read_records,
    # Moments are told to the second, and what was committed late may bear an earlier one.
    overlap=timedelta(days=1),
    connection=(
        Field("login", "client id of the app registered with Intuit"),
        Field("password", "client secret of the app"),
        Field("redirect_uri", "redirect URI of the app, exactly as registered"),
        Field("realm_id", "realm id of the company, also called company id"),
        Field(
            "host",
            "https://sandbox-quickbooks.api.intuit.com for a company of Intuit's sandbox",
            is_required=False,
        ),
    ),
    cannot_know=(
        "which of several credits settles which of several invoices in one payment: split oldest"
        " first, and marked as estimated",
        "write-offs: a loss that is booked by a journal entry or a credit memo settles the invoice"
        " as a payment or a credit note",
        "whether the deposit on an invoice is part of its balance: taken as paid on its day",
        "when a payment was applied or unapplied: known from the reading that finds it",
        "instalments, disputes, promises and reminders",
        "SIREN and VAT number of customers, which QuickBooks masks; their country where it is not"
        " told as a code; their sector and size",
        "the entity's SIREN and time zone; sales receipts and refund receipts, which are never"
        " owed",
    ),
    application=application,
)
