"""The stand-ins that `encours sandbox` serves: one that is named here is mounted at /<name>.

A stand-in is a module with a function `routes(world, desk)`; one that is a database sets
`desk.tables` there and has no routes (databases.py). It serves what the vendor documents
and nothing else, in the vendor's shapes and limits, from the rows of the world as they are when a
request comes; ids of its own are derived from those of the books, so that they are the same at
every start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from starlette.routing import BaseRoute

from encours.sandbox import (
    cegid_loop,
    dolibarr,
    erpnext,
    odoo,
    pennylane,
    quickbooks,
    sage_100,
    sage_accounting,
    sage_intacct,
    xero,
)
from encours.sandbox.books import World
from encours.sandbox.desk import Desk

# The routes of a vendor's API over the books, without the name that it is mounted at. Called once
# per world; sets up the desk.
Routes = Callable[[World, Desk], Sequence[BaseRoute]]

STAND_INS: Mapping[str, Routes] = {
    "cegid_loop": cegid_loop.routes,
    "dolibarr": dolibarr.routes,
    "erpnext": erpnext.routes,
    "odoo": odoo.routes,
    "pennylane": pennylane.routes,
    "quickbooks": quickbooks.routes,
    "sage_100": sage_100.routes,
    "sage_accounting": sage_accounting.routes,
    "sage_intacct": sage_intacct.routes,
    "xero": xero.routes,
}
