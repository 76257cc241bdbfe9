"""A stand-in of Cegid Loop's public API, for what a receivables pipeline reads of it.

Headers, `codeDossier`, the filters of entries and the most that they give are those of the vendor's
reference pages, and so are the fields of establishments, journals, accounts and customers. Where
these are silent: the fields of a line of an entry are this sandbox's own (`OPTIONS` maps them, as a
connection must), listings are in the order in which things were booked, `skip` leads to their end,
what settles each other has one lettering, also where it leaves a rest or spans two years, and
refusals are plain text.

The books become entries as a ledger has them, in euros: sales, bank, losses. The day's difference
between two rates of a foreign currency is not booked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from encours.sandbox.books import World
from encours.sandbox.desk import Desk
from encours.sandbox.json_bodies import answer_json
from encours.sandbox.ledger_entries import (
    ACCOUNTS,
    BANK_JOURNAL,
    JOURNALS,
    MISCELLANEOUS,
    RECEIVABLE,
    SALES,
    LedgerEntry,
    ledger_entries,
    letterings,
)

LOGIN, SUBSCRIPTION, FILE = "sandbox-key", "sandbox-subscription", "SANDBOX01"
LARGEST_PAGE = 100
OPTIONS = {
    "subscription_key": SUBSCRIPTION,
    "code_dossier": FILE,
    "field_id": "uuid",
    "field_journal": "journal.code",
    "field_entry": "piece.numero",
    "field_date": "piece.jour",
    "field_account": "compte.0",
    "field_debit": "mouvement.debit",
    "field_credit": "mouvement.credit",
    "field_lettering": "paquet",
    "field_third_party": "tiers.code",
    "field_reference": "piece.reference",
    "field_due_date": "echeance",
}

_JOURNAL_TYPES = {SALES: 8, BANK_JOURNAL: 4, MISCELLANEOUS: 2}
_TESTS: Mapping[str, re.Pattern[str]] = {
    "codeLettrage": re.compile(r'(==|!=)\s*(null|"[^"]*")'),
    "datePiece": re.compile(r'(==|>=)\s*("\d{4}-\d{2}-\d{2}")'),
    "journalCode": re.compile(r'(==)\s*("[^"]*")'),
    "refPiece": re.compile(r'(==)\s*("[^"]*")'),
    "compteNumero": re.compile(r'(==)\s*("[^"]*")'),
}


def routes(world: World, desk: Desk) -> Sequence[BaseRoute]:
    desk.limit(60, 60.0)
    desk.login = LOGIN
    desk.options = OPTIONS
    desk.usual_fields = {
        "unknown_value": "*.type",
        "other_type": "*.mouvement.debit",
        "missing_field": "*.mouvement",
        "new_field": "*.sandbox_new_field",
    }
    ledger = _Ledger(world)
    served: Mapping[str, Callable[[Request], list[dict[str, Any]]]] = {
        "/EcritureComptable": ledger.entries,
        "/tiersClient": ledger.customers,
        "/compte": lambda _: [
            {**_identity("compte", number), "numero": number, "libelle": label}
            | {"type": int(number[0]), "collectif": number == RECEIVABLE, "lettrable": True}
            for number, label in ACCOUNTS.items()
        ],
        "/journal": lambda _: [
            {**_identity("journal", code), "code": code, "libelle": label}
            | {"type": _JOURNAL_TYPES[code]}
            for code, label in JOURNALS.items()
        ],
        "/etablissementComplet": lambda _: [_office(desk)],
    }

    def known(listing: Callable[[Request], list[dict[str, Any]]]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            key, _, secret = request.headers.get("x-apikey", "").partition(":")
            if key != LOGIN or not desk.check(secret):
                return PlainTextResponse("x-apikey is not valid", 401)
            if request.headers.get("Ocp-Apim-Subscription-Key") != SUBSCRIPTION:
                return PlainTextResponse("the subscription key is not valid", 401)
            if request.query_params.get("codeDossier") != FILE:
                return PlainTextResponse("codeDossier is missing or not known", 404)
            try:
                return answer_json(_part(request, listing(request)))
            except _BadRequest as bad:
                return PlainTextResponse(str(bad), 400)

        return answer

    return [Route(path, known(listing)) for path, listing in served.items()]


class _BadRequest(Exception):
    pass


def _part(request: Request, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    texts = [request.query_params.get(name, "") for name in ("skip", "take")]
    if any(text and not text.isdecimal() for text in texts):
        raise _BadRequest("skip and take are numbers")
    skip, take = int(texts[0] or 0), int(texts[1] or LARGEST_PAGE)
    return found[skip : skip + min(take, LARGEST_PAGE)]


def _office(desk: Desk) -> dict[str, Any]:
    entity = desk.company()
    name = entity.entity_name or entity.entity_id
    return {**_identity("etablissement", entity.entity_id), "type": 1, "raisonSociale": name}


def _identity(kind: str, key: str) -> dict[str, Any]:
    return {"objectId": _uuid(kind, key), "revisionId": "0x0000000000000001"}


def _uuid(kind: str, key: str) -> str:
    """Always the same for the same thing."""
    return str(UUID(bytes=blake2b(f"{kind} {key}".encode(), digest_size=16).digest()))


# ---------------------------------------------------------------------- the ledger


class _Ledger:
    def __init__(self, world: World) -> None:
        self._world = world
        self._of: tuple[object, ...] = ()
        self._lines: list[dict[str, Any]] = []

    def customers(self, request: Request) -> list[dict[str, Any]]:
        return [
            {
                **_identity("tiers", row.key),
                "code": row.customer_id,
                "type": 0,
                "raisonSociale": row.customer_name,
                "SIRET": f"{row.siren}00001" if row.siren else None,
                "lettrable": True,
                "actif": True,
            }
            for row in self._world.customers
        ]

    def entries(self, request: Request) -> list[dict[str, Any]]:
        """The lines that fit the filter."""
        conditions = list(_conditions(request.query_params.get("filter", "")))
        if not {name for name, _, _ in conditions} & {"codeLettrage", "ecritureOrigine"}:
            raise _BadRequest("a filter on codeLettrage or ecritureOrigine is mandatory")
        return [
            line
            for line in self._all_lines()
            if all(_fits(line, *condition) for condition in conditions)
        ]

    def _all_lines(self) -> list[dict[str, Any]]:
        world = self._world
        books = (world.documents, world.payments, world.allocations, world.write_offs)
        # The rows of a world are the same object until one of them changes.
        if len(self._of) != len(books) or any(
            a is not b for a, b in zip(self._of, books, strict=True)
        ):
            packets = {item: _uuid("lettrage", name) for item, name in letterings(world).items()}
            entries = sorted(
                ledger_entries(world), key=lambda entry: (entry.booked_at, entry.number)
            )
            self._of = books
            self._lines = [line for entry in entries for line in _lines(entry, packets)]
        return self._lines


def _conditions(text: str) -> Iterator[tuple[str, str, str]]:
    for condition in filter(None, (part.strip() for part in text.split("&&"))):
        name = re.match(r"\w*", condition)[0]  # type: ignore[index]
        test = _TESTS.get(name)
        found = test.fullmatch(condition[len(name) :].strip()) if test else None
        if not found:
            raise _BadRequest("the filter cannot be read")
        yield name, found[1], found[2].strip('"')


def _fits(line: Mapping[str, Any], name: str, operator: str, value: str) -> bool:
    found = {
        "codeLettrage": line["paquet"] or "null",
        "datePiece": line["piece"]["jour"].isoformat(),
        "journalCode": line["journal"]["code"],
        "refPiece": line["piece"]["reference"],
        "compteNumero": line["compte"][0],
    }[name]
    if operator == ">=":
        return bool(found >= value)
    return bool(found == value) is (operator == "==")


def _lines(entry: LedgerEntry, packets: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for place, movement in enumerate(entry.movements):
        yield {
            "uuid": _uuid("ligne", f"{entry.journal} {entry.number} {place}"),
            "journal": {"code": entry.journal},
            "piece": {"numero": entry.number, "jour": entry.day, "reference": entry.number},
            "compte": [movement.account],
            "tiers": {"code": movement.customer} if movement.customer else None,
            "mouvement": {
                "debit": max(movement.amount, Decimal(0)),
                "credit": max(-movement.amount, Decimal(0)),
            },
            "echeance": movement.due_date,
            "paquet": packets.get(movement.item),
        }
