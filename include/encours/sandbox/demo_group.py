"""The subsidiaries of the demo group, each in an accounting system of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from encours.demo.books import DemoOptions, write_books
from encours.demo.companies import SUBSIDIARIES
from encours.sandbox.books import read_world
from encours.sandbox.server import Sandbox
from encours.sandbox.stand_ins import STAND_INS

# Each is read at the pace that its vendor permits.
INVOICES = {"odoo": 300, "pennylane": 40, "sage_accounting": 150}
MONTHS = 24
# Beyond the customers of the others, so that each has names of its own.
FIRST_COMPANY = 2000


@contextmanager
def served_subsidiaries(folder: Path) -> Iterator[list[dict[str, Any]]]:
    """Serves the books of each, which it writes into `folder`, for as long as they are read. Gives
    their Airflow connections, with the key of the `source` that reads each."""
    with ExitStack() as stack:
        connections = []
        for place, (source, entity) in enumerate(SUBSIDIARIES.items()):
            options = DemoOptions(
                INVOICES[source],
                MONTHS,
                seed=2 + place,
                entities=(entity,),
                first_company=FIRST_COMPANY + 500 * place,
            )
            write_books(options, folder / source)
            stand_in = {source: STAND_INS[source]}
            sandbox = Sandbox(read_world(folder / source), stand_ins=stand_in, limits=False)
            stack.enter_context(sandbox)
            fields = sandbox.connection(source)
            # For systems that want tokens of a person: one that never dies, since a clock that
            # stands still reaches no end of it.
            fields["extra"]["access_token"] = sandbox.desk(source).token
            connections.append({"source": source, **fields})
        yield connections
