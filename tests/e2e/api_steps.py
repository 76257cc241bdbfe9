"""The steps by which one company of a stand-in is read, as plain calls."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from token_endpoint import StoreInMemory

from encours.clients.api import Access
from encours.clients.oauth import Tokens
from encours.orchestration import extract
from encours.orchestration.ingest import Ingested
from encours.orchestration.run_ids import new_run_id
from encours.sandbox.server import Sandbox
from encours.settings import Settings
from encours.sources.registry import API_SOURCES


def access_of(sandbox: Sandbox, source: str, entity: str = "") -> Access:
    fields = sandbox.connection(source)
    access = Access(
        connection_id=f"encours_{source}",
        entity_id=entity or source,
        base_url=fields["host"],
        login=fields.get("login") or "",
        secret=fields.get("password") or "",
        options=fields.get("extra") or {},
    )
    if API_SOURCES[source].application(access) is None:
        return access
    grant = sandbox.desk(source).issue()
    return replace(access, tokens=StoreInMemory(Tokens(grant.access_token, grant.refresh_token)))


def read_company(
    settings: Settings,
    sandbox: Sandbox,
    source: str,
    entity: str = "",
    *,
    is_full: bool = False,
    patience: Any = None,
) -> Ingested:
    """Extract and load one company, as a run of its DAG does: whole at first, then what changed."""
    run_id = new_run_id()
    known = API_SOURCES[source]
    if patience is not None:
        known = replace(known, open_client=partial(known.open_client, patience=patience))
    reading = extract.Reading(run_id, known, access_of(sandbox, source, entity), is_full)
    folder = extract.land_company(settings, reading)
    return extract.load_company(settings, known, run_id, folder)
