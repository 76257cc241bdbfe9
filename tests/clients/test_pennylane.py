"""The Pennylane client against the stand-in: what it reads, what it asks, and how it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from openapi_documents import OpenApiDocument, document
from scripted_server import StillClock
from token_endpoint import StoreInMemory

from encours.clients.api import Access, Exchange, Record, Window, WindowTooOld
from encours.clients.oauth import Tokens
from encours.clients.pennylane import PennylaneClient, application, open_client
from encours.clients.pennylane_records import SETTLING_ACCOUNTS, read_records
from encours.errors import EncoursError, FatalError, RetryableError
from encours.sandbox.books import Allocation, Customer, Document, Entity, Payment, World
from encours.sandbox.desk import DEMO_TOKEN
from encours.sandbox.server import Sandbox
from encours.sandbox.token_office import CLIENT_ID, REDIRECT_URI
from encours.settings import project_root
from encours.sources.pennylane import PENNYLANE

ROOT = "/pennylane/api/external/v2"
STREAMS = [stream.name for stream in PENNYLANE.streams]
FULL = Window()


def invoice(number: int, **values: Any) -> Document:
    return Document(
        **{
            "document_id": f"F{number}",
            "customer_id": "C1",
            "issue_date": date(2026, 1, 10),
            "due_date": date(2026, 2, 9),
            "amount_incl_tax": Decimal("120.00"),
            "amount_excl_tax": Decimal("100.00"),
            **values,
        }
    )


def payment(name: str, amount: str, **values: Any) -> Payment:
    return Payment(
        **{
            "payment_id": name,
            "customer_id": "C1",
            "payment_date": date(2026, 2, 1),
            "amount": Decimal(amount),
            **values,
        }
    )


def allocation(source: str, target: str, amount: str, **values: Any) -> Allocation:
    return Allocation(
        allocation_id=f"{source}-{target}",
        source_id=source,
        document_id=target,
        amount=Decimal(amount),
        **values,
    )


def small_world(*rows: Any) -> World:
    company = Entity(entity_id="main", entity_name="Exemple SAS", siren="123456782")
    return World([company, Customer(customer_id="C1", customer_name="Client Secret"), *rows])


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(small_world(), limits=False) as sandbox:
        yield sandbox


class Served:
    """A stand-in with its books, and a client of it whose waits take no time. Without the ledger,
    its token has no scope for it."""

    def __init__(
        self, sandbox: Sandbox, world: World, *, limits: bool = False, ledger: bool = True
    ) -> None:
        self.clock = StillClock()
        sandbox.serve(world, limits=limits, monotonic=self.clock.monotonic)
        self.sandbox, self.world, self.faults = sandbox, world, sandbox.faults
        self.desk = sandbox.desk("pennylane")
        if not ledger:
            self.desk.scopes = ("customers:readonly", "customer_invoices:readonly")
        self.client = self.open()

    def open(self, secret: str | None = None) -> PennylaneClient:
        connection = self.sandbox.connection("pennylane")
        password = secret or connection["password"]
        access = Access("encours_pennylane", "main", connection["host"], "", password)
        patience = self.clock.patience(read_seconds=5, seconds=60, draw=lambda: 0.0)
        return PennylaneClient(access, patience)

    def read(self, stream: str, since: datetime | None = None) -> dict[str, Record]:
        """The last record of each key, in the order of reading."""
        return {
            record.key: record
            for exchange in self.client.read(stream, Window(since))
            for record in read_records(stream, exchange)
        }

    def asked(self, path: str) -> list[str]:
        return [call.query for call in self.desk.calls.of(ROOT + path)]

    def numbers(self, since: datetime | None = None) -> dict[str, bool]:
        """By invoice number, or by key where it is deleted: whether it is deleted."""
        records = self.read("customer_invoices", since).values()
        return {r.payload.get("invoice_number", r.key): r.is_deleted for r in records}


def serve(sandbox: Sandbox, *rows: Any, limits: bool = False, ledger: bool = True) -> Served:
    return Served(sandbox, small_world(*rows), limits=limits, ledger=ledger)


def moment_after(world: World) -> datetime:
    """The world's clock, which then goes on an hour: what changes next is after it."""
    moment = world.clock
    world.clock += timedelta(hours=1)
    return moment


# ---------------------------------------------------------------------- pages


@pytest.mark.parametrize(
    ("count", "pages"), [(0, 1), (1, 1), (100, 1), (101, 2), (201, 3)], ids=str
)
def test_all_invoices_are_read_however_many_pages_they_take(
    running: Sandbox, count: int, pages: int
) -> None:
    served = serve(running, *(invoice(number) for number in range(count)))

    read = served.numbers()

    assert set(read) == {f"F{number}" for number in range(count)}
    assert len(served.asked("/customer_invoices")) == pages


def test_sort_and_limit_are_sent_again_with_every_cursor(running: Sandbox) -> None:
    served = serve(running, *(invoice(number) for number in range(101)))

    served.numbers()

    assert all("sort=id&limit=100" in query for query in served.asked("/customer_invoices"))


@pytest.mark.parametrize("count", [1, 100, 101, 201])
def test_all_transactions_of_an_invoice_are_one_record(running: Sandbox, count: int) -> None:
    names = [f"P{number}" for number in range(count)]
    served = serve(
        running,
        invoice(1),
        *(payment(name, "0.50") for name in names),
        *(allocation(name, "F1", "0.50") for name in names),
        ledger=False,
    )

    (record,) = served.read("matched_transactions").values()

    assert len({t["id"] for t in record.payload["transactions"]}) == count


def test_all_changes_are_read_however_many_pages_they_take(running: Sandbox) -> None:
    served = serve(running, *(invoice(number) for number in range(1101)))
    since = served.world.clock - timedelta(days=27)
    served.world.clock = datetime(2026, 1, 11, tzinfo=UTC)

    records = [
        change
        for exchange in served.client.read("customers", Window(since))
        for change in json.loads(exchange.body).get("items", [])
    ]
    exchanges = served.client.read("customer_invoices", Window(since))
    changes = [json.loads(next(exchanges).body)["items"] for _ in range(2)]

    assert len(records) == 1
    assert [len(page) for page in changes] == [1000, 101]
    assert [
        query.count("start_date") for query in served.asked("/changelogs/customer_invoices")
    ] == [1, 0]


def test_a_company_is_read_without_the_person_behind_the_token(running: Sandbox) -> None:
    served = serve(running)

    (record,) = served.read("companies").values()

    assert record.key == served.client.company_id()
    assert record.payload["reg_no"] == "123456782"
    assert set(record.payload) == {"id", "name", "reg_no", "accounting_logic", "scopes"}


def test_requests_stay_within_the_limit_of_the_vendor(running: Sandbox) -> None:
    served = serve(running, *(invoice(number) for number in range(60)), limits=True, ledger=False)

    for stream in STREAMS:
        served.read(stream)

    assert len(served.desk.calls) > 60
    assert served.desk.calls.most_within(5.0) <= 25


def test_drafts_and_archived_invoices_are_not_asked_for_their_transactions(
    running: Sandbox,
) -> None:
    served = serve(running, invoice(1), invoice(2, status="draft"), ledger=False)

    for stream in ("customer_invoices", "matched_transactions"):
        served.read(stream)

    assert len(served.desk.calls.of(f"{ROOT}/customer_invoices/*/matched_transactions")) == 1


def test_an_address_that_expires_makes_no_new_version(running: Sandbox) -> None:
    served = serve(running, invoice(1))
    before = served.read("customer_invoices")
    moment_after(served.world)

    after = served.read("customer_invoices")

    assert {k: r.payload for k, r in after.items()} == {k: r.payload for k, r in before.items()}


# ---------------------------------------------------------------------- changes


def test_only_what_changed_is_read_after_a_moment(running: Sandbox) -> None:
    served = serve(running, invoice(1), invoice(2))
    since = moment_after(served.world)
    served.world.change(Document, "F2", amount_incl_tax=Decimal("130.00"))
    served.world.add(invoice(3))

    assert served.numbers(since) == {"F2": False, "F3": False}


def test_what_was_deleted_is_read_as_deleted(running: Sandbox) -> None:
    served = serve(running, invoice(1), invoice(2), ledger=False)
    keys = {r.payload["invoice_number"]: k for k, r in served.read("customer_invoices").items()}
    since = moment_after(served.world)
    served.world.delete(Document, "F1")

    assert served.numbers(since) == {keys["F1"]: True}
    matches = served.read("matched_transactions", since)
    assert {key: record.is_deleted for key, record in matches.items()} == {keys["F1"]: True}


def test_what_came_back_after_a_deletion_is_there(running: Sandbox) -> None:
    served = serve(running, invoice(1))
    since = moment_after(served.world)
    served.world.delete(Document, "F1")
    moment_after(served.world)
    served.world.add(invoice(1))

    assert served.numbers(since) == {"F1": False}


def test_what_is_gone_by_the_time_it_is_read_is_deleted(running: Sandbox) -> None:
    served = serve(running, invoice(1))
    since = moment_after(served.world)
    served.world.change(Document, "F1", amount_incl_tax=Decimal("130.00"))
    served.faults.add("deleted_id", on=f"{ROOT}/customer_invoices/*")

    (is_deleted,) = served.numbers(since).values()

    assert is_deleted


def test_an_unmatched_transaction_is_gone_from_the_list_of_its_invoice(running: Sandbox) -> None:
    served = serve(
        running,
        invoice(1),
        payment("P1", "50.00"),
        payment("P2", "60.00"),
        allocation("P1", "F1", "50.00"),
        allocation("P2", "F1", "60.00"),
        ledger=False,
    )
    (before,) = served.read("matched_transactions").values()
    since = moment_after(served.world)
    served.world.delete(Allocation, "P1-F1")

    (after,) = served.read("matched_transactions", since).values()

    assert len(before.payload["transactions"]) == 2
    assert [t["amount"] for t in after.payload["transactions"]] == ["60.00"]


def test_transactions_are_read_without_the_invoices_before_them(running: Sandbox) -> None:
    """As a task that is started again does."""
    served = serve(running, invoice(1), invoice(2), ledger=False)
    since = moment_after(served.world)
    served.world.change(Document, "F2", due_date=date(2026, 3, 1))

    assert len(served.read("matched_transactions")) == 2
    assert len(served.read("matched_transactions", since)) == 1


def test_what_the_reading_of_invoices_named_is_not_asked_again(running: Sandbox) -> None:
    """The reading of transactions began a little later the last time."""
    served = serve(running, invoice(1), invoice(2), ledger=False)
    since = moment_after(served.world)
    served.world.change(Document, "F2", due_date=date(2026, 3, 1))
    served.read("customer_invoices", since)

    matches = served.read("matched_transactions", since + timedelta(minutes=1))

    assert len(matches) == 1
    assert len(served.asked("/changelogs/customer_invoices")) == 1


def test_a_start_older_than_the_memory_of_the_vendor_is_told(running: Sandbox) -> None:
    served = serve(running, invoice(1))

    with pytest.raises(WindowTooOld, match="four weeks"):
        served.numbers(served.world.clock - timedelta(weeks=5))


# ---------------------------------------------------------------------- the ledger


def untaxed(number: int) -> Document:
    """An invoice whose entry has two lines; with tax it has three."""
    return invoice(number, amount_excl_tax=Decimal("120.00"))


@pytest.mark.parametrize(
    ("rows", "lines", "pages"),
    [
        ([], 0, 1),
        ([untaxed(0)], 2, 1),
        ([untaxed(n) for n in range(50)], 100, 1),
        ([*(untaxed(n) for n in range(49)), invoice(49)], 101, 2),
        ([*(untaxed(n) for n in range(99)), invoice(99)], 201, 3),
    ],
    ids=["none", "one entry", "full page", "full page and one", "three pages"],
)
def test_all_lines_of_the_ledger_are_read_however_many_pages_they_take(
    running: Sandbox, rows: list[Document], lines: int, pages: int
) -> None:
    served = serve(running, *rows)

    exchanges = list(served.client.read("ledger_entry_lines", FULL))

    read = [line for exchange in exchanges for line in json.loads(exchange.body)["items"]]
    assert len({line["id"] for line in read}) == len(read) == lines
    assert len(exchanges) == pages


def test_of_the_ledger_only_lines_that_concern_receivables_are_kept(running: Sandbox) -> None:
    served = serve(running, invoice(1), payment("P1", "50.00"))

    records = served.read("ledger_entry_lines").values()

    accounts = sorted(record.payload["ledger_account"]["number"] for record in records)
    assert accounts == ["411C1", "411C1", "512000"]
    assert all("categories" not in record.payload for record in records)


def test_accounts_that_are_kept_are_those_that_the_models_know() -> None:
    seed = (project_root() / "dbt_project" / "seeds" / "account_roles.csv").read_text()
    roles = dict(line.split(",")[:2] for line in seed.splitlines()[1:])
    of_no_use = {"revenue", "output_tax", "excluded"}

    assert set(SETTLING_ACCOUNTS) == {p for p, role in roles.items() if role not in of_no_use}


def lettered(records: dict[str, Record]) -> dict[str, set[str]]:
    """By line, those that it is lettered with, itself among them."""
    return {
        key: set(map(str, record.payload["lettered_ledger_entry_lines"]["ids"]))
        for key, record in records.items()
        if not record.is_deleted and record.payload["ledger_account"]["number"] == "411C1"
    }


def settled_world(served: Served) -> None:
    served.world.add(payment("P2", "60.00"))
    served.world.add(allocation("P2", "F1", "60.00"))


def test_what_is_lettered_since_a_moment_is_read_with_all_that_it_is_lettered_with(
    running: Sandbox,
) -> None:
    served = serve(running, invoice(1), payment("P1", "60.00"), allocation("P1", "F1", "60.00"))
    before = lettered(served.read("ledger_entry_lines"))
    since = moment_after(served.world)
    settled_world(served)

    after = lettered(served.read("ledger_entry_lines", since))

    assert set(map(len, before.values())) == {2}
    assert set(map(len, after.values())) == {3}
    assert before.keys() < after.keys()


def test_a_line_that_the_changelog_forgets_is_read_with_its_lettering(running: Sandbox) -> None:
    served = serve(running, invoice(1))
    (line,) = lettered(served.read("ledger_entry_lines"))
    since = moment_after(served.world)
    settled_world(served)
    served.faults.add(
        "rewritten",
        on=f"{ROOT}/changelogs/*",
        change=lambda body: {
            **body,
            "items": [item for item in body["items"] if item["operation"] == "insert"],
        },
    )

    assert line in lettered(served.read("ledger_entry_lines", since))


def test_lines_of_what_was_deleted_are_read_as_deleted(running: Sandbox) -> None:
    served = serve(running, invoice(1), invoice(2))
    before = served.read("ledger_entry_lines")
    since = moment_after(served.world)
    served.world.delete(Document, "F1")

    after = served.read("ledger_entry_lines", since)

    gone = {key for key, record in after.items() if record.is_deleted}
    assert len(gone & before.keys()) == 1


def test_a_line_that_left_the_accounts_of_customers_is_there_no_longer(running: Sandbox) -> None:
    served = serve(running, invoice(1))
    (line,) = lettered(served.read("ledger_entry_lines"))
    since = moment_after(served.world)
    served.world.change(Document, "F1", due_date=date(2026, 3, 1))
    served.faults.add(
        "rewritten",
        on=f"{ROOT}/ledger_entry_lines/*",
        change=lambda body: {
            **body,
            "ledger_account": {**body["ledger_account"], "number": "622000"},
        },
    )

    assert served.read("ledger_entry_lines", since)[line].is_deleted


@pytest.mark.parametrize("ledger", [True, False])
def test_a_company_is_read_by_its_ledger_or_by_matched_transactions(
    running: Sandbox, ledger: bool
) -> None:
    served = serve(running, invoice(1), payment("P1", "60.00"), ledger=ledger)

    for stream in STREAMS:
        served.read(stream)

    assert bool(served.asked("/ledger_entry_lines")) is ledger
    matched = served.desk.calls.of(f"{ROOT}/customer_invoices/*/matched_transactions")
    assert bool(matched) is not ledger


def test_a_ledger_with_a_german_chart_is_not_read(running: Sandbox) -> None:
    served = serve(running, invoice(1))
    served.faults.add(
        "rewritten",
        on=f"{ROOT}/me",
        change=lambda body: {
            **body,
            "company": {**body["company"], "accounting_logic": "DE_SKR03"},
        },
    )

    for stream in STREAMS:
        served.read(stream)

    assert served.asked("/ledger_entry_lines") == []


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("missing_field", {"field": "items.*.lettered_ledger_entry_lines"}, FatalError),
        ("other_type", {"field": "items.*.debit", "value": "a lot"}, FatalError),
        ("other_type", {"field": "items.*.ledger_entry", "value": "Client Secret"}, FatalError),
        ("truncated", {"times": 99}, RetryableError),
        ("html_page", {"times": 99}, RetryableError),
    ],
    ids=str,
)
def test_a_lasting_fault_of_the_ledger_is_one_line(
    running: Sandbox, fault: str, options: dict[str, Any], error: type[EncoursError]
) -> None:
    served = serve(running, invoice(1))
    served.faults.add(fault, on=f"{ROOT}/ledger_entry_lines", **options)

    with pytest.raises(error) as raised:
        served.read("ledger_entry_lines")

    assert "\n" not in str(raised.value)
    assert "Secret" not in str(raised.value)


# ---------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("too_many_requests", {}),
        ("too_many_requests", {"form": "date"}),
        ("too_many_requests", {"form": "none"}),
        ("server_error", {}),
        ("reset", {}),
        ("truncated", {}),
        ("html_page", {}),
        ("repeated_page", {"after": 1}),
        ("moving_rows", {}),
        ("clock_skew", {}),
        ("new_field", {}),
    ],
    ids=str,
)
def test_a_passing_fault_costs_no_invoice(
    running: Sandbox, fault: str, options: dict[str, Any]
) -> None:
    served = serve(running, *(invoice(number) for number in range(201)))
    served.faults.add(fault, on=f"{ROOT}/customer_invoices", **options)

    read = served.numbers()

    assert set(read) >= {f"F{number}" for number in range(201)}


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("too_many_requests", {"times": 99}, RetryableError),
        ("too_many_requests", {"retry_after": 9000}, RetryableError),
        ("server_error", {"times": 99}, RetryableError),
        ("truncated", {"times": 99}, RetryableError),
        ("html_page", {"times": 99}, RetryableError),
        ("dead_token", {}, FatalError),
        ("missing_field", {}, FatalError),
        ("missing_field", {"field": "items"}, FatalError),
        ("other_type", {"value": "a lot"}, FatalError),
        ("other_type", {"field": "items.*.id"}, FatalError),
        ("other_type", {"field": "items.*.date", "value": "tomorrow"}, FatalError),
        ("other_type", {"field": "items.*.customer", "value": "Client Secret"}, FatalError),
    ],
    ids=str,
)
def test_a_lasting_fault_is_one_line_without_what_the_books_say(
    running: Sandbox, fault: str, options: dict[str, Any], error: type[EncoursError]
) -> None:
    served = serve(running, invoice(1))
    served.faults.add(fault, on=f"{ROOT}/customer_invoices", **options)

    with pytest.raises(error) as raised:
        served.numbers()

    line = str(raised.value)
    assert "\n" not in line
    assert "Secret" not in line
    assert "sandbox" not in line.replace("sandbox_", "")


def test_a_token_that_is_refused_names_the_connection_and_how_to_mend_it(
    running: Sandbox,
) -> None:
    served = serve(running)
    served.client = served.open(secret="an-old-token")

    with pytest.raises(
        FatalError, match=r"^encours_pennylane: .*encours connect pennylane"
    ) as raised:
        served.client.company_id()

    assert "an-old-token" not in str(raised.value)


def test_a_connection_without_a_token_is_refused() -> None:
    with pytest.raises(FatalError, match="books_1: the connection has no password"):
        open_client(Access("books_1", "main", ""))


def test_a_wrong_address_deletes_nothing(running: Sandbox) -> None:
    served = serve(running, invoice(1))
    since = moment_after(served.world)
    served.world.change(Document, "F1", due_date=date(2026, 3, 1))
    served.faults.add("html_page", on=f"{ROOT}/customer_invoices/*", status=404)

    with pytest.raises(FatalError, match="check the connection's host"):
        served.numbers(since)


def test_a_listing_that_is_not_there_is_no_empty_listing(running: Sandbox) -> None:
    served = serve(running, invoice(1))
    served.faults.add("rewritten", on=f"{ROOT}/customers", change=lambda _: {"error": "gone"})

    with pytest.raises(FatalError, match="no list of items"):
        served.read("customers")


def app_of(served: Served) -> Access:
    """The connection of a registered app, authorised; its access token is good for two requests."""
    grant = served.desk.issue(uses=2)
    return Access(
        "encours_pennylane",
        "main",
        served.sandbox.connection("pennylane")["host"],
        CLIENT_ID,
        DEMO_TOKEN,
        {"redirect_uri": REDIRECT_URI},
        StoreInMemory(Tokens(grant.access_token, grant.refresh_token)),
    )


def test_an_app_renews_its_tokens_which_both_change(running: Sandbox) -> None:
    served = serve(running, *(invoice(number) for number in range(3)), ledger=False)
    access = app_of(served)
    served.client = PennylaneClient(access, served.clock.patience())

    read = [*served.read("customer_invoices"), *served.read("matched_transactions")]

    assert len(read) == 6
    assert isinstance(access.tokens, StoreInMemory)
    spent, *renewed = access.tokens.stored
    assert renewed
    assert spent.refresh_token not in {tokens.refresh_token for tokens in renewed}


def test_an_app_that_was_never_authorised_says_how(running: Sandbox) -> None:
    access = replace(app_of(serve(running)), tokens=None)

    with pytest.raises(FatalError, match="has no tokens: encours connect pennylane"):
        open_client(access)


def test_tokens_are_issued_where_the_connection_says() -> None:
    given = {"redirect_uri": REDIRECT_URI, "token_url": "https://example.test/token"}
    app = application(Access("encours_pennylane", "main", "", CLIENT_ID, DEMO_TOKEN, given))

    assert app is not None
    assert app.token_url == "https://example.test/token"
    assert app.authorize_url == "https://app.pennylane.com/oauth/authorize"


def test_a_company_token_needs_no_app() -> None:
    assert application(Access("encours_pennylane", "main", "", "", "a-company-token")) is None


def test_another_account_has_another_company_id(running: Sandbox) -> None:
    served = serve(running)
    before = served.client.company_id()
    served.faults.add("switched_account")

    assert served.client.company_id() != before


def test_an_unknown_status_is_read_as_it_is(running: Sandbox) -> None:
    served = serve(running, invoice(1))
    served.faults.add("unknown_value", on=f"{ROOT}/customer_invoices")

    (record,) = served.read("customer_invoices").values()

    assert record.payload["status"] == "sandbox_unknown"


# ---------------------------------------------------------------------- records


def landed(path: str, body: Any) -> Exchange:
    return Exchange(f"/api/external/v2{path}", json.dumps(body).encode())


@pytest.mark.parametrize(
    "body", [{"error": "Not Found", "status": 404}, {"error": "not_found", "message": "Gone"}]
)
def test_either_shape_of_a_404_is_a_deleted_record(body: dict[str, Any]) -> None:
    (record,) = read_records("customers", landed("/customers/42", body))

    assert record == Record("42", {}, is_deleted=True)


@pytest.mark.parametrize(
    ("stream", "path"),
    [
        ("customers", "/customer_invoices?limit=100"),
        ("customer_invoices", "/customer_invoices/4/matched_transactions"),
        ("matched_transactions", "/customer_invoices/4"),
        ("ledger_entry_lines", "/customer_invoices/4"),
        ("companies", "/customers"),
        ("invoices", "/customer_invoices"),
        ("customers", "/customers/4/contacts"),
    ],
)
def test_an_answer_to_another_request_is_refused(stream: str, path: str) -> None:
    with pytest.raises(FatalError, match="none of this stream's"):
        list(read_records(stream, landed(path, {"items": []})))


# ---------------------------------------------------------------------- the vendor's contract


@pytest.fixture(scope="module")
def specification() -> OpenApiDocument:
    return document("pennylane", "company_v2.readonly.json")


def busy_world() -> World:
    return small_world(
        Customer(customer_id="C2", payment_terms="30 jours fin de mois"),
        invoice(1),
        invoice(2, currency_code="USD", exchange_rate=Decimal("0.9"), due_date=None),
        invoice(3, status="draft"),
        invoice(4, status="void"),
        invoice(5),
        invoice(6, document_type="credit_note", credited_document_id="F5"),
        payment("P1", "150.00"),
        payment("P2", "20.00", payment_type="refund", reference="VIR"),
        allocation("P1", "F1", "100.00"),
        allocation("P2", "F6", "20.00"),
        allocation("F6", "F5", "100.00", source_type="credit_note"),
    )


@pytest.mark.parametrize("ledger", [True, False])
def test_every_answer_of_the_stand_in_fits_the_specification(
    running: Sandbox, specification: OpenApiDocument, ledger: bool
) -> None:
    served = Served(running, busy_world(), ledger=ledger)
    since = moment_after(served.world)
    served.world.delete(Document, "F4")
    served.world.change(Customer, "C2", customer_name="Autre")

    answers = [
        (exchange.request.partition("?")[0], json.loads(exchange.body))
        for window in (FULL, Window(since))
        for stream in STREAMS
        for exchange in served.client.read(stream, window)
    ]

    faults = [
        (path, fault)
        for path, body in answers
        for fault in specification.faults_of_answer(
            path, 404 if body.get("status") == 404 else 200, body
        )
    ]
    assert len({path for path, _ in answers}) > 7
    assert faults == []


@pytest.mark.parametrize("ledger", [True, False])
def test_every_request_of_the_client_fits_the_specification(
    running: Sandbox, specification: OpenApiDocument, ledger: bool
) -> None:
    served = Served(running, busy_world(), ledger=ledger)
    since = moment_after(served.world)
    for number in range(10, 120):
        served.world.add(invoice(number))

    for window in (None, since):
        for stream in STREAMS:
            served.read(stream, window)

    faults = [
        (call.path, fault)
        for call in served.desk.calls
        for fault in specification.faults_of_request(
            call.path.removeprefix("/pennylane"), call.query
        )
    ]
    assert served.desk.calls
    assert faults == []


@pytest.mark.parametrize(
    ("path", "query", "token", "status"),
    [
        ("/me", "", "wrong", 401),
        ("/customers/1", "", "sandbox", 404),
        ("/customer_invoices/1/matched_transactions", "", "sandbox", 404),
        ("/ledger_entry_lines/1", "", "sandbox", 404),
        ("/ledger_entry_lines", "limit=101", "sandbox", 400),
        ("/customers", "limit=101", "sandbox", 400),
        ("/customers", "limit=0", "sandbox", 400),
        ("/customers", "limit=x", "sandbox", 400),
        ("/customers", "cursor=x", "sandbox", 400),
        ("/customers", "filter=x", "sandbox", 400),
        ("/changelogs/customers", "start_date=2020-01-01T00:00:00Z", "sandbox", 422),
        ("/changelogs/customers", "start_date=2020-01-01T00:00:00Z&cursor=x", "sandbox", 400),
        ("/changelogs/customers", "start_date=yesterday", "sandbox", 400),
    ],
)
def test_every_refusal_of_the_stand_in_fits_the_specification(
    running: Sandbox,
    specification: OpenApiDocument,
    path: str,
    query: str,
    token: str,
    status: int,
) -> None:
    import requests

    Served(running, busy_world())

    answer = requests.get(
        f"{running.url}{ROOT}{path}?{query}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    )

    assert answer.status_code == status
    found = specification.faults_of_answer(f"/api/external/v2{path}", status, answer.json())
    assert found == []


def test_a_token_without_the_scope_is_refused_as_the_specification_says(
    running: Sandbox, specification: OpenApiDocument
) -> None:
    import requests

    Served(running, busy_world(), ledger=False)

    answer = requests.get(
        f"{running.url}{ROOT}/ledger_entry_lines",
        headers={"Authorization": "Bearer sandbox"},
        timeout=5,
    )

    path = "/api/external/v2/ledger_entry_lines"
    assert answer.status_code == 403
    assert specification.faults_of_answer(path, 403, answer.json()) == []


def test_the_filter_of_a_listing_is_not_remembered_by_its_cursor(running: Sandbox) -> None:
    import requests

    Served(running, busy_world())
    url = f"{running.url}{ROOT}/customer_invoices"
    headers = {"Authorization": "Bearer sandbox"}
    asked = {
        "limit": "1",
        "filter": json.dumps([{"field": "credit_note", "operator": "eq", "value": "false"}]),
    }
    first = requests.get(url, params=asked, headers=headers, timeout=5).json()
    place = {"limit": "100", "cursor": first["next_cursor"]}

    without = requests.get(url, params=place, headers=headers, timeout=5).json()
    sent_again = requests.get(url, params={**asked, **place}, headers=headers, timeout=5).json()

    assert "credit_note" not in {item["status"] for item in sent_again["items"]}
    assert len(without["items"]) >= len(sent_again["items"])


def test_too_many_requests_are_refused_in_plain_text_with_headers(running: Sandbox) -> None:
    import requests

    served = Served(running, busy_world(), limits=True)
    answers = [
        requests.get(
            f"{running.url}{ROOT}/me", headers={"Authorization": "Bearer sandbox"}, timeout=5
        )
        for _ in range(26)
    ]

    assert [answer.status_code for answer in answers] == [200] * 25 + [429]
    assert answers[-1].text == "Rate limit exceeded. Please retry in 5 seconds."
    assert answers[-1].headers["retry-after"] == "5"
    assert answers[0].headers["ratelimit-remaining"] == "24"
    assert served.desk.calls


def example_invoice(specification: OpenApiDocument) -> dict[str, Any]:
    """An invoice with a value in every field, made of the specification's own examples."""
    schema = specification.record_schema("/api/external/v2/customer_invoices")
    made: dict[str, Any] = _example(schema)
    return made


def _example(schema: Any) -> Any:
    if "example" in schema:
        return schema["example"]
    if "allOf" in schema:
        return _example(schema["allOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if "properties" in schema:
        return {name: _example(part) for name, part in schema["properties"].items()}
    return {"integer": 1, "boolean": False, "array": []}.get(schema.get("type"), "text")


def test_every_status_of_the_specification_is_read(specification: OpenApiDocument) -> None:
    path = "/api/external/v2/customer_invoices"
    statuses = specification.values_of(path, "status")
    items = [
        {**example_invoice(specification), "id": number, "status": status}
        for number, status in enumerate(statuses)
    ]

    records = list(
        read_records("customer_invoices", landed("/customer_invoices", {"items": items}))
    )

    assert len(statuses) == 17
    assert [record.payload["status"] for record in records] == statuses


def test_every_null_of_the_specification_is_read(specification: OpenApiDocument) -> None:
    example = example_invoice(specification)
    schema = specification.record_schema("/api/external/v2/customer_invoices")
    nullable = [name for name, part in schema["properties"].items() if part.get("nullable")]
    items = [{**example, "id": n, name: None} for n, name in enumerate(nullable)]
    items.append({**example, "id": 999} | dict.fromkeys(nullable))

    records = list(
        read_records("customer_invoices", landed("/customer_invoices", {"items": items}))
    )

    assert len(nullable) > 10
    assert len(records) == len(items)


def test_the_stand_in_gives_the_same_ids_to_the_same_books(running: Sandbox) -> None:
    first = set(serve(running, invoice(1), invoice(2)).read("customer_invoices"))

    second = set(serve(running, invoice(2), invoice(1)).read("customer_invoices"))

    assert first == second


def test_a_credit_note_is_negative_and_names_what_it_credits(running: Sandbox) -> None:
    credit_note = replace(invoice(2), document_type="credit_note", credited_document_id="F1")
    served = serve(running, invoice(1), credit_note)

    records = served.read("customer_invoices")
    by_number = {r.payload["invoice_number"]: r for r in records.values()}

    assert by_number["F2"].payload["currency_amount"] == "-120.00"
    assert str(by_number["F2"].payload["credited_invoice"]["id"]) == by_number["F1"].key
