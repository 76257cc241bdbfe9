"""Sage 100 (France): the tables that are read, and how a database is connected."""

from __future__ import annotations

from datetime import timedelta

from encours.clients.sage_100 import open_client, read_records
from encours.sources.source import ApiSource, ApiStream, Deletes, Field

SAGE_100 = ApiSource(
    key="sage_100",
    title="Sage 100 (France), its database",
    standing="beta",
    # Who refers is read before whom it refers to: what is read finds what it names.
    streams=(
        ApiStream("ledger_lines", Deletes.ABSENCE),
        # Nothing is left of a deleted line: the keys are compared in each run.
        ApiStream("ledger_line_ids", Deletes.ABSENCE, is_incremental=False),
        ApiStream("receipts", Deletes.ABSENCE),
        ApiStream("customers", Deletes.ABSENCE, is_incremental=False),
        ApiStream("companies", Deletes.ABSENCE, is_incremental=False),
    ),
    open_client=open_client,
    read_records=read_records,
    # Rows bear the server's own time of day, some programs only the day.
    overlap=timedelta(days=2),
    connection=(
        Field(
            "host",
            "SQLAlchemy URL of the company's database, such as"
            " mssql+pymssql://server:1433/COMPANY (after .venv/bin/pip install pymssql)",
        ),
        Field("login", "login that may only SELECT; Windows' own without", is_required=False),
        Field("password", "its password", is_required=False),
        Field("page_size", "rows per request, 5000 if absent", is_required=False),
    ),
    cannot_know=(
        "the contract: no dictionary of its tables is public; what several public programs agree"
        " on is relied on, and the FEC remains the safe path",
        "which of several credits settles which of several debits of one lettering: the oldest"
        " first, and marked as estimated",
        "amounts in another currency than the company's, which is taken to be the euro",
        "what entries by hand and balances brought forward from years that are gone were: they come"
        " as invoices and credit notes of their date",
        "which entries are only drafts",
        "the entity's time zone, disputes and promises; the country, sector, region, size, terms"
        " and credit limit of a customer",
    ),
)
