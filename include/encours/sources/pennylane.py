"""Pennylane: invoices, credit notes, customers, and the bank transactions matched with them."""

from __future__ import annotations

from datetime import timedelta

from encours.clients.pennylane import application, open_client, read_records
from encours.sources.source import ApiSource, ApiStream, Deletes, Field

PENNYLANE = ApiSource(
    key="pennylane",
    title="Pennylane, Company API v2",
    standing="verified",
    # Who refers is read before whom it refers to: an invoice finds its customer. The transactions
    # are those of the invoices that were read.
    streams=(
        ApiStream("companies", Deletes.ABSENCE, is_incremental=False),
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
            "company token, made in the settings of Pennylane with the scopes customers:readonly"
            " and customer_invoices:readonly; of an app its client secret",
        ),
        Field("redirect_uri", "of an app, its redirect URI as registered", is_required=False),
        Field("token_url", "of an app, where tokens are issued, if elsewhere", is_required=False),
    ),
    application=application,
    cannot_know=(
        "how much of a bank transaction settled which invoice: estimated where a transaction has"
        " several invoices or an invoice several transactions",
        "money that is matched with no invoice: it cannot be told from any other bank transaction",
        "invoices marked as paid without a bank transaction or credit note: they stay open",
        "how much of a credit note is used: worked out from what remains of the invoices",
        "whether a match counts as a change of its invoice: if not, the weekly reading finds it",
        "in which currency the remainder of a foreign invoice is: taken as euros",
        "instalments, disputes, promises and reminders",
        "the sector, region and size of a customer",
    ),
)
