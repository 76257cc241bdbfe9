"""Dolibarr, as a source."""

from __future__ import annotations

from datetime import timedelta

from encours.clients.dolibarr import open_client, read_records
from encours.sources.source import ApiSource, ApiStream, Deletes, Field

DOLIBARR = ApiSource(
    key="dolibarr",
    title="Dolibarr, REST API",
    standing="verified",
    # Who refers is read before whom it refers to: what is read finds what it names.
    streams=(
        ApiStream("payments", Deletes.ABSENCE),
        ApiStream("invoices", Deletes.ABSENCE),
        ApiStream("thirdparties", Deletes.ABSENCE),
        ApiStream("settings", Deletes.ABSENCE, is_incremental=False),
    ),
    open_client=open_client,
    read_records=read_records,
    # When a row was written is told to the second, and what is committed late bears an earlier one.
    overlap=timedelta(days=1),
    connection=(
        Field("host", "address of Dolibarr, such as https://company.example"),
        Field(
            "password",
            "API key of a user who may read invoices and all third parties, and whose login the"
            " constant API_LOGINS_ALLOWED_FOR_CONST_READ names",
        ),
        Field("entity", "number of the company, where there are several", is_required=False),
        Field("page_size", "records per request, 100 if absent", is_required=False),
    ),
    cannot_know=(
        "payments on account: money is always paid on an invoice; what is more than the invoice"
        " stays an unapplied credit of the payment that came last",
        "how much of an invoice in another currency was paid: worked out from the company amount"
        " at the rate of the invoice, and marked as estimated",
        "the day of a write-off: taken as that of the last change of the invoice when it was first"
        " read as closed or abandoned",
        "credit notes that were made a line of an invoice instead of a payment of it: they stay"
        " open",
        "a change of the date or number of a payment, and deletions: the weekly reading finds them",
        "dates where the server's clock is more than 13 hours ahead of UTC or more than 10 behind",
        "instalments, retained warranties, disputes, promises and reminders",
        "the entity's time zone; the sector, region and size of a customer",
    ),
)
