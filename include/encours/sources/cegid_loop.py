"""Cegid Loop: the ledger of an accounting file, line by line."""

from __future__ import annotations

from datetime import timedelta

from encours.clients.cegid_loop import open_client, read_records
from encours.clients.cegid_loop_entries import MAPPED_FIELDS
from encours.sources.source import ApiSource, ApiStream, Deletes, Field

CEGID_LOOP = ApiSource(
    key="cegid_loop",
    title="Cegid Loop",
    standing="beta",
    # Nothing tells what changed: all is read each time, and what is gone is missing from it. Who
    # refers is read before whom it refers to.
    streams=tuple(
        ApiStream(name, Deletes.ABSENCE, is_incremental=False)
        for name in ("ecritures", "tiers_clients", "comptes", "journaux")
    ),
    open_client=open_client,
    read_records=read_records,
    overlap=timedelta(0),
    connection=(
        Field("login", "API key, made in Cegid Loop"),
        Field("password", "secret of the API key"),
        Field("subscription_key", "subscription key of the partner (Ocp-Apim-Subscription-Key)"),
        Field("code_dossier", "code of the accounting file"),
        # Which of them must be given is told, with the fields of an answer, when the connection is
        # tested: who connects cannot know them before.
        *(
            Field(
                field.option,
                f"path in an answer of EcritureComptable: {field.meaning}",
                is_required=False,
            )
            for field in MAPPED_FIELDS
        ),
        Field("debit_side", "what field_side says of a debit", is_required=False),
        Field("credit_side", "what field_side says of a credit", is_required=False),
        Field(
            "closing_month",
            "month with whose end the fiscal year closes, 12 if absent",
            is_required=False,
        ),
        Field(
            "first_day",
            "first day of a fiscal year (AAAA-MM-JJ): entries before it are not read",
            is_required=False,
        ),
        Field("requests_per_minute", "request limit, 60 unless agreed", is_required=False),
        Field("host", "address of the API, for a stand-in only", is_required=False),
    ),
    cannot_know=(
        "the fields of an entry: Cegid does not publish them, so the connection names them",
        "books that the API does not give whole (it speaks of 100 lines): they do not balance and"
        " are refused; a FEC exported into the inbox is the safe path",
        "amounts in other currencies: those of the ledger, in euros",
        "which payment of a lettering settled which invoice: oldest first",
        "due dates, where the connection names no field that has them",
        "which invoice a credit note credits; disputes and promises",
        "the sector, region and size of a customer, and its payment terms",
    ),
)
