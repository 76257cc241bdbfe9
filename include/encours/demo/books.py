"""The bundled demo company: made-up French B2B books of any size, the same for the same options.

    write_books(DemoOptions(invoices=2_000, months=36, seed=7), Path("demo"))

The bytes depend on the options only (Parquet: on the pyarrow version too). Customers are generated
one after the other and written at once, so memory does not grow with the volume.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from encours.demo.companies import ENTITIES, Entity
from encours.demo.control import ControlAccount
from encours.demo.days import build_days, first_day
from encours.demo.events import Ids
from encours.demo.fec_files import FecBooks, fec_file_name
from encours.demo.flat_files import CsvSink, FlatBooks, ParquetSink
from encours.demo.lives import Volume, customer_lives
from encours.demo.rates import dollar_rates
from encours.demo.tables import TABLES
from encours.demo.world import World
from encours.errors import BadInput

FORMATS = ("csv", "parquet", "fec")
# Fixed, so that a demo made on any day is the same demo.
DEFAULT_END = date(2026, 6, 30)
_MOST_MONTHS = 240
_YEARS = (1990, 2099)


@dataclass(frozen=True)
class DemoOptions:
    """How much to generate. `end` is the day on which the books are looked at."""

    invoices: int
    months: int
    seed: int
    format: str = "csv"
    end: date = DEFAULT_END
    entities: tuple[Entity, ...] = ENTITIES
    first_company: int = 0


@dataclass(frozen=True)
class DemoSummary:
    """What was written: rows by table (lines by file for FEC), receivable by entity in euros."""

    out: Path
    rows: Mapping[str, int]
    receivable: Mapping[str, Decimal]


def write_books(options: DemoOptions, out: Path) -> DemoSummary:
    """Writes the demo books into the folder `out`, which is made if need be."""
    _check(options)
    _prepare_folder(options, out)
    days = build_days(options.end, options.months)
    rates = dollar_rates(options.seed, days)
    world = World(options.seed, days, rates, Ids(), options.entities, options.first_company)
    control = ControlAccount(world)
    with _open_books(options, world, out) as books:
        for customer, life in customer_lives(world, Volume(options.invoices, options.months)):
            control.add(customer, life)
            books.add(customer, life)
        rows = books.finish(control)
    receivable = {key: Decimal(cents).scaleb(-2) for key, cents in control.totals().items()}
    return DemoSummary(out, rows, receivable)


def _open_books(options: DemoOptions, world: World, out: Path) -> FlatBooks | FecBooks:
    if options.format == "fec":
        return FecBooks(world, out)
    return FlatBooks(world, ParquetSink(out) if options.format == "parquet" else CsvSink(out))


def _check(options: DemoOptions) -> None:
    if options.format not in FORMATS:
        raise BadInput(f"unknown format {options.format!r}", mend=f"use {', '.join(FORMATS)}")
    if options.invoices < 1:
        raise BadInput("the number of invoices is below 1", mend="ask for at least one invoice")
    if not 1 <= options.months <= _MOST_MONTHS:
        raise BadInput(
            f"{options.months} months of history", mend=f"use 1 to {_MOST_MONTHS} months"
        )
    first, last = _YEARS
    if not (first <= first_day(options.end, options.months).year and options.end.year <= last):
        raise BadInput(
            f"history outside {first} to {last}", mend="choose another end date or fewer months"
        )


def _file_names(options: DemoOptions) -> set[str]:
    if options.format != "fec":
        return {f"{table}.{options.format}" for table in TABLES}
    years = range(first_day(options.end, options.months).year, options.end.year + 1)
    return {fec_file_name(e.siren, year, options.end) for e in options.entities for year in years}


def _prepare_folder(options: DemoOptions, out: Path) -> None:
    """Files of an earlier demo with other options would be read as part of these books."""
    if out.exists() and not out.is_dir():
        raise BadInput("is a file", where=str(out), mend="name a folder")
    out.mkdir(parents=True, exist_ok=True)
    expected = _file_names(options)
    for path in sorted(out.iterdir()):
        if path.suffix.lower() in (".csv", ".parquet", ".txt") and path.name not in expected:
            raise BadInput(
                "the folder holds other data", where=str(path), mend="choose an empty folder"
            )
