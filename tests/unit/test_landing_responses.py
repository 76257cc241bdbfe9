"""What an API answered in the landing zone: every byte of it, or nothing at all."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from encours.clients.api import Exchange, Window
from encours.errors import FatalError
from encours.landing import responses
from encours.landing.responses import (
    ResponseManifest,
    folder_name,
    land_responses,
    read_responses,
)
from encours.settings import Settings

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def land(
    home: Settings, *exchanges: Exchange, since: datetime | None = None, run_id: str = "run-1"
) -> ResponseManifest:
    """One stream, read back from the disk."""
    with land_responses(home, "madeup", "main", run_id, "company-1") as landing:
        stream = landing.stream("invoices", Window(since))
        for exchange in exchanges:
            stream.add(exchange)
    return read_responses(landing.folder)


@pytest.mark.parametrize(
    "body",
    [
        b'{"items": [1.10]}',
        b"",
        '{"name": "Société « Été »\u2028"}\r\n'.encode(),
        "<nom>Société</nom>".encode("windows-1252"),
        b"\0\xff\xfe",
    ],
)
def test_body_is_landed_byte_for_byte(home: Settings, body: bytes) -> None:
    manifest = land(home, Exchange("/invoices?page=1", body))

    assert [exchange.body for exchange in manifest.exchanges("invoices")] == [body]


def test_exchange_is_landed_whole(home: Settings) -> None:
    exchange = Exchange("/invoices?page=1", b"{}", NOON, stated_total=0)

    manifest = land(home, exchange)

    assert list(manifest.exchanges("invoices")) == [exchange]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7])
def test_exchanges_keep_their_order_over_page_files(
    home: Settings, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(responses, "PAGE_BYTES", 100)
    exchanges = [Exchange(f"/invoices?page={n}", b"x" * 30) for n in range(size)]

    manifest = land(home, *exchanges)

    (stream,) = manifest.streams
    assert list(manifest.exchanges("invoices")) == exchanges
    assert sum(page.exchange_count for page in stream.pages) == stream.exchange_count == size
    assert len(stream.pages) == (size + 1) // 2


def test_manifest_says_what_was_read(home: Settings) -> None:
    since = NOON - timedelta(hours=1)

    manifest = land(
        home,
        Exchange("/invoices?page=1", b"1234", NOON, stated_total=3),
        Exchange("/invoices?page=2", b"56", NOON + timedelta(seconds=2), stated_total=4),
        Exchange("/invoices?page=3", b""),
        since=since,
    )

    (stream,) = manifest.streams
    assert (manifest.source, manifest.entity_id, manifest.run_id, manifest.company_id) == (
        "madeup",
        "main",
        "run-1",
        "company-1",
    )
    assert (stream.name, stream.since, stream.is_full) == ("invoices", since, False)
    assert (stream.exchange_count, stream.byte_count) == (3, 6)
    assert (stream.answered_at, stream.stated_total) == (NOON, 4)
    assert manifest.folder == str(home.landing_dir / "madeup/main/run=run-1")


def test_stream_without_an_answer_was_read_all_the_same(home: Settings) -> None:
    (stream,) = land(home).streams

    assert (stream.name, stream.is_full, stream.pages) == ("invoices", True, ())


def test_stream_that_is_begun_again_replaces_what_was_written_of_it(home: Settings) -> None:
    with land_responses(home, "madeup", "main", "run-1", "company-1") as landing:
        landing.stream("invoices", Window(NOON)).add(Exchange("/changes", b"old"))
        landing.stream("invoices", Window()).add(Exchange("/invoices", b"new"))

    manifest = read_responses(landing.folder)
    assert [exchange.body for exchange in manifest.exchanges("invoices")] == [b"new"]
    assert [stream.since for stream in manifest.streams] == [None]


def test_reading_that_fails_leaves_nothing(home: Settings) -> None:
    def read() -> None:
        with land_responses(home, "madeup", "main", "run-1", "company-1") as landing:
            landing.stream("invoices", Window()).add(Exchange("/invoices", b"{}"))
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        read()

    assert list((home.landing_dir / "madeup/main").iterdir()) == []


def test_what_a_killed_run_left_is_replaced(home: Settings) -> None:
    left = home.landing_dir / "madeup/main/run=run-1.partial/invoices"
    left.mkdir(parents=True)
    (left / "page-00001.jsonl.gz").write_bytes(b"half a pa")

    land(home, Exchange("/invoices", b"{}"))

    assert [path.name for path in (home.landing_dir / "madeup/main").iterdir()] == ["run=run-1"]


def test_page_that_was_changed_is_not_read(home: Settings) -> None:
    manifest = land(home, Exchange("/invoices", b"{}"))
    page = Path(manifest.folder) / "invoices/page-00001.jsonl.gz"
    page.write_bytes(page.read_bytes() + b"\0")

    with pytest.raises(FatalError, match="is not what was landed"):
        list(manifest.exchanges("invoices"))


def test_page_that_is_gone_is_told_in_one_line(home: Settings) -> None:
    manifest = land(home, Exchange("/invoices", b"{}"))
    (Path(manifest.folder) / "invoices/page-00001.jsonl.gz").unlink()

    with pytest.raises(FatalError, match="cannot be read: No such file"):
        list(manifest.exchanges("invoices"))


def test_full_disk_is_told_in_one_line(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(FatalError, match=r"the disk of .* is full"):
        land(home, Exchange("/invoices", b"{}"))


def test_entity_that_is_a_plain_name_is_the_name_of_its_folder() -> None:
    assert folder_name("fr-holding_2") == "fr-holding_2"


@pytest.mark.parametrize("entity_id", ["", ".", "..", "a/b", "../x", "A\0B", "é" * 300, "x" * 300])
def test_entity_of_any_text_is_one_safe_folder(entity_id: str) -> None:
    name = folder_name(entity_id)

    assert Path(name).name == name
    assert name.isascii()
    assert 1 < len(name) < 100


def test_entities_that_look_alike_stay_apart() -> None:
    entities = ["acme", "ACME", "Acme", "acme ", "ac/me", "ac-me", "ac me", "x" * 61, "x" * 62]

    assert len({folder_name(entity).lower() for entity in entities}) == len(entities)


def test_manifest_counts_the_records_that_the_answers_held(home: Settings) -> None:
    with land_responses(home, "madeup", "main", "run-1", "company-1") as landing:
        stream = landing.stream("invoices", Window())
        stream.add(Exchange("/invoices?page=1", b"{}"), 100)
        stream.add(Exchange("/invoices?page=2", b"{}"), 7)

    (landed,) = read_responses(landing.folder).streams

    assert landed.record_count == 107


def test_manifest_without_a_count_of_records_says_so(home: Settings) -> None:
    (landed,) = land(home, Exchange("/invoices?page=1", b"{}")).streams

    assert landed.record_count is None
