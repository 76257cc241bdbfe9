"""The FEC of a company of Pennylane: made on demand by the API, downloaded, and left in a folder.

`POST /exports/fecs` with a period makes an export, `GET /exports/fecs/{id}` says whether it is
`pending`, `ready` or `error`, and where the file is, for 30 minutes (the published OpenAPI
document of the Company API v2). The scope is `exports:fec`. How long an export takes, and which
form the file has, is not stated: it goes through the same door as a FEC that a person delivers.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from encours.clients.api import Access
from encours.clients.http import ApiSession, Limits, Patience
from encours.clients.ledger_periods import Period
from encours.clients.pennylane_records import ROOT, Fields
from encours.errors import FatalError, RetryableError

EXPORT_SCOPE = "exports:fec"
EXPORTS = f"{ROOT}/exports/fecs"
POLL_SECONDS = 5.0
MOST_POLLS = 240
# A FEC of several million lines.
LONGEST_FILE = 1 << 30


def export_fec(
    session: ApiSession,
    access: Access,
    siren: str,
    period: Period,
    folder: Path,
    patience: Patience,
) -> Path:
    """The file, named as the law wants it: SIREN and closing date. RetryableError where it is not
    ready in time or the vendor could not make it, FatalError where the company has no SIREN."""
    if not re.fullmatch(r"[0-9]{9}", siren):
        raise FatalError(
            f"{access.connection_id}: Pennylane tells no SIREN of the company: a FEC is named by it"
            " (give it one in Pennylane's settings)"
        )
    made = session.post(
        EXPORTS,
        json={"period_start": str(period.first), "period_end": str(period.last)},
        asked=f"{period.first} {period.last}",
        handled=(403,),
    )
    if made.status == 403:
        raise FatalError(
            f"{access.connection_id}: the token has not the scope {EXPORT_SCOPE} (give it to"
            " the token in Pennylane, then encours connect pennylane)"
        )
    where = f"{access.connection_id}: {EXPORTS}"
    key = Fields(where, made.json()).identifier("id")
    url = _ready_file(session, f"{EXPORTS}/{key}", period, patience)
    path = folder / f"{siren}FEC{period.last:%Y%m%d}.txt"
    _download(access, url, path, patience)
    return path


def _ready_file(session: ApiSession, path: str, period: Period, patience: Patience) -> str:
    for _ in range(MOST_POLLS):
        export = Fields(f"{session.name}: {path}", session.get(path).json())
        status = export.text("status")
        if status == "ready":
            return export.text("file_url")
        if status != "pending":
            raise RetryableError(
                f"{session.name}: Pennylane could not make the FEC of {period}: {status}"
                " (run again; if it stays so, export it by hand into the inbox)"
            )
        patience.sleep(POLL_SECONDS)
    raise RetryableError(
        f"{session.name}: the FEC of {period} was not ready after"
        f" {MOST_POLLS * POLL_SECONDS:.0f} s (run again later)"
    )


def _download(access: Access, url: str, path: Path, patience: Patience) -> None:
    """By a session of its own: the file lies elsewhere, and the token is for Pennylane alone."""
    parts = urlsplit(url)
    with ApiSession(
        access.connection_id,
        f"{parts.scheme}://{parts.netloc}",
        headers=dict,
        limits=Limits(requests=5, seconds=1.0),
        reads="any",
        patience=patience,
        longest_body=LONGEST_FILE,
    ) as session:
        session.download(parts.path + (f"?{parts.query}" if parts.query else ""), path)
