"""What the readings of an API leave in raw: versions, deletions, and up to where was read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import msgspec
import psycopg
import pytest
import warehouse_steps as steps

from encours.clients.api import Access, Client, Exchange, Record, Window
from encours.errors import FatalError, RetryableError
from encours.landing.responses import ResponseManifest, land_responses, read_responses
from encours.loading.raw_schema import ensure_source
from encours.loading.raw_tables import LoadedStream, alone_in_raw
from encours.loading.records import Incomplete, last_readings, load_responses
from encours.settings import Settings
from encours.sources.source import ApiSource, ApiStream, Deletes

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("records")]

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
# Amount, whether deleted, amount of the version that is replaced, whether the first moment stays.
HISTORY = """
select
    versions.payload -> 'amount',
    versions.is_deleted,
    replaced.payload -> 'amount',
    coalesce(versions.first_extracted_at = (
        select min(extracted_at) from raw_madeup.invoices as first_one
        where first_one.record_key = versions.record_key
            and first_one.entity_id = versions.entity_id
    ), versions.replaced_version is null)
from raw_madeup.invoices as versions
left join raw_madeup.invoices as replaced on versions.replaced_version = replaced.version_no
where versions.entity_id = %s and versions.record_key = %s
order by versions.extracted_at
"""


def read_records(_stream: str, exchange: Exchange) -> Iterable[Record]:
    """`{"items": [{"id", "changed", …}], "gone": [{"id", "changed"}]}`."""
    answer = msgspec.json.Decoder(float_hook=Decimal).decode(exchange.body)
    for item in answer.get("items", ()):
        yield Record(item["id"], item, moment(item))
    for item in answer.get("gone", ()):
        yield Record(item["id"], {}, moment(item), is_deleted=True)


def moment(item: Mapping[str, Any]) -> datetime | None:
    return NOON + timedelta(seconds=item["changed"]) if "changed" in item else None


def no_client(_access: Access) -> Client:
    raise NotImplementedError


SOURCE = ApiSource(
    key="madeup",
    title="an API that nobody offers",
    standing="beta",
    streams=(ApiStream("invoices", Deletes.ABSENCE), ApiStream("payments", Deletes.FEED)),
    open_client=no_client,
    read_records=read_records,
    overlap=timedelta(minutes=10),
    connection={},
)


@dataclass
class Books:
    """An API whose answers a test writes; each reading is landed and loaded."""

    settings: Settings
    connection: psycopg.Connection
    numbers: Iterator[int]

    def land(
        self,
        *bodies: Mapping[str, Any] | str,
        since: datetime | None = None,
        stream: str = "invoices",
        entity: str = "main",
        company: str = "company-1",
        stated: int | None = None,
        answered_at: datetime | None = NOON,
    ) -> ResponseManifest:
        run_id = f"run-{next(self.numbers)}"
        with land_responses(self.settings, "madeup", entity, run_id, company) as landing:
            landed = landing.stream(stream, Window(since))
            for body in bodies:
                text = body if isinstance(body, str) else json.dumps(body)
                landed.add(Exchange("/invoices", text.encode(), answered_at, stated))
        return read_responses(landing.folder)

    def load(self, manifest: ResponseManifest, source: ApiSource = SOURCE) -> LoadedStream:
        with alone_in_raw(self.connection, source.key):
            (loaded,) = load_responses(self.connection, source, manifest, manifest.run_id)
        return loaded

    def read(self, *bodies: Mapping[str, Any] | str, **reading: Any) -> LoadedStream:
        return self.load(self.land(*bodies, **reading))

    def history(self, key: str, entity: str = "main") -> list[tuple[Any, ...]]:
        return self.connection.execute(HISTORY, [entity, key]).fetchall()

    def versions(self) -> int:
        row = self.connection.execute("select count(*) from raw_madeup.invoices").fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def books(home: Settings) -> Iterator[Books]:
    steps.empty(home)
    with steps.pipeline(home) as connection:
        ensure_source(connection, SOURCE)
        yield Books(home, connection, count(1))


def items(**amounts: float) -> dict[str, Any]:
    return {"items": [{"id": key, "amount": amount} for key, amount in amounts.items()]}


def gone(*keys: str) -> dict[str, Any]:
    return {"gone": [{"id": key} for key in keys]}


# --- versions ------------------------------------------------------------------------------------


def test_record_that_did_not_change_is_not_stored_again(books: Books) -> None:
    books.read(items(a=1, b=2))

    loaded = books.read(items(a=1, b=3))

    assert books.history("a") == [(1, False, None, True)]
    assert books.history("b") == [(2, False, None, True), (3, False, 2, True)]
    assert (loaded.row_count, loaded.changed_count, loaded.deleted_count) == (2, 1, 0)


def test_record_that_changes_back_is_one_chain(books: Books) -> None:
    for amount in (1, 2, 1):
        books.read(items(a=amount))

    assert books.history("a") == [
        (1, False, None, True),
        (2, False, 1, True),
        (1, False, 2, True),
    ]


@pytest.mark.parametrize(
    "body",
    [
        '{"items": [{"id": "a", "amount": 1.100, "tax": 2.0}]}',
        '{"items": [{"tax": 2, "amount": 11e-1, "id": "a"}]}',
    ],
)
def test_payload_of_equal_value_is_no_change(books: Books, body: str) -> None:
    books.read('{"items": [{"id": "a", "amount": 1.1, "tax": 2}]}')

    loaded = books.read(body)

    assert (loaded.changed_count, books.versions()) == (0, 1)


def test_digits_of_a_number_are_stored_as_the_source_sent_them(books: Books) -> None:
    books.read('{"items": [{"id": "a", "amount": 12345678901234567890.120}]}')

    row = books.connection.execute("select payload ->> 'amount' from raw_madeup.invoices")
    assert row.fetchall() == [("12345678901234567890.120",)]


@pytest.mark.parametrize("readings_before", [0, 1])
def test_text_is_stored_as_it_was_sent(books: Books, readings_before: int) -> None:
    for _ in range(readings_before):
        books.read(items(z=1))
    awkward = 'tab\tand "quote" and \\N and back\\slash\nline\r and \u2028 é € \U0001f600'
    key = "a\tb\\c\nd"

    books.read({"items": [{"id": key, "label": awkward}]}, since=NOON)

    row = books.connection.execute(
        "select payload ->> 'label' from raw_madeup.invoices where record_key = %s", [key]
    )
    assert row.fetchall() == [(awkward,)]


def test_character_that_postgresql_does_not_know_is_left_out(books: Books) -> None:
    body = {"items": [{"id": "a", "label": "x\0y", "lines": [{"k\0": "\0", "n": "\\u0000"}]}]}

    books.read(body)
    loaded = books.read(body)

    row = books.connection.execute("select payload from raw_madeup.invoices").fetchone()
    assert row == ({"id": "a", "label": "xy", "lines": [{"k": "", "n": "\\u0000"}]},)
    assert loaded.changed_count == 0


def test_keys_of_two_entities_are_different_records(books: Books) -> None:
    books.read(items(a=1), entity="fr")
    books.read(items(a=2), entity="de")

    books.read(items(), entity="fr")

    assert books.history("a", "fr") == [(1, False, None, True), (1, True, 1, True)]
    assert books.history("a", "de") == [(2, False, None, True)]


@pytest.mark.parametrize("readings_before", [0, 1])
def test_last_change_of_a_key_in_one_reading_wins(books: Books, readings_before: int) -> None:
    for _ in range(readings_before):
        books.read(items(z=0))
    newer = {"items": [{"id": "a", "amount": 2, "changed": 20}]}
    older = {"items": [{"id": "a", "amount": 1, "changed": 10}]}

    loaded = books.read(newer, older, since=NOON)

    assert books.history("a") == [(2, False, None, True)]
    assert (loaded.row_count, loaded.changed_count) == (2, 1)


@pytest.mark.parametrize("readings_before", [0, 1])
@pytest.mark.parametrize("changed", [{}, {"changed": 10}])
def test_last_record_read_wins_where_moments_do_not_decide(
    books: Books, readings_before: int, changed: dict[str, int]
) -> None:
    for _ in range(readings_before):
        books.read(items(z=0))

    books.read(
        {"items": [{"id": "a", "amount": 1, **changed}]},
        {"items": [{"id": "a", "amount": 2, **changed}]},
        since=NOON,
    )

    assert books.history("a") == [(2, False, None, True)]


def test_record_without_a_moment_is_as_late_as_those_before_it(books: Books) -> None:
    books.read(items(a=1))

    books.read({"items": [{"id": "a", "amount": 2, "changed": 5}]}, gone("a"), since=NOON)

    assert [row[:2] for row in books.history("a")] == [(1, False), (1, True)]


def test_what_two_windows_overlap_makes_no_versions(books: Books) -> None:
    books.read(items(a=1))
    changes: list[dict[str, Any]] = [
        {"items": [{"id": "a", "amount": 2, "changed": 1}]},
        {"items": [{"id": "b", "amount": 5, "changed": 2}]},
        {"gone": [{"id": "a", "changed": 3}]},
    ]
    books.read(*changes[:2], since=NOON - HOUR)
    books.read(*changes, since=NOON - HOUR)
    before = books.versions()

    loaded = books.read(*changes[1:], since=NOON)

    assert (loaded.changed_count, loaded.deleted_count, books.versions()) == (0, 0, before)


# --- deletions -----------------------------------------------------------------------------------


def test_record_that_a_whole_reading_does_not_find_is_deleted(books: Books) -> None:
    books.read(items(a=1, b=2))

    loaded = books.read(items(a=1))

    assert books.history("b") == [(2, False, None, True), (2, True, 2, True)]
    assert loaded.deleted_count == 1


def test_record_that_a_window_does_not_find_stays(books: Books) -> None:
    books.read(items(a=1, b=2))

    books.read(items(a=3), since=NOON)

    assert books.history("b") == [(2, False, None, True)]


def test_deleted_record_keeps_its_last_payload(books: Books) -> None:
    books.read(items(a=1))

    books.read(gone("a"), since=NOON)

    assert books.history("a") == [(1, False, None, True), (1, True, 1, True)]


def test_deletion_is_told_once(books: Books) -> None:
    books.read(items(a=1))
    books.read(gone("a"), since=NOON)

    books.read(gone("a"), since=NOON)
    books.read(items())

    assert books.versions() == 2


@pytest.mark.parametrize("readings_before", [0, 1])
def test_deletion_of_an_unknown_record_adds_nothing(books: Books, readings_before: int) -> None:
    for _ in range(readings_before):
        books.read(items(a=1))
    before = books.versions()

    loaded = books.read(gone("x"), since=NOON)

    assert (loaded.changed_count, loaded.deleted_count, books.versions()) == (0, 0, before)


def test_record_that_comes_back_is_there_again(books: Books) -> None:
    for body in (items(a=1), items(), items(a=1)):
        books.read(body)

    assert books.history("a") == [(1, False, None, True), (1, True, 1, True), (1, False, 1, True)]


# --- what is refused -----------------------------------------------------------------------------


def test_whole_reading_that_lacks_records_loads_nothing(books: Books) -> None:
    books.read(items(a=1, b=2))

    with pytest.raises(Incomplete, match="2 records were read where the source states 3") as caught:
        books.read(items(a=5), items(b=6, a=5), gone("c"), stated=3)

    assert isinstance(caught.value, RetryableError)
    assert (caught.value.stream, caught.value.stated, caught.value.read) == ("invoices", 3, 2)
    assert books.versions() == 2


@pytest.mark.parametrize(("since", "stated"), [(None, 1), (None, 2), (NOON, 3)])
def test_total_that_does_not_exceed_what_was_read_is_accepted(
    books: Books, since: datetime | None, stated: int
) -> None:
    loaded = books.read(items(a=1, b=2), since=since, stated=stated)

    assert loaded.changed_count == 2


def test_another_company_is_refused(books: Books) -> None:
    books.read(items(a=1), company="blue")

    with pytest.raises(FatalError, match="another company, red instead of blue"):
        books.read(items(a=2), company="red")

    assert books.versions() == 1


def test_another_company_may_be_another_entity(books: Books) -> None:
    books.read(items(a=1), company="blue")

    loaded = books.read(items(a=2), company="red", entity="red")

    assert loaded.changed_count == 1


def test_landing_that_is_loaded_twice_changes_nothing(books: Books) -> None:
    manifest = books.land(items(a=1))
    books.load(manifest)

    loaded = books.load(manifest)

    assert (loaded.changed_count, books.versions()) == (0, 1)


def test_landing_older_than_what_is_loaded_is_refused(books: Books) -> None:
    old = books.land(items(a=1))
    books.read(items(a=2))

    with pytest.raises(FatalError, match=r"run-1 was read before run run-2"):
        books.load(old)


def test_clock_that_went_back_is_refused(books: Books) -> None:
    books.read(items(a=1))
    books.connection.execute(
        "update raw_madeup.readings set extracted_at = now() + interval '1 hour'"
    )

    with pytest.raises(RetryableError, match="check the clock"):
        books.read(items(a=2))


@pytest.mark.parametrize("readings_before", [0, 1])
def test_record_that_cannot_be_stored_is_told_without_its_content(
    books: Books, readings_before: int
) -> None:
    for _ in range(readings_before):
        books.read(items(z=0))

    with pytest.raises(FatalError, match="madeup invoices: a record cannot be stored") as caught:
        books.read('{"items": [{"id": "a", "name": "Durand", "amount": 1e999999}]}', since=NOON)

    assert "Durand" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_stream_that_fails_takes_the_whole_run_with_it(books: Books) -> None:
    with land_responses(books.settings, "madeup", "main", "run-1", "company-1") as landing:
        landing.stream("invoices", Window()).add(Exchange("/", json.dumps(items(a=1)).encode()))
        landing.stream("payments", Window()).add(Exchange("/", b"{}", stated_total=1))

    with pytest.raises(Incomplete):
        books.load(read_responses(landing.folder))

    assert books.versions() == 0
    assert last_readings(books.connection, "madeup", "main") == {}


# --- how far was read ----------------------------------------------------------------------------


def test_next_window_begins_at_the_first_answer(books: Books) -> None:
    loaded = books.read(items(a=1), answered_at=NOON)

    reading = last_readings(books.connection, "madeup", "main")["invoices"]
    assert reading.watermark == loaded.watermark == NOON
    assert (reading.stream, reading.company_id) == ("invoices", "company-1")
    assert reading.loaded_at == reading.read_whole_at


def test_source_without_a_clock_is_read_on_from_the_latest_change(books: Books) -> None:
    changes = {"items": [{"id": "a", "changed": 9}, {"id": "b", "changed": 4}]}

    loaded = books.read(changes, answered_at=None)

    assert loaded.watermark == NOON + timedelta(seconds=9)


def test_window_without_an_answer_leaves_the_next_where_it_was(books: Books) -> None:
    books.read(items(a=1), answered_at=NOON)

    loaded = books.read(since=NOON - HOUR)

    assert loaded.watermark == NOON


def test_last_whole_reading_is_remembered_beside_the_last_one(books: Books) -> None:
    books.read(items(a=1))
    whole = last_readings(books.connection, "madeup", "main")["invoices"]

    books.read(items(a=1), since=NOON, answered_at=NOON + HOUR)
    books.read(stream="payments")

    reading = last_readings(books.connection, "madeup", "main")["invoices"]
    assert reading.read_whole_at == whole.loaded_at < reading.loaded_at
    assert reading.watermark == NOON + HOUR


def test_entity_that_was_never_read_has_no_reading(books: Books) -> None:
    books.read(items(a=1))

    assert last_readings(books.connection, "madeup", "other") == {}


def test_error_of_the_reader_loads_nothing(books: Books) -> None:
    def unknown_shape(_stream: str, exchange: Exchange) -> Iterable[Record]:
        yield from read_records(_stream, exchange)
        raise FatalError("an answer has no items")

    manifest = books.land(items(a=1))

    with pytest.raises(FatalError, match="has no items"):
        books.load(manifest, replace(SOURCE, read_records=unknown_shape))

    assert books.versions() == 0
