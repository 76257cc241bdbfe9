"""Sage Business Cloud Accounting: what is read of it, and how it is connected."""

from __future__ import annotations

from datetime import timedelta

from encours.clients.sage_accounting import application, open_client, read_records
from encours.sources.source import ApiSource, ApiStream, Deletes, Field

# Who refers is read before whom it refers to: what is referred to is then there.
STREAMS = (
    ApiStream("contact_allocations", Deletes.FEED),
    ApiStream("contact_payments", Deletes.FEED),
    ApiStream("sales_quick_entries", Deletes.FEED),
    ApiStream("sales_credit_notes", Deletes.FEED),
    ApiStream("sales_invoices", Deletes.FEED),
    ApiStream("contact_opening_balances", Deletes.FEED),
    ApiStream("contacts", Deletes.FEED),
    ApiStream("invoice_settings", Deletes.ABSENCE, is_incremental=False),
    ApiStream("financial_settings", Deletes.ABSENCE, is_incremental=False),
    ApiStream("businesses", Deletes.ABSENCE, is_incremental=False),
)

SAGE_ACCOUNTING = ApiSource(
    key="sage_accounting",
    title="Sage Business Cloud Accounting",
    standing="verified",
    streams=STREAMS,
    open_client=open_client,
    read_records=read_records,
    # Moments are told to the second, and what was committed late may bear an earlier one.
    overlap=timedelta(days=1),
    connection=(
        Field("login", "client id of the app registered with Sage"),
        Field("password", "client secret of the app"),
        Field("redirect_uri", "callback URL of the app, exactly as registered"),
        Field("business_id", "id of the business, where the user has several", is_required=False),
        Field("requests_per_minute", "request limit, 100 unless agreed", is_required=False),
        Field("host", "address of the API, for a stand-in only", is_required=False),
    ),
    cannot_know=(
        "which of several credits settles which of several documents in one allocation: split"
        " oldest first, and marked as estimated",
        "whether a discount on a payment is part of the allocated amount: taken as beside it",
        "due dates of quick entries and opening balances: from the customer's credit days",
        "SIREN of customers without a French VAT number; taxes withheld (CIS, IRPF); corrective"
        " invoices (Spain)",
        "its request limits: 100 a minute is kept unless the connection says otherwise",
    ),
    application=application,
)
