"""Sage Intacct, as a source."""

from __future__ import annotations

from datetime import timedelta

from encours.clients.sage_intacct import open_client, read_records
from encours.sources.source import ApiSource, ApiStream, Deletes, Field

SAGE_INTACCT = ApiSource(
    key="sage_intacct",
    title="Sage Intacct, XML gateway",
    standing="verified",
    # Who refers is read before whom it refers to: what is read finds what it names.
    streams=(
        ApiStream("payment_details", Deletes.ABSENCE),
        ApiStream("payments", Deletes.ABSENCE),
        ApiStream("advances", Deletes.ABSENCE),
        ApiStream("adjustments", Deletes.ABSENCE),
        ApiStream("invoices", Deletes.ABSENCE),
        ApiStream("customers", Deletes.ABSENCE),
        # What Order Entry changes is deleted and made again under another number, and nothing is
        # left of the first: it would be owed twice until the next reading of everything.
        ApiStream("record_ids", Deletes.ABSENCE, is_incremental=False),
    ),
    open_client=open_client,
    read_records=read_records,
    # Whether its moments are GMT in every company is not certain.
    overlap=timedelta(days=1),
    connection=(
        Field("host", "address of the gateway, https://api.intacct.com if absent", False),
        Field("login", "user ID, one who may read Accounts Receivable"),
        Field("password", "password of that user"),
        Field("company_id", "company ID, as it is typed to sign in"),
        Field("sender_id", "Web Services sender ID, from Sage"),
        Field("sender_password", "password of the sender ID"),
        Field("location_id", "ID of the entity, where the company has several", False),
        Field("page_size", "records per request, 1000 if absent, 2000 at most", False),
    ),
    cannot_know=(
        "amounts without tax: revenue and losses count with it",
        "write-offs: a loss comes as a credit memo; a discount on a payment comes as a write-off",
        "when an invoice was reversed: it and its reversal are void, at every date",
        "when a dispute began and ended: the days of the changes in which it was seen",
        "when reminders were sent: only how many, which is kept in raw",
        "refunds to customers, inline credits taken from another invoice, instalments, promises",
        "when an application was undone: it is gone from the reading that no longer finds it",
        "the name and SIREN of the company itself; the sector, region and size of a customer",
        "its request limits: 10 a second at most are made",
    ),
)
