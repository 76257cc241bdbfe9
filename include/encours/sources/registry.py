"""The sources that Encours extracts from: one that is named here gets a raw schema and an ingest
DAG."""

from __future__ import annotations

from collections.abc import Mapping

from encours.sources.cegid_loop import CEGID_LOOP
from encours.sources.dolibarr import DOLIBARR
from encours.sources.erpnext import ERPNEXT
from encours.sources.files import FEC, FILES
from encours.sources.odoo import ODOO
from encours.sources.pennylane import PENNYLANE
from encours.sources.quickbooks import QUICKBOOKS
from encours.sources.sage_100 import SAGE_100
from encours.sources.sage_accounting import SAGE_ACCOUNTING
from encours.sources.sage_intacct import SAGE_INTACCT
from encours.sources.source import ApiSource, FileSource, Source
from encours.sources.xero import XERO

FILE_SOURCES: Mapping[str, FileSource] = {source.key: source for source in (FEC, FILES)}
API_SOURCES: Mapping[str, ApiSource] = {
    source.key: source
    for source in (
        CEGID_LOOP,
        DOLIBARR,
        ERPNEXT,
        ODOO,
        PENNYLANE,
        QUICKBOOKS,
        SAGE_100,
        SAGE_ACCOUNTING,
        SAGE_INTACCT,
        XERO,
    )
}
SOURCES: Mapping[str, Source] = {**FILE_SOURCES, **API_SOURCES}
