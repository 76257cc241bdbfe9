"""Xero: what is read of it, and how it is connected."""

from __future__ import annotations

from datetime import timedelta

from encours.clients.xero import application, open_client, read_records
from encours.sources.source import ApiSource, ApiStream, Deletes, Field

# Who refers is read before whom it refers to: what is referred to is then there.
STREAMS = (
    ApiStream("payments", Deletes.IN_RECORD),
    ApiStream("overpayments", Deletes.IN_RECORD),
    ApiStream("prepayments", Deletes.IN_RECORD),
    ApiStream("credit_notes", Deletes.IN_RECORD),
    ApiStream("invoices", Deletes.IN_RECORD),
    ApiStream("contacts", Deletes.IN_RECORD),
    ApiStream("organisations", Deletes.ABSENCE, is_incremental=False),
)

XERO = ApiSource(
    key="xero",
    title="Xero Accounting",
    standing="verified",
    streams=STREAMS,
    open_client=open_client,
    read_records=read_records,
    # Moments are compared to the second, and what was committed late may bear an earlier one.
    overlap=timedelta(days=1),
    connection=(
        Field("login", "client id of the app registered with Xero"),
        Field("password", "client secret of the app"),
        Field("redirect_uri", "redirect URI of the app, exactly as registered"),
        Field("tenant_id", "id of the organisation, where several are open", is_required=False),
        Field(
            "scopes",
            "what the app may ask for, where it was made before 2 March 2026: offline_access"
            " accounting.transactions.read accounting.contacts.read accounting.settings.read",
            is_required=False,
        ),
        Field("page_size", "records per request, 1000 if absent", is_required=False),
        Field("host", "address of the API, for a stand-in only", is_required=False),
    ),
    cannot_know=(
        "which payments came in together, unless they are one batch payment",
        "write-offs: a loss comes as the credit note that it is booked as",
        "when a payment, an allocation or a document was undone: it is as if it had never been",
        "who gave an expected payment date and when: taken as a promise of what was then due,"
        " recorded at the invoice's change that first showed it",
        "a due date or expected date changed on a partly paid invoice: the weekly reading finds it",
        "SIREN of customers without a company number or French VAT number, countries that are not"
        " written in two letters",
        "instalments, disputes and reminders; taxes withheld (CIS)",
        "the sector and size of a customer",
    ),
    application=application,
)
