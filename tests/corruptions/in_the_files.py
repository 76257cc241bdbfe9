"""Corruptions of files and answers that are refused before anything of them is loaded, or row by
row while they are: each says what a person is told."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import fec_samples as fec
import msgspec
import warehouse_steps as steps
from api_steps import access_of
from scripted_server import StillClock

from corruptions.good_books import good_books, write_delivery
from encours.landing.responses import read_responses
from encours.orchestration import extract, ingest
from encours.orchestration.run_ids import new_run_id
from encours.sandbox.server import Sandbox
from encours.settings import Settings
from encours.sources.registry import API_SOURCES

DAY = date(2025, 6, 10)
API = "xero"
ENTITY = "company"


@dataclass(frozen=True)
class Bench:
    """A home that has loaded good books, and a stand-in that serves others."""

    home: Settings
    folder: Path
    sandbox: Sandbox


@dataclass(frozen=True)
class Refused:
    """`act` delivers and loads what is corrupted; `told` is part of what the person reads."""

    act: Callable[[Bench], None]
    told: str
    why: str

    @property
    def name(self) -> str:
        return self.act.__name__


# ---------------------------------------------------------------- flat files


def _books(bench: Bench) -> Path:
    return write_delivery([good_books("good", DAY)], DAY, bench.folder / "books")


def _rewritten(folder: Path, stream: str, change: Callable[[bytes], bytes]) -> Path:
    path = folder / f"{stream}.csv"
    path.write_bytes(change(path.read_bytes()))
    return folder


def cut_a_file_in_the_middle_of_a_row(bench: Bench) -> None:
    steps.ingest_files(
        bench.home, _rewritten(_books(bench), "documents", lambda text: text[: len(text) // 2 + 9])
    )


def encode_as_windows_1252(bench: Bench) -> None:
    steps.ingest_files(
        bench.home,
        _rewritten(_books(bench), "customers", lambda text: text.decode().encode("cp1252")),
    )


def encode_as_utf_16(bench: Bench) -> None:
    steps.ingest_files(
        bench.home,
        _rewritten(_books(bench), "documents", lambda text: text.decode().encode("utf-16")),
    )


def empty_a_file(bench: Bench) -> None:
    steps.ingest_files(bench.home, _rewritten(_books(bench), "documents", lambda _: b""))


def lose_a_column(bench: Bench) -> None:
    steps.ingest_files(
        bench.home,
        _rewritten(
            _books(bench),
            "documents",
            lambda text: text.replace(b"amount_incl_tax", b"amount_total", 1),
        ),
    )


def lose_the_documents(bench: Bench) -> None:
    folder = _books(bench)
    (folder / "documents.csv").unlink()
    steps.ingest_files(bench.home, folder)


def repeat_the_header(bench: Bench) -> None:
    """Two exports in one file."""
    steps.ingest_files(
        bench.home,
        _rewritten(_books(bench), "payments", lambda text: text + text.splitlines()[0] + b"\n"),
    )


def write_thousands_separators(bench: Bench) -> None:
    steps.ingest_files(
        bench.home,
        _rewritten(
            _books(bench), "documents", lambda text: text.replace(b",1440.60,", b',"1,440.60",')
        ),
    )


def write_day_before_month(bench: Bench) -> None:
    steps.ingest_files(
        bench.home,
        _rewritten(
            _books(bench), "payments", lambda text: text.replace(b"2025-05-28", b"28/05/2025")
        ),
    )


def cut_a_parquet_file(bench: Bench) -> None:
    folder = _books(bench)
    (folder / "documents.csv").unlink()
    (folder / "documents.parquet").write_bytes(b"PAR1" + bytes(200))
    steps.ingest_files(bench.home, folder)


def _landed(bench: Bench) -> tuple[str, Path]:
    run_id = new_run_id()
    folder = ingest.land(bench.home, "files", run_id, [str(_books(bench))])
    (path,) = Path(folder).glob("*/documents.csv")
    return run_id, path


def change_a_landed_file(bench: Bench) -> None:
    run_id, path = _landed(bench)
    path.write_bytes(path.read_bytes().replace(b"1440.60", b"9440.60"))
    ingest.load(bench.home, "files", run_id, str(path.parent.parent))


def cut_a_landed_file(bench: Bench) -> None:
    """At the end of a row, where nothing shows in the file itself."""
    run_id, path = _landed(bench)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-20]))
    ingest.load(bench.home, "files", run_id, str(path.parent.parent))


def lose_a_landed_file(bench: Bench) -> None:
    run_id, path = _landed(bench)
    path.unlink()
    ingest.load(bench.home, "files", run_id, str(path.parent.parent))


# ---------------------------------------------------------------- accounting files


def _ledger(bench: Bench, content: bytes, name: str = "123456789FEC20241231.txt") -> None:
    path = bench.folder / name
    path.write_bytes(content)
    steps.ingest_fec(bench.home, path)


def cut_a_ledger(bench: Bench) -> None:
    _ledger(bench, fec.fec_bytes(fec.ledger())[:-60])


def write_a_ledger_with_dots(bench: Bench) -> None:
    lines = fec.ledger()
    lines[4].update(Credit="200.00")
    _ledger(bench, fec.fec_bytes(lines))


def date_a_line_on_no_day(bench: Bench) -> None:
    lines = fec.ledger()
    lines[4].update(EcritureDate="20230230")
    _ledger(bench, fec.fec_bytes(lines))


def lose_a_column_of_a_ledger(bench: Bench) -> None:
    columns = [name for name in fec.LEGAL if name != "CompteNum"]
    _ledger(bench, fec.fec_bytes(fec.ledger(), columns=columns))


def deliver_a_year_twice(bench: Bench) -> None:
    content = fec.fec_bytes(fec.ledger())
    paths = [bench.folder / part / "123456789FEC20241231.txt" for part in ("one", "two")]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(content)
    steps.ingest_fec(bench.home, *paths)


# ---------------------------------------------------------------- answers of an API


def _reading(bench: Bench, entity: str = ENTITY) -> extract.Reading:
    known = API_SOURCES[API]

    def open_client(access: Any) -> Any:
        return known.open_client(access, patience=StillClock().patience(read_seconds=0.3))

    source = replace(known, open_client=open_client)
    return extract.Reading(new_run_id(), source, access_of(bench.sandbox, API, entity), True)


def _read(bench: Bench, reading: extract.Reading) -> Path:
    return Path(extract.land_company(bench.home, reading))


def _load(bench: Bench, reading: extract.Reading, folder: Path) -> None:
    extract.load_company(bench.home, reading.source, reading.run_id, str(folder))


def _first_page(folder: Path) -> Path:
    return sorted(folder.glob("*/page-00001.jsonl.gz"))[0]


def lose_a_page_of_answers(bench: Bench) -> None:
    """The answers agree with their manifest, and the source says that it has more."""
    reading = _reading(bench)
    folder = _read(bench, reading)
    manifest = read_responses(folder)
    (stream,) = (one for one in manifest.streams if one.name == "invoices")
    path = folder / stream.name / stream.pages[0].name
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    answer = msgspec.json.decode(lines[0])
    body = msgspec.json.decode(answer["body"])
    body["Invoices"] = body["Invoices"][1:]
    answer["body"] = msgspec.json.encode(body).decode()
    content = gzip.compress(b"".join([msgspec.json.encode(answer) + b"\n", *lines[1:]]))
    path.write_bytes(content)
    page = replace(
        stream.pages[0], byte_count=len(content), sha256=hashlib.sha256(content).hexdigest()
    )
    streams = tuple(
        replace(one, pages=(page, *one.pages[1:])) if one is stream else one
        for one in manifest.streams
    )
    (folder / "manifest.json").write_bytes(msgspec.json.encode(replace(manifest, streams=streams)))
    _load(bench, reading, folder)


def change_a_landed_answer(bench: Bench) -> None:
    reading = _reading(bench)
    folder = _read(bench, reading)
    page = _first_page(folder)
    page.write_bytes(page.read_bytes()[:-7])
    _load(bench, reading, folder)


def lose_a_landed_answer(bench: Bench) -> None:
    reading = _reading(bench)
    folder = _read(bench, reading)
    _first_page(folder).unlink()
    _load(bench, reading, folder)


def cut_answers_short(bench: Bench) -> None:
    bench.sandbox.faults.add("truncated", times=100)
    _load(bench, reading := _reading(bench), _read(bench, reading))


def answer_with_a_web_page(bench: Bench) -> None:
    """A sign-in page with status 200, as a proxy sends it."""
    bench.sandbox.faults.add("html_page", times=100)
    _load(bench, reading := _reading(bench), _read(bench, reading))


def open_another_company(bench: Bench) -> None:
    """The same connection, and behind it the books of somebody else."""
    first = _reading(bench, "switched")
    _load(bench, first, _read(bench, first))
    bench.sandbox.faults.add("switched_account")
    _load(bench, then := _reading(bench, "switched"), _read(bench, then))


def load_an_old_reading_again(bench: Bench) -> None:
    old = _reading(bench, "reread")
    old_folder = _read(bench, old)
    new = _reading(bench, "reread")
    _load(bench, new, _read(bench, new))
    _load(bench, old, old_folder)


REFUSED = (
    Refused(
        cut_a_file_in_the_middle_of_a_row,
        "fields",
        "Half of the invoices would be missing, and the last one half an amount.",
    ),
    Refused(encode_as_windows_1252, "UTF-8", "No name with an accent would be found."),
    Refused(encode_as_utf_16, "UTF-16", "Every second byte would be a sign of its own."),
    Refused(empty_a_file, "empty", "A company would be owed nothing."),
    Refused(lose_a_column, "amount_incl_tax", "An amount that is not there is no zero."),
    Refused(lose_the_documents, "documents", "Payments without a single invoice."),
    Refused(repeat_the_header, "payment_type", "A row of names in the place of a payment."),
    Refused(write_thousands_separators, "thousands", "1,440.60 would be read as 1.44 or as two."),
    Refused(write_day_before_month, "date", "28/05 has one meaning, 05/06 has two."),
    Refused(cut_a_parquet_file, "Parquet", "What is left of a file is no delivery."),
    Refused(change_a_landed_file, "sha256", "What is loaded must be what was delivered."),
    Refused(cut_a_landed_file, "sha256", "Twenty invoices would be gone without a trace."),
    Refused(lose_a_landed_file, "cannot be read", "A delivery without its documents."),
    Refused(cut_a_ledger, "the file stops in the middle", "The year would end in October."),
    Refused(write_a_ledger_with_dots, "dot used as decimal mark", "200.00 is 20000 to a reader."),
    Refused(date_a_line_on_no_day, "no such day", "30 February belongs to no month."),
    Refused(lose_a_column_of_a_ledger, "CompteNum", "Without accounts nothing is receivable."),
    Refused(deliver_a_year_twice, "a second file for the year", "Everything would count twice."),
    Refused(lose_a_page_of_answers, "where the source states", "An invoice would be missing."),
    Refused(change_a_landed_answer, "sha256", "What is loaded must be what was answered."),
    Refused(lose_a_landed_answer, "cannot be read", "A reading without its first page."),
    Refused(cut_answers_short, "breaks off", "Half an answer is not an answer."),
    Refused(answer_with_a_web_page, "web page", "A sign-in page would be a company without books."),
    Refused(open_another_company, "another company", "Two companies' books would be one."),
    Refused(load_an_old_reading_again, "start a new run", "What was read since would be undone."),
)
