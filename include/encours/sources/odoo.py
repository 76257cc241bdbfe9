"""Odoo, as a source."""

from __future__ import annotations

from datetime import timedelta

from encours.clients.odoo import open_client, read_records
from encours.sources.source import ApiSource, ApiStream, Deletes, Field

ODOO = ApiSource(
    key="odoo",
    title="Odoo 13 to 19",
    standing="verified",
    # Who refers is read before whom it refers to: what is read finds what it names.
    streams=(
        ApiStream("partial_reconciles", Deletes.ABSENCE),
        # Unreconciling deletes, and nothing is left of it: the ids are compared in each run.
        ApiStream("partial_reconcile_ids", Deletes.ABSENCE, is_incremental=False),
        ApiStream("move_lines", Deletes.ABSENCE),
        ApiStream("move_line_ids", Deletes.ABSENCE, is_incremental=False),
        ApiStream("moves", Deletes.ABSENCE),
        ApiStream("partners", Deletes.ABSENCE),
        ApiStream("companies", Deletes.ABSENCE, is_incremental=False),
        ApiStream("currencies", Deletes.ABSENCE, is_incremental=False),
    ),
    open_client=open_client,
    read_records=read_records,
    # `write_date` is when the writing transaction began, and some run for hours.
    overlap=timedelta(days=1),
    connection=(
        Field("host", "address of the server, such as https://company.odoo.com"),
        Field("password", "API key of a user who may read accounting"),
        Field("login", "login of that user (before Odoo 19)", is_required=False),
        Field("database", "name of the database (before Odoo 19)", is_required=False),
        Field("version", "version, such as 17; asked of the server if absent", is_required=False),
        Field("company_id", "id of the company, where the user sees several", is_required=False),
        Field("page_size", "records per request, 1000 if absent", is_required=False),
    ),
    cannot_know=(
        "write-offs: a loss that is booked against an invoice comes as a payment, and so does the"
        " part of a payment that was written off with it",
        "what was credited by hand, without a payment or a bank statement: it comes as a payment",
        "when a reconciliation was undone: it is gone from the reading that no longer finds it",
        "the entity's time zone, disputes and promises",
        "the sector, region and size of a customer",
    ),
)
